"""Batches: contiguous runs of a partition's units that are computed together because they fit the memory budget.

Computing a size of n bytes (see `sizing`) takes `OVERHEAD` + factor × n, where the *factor* begins with a guess and
follows the peaks that were measured.
"""

from collections.abc import Iterator, Mapping

import attrs
import polars as pl

from basalt.planning.program import Program
from basalt.planning.sizing import Sizes, Units

OVERHEAD = 64 * 10**6  # bytes a pass takes whatever it computes: readers, buffers, pages not yet given back
AGGREGATED, MATERIALISED = 1.0, 3.0  # the factor before anything is measured
LEAST, MOST = 0.5, 20.0  # the factor's bounds: some of what is measured is another's doing
MARGIN = 1.15  # units of one size need not take the same
LEARNED_FROM = 16 * 10**6  # bytes: a smaller batch says nothing about the factor
RISE, FALL = 0.8, 0.4  # the part of a measured difference that is taken over
ITSELF = 256 * 10**6  # bytes of libraries at most: more that a process holds is its user's, and in no budget of ours
SPARE = 0.05  # the part of a budget that is left for what is freed and not yet given back
ALWAYS = 100 * 10**6  # bytes that batches may take however little is left: less makes them slow, not small


def room(budget: int, held: int) -> int:
    """Bytes that batches may take of a budget for the whole process. `held`: what it holds before the first batch."""
    return max(round((1 - SPARE) * budget) - min(held, ITSELF) - OVERHEAD, min(budget, ALWAYS))


@attrs.frozen(eq=False)
class Batch:
    """Units `first` to `first + count - 1`; none only where the partition has none.

    `wanted`: by key column, whose rows it reads. `size`: in bytes. `alone`: one unit, larger than there is room
    for.
    """

    number: int
    first: int
    count: int
    wanted: Mapping[str, pl.Series]
    size: int
    alone: bool


@attrs.define
class Factor:
    """Bytes of memory for a byte of size, in one pass; to be kept over the dates of a run. `highest`: growth seen."""

    value: float
    highest: int = 0

    @classmethod
    def of(cls, program: Program) -> "Factor":
        """The first guess: aggregations stream; transforms, and modules over tables, hold what they read."""
        reads_tables = any(set(use.inputs) != {"source"} for use in program.frame_uses)
        return cls(MATERIALISED if program.steps or reads_tables else AGGREGATED)

    def need(self, size: int) -> int:
        """Bytes that computing so much is expected to take."""
        return OVERHEAD + round(self.value * size)

    def fitting(self, room: int) -> float:
        """The size that may be computed in so many bytes, beside `OVERHEAD`."""
        return room / (self.value * MARGIN)

    def learn(self, size: int, growth: int) -> None:
        """`growth`: the peak while so much was computed, less what was resident before the run's first batch.

        Memory is not all given back at once, so a peak below an earlier one does not tell how it came about: it may
        lower the factor, never raise it.
        """
        if size < LEARNED_FROM:
            return
        seen = min(MOST, max(LEAST, (growth - OVERHEAD) / size))
        if seen < self.value:
            self.value += FALL * (seen - self.value)
        elif growth > self.highest:
            self.value += RISE * (seen - self.value)
        self.highest = max(self.highest, growth)


class Batches(Iterator[Batch]):
    """The batches of a pass and partition, each cut when it is asked for, by what the ones before it took.

    `room`: bytes that each may take, as the function of that name tells.
    """

    def __init__(self, units: Units, sizes: Sizes, room: int, factor: Factor) -> None:
        self._units = units
        self._always = sizes.always
        self._upto: list[int] = [0, *sizes.units.cum_sum()]
        self._room = room
        self._factor = factor
        self._next = 0
        self._number = 0

    def __next__(self) -> Batch:
        first = self._next
        if first == self._units.count and self._number:
            raise StopIteration
        fitting = self._factor.fitting(self._room) - self._always
        count = self._count(first, fitting)
        size = self._upto[first + count] - self._upto[first]
        made = Batch(self._number, first, count, self._units.wanted(first, count), self._always + size, size > fitting)
        self._next += count
        self._number += 1
        return made

    def measured(self, batch: Batch, growth: int) -> None:
        """What computing the batch took, as `Factor.learn` takes it."""
        self._factor.learn(batch.size, growth)

    def _count(self, first: int, fitting: float) -> int:
        """As many units as fit, and one at least where one is left."""
        last = min(first + 1, self._units.count)
        while last < self._units.count and self._upto[last + 1] - self._upto[first] <= fitting:
            last += 1
        return last - first
