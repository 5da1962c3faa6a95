"""Indications from order events, slowly: every order in a dictionary, all of them uncrossed anew at each moment.

Streams are rows of (ns, order, side, action, price, size, executed), phases (start, end) with end None where none is.
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from basalt_analytics.auction.uncross import Uncrossed, uncross

Row = tuple[int, str, str, str, float | None, float | None, float]
Phase = tuple[int, int | None]


class Orders:
    """What rests, by order."""

    def __init__(self) -> None:
        self.resting: dict[str, tuple[str, float | None, float]] = {}

    def apply(self, row: Row) -> None:
        """A sound row."""
        _, order, side, action, price, size, _ = row
        if action == "Remove":
            self.resting.pop(order, None)
            return
        before = self.resting.get(order) if action == "Update" else None
        kept = before[1] if before and price is None else price
        self.resting[order] = (side, kept, size or 0.0)

    def of(self, side: str) -> list[tuple[float | None, float]]:
        """(price, size) of those on the side."""
        return [(price, size) for own, price, size in self.resting.values() if own == side]


def sound(rows: Sequence[Row], phases: Sequence[Phase]) -> list[Row]:
    """Rows with a size from 0 on; an insert without a price only in a phase, where it is a market order."""
    return [
        row
        for row in rows
        if row[3] == "Remove"
        or (
            (row[5] is not None and isfinite(row[5]) and row[5] >= 0)
            and (row[3] == "Update" or row[4] is not None or _phase(row[0], phases) is not None)
        )
    ]


def by_event(rows: Sequence[Row], phases: Sequence[Phase], **how: Any) -> Iterator[tuple[int, Uncrossed]]:
    """After each event of a phase, until it executes."""
    orders, done = Orders(), set[Phase]()
    for row in sound(rows, phases):
        phase = _phase(row[0], phases)
        if phase is not None and row[6] > 0:
            done.add(phase)
        orders.apply(row)
        if phase is not None and phase not in done:
            yield row[0], uncross(orders.of("Bid"), orders.of("Ask"), **how)


def at_edges(
    rows: Sequence[Row], phases: Sequence[Phase], every: int, right: bool, **how: Any
) -> Iterator[tuple[int, Uncrossed]]:
    """At each multiple of `every` inside a phase, with the events up to it, or before it where not `right`."""
    rows = sound(rows, phases)
    for start, end in phases:
        last = -(-rows[-1][0] // every) * every if end is None else end
        own = [row for row in rows if start <= row[0] and (end is None or row[0] < end)]
        first_fill = next((row for row in own if row[6] > 0), None)
        for edge in range((start // every + 1) * every, last + 1, every):
            if first_fill is not None and edge > first_fill[0]:
                break
            orders, applied = Orders(), 0
            for row in rows:
                late = row[0] > edge if right else row[0] >= edge
                if late or row is first_fill or (end is not None and row[0] >= end):
                    break
                orders.apply(row)
                applied += 1
            if applied:
                yield edge - (not right), uncross(orders.of("Bid"), orders.of("Ask"), **how)


def _phase(at: int, phases: Sequence[Phase]) -> Phase | None:
    return next((one for one in phases if one[0] <= at and (one[1] is None or at < one[1])), None)
