"""Module trade, group volatility: returns from trade to trade, or on a grid of last prices; a stretch knows no price of
another.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import estimators as est
from .clock import Row, nanoseconds
from .day import Cell, Column
from .grids import memories, of_events, on_grid
from .intervals import admissible
from .trade_groups import Group
from .volatility import STRIDED, Sample, value


class Measured(dict[int, Cell]):
    """Cells of whatever buckets are asked for."""

    def __init__(self, group: Group, measure: str, rows: Sequence[Row]) -> None:
        super().__init__()
        self.group, self.measure, self.rows = group, measure, rows
        self.timed = [(r["EventTimestamp"], r["Price"] if r["Price"] > 0 else None) for r in rows]

    def __missing__(self, label: int) -> Cell:
        """From the returns of the bucket, weighed by their number."""
        sample = self._sample(label)
        found = value(self.measure, sample, self.group.options)
        return Cell(found, sample.n)

    def _sample(self, label: int) -> Sample:
        group, options = self.group, self.group.options
        interval = group.rule.interval(label)
        if options.get("sampling", "event") == "event":
            places: dict[int, list[int]] = {}
            for k, row in enumerate(self.rows):
                places.setdefault(group.rule.bucket(row["EventTimestamp"]), []).append(k)
            found = of_events(self.timed, group.runs, {k: v for k, v in places.items() if k == label})
            return Sample(found.get(label, []), [], admissible(group.runs, interval) / 1e9, None)
        step, strict = nanoseconds(options["sampling"]), group.rule.closed == "left"
        found_at = [m for run in group.runs for m in memories(self._inside(run), [run])]
        age = None if options.get("max_age") is None else nanoseconds(options["max_age"])
        returns = on_grid(found_at, interval, step, strict, age)
        strides = on_grid(found_at, interval, step, strict, age, options.get("subsample", 5))
        return Sample([returns], strides, len(est.known([returns])) * step / 1e9, step / 1e9)

    def _inside(self, run: tuple[float, float]) -> list[tuple[int, float | None]]:
        return [(t, x) for t, x in self.timed if run[0] <= t < run[1]]


def volatility(group: Group) -> None:
    """One column a side and measure."""
    for side in group.sides:
        rows = group.of(side)
        for measure in group.options["measures"]:
            name = group.named(
                "Trade{side}{measure}{grid}", side=side, measure=measure, grid=grid_token(group, measure)
            )
            rollup = {"ReturnCount": "sum", "RV": "sum", "ZeroReturnShare": "mean"}.get(measure, "none")
            group.columns[name] = Column(Measured(group, measure, rows), "chain", rollup, group.runs)


def grid_token(group: Group, measure: str) -> str:
    """Grid, and what an estimator adds to it."""
    sampling: Mapping[str, Any] = group.options
    token = "" if sampling.get("sampling", "event") == "event" else str(sampling["sampling"])
    if measure in STRIDED:
        return f"{token}K{sampling.get('subsample', 5)}"
    return f"{token}H{sampling.get('kernel_bandwidth', 5)}" if measure == "RK" else token
