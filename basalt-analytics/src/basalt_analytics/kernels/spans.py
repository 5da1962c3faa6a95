"""Spans: runs of rows cut where they would last too long, each cut being the start from which the next is measured."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def spans(at: NDArray[np.int64], begins: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Where a run begins: where one did, and at each row more than `longest` after the beginning of its own. `at`
    ascends within a run, and the first row begins one."""
    found = begins.copy()
    start = 0
    for row in range(len(at)):
        if begins[row] or at[row] - start > longest:
            found[row] = True
            start = at[row]
    return found
