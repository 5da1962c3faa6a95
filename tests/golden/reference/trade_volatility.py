"""Module trade, group volatility: returns from trade to trade, or on a grid of last prices; a stretch knows no price of
another.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import estimators as est
from .chained import chained
from .clock import Row, nanoseconds
from .day import Cell, Column
from .grids import memories, of_events, on_grid
from .intervals import admissible
from .trade_bars import in_buckets
from .trade_groups import Group
from .volatility import RANGES, STRIDED, Sample, _of_windows, value


class Measured(dict[int, Cell]):
    """Cells of whatever buckets are asked for."""

    def __init__(self, group: Group, measure: str, rows: Sequence[Row]) -> None:
        super().__init__()
        self.group, self.measure, self.rows = group, measure, rows
        self.timed = [(r["EventTimestamp"], r["Price"] if r["Price"] > 0 else None) for r in rows]

    def __missing__(self, label: int) -> Cell:
        """From the returns of the bucket, weighed by their number."""
        sample = self.sample(label)
        found = value(self.measure, sample, self.group.options)
        return Cell(found, sample.n)

    def sample(self, label: int) -> Sample:
        group, options = self.group, self.group.options
        interval = group.rule.interval(label)
        if options.get("sampling", "event") == "event":
            places: dict[int, list[int]] = {}
            for k, row in enumerate(self.rows):
                places.setdefault(group.rule.bucket(row["EventTimestamp"]), []).append(k)
            found = of_events(self.timed, group.runs, {k: v for k, v in places.items() if k == label})
            return Sample(found.get(label, []), [], admissible(group.time, interval) / 1e9, None)
        step, strict = nanoseconds(options["sampling"]), group.rule.closed == "left"
        found_at = [m for run in group.runs for m in memories(self._inside(run), [run], strict)]
        age = None if options.get("max_age") is None else nanoseconds(options["max_age"])
        returns = on_grid(found_at, interval, step, strict, age)
        strides = on_grid(found_at, interval, step, strict, age, options.get("subsample", 5))
        return Sample([returns], strides, len(est.known([returns])) * step / 1e9, step / 1e9)

    def _inside(self, run: tuple[float, float]) -> list[tuple[int, float | None]]:
        return [(t, x) for t, x in self.timed if run[0] <= t < run[1]]


class Windowed(Measured):
    """Cells that aggregate the volatilities of windows inside the bucket."""

    def __init__(self, group: Group, rows: Sequence[Row], window: str, aggregation: str) -> None:
        super().__init__(group, "Vol", rows)
        self.window, self.aggregation = window, aggregation

    def __missing__(self, label: int) -> Cell:
        """A return belongs to the window it ends in."""
        size = nanoseconds(self.window) // nanoseconds(self.group.options["sampling"])
        return Cell(_of_windows(self.aggregation, est.windows(self.sample(label).segments[0], size)))


class Ranged(dict[int, Cell]):
    """Cells from the bars of a side, chained as the module's bars are by default here."""

    def __init__(self, group: Group, measure: str, side: str) -> None:
        super().__init__()
        own = {id(row) for row in group.of(side)}
        every = in_buckets(group.rows, group.rule)
        timed = {k: [(r["EventTimestamp"], r["Price"] if id(r) in own else None) for r in v] for k, v in every.items()}
        self.bars = [chained(edge, timed, group.rule, group.runs) for edge in ("Open", "High", "Low", "Close")]
        self.measure = measure

    def __missing__(self, label: int) -> Cell:
        """None where the bar has no price, or one that has no logarithm."""
        bar = [column.cells[label].value for column in self.bars]
        return Cell(None if any(x is None or x <= 0 for x in bar) else RANGES[self.measure](*bar))


def volatility(group: Group) -> None:
    """One column a side and measure, and those of the windows."""
    for side in group.sides:
        rows = group.of(side)
        for measure in group.options["measures"]:
            if measure in RANGES:
                _add(group, side, measure, "", Ranged(group, measure, side))
                continue
            cells, token = Measured(group, measure, rows), grid_token(group, measure)
            _add(group, side, measure, token, cells)
            if measure in ("TSRV", "TSRVAdj"):
                _add(group, side, measure, f"{token}Negative", Flagged(cells))
        for window in group.options.get("windows", []):
            for aggregation in group.options.get("window_aggregations", ["Mean"]):
                token = f"{group.options['sampling']}Win{window}{aggregation}"
                _add(group, side, "Vol", token, Windowed(group, rows, window, aggregation))


class Flagged(dict[int, Cell]):
    """Whether another column's cells are negative."""

    def __init__(self, cells: Measured) -> None:
        super().__init__()
        self.cells = cells

    def __missing__(self, label: int) -> Cell:
        """None where that cell is."""
        value = self.cells[label].value
        return Cell(None if value is None else value < 0)


def _add(group: Group, side: str, measure: str, token: str, cells: Mapping[int, Cell]) -> None:
    name = group.named("Trade{side}{measure}{grid}", side=side, measure=measure, grid=token)
    rollup = {"ReturnCount": "sum", "RV": "sum", "ZeroReturnShare": "mean"}.get(measure, "none")
    group.columns[name] = Column(cells, "chain", rollup, group.runs)


def grid_token(group: Group, measure: str) -> str:
    """Grid, and what an estimator adds to it."""
    sampling: Mapping[str, Any] = group.options
    token = "" if sampling.get("sampling", "event") == "event" else str(sampling["sampling"])
    if measure in STRIDED:
        return f"{token}K{sampling.get('subsample', 5)}"
    return f"{token}H{sampling.get('kernel_bandwidth', 5)}" if measure == "RK" else token
