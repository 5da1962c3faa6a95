"""The book of one listing, replayed from its order events: the tracked orders, what they show, and what does not fit.

Events are dense: orders have codes 0, 1, …, prices ranks in ascending order, sides 0 (Bid) and 1 (Ask); −1 is null. The
compiled functions take arrays one by one: taking one out of a tuple inside the loop costs as much as the event itself.
"""

from math import inf, isnan
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from basalt_analytics.kernels.levels import next_above, next_below, occupy, vacate, words_for

Array = NDArray[Any]
INSERT, UPDATE, REMOVE, SNAPSHOT, SNAPSHOT_ROW = range(5)
ADOPT, IGNORE, ERROR = range(3)
OK, LOCKED, CROSSED, ONE_SIDED, EMPTY = range(5)
EMIT, BLANK, DROP = range(3)
COUNTERS = (
    "BadRows",
    "NegativeSizes",
    "MarketOrders",
    "DuplicateInserts",
    "ZeroSizeInserts",
    "UnknownUpdates",
    "UnknownRemoves",
    "StateMismatches",
    "HiddenExecutions",
    "ExecutionsThroughBook",
    "LockedStates",
    "CrossedStates",
    "LiveAtEnd",
)
BAD, NEGATIVE, MARKET, DUPLICATE, ZERO, UNKNOWN_UPDATE, UNKNOWN_REMOVE, MISMATCH, HIDDEN, THROUGH = range(10)
LOCKED_STATES, CROSSED_STATES, LIVE = range(10, 13)
DUST = 1e-9  # relative: sums of fractions differ by rounding alone
DO, ORDER, SIDE, RANK, OLD_RANK, UNPRICED, GAP = range(7)
SIZE, OLD_SIZE, EXECUTED = range(3)
THERE, ON, AT = range(3)
CHANGED = 2


class Events(NamedTuple):
    """Rows in order. `facts` (Int32, seven a row): action, order, −1 without an id, side, rank, rank before, whether an
    insert without a price is a market order, whether rows are missing before. `amounts` (Float64, three a row): size,
    size before, executed; NaN where null."""

    facts: Array
    amounts: Array


class Book(NamedTuple):
    """`orders` (Int32, three an order): whether it is there, its side and its rank; `sizes`: its size. By side and
    rank: `quantity` shown and `number` of orders, and which ranks are occupied. `best` by side, −1 where nobody
    rests, and behind that by side whether it changed since it was written."""

    orders: Array
    sizes: Array
    quantity: Array
    number: Array
    words: Array
    summary: Array
    best: Array


class Emissions(NamedTuple):
    """Rows to write: after which event each, and whether it is wanted. What is written: by row, side and level the
    rank, quantity and number of orders; by row the state, whether a gap makes it suspect, and whether it is kept."""

    after: Array
    wanted: Array
    rank: Array
    quantity: Array
    number: Array
    state: Array
    suspect: Array
    kept: Array


class Policies(NamedTuple):
    """`duplicate` and `unknown`: ADOPT (of a duplicate: replace), IGNORE or ERROR. `crossed`: EMIT, BLANK or DROP."""

    duplicate: int
    unknown: int
    crossed: int
    only_changes: bool


def empty_book(orders: int, ranks: int) -> Book:
    """Nobody rests."""
    words = words_for(ranks)
    return Book(
        np.zeros((orders, 3), np.int32),
        np.zeros(orders),
        np.zeros((2, ranks)),
        np.zeros((2, ranks), np.int32),
        np.zeros(2 * words, np.int64),
        np.zeros(2 * words_for(words), np.int64),
        np.array([-1, -1, 1, 1]),
    )


def emissions(after: Array, wanted: Array, levels: int) -> Emissions:
    """Rows to write, so many levels deep, filled with what stands for no level."""
    rows = len(after)
    shape = (rows, 2, levels)
    return Emissions(
        after,
        wanted,
        np.full(shape, -1, np.int32),
        np.full(shape, np.nan),
        np.full(shape, -1, np.int32),
        np.zeros(rows, np.int8),
        np.zeros(rows, np.bool_),
        np.zeros(rows, np.bool_),
    )


def replay(events: Events, out: Emissions, book: Book, policies: Policies) -> tuple[int, dict[str, int]]:
    """Replay the events on the book and write the emissions; the first row that may not stand, −1 where all may, and
    the counters."""
    counts = np.zeros(len(COUNTERS), np.int64)
    duplicate, unknown, crossed, only_changes = policies
    refused = _replay(*events, *book, *out, counts, duplicate, unknown, crossed, only_changes)
    return int(refused), dict(zip(COUNTERS, counts.tolist(), strict=True))


