"""Bars that open at the close before them (open_mode = prev_close), with the bars of buckets without a value."""

from collections.abc import Mapping, Sequence
from typing import Any

from .clock import Rule, last_overlapped, stretch_of
from .day import Cell, Column

ROLLUPS = {"Open": "first", "High": "max", "Low": "min", "Close": "last"}
Runs = Sequence[tuple[float, float]]
Timed = Sequence[tuple[int, float | None]]


class Chain(dict[int, Cell]):
    """Cells of buckets with a value; any other bucket asked for is at the close before it in its stretch."""

    def __init__(self, closes: Sequence[tuple[int, int | None, float]], last_rows: Any, rule: Rule, runs: Runs):
        super().__init__()
        self.closes, self.last_rows, self.rule, self.runs = closes, last_rows, rule, runs

    def __missing__(self, label: int) -> Cell:
        """The stretch of the bucket's last row, valid or not; without any, the last one that the bucket overlaps."""
        if label in self.last_rows:
            stretch = stretch_of(self.runs, self.last_rows[label])
        else:
            stretch = last_overlapped(self.runs, self.rule.interval(label))
        before = [x for b, s, x in self.closes if b < label and s == stretch and stretch is not None]
        return Cell(before[-1] if before else None)


def chained(edge: str, rows: Mapping[int, Timed], rule: Rule, runs: Runs) -> Column:
    """`rows`: (time, value or None) of each bucket that has rows, in order."""
    last_rows = {b: timed[-1][0] for b, timed in rows.items()}
    there = {b: [(t, x) for t, x in timed if x is not None] for b, timed in rows.items()}
    bars = {b: timed for b, timed in there.items() if timed}
    values = [(b, stretch_of(runs, t), x) for b, timed in sorted(bars.items()) for t, x in timed]
    cells = Chain(values, last_rows, rule, runs)
    for label, timed in bars.items():
        xs = [x for _, x in timed]
        own = stretch_of(runs, timed[0][0])
        before = [x for b, s, x in values if b < label and s == own]
        start = before[-1] if before else xs[0]
        bar = {"Open": start, "High": max(start, *xs), "Low": min(start, *xs), "Close": xs[-1]}
        cells[label] = Cell(bar[edge])
    return Column(cells, "chain", ROLLUPS[edge], runs)
