"""Pieces of time on which one book is in force: cut at rows, at the edges of buckets and stretches, and at max_age."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

Runs = Sequence[tuple[float, float]]


class Piece(NamedTuple):
    """[start, end) of one bucket and stretch. `place`: number of the row in force; None before the first row, and
    where the state is too old to count."""

    start: int
    end: int
    place: int | None

    @property
    def length(self) -> int:
        """Nanoseconds."""
        return self.end - self.start


def pieces(stamps: Sequence[int], runs: Runs, interval: tuple[int, int], max_age: int | None = None) -> list[Piece]:
    """Pieces of a bucket, in order; `stamps` of the rows of every kind, in order."""
    found = []
    for run in runs:
        start, end = max(run[0], interval[0]), min(run[1], interval[1])
        if start < end:
            cuts = {t for t in stamps if start < t < end}
            if max_age is not None:
                cuts |= {t + max_age for t in stamps if start < t + max_age < end}
            edges = sorted({int(start), *cuts, int(end)})
            found += [Piece(a, b, in_force(stamps, a, max_age)) for a, b in pairwise(edges)]
    return found


def in_force(stamps: Sequence[int], at: int, max_age: int | None) -> int | None:
    """The last row stamped at or before a moment, unless it is `max_age` old."""
    place = bisect_right(stamps, at) - 1
    if place < 0 or (max_age is not None and at - stamps[place] >= max_age):
        return None
    return place


def admissible(runs: Runs, interval: tuple[int, int]) -> int:
    """Nanoseconds of a bucket inside stretches."""
    return sum(max(0, int(min(end, interval[1]) - max(start, interval[0]))) for start, end in runs)
