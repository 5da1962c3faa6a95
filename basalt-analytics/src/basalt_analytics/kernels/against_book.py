"""What each order event of one listing shows against the book of the events before it.

Events are dense as in `book`, which they are replayed on: an unknown order that is updated is adopted, and a second
insert of an order that is there takes its place. An event of no known action is none, nor is one of no known side but a
removal.
"""

from math import inf

import numpy as np
from numba import njit

from basalt_analytics.kernels.book import (
    ADOPT,
    AT,
    COUNTERS,
    DO,
    DUPLICATE,
    EXECUTED,
    ON,
    ORDER,
    RANK,
    REMOVE,
    SIDE,
    SIZE,
    SNAPSHOT,
    THERE,
    UNKNOWN_REMOVE,
    UNKNOWN_UPDATE,
    UPDATE,
    Array,
    Events,
    empty_book,
    fits,
    hide,
    show,
)

IS_DUPLICATE, IS_UNKNOWN, IS_AWAY, IS_LOCKED, IS_CROSSED = range(5)


def shown(events: Events, orders: int, ranks: int) -> Array:
    """Five a row: whether the event inserts an order that is there, changes one that is not, executes one away from the
    best price; whether the book behind it is locked, is crossed."""
    found = np.zeros((len(events.facts), 5), np.bool_)
    came, counts = np.zeros(len(events.facts), np.int32), np.zeros(len(COUNTERS), np.int64)
    _shown(*events, *empty_book(orders, ranks), came, counts, found)
    return found


@njit(cache=True, nogil=True)
def _shown(
    facts: Array,
    amounts: Array,
    orders: Array,
    sizes: Array,
    quantity: Array,
    number: Array,
    words: Array,
    summary: Array,
    best: Array,
    came: Array,
    counts: Array,
    found: Array,
) -> None:
    known = 0  # orders that came since the last snapshot, those that left among them
    for row in range(len(facts)):
        action, order = facts[row, DO], facts[row, ORDER]
        if action == SNAPSHOT:
            for one in came[:known]:
                if orders[one, THERE]:
                    hide(one, orders, sizes, quantity, number, words, summary, best)
                    orders[one, THERE] = 0
            known = 0
        duplicates, unknown = counts[DUPLICATE], counts[UNKNOWN_UPDATE] + counts[UNKNOWN_REMOVE]
        if fits(row, facts, amounts, orders, counts, ADOPT, ADOPT) > 0:
            there = orders[order, THERE] != 0
            if there:
                if action in (UPDATE, REMOVE) and 0 < amounts[row, EXECUTED] < inf:
                    rank = orders[order, AT]
                    found[row, IS_AWAY] = rank >= 0 and rank != best[orders[order, ON]]
                hide(order, orders, sizes, quantity, number, words, summary, best)
            else:
                came[known], known = order, known + 1
            if action == REMOVE:
                orders[order, THERE] = 0
            else:
                rank = facts[row, RANK]
                if rank < 0 and action == UPDATE and there:
                    rank = orders[order, AT]
                orders[order, THERE], orders[order, ON], orders[order, AT] = 1, facts[row, SIDE], rank
                sizes[order] = amounts[row, SIZE]
                show(order, orders, sizes, quantity, number, words, summary, best)
        found[row, IS_DUPLICATE] = counts[DUPLICATE] > duplicates
        found[row, IS_UNKNOWN] = counts[UNKNOWN_UPDATE] + counts[UNKNOWN_REMOVE] > unknown
        if best[0] >= 0 and best[1] >= 0:
            found[row, IS_LOCKED], found[row, IS_CROSSED] = best[0] == best[1], best[0] > best[1]