@njit(cache=True, nogil=True, inline="always")
def show(
    order: int, orders: Array, sizes: Array, quantity: Array, number: Array, words: Array, summary: Array, best: Array
) -> None:
    """Add the order to its level; one without a price or a size shows nothing."""
    side, rank, size = orders[order, ON], orders[order, AT], sizes[order]
    if rank < 0 or size <= 0:
        return
    before = number[side, rank]
    if before == 0:
        occupy(words, summary, side, rank)
        if best[side] < 0 or (rank > best[side] if side == 0 else rank < best[side]):
            best[side] = rank
    quantity[side, rank] += size
    number[side, rank] = before + 1
    best[CHANGED + side] = 1


@njit(cache=True, nogil=True, inline="always")
def hide(
    order: int, orders: Array, sizes: Array, quantity: Array, number: Array, words: Array, summary: Array, best: Array
) -> None:
    """Take it off; a level that nobody rests at holds exactly 0."""
    side, rank, size = orders[order, ON], orders[order, AT], sizes[order]
    if rank < 0 or size <= 0:
        return
    left = number[side, rank] - 1
    number[side, rank] = left
    quantity[side, rank] = quantity[side, rank] - size if left else 0.0
    best[CHANGED + side] = 1
    if left == 0:
        vacate(words, summary, side, rank)
        if best[side] == rank:
            best[side] = behind(words, summary, side, rank)


@njit(cache=True, nogil=True, inline="always")
def resized(
    row: int,
    order: int,
    facts: Array,
    amounts: Array,
    orders: Array,
    sizes: Array,
    quantity: Array,
    number: Array,
    best: Array,
) -> bool:
    """Whether the update only changes the size that its order shows, which is then done: most updates are such."""
    side, rank, before, size = orders[order, ON], orders[order, AT], sizes[order], amounts[row, SIZE]
    moves = facts[row, SIDE] != side or (facts[row, RANK] != rank and facts[row, RANK] >= 0)
    if moves or rank < 0 or before <= 0 or size <= 0:
        return False
    quantity[side, rank] = (quantity[side, rank] - before if number[side, rank] > 1 else 0.0) + size
    best[CHANGED + side] = 1
    sizes[order] = size
    return True


@njit(cache=True, nogil=True, inline="always")
def _place(row: int, order: int, facts: Array, amounts: Array, orders: Array, sizes: Array) -> None:
    """Put the order where the row says; one without a price stays at its own."""
    if facts[row, RANK] >= 0:
        orders[order, AT] = facts[row, RANK]
    orders[order, ON], sizes[order] = facts[row, SIDE], amounts[row, SIZE]


@njit(cache=True, nogil=True)
def behind(words: Array, summary: Array, side: int, rank: int) -> int:
    """The next occupied rank away from the touch, −1 where there is none."""
    if side == 0:
        return int(next_below(words, summary, side, rank))
    return int(next_above(words, summary, side, rank))


@njit(cache=True, nogil=True, inline="always")
def fits(row: int, facts: Array, amounts: Array, orders: Array, counts: Array, duplicate: int, unknown: int) -> int:
    """What becomes of the row, counted: 1 it is applied, 0 it is left out, −1 it may not stand."""
    action, order, size = facts[row, DO], facts[row, ORDER], amounts[row, SIZE]
    if action == REMOVE:
        if order >= 0 and orders[order, THERE]:
            return 1
        counts[UNKNOWN_REMOVE] += 1
        return -1 if unknown == ERROR else 0
    if order < 0 and action >= SNAPSHOT:
        return 0  # a book that was cleared
    if action < 0 or facts[row, SIDE] < 0 or not 0 <= size < inf:
        counts[BAD] += 1
        counts[NEGATIVE] += size < 0
        return 0
    if order < 0:
        counts[BAD] += 1
        return 0
    if action >= SNAPSHOT:
        return 1
    if action == UPDATE:
        if orders[order, THERE]:
            return 1
        counts[UNKNOWN_UPDATE] += 1
        return 1 if unknown == ADOPT else 0 if unknown == IGNORE else -1
    if facts[row, RANK] < 0 and not facts[row, UNPRICED]:
        counts[BAD] += 1
        return 0
    if orders[order, THERE]:
        counts[DUPLICATE] += 1
        if duplicate != ADOPT:
            return 0 if duplicate == IGNORE else -1
    if facts[row, RANK] < 0:
        counts[MARKET] += 1
    if size == 0:
        counts[ZERO] += 1
    return 1


@njit(cache=True, nogil=True, inline="always")
def _compare(row: int, facts: Array, amounts: Array, orders: Array, sizes: Array, best: Array, counts: Array) -> None:
    """Compare what the row says of the order before it with what is tracked."""
    order, old, x = facts[row, ORDER], amounts[row, OLD_SIZE], amounts[row, EXECUTED]
    size, rank, old_rank = sizes[order], orders[order, AT], facts[row, OLD_RANK]
    if old != size or old_rank != rank:
        other_size = not isnan(old) and abs(old - size) > DUST * max(1.0, abs(size))
        counts[MISMATCH] += other_size or (old_rank >= 0 and old_rank != rank)
    counts[HIDDEN] += x > size + DUST
    counts[THROUGH] += (x > 0) & (rank >= 0) & (rank != best[orders[order, ON]])  # no branch: none is foreseen


