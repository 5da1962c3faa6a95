"""Bars that open at the close before them (open_mode = prev_close), with the bars of buckets without a value."""

from collections.abc import Mapping, Sequence

from .clock import Rule, last_overlapped, stretch_of
from .day import Cell, Column

ROLLUPS = {"Open": "first", "High": "max", "Low": "min", "Close": "last"}
Runs = Sequence[tuple[float, float]]
Timed = Sequence[tuple[int, float]]


class Chain(dict[int, Cell]):
    """Cells of buckets with a value; any other bucket asked for is at the close before it in its stretch."""

    def __init__(self, closes: Sequence[tuple[int, int | None, float]], rule: Rule, runs: Runs) -> None:
        super().__init__()
        self.closes, self.rule, self.runs = closes, rule, runs

    def __missing__(self, label: int) -> Cell:
        stretch = last_overlapped(self.runs, self.rule.interval(label))
        before = [x for b, s, x in self.closes if b < label and s == stretch and stretch is not None]
        return Cell(before[-1] if before else None)


def chained(edge: str, bars: Mapping[int, Timed], rule: Rule, runs: Runs) -> Column:
    """`bars`: (time, valid value) of each bucket that has any, in order."""
    values = [(b, stretch_of(runs, t), x) for b, rows in sorted(bars.items()) for t, x in rows]
    cells = Chain(values, rule, runs)
    for label, rows in bars.items():
        xs = [x for _, x in rows]
        own = stretch_of(runs, rows[0][0])
        before = [x for b, s, x in values if b < label and s == own]
        start = before[-1] if before else xs[0]
        bar = {"Open": start, "High": max(start, *xs), "Low": min(start, *xs), "Close": xs[-1]}
        cells[label] = Cell(bar[edge])
    return Column(cells, "chain", ROLLUPS[edge], runs)
