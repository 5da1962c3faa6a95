"""What each event's order was before it: tracked from event to event, where a feed tells only what is new."""

from math import inf

import numpy as np
from numba import njit

from basalt_analytics.kernels.book import (
    AT,
    DO,
    INSERT,
    ORDER,
    RANK,
    REMOVE,
    SIZE,
    SNAPSHOT,
    THERE,
    Array,
    Events,
)


def before(events: Events, orders: int) -> tuple[Array, Array]:
    """By row, rank of the price (Int32; −1: none) and displayed size (NaN: not known) of the order before it."""
    ranks, sizes = np.full(len(events.facts), -1, np.int32), np.full(len(events.facts), np.nan)
    _before(*events, np.zeros((orders, 3), np.int32), np.zeros(orders), ranks, sizes)
    return ranks, sizes


@njit(cache=True, nogil=True)
def _before(facts: Array, amounts: Array, orders: Array, held: Array, ranks: Array, sizes: Array) -> None:
    for row in range(len(facts)):
        action, order, size = facts[row, DO], facts[row, ORDER], amounts[row, SIZE]
        if action == SNAPSHOT:
            orders[:, THERE] = 0
        if action == INSERT:
            sizes[row] = 0.0
        if action < 0 or order < 0:
            continue
        if orders[order, THERE] and action != INSERT:
            ranks[row], sizes[row] = orders[order, AT], held[order]
        if action == REMOVE:
            orders[order, THERE] = 0
        elif 0 <= size < inf:
            if facts[row, RANK] >= 0 or not orders[order, THERE]:
                orders[order, AT] = facts[row, RANK]
            orders[order, THERE], held[order] = 1, size
