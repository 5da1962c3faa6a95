"""Module trade, group twap: the last trade price weighed by the time it was the last, within the stretch."""

from collections.abc import Sequence

from .clock import Row
from .day import Cell, Column
from .trade_groups import Group

SECOND = 1e9


class Weighted(dict[int, Cell]):
    """Cells of whatever buckets are asked for: price times time over time, within bucket and stretch."""

    def __init__(self, group: Group) -> None:
        super().__init__()
        self.group = group
        self.pieces = [p for n, _ in enumerate(group.runs) for p in _pieces(group, n)]

    def __missing__(self, label: int) -> Cell:
        """The bucket's pieces; none of them: null, and of no weight."""
        start, end = self.group.rule.interval(label)
        end = min(end, self.group.time[-1][1]) if self.group.time else end
        cut = [(min(b, end) - max(a, start), price) for a, b, price in self.pieces]
        cut = [(length / SECOND, price) for length, price in cut if length > 0]
        seconds = sum(length for length, _ in cut)
        return Cell(sum(length * price for length, price in cut) / seconds if cut else None, seconds)


def _pieces(group: Group, stretch: int) -> list[tuple[float, float, float]]:
    """(from, until, price) of each trade of a stretch."""
    rows: Sequence[Row] = [r for r in group.rows if group.stretch(r) == stretch]
    ends = [*(r["EventTimestamp"] for r in rows), group.runs[stretch][1]][1:]
    return [(r["EventTimestamp"], end, r["Price"]) for r, end in zip(rows, ends, strict=bool(rows))]


def twap(group: Group) -> None:
    """One column a source."""
    for source in group.options.get("sources", ["Trade"]):
        name = group.named("{source}TWAP", source=source)
        group.columns[name] = Column(Weighted(group), "chain", "mean", group.runs)
