"""Replacement: which insert first gives back a price that executions took, by a heap of prices on each side."""

import heapq

import numpy as np
from numba import njit

from basalt_analytics.kernels.book import Array


@njit(cache=True, nogil=True)
def answers(keys: Array, takes: Array) -> Array:
    """By row, the row of the insert that answers the executions of it; −1 where none does, and for inserts.

    Rows of one side in order: executions, where `takes`, and inserts. A key is a price, ascending away from the touch:
    an insert answers everything that was taken before it at its own key or further away.
    """
    found = np.full(len(keys), -1, np.int64)
    waiting = [(np.int64(0), np.int64(0)) for _ in range(0)]
    for row in range(len(keys)):
        if takes[row]:
            heapq.heappush(waiting, (-keys[row], np.int64(row)))
            continue
        while len(waiting) > 0 and -waiting[0][0] >= keys[row]:
            found[heapq.heappop(waiting)[1]] = row
    return found
