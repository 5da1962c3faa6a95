"""Prices on a grid and their log returns; prices row by row and theirs.

A return exists where both prices do and the time between them lies inside one stretch. Memory is the stretch's: rows
before it count by the very latest of them, which is in force when the stretch opens.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import NamedTuple

from .values import near

Runs = Sequence[tuple[float, float]]
Timed = Sequence[tuple[int, float | None]]
Returns = list[float | None]


class Memory(NamedTuple):
    """Rows of one stretch that can be the last valid value at a moment of it: stamps and values, in order."""

    run: tuple[float, float]
    stamps: list[int]
    values: list[float]

    def at(self, g: int, strict: bool, max_age: int | None) -> float | None:
        """The last valid value stamped at or before `g` (before it, if strict), unless it is older than `max_age`."""
        place = (bisect_left if strict else bisect_right)(self.stamps, g) - 1
        if place < 0 or (max_age is not None and g - self.stamps[place] > max_age):
            return None
        return self.values[place]


def memories(timed: Timed, runs: Runs, strict: bool, last_instant: bool = False) -> list[Memory]:
    """One for each stretch. `timed`: (stamp, value or None) of every row, in order. `last_instant`: rows at its end are
    of the stretch, as they are of a session; where states tell, the next one has begun. `strict`: rows at a moment come
    after it, so that the row before a stretch is in force when it opens; else a row at its start is, in its place."""
    found = []
    for start, end in runs:
        before = [(t, x) for t, x in timed if t < start][-1:]
        inside = [(t, x) for t, x in timed if start <= t < end or (last_instant and t == end)]
        before = [] if not strict and inside and inside[0][0] == start else before
        known = [(t, x) for t, x in [*before, *inside] if x is not None]
        found.append(Memory((start, end), [t for t, _ in known], [x for _, x in known]))
    return found


def between(found: Sequence[Memory], start: int, end: int, strict: bool, max_age: int | None) -> float | None:
    """Log return from one moment to another."""
    for memory in found:
        if memory.run[0] <= start and end <= memory.run[1]:
            p, q = memory.at(start, strict, max_age), memory.at(end, strict, max_age)
            return None if p is None or q is None else log_return(p, q)
    return None


def log_return(p: float, q: float) -> float:
    """0 between equal prices."""
    return 0.0 if near(p, q) else log(q) - log(p)


def on_grid(
    found: Sequence[Memory],
    interval: tuple[int, int],
    step: int,
    strict: bool,
    max_age: int | None,
    stride: int = 1,
) -> Returns:
    """Returns over `stride` steps that end at each point of a bucket from the first that has room for one."""
    points = range(interval[0], interval[1] + 1, step)
    return [between(found, points[k - stride], points[k], strict, max_age) for k in range(stride, len(points))]


def of_events(timed: Timed, runs: Runs, interval_of: dict[int, list[int]]) -> dict[int, list[Returns]]:
    """By bucket, the returns of each stretch: from valid row to valid row, the first of them from the last valid row of
    an earlier bucket. `timed`: admissible rows in order; `interval_of`: the places of the rows of each bucket."""
    found: dict[int, list[Returns]] = {}
    for label, places in interval_of.items():
        segments = []
        for start, end in runs:
            known = [k for k in places if start <= timed[k][0] < end and timed[k][1] is not None]
            before = [k for k in range(places[0]) if start <= timed[k][0] < end and timed[k][1] is not None]
            prices = [x for k in [*before[-1:], *known] if (x := timed[k][1]) is not None]
            segments.append([log_return(p, q) for p, q in pairwise(prices)] if known else [])
        found[label] = [s for s in segments if s]
    return found