@njit(cache=True, nogil=True)
def _write(
    at: int,
    last: int,
    quantity: Array,
    number: Array,
    words: Array,
    summary: Array,
    best: Array,
    ranks: Array,
    quantities: Array,
    numbers: Array,
) -> None:
    """The best levels of both sides; one that did not change since row `last` was written is as it is there."""
    levels = ranks.shape[2]
    for side in range(2):
        if last >= 0 and best[CHANGED + side] == 0:
            ranks[at, side] = ranks[last, side]
            quantities[at, side] = quantities[last, side]
            numbers[at, side] = numbers[last, side]
            continue
        best[CHANGED + side] = 0
        rank = best[side]
        for level in range(levels):
            if rank < 0:
                break  # the arrays come filled with what stands for no level
            ranks[at, side, level] = rank
            quantities[at, side, level] = quantity[side, rank]
            numbers[at, side, level] = number[side, rank]
            if level + 1 < levels:
                rank = behind(words, summary, side, rank)


@njit(cache=True, nogil=True)
def _same(at: int, other: int, ranks: Array, quantities: Array, numbers: Array) -> bool:
    """Whether two written rows show the same book."""
    for side in range(2):
        for level in range(ranks.shape[2]):
            if ranks[at, side, level] != ranks[other, side, level]:
                return False
            if ranks[at, side, level] < 0:
                break
            quantity, before = quantities[at, side, level], quantities[other, side, level]
            if abs(quantity - before) > DUST * before or numbers[at, side, level] != numbers[other, side, level]:
                return False
    return True


@njit(cache=True, nogil=True)
def _state(bid: int, ask: int) -> int:
    if bid < 0 or ask < 0:
        return EMPTY if bid < 0 and ask < 0 else ONE_SIDED
    return LOCKED if bid == ask else CROSSED if bid > ask else OK


@njit(cache=True, nogil=True)
def _replay(
    facts: Array,
    amounts: Array,
    orders: Array,
    sizes: Array,
    quantity: Array,
    number: Array,
    words: Array,
    summary: Array,
    best: Array,
    after: Array,
    wanted: Array,
    ranks: Array,
    quantities: Array,
    numbers: Array,
    states: Array,
    suspects: Array,
    kept: Array,
    counts: Array,
    duplicate: int,
    unknown: int,
    crossed: int,
    only_changes: bool,
) -> int:
    written, last, shown, suspect, live = 0, -1, -1, False, 0
    for row in range(len(facts)):
        action, order = facts[row, DO], facts[row, ORDER]
        suspect = suspect or facts[row, GAP] != 0
        if action == SNAPSHOT:
            suspect, live = False, 0
            for one in range(len(orders)):
                if orders[one, THERE]:
                    hide(one, orders, sizes, quantity, number, words, summary, best)
                    orders[one, THERE] = 0
        fit = fits(row, facts, amounts, orders, counts, duplicate, unknown)
        if fit < 0:
            return row
        if fit and action == UPDATE and orders[order, THERE]:
            _compare(row, facts, amounts, orders, sizes, best, counts)
            if not resized(row, order, facts, amounts, orders, sizes, quantity, number, best):
                hide(order, orders, sizes, quantity, number, words, summary, best)
                _place(row, order, facts, amounts, orders, sizes)
                show(order, orders, sizes, quantity, number, words, summary, best)
        elif fit and action == REMOVE:
            _compare(row, facts, amounts, orders, sizes, best, counts)
            hide(order, orders, sizes, quantity, number, words, summary, best)
            orders[order, THERE] = 0
            live -= 1
        elif fit:
            if orders[order, THERE]:
                hide(order, orders, sizes, quantity, number, words, summary, best)
                live -= 1
            orders[order, THERE], orders[order, AT] = 1, facts[row, RANK]
            _place(row, order, facts, amounts, orders, sizes)
            show(order, orders, sizes, quantity, number, words, summary, best)
            live += 1
        while written < len(after) and after[written] == row:
            state = _state(best[0], best[1])
            counts[LOCKED_STATES] += state == LOCKED
            counts[CROSSED_STATES] += state == CROSSED
            states[written], suspects[written] = state, suspect
            if wanted[written] and not (state == CROSSED and crossed == DROP):
                if state != CROSSED or crossed != BLANK:
                    _write(written, shown, quantity, number, words, summary, best, ranks, quantities, numbers)
                    shown = written
                if not only_changes or last < 0 or not _same(written, last, ranks, quantities, numbers):
                    kept[written], last = True, written
            written += 1
    counts[LIVE] = live
    return -1
