"""Trades of one listing, each matched to an execution of a resting order at about its time."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(cache=True, nogil=True)
def nearest(
    times: Array,
    levels: Array,
    sides: Array,
    sizes: Array,
    executed_at: Array,
    executed_sides: Array,
    executed_sizes: Array,
    starts: Array,
    within: int,
    apart: float,
) -> Array:
    """The execution of each trade, in order, -1 where none is left: of its price, of the side it met, of a size at most
    `apart` from its own, nearest in time and at most `within` (ns) away, of two as near the earlier row.

    Executions stand by price, and in order within one: those of level n from `starts[n]` to `starts[n + 1]`. A trade at
    a price of none has level -1, one whose aggressor is not known side -1, which meets any.
    """
    found, taken = np.full(len(times), -1, np.int64), np.zeros(len(executed_at), np.bool_)
    for trade in range(len(times)):
        level = levels[trade]
        if level < 0:
            continue
        first, last, now = starts[level], starts[level + 1], times[trade]
        behind = first + np.searchsorted(executed_at[first:last], now)
        best, away = -1, within
        at = behind
        while at < last and executed_at[at] - now <= away:
            if not taken[at] and _fits(trade, at, sides, sizes, executed_sides, executed_sizes, apart):
                best, away = at, executed_at[at] - now
                break
            at += 1
        at = behind - 1
        while at >= first and now - executed_at[at] <= away:
            if not taken[at] and _fits(trade, at, sides, sizes, executed_sides, executed_sizes, apart):
                best, away = at, now - executed_at[at]  # rows of one stamp go on to the earliest
            at -= 1
        if best >= 0:
            found[trade], taken[best] = best, True
    return found


@njit(cache=True, nogil=True, inline="always")
def _fits(
    trade: int, at: int, sides: Array, sizes: Array, executed_sides: Array, executed_sizes: Array, apart: float
) -> bool:
    met = sides[trade] < 0 or sides[trade] == executed_sides[at]
    return bool(met and abs(sizes[trade] - executed_sizes[at]) <= apart)
