"""The book of one listing, replayed from its order events: the tracked orders, what they show, and what does not fit.

Events are dense: orders have codes 0, 1, …, prices ranks in ascending order, sides 0 (Bid) and 1 (Ask); −1 is null.
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
(
    BAD,
    NEGATIVE,
    MARKET,
    DUPLICATE,
    ZERO,
    UNKNOWN_UPDATE,
    UNKNOWN_REMOVE,
    MISMATCH,
    HIDDEN,
    THROUGH,
    LOCKED_STATES,
    CROSSED_STATES,
    LIVE,
) = range(13)
DUST = 1e-9  # relative: sums of fractions differ by rounding alone


class Events(NamedTuple):
    """Rows in order. `order` Int32, −1 without an id; `rank` and `old_rank` Int32; `size`, `old_size` and `executed`
    Float64, NaN where null; `unpriced`: an insert without a price is a market order; `gap`: rows are missing before."""

    action: Array  # int8
    order: Array  # int32
    side: Array  # int8
    rank: Array  # int32
    size: Array  # float64
    old_rank: Array  # int32
    old_size: Array  # float64
    executed: Array  # float64
    unpriced: Array  # bool
    gap: Array  # bool


class Book(NamedTuple):
    """Orders by code: whether they are there, their side, rank and size. Levels by side and rank: what they show.
    `best` by side, −1 where nobody rests."""

    live: Array  # bool
    side: Array  # int8
    rank: Array  # int32
    size: Array  # float64
    quantity: Array  # float64
    orders: Array  # int32
    words: Array  # int64
    summary: Array  # int64
    best: Array  # int64


class Emissions(NamedTuple):
    """Rows to write: after which event each, and whether it is wanted. What is written: by side, level and row the
    rank, quantity and number of orders; by row the state, whether a gap makes it suspect, and whether it is kept."""

    after: Array  # int64
    wanted: Array  # bool
    rank: Array  # int32
    quantity: Array  # float64
    orders: Array  # int32
    state: Array  # int8
    suspect: Array  # bool
    kept: Array  # bool


@njit(cache=True, nogil=True)
def empty_book(orders: int, ranks: int) -> Book:
    """Nobody rests."""
    words = words_for(ranks)
    return Book(
        np.zeros(orders, np.bool_),
        np.zeros(orders, np.int8),
        np.full(orders, -1, np.int32),
        np.zeros(orders, np.float64),
        np.zeros((2, ranks), np.float64),
        np.zeros((2, ranks), np.int32),
        np.zeros((2, words), np.int64),
        np.zeros((2, words_for(words)), np.int64),
        np.full(2, -1, np.int64),
    )


@njit(cache=True, nogil=True)
def _displayed(book: Book, order: int) -> bool:
    return bool(book.rank[order] >= 0 and book.size[order] > 0)


@njit(cache=True, nogil=True)
def show(book: Book, order: int) -> None:
    """Add the order to its level."""
    if not _displayed(book, order):
        return
    side, rank = book.side[order], book.rank[order]
    if book.orders[side, rank] == 0:
        occupy(book.words[side], book.summary[side], rank)
        best = book.best[side]
        if best < 0 or (rank > best if side == 0 else rank < best):
            book.best[side] = rank
    book.quantity[side, rank] += book.size[order]
    book.orders[side, rank] += 1


@njit(cache=True, nogil=True)
def hide(book: Book, order: int) -> None:
    """Take it off."""
    if not _displayed(book, order):
        return
    side, rank = book.side[order], book.rank[order]
    book.quantity[side, rank] -= book.size[order]
    book.orders[side, rank] -= 1
    if book.orders[side, rank] == 0:
        book.quantity[side, rank] = 0.0
        vacate(book.words[side], book.summary[side], rank)
        if book.best[side] == rank:
            book.best[side] = behind(book, side, rank)


@njit(cache=True, nogil=True)
def behind(book: Book, side: int, rank: int) -> int:
    """The next occupied rank away from the touch, −1 where there is none."""
    if side == 0:
        return next_below(book.words[side], book.summary[side], rank)
    return next_above(book.words[side], book.summary[side], rank)


@njit(cache=True, nogil=True)
def place(book: Book, events: Events, row: int) -> None:
    """The row's order as the row leaves it; one without a price keeps its own."""
    order = events.order[row]
    book.live[order] = True
    book.side[order] = events.side[row]
    if events.rank[row] >= 0:
        book.rank[order] = events.rank[row]
    book.size[order] = events.size[row]
    show(book, order)


@njit(cache=True, nogil=True)
def _bad_size(size: float, counts: Array) -> bool:
    if 0 <= size < inf:
        return False
    counts[BAD] += 1
    if size < 0:
        counts[NEGATIVE] += 1
    return True


@njit(cache=True, nogil=True)
def _insert(events: Events, row: int, book: Book, counts: Array, duplicate: int) -> bool:
    """Whether the row may stand."""
    order, priced = events.order[row], events.rank[row] >= 0
    if _bad_size(events.size[row], counts):
        return True
    if order < 0 or not (priced or events.unpriced[row]):
        counts[BAD] += 1
        return True
    if book.live[order]:
        counts[DUPLICATE] += 1
        if duplicate != ADOPT:
            return bool(duplicate == IGNORE)
        hide(book, order)
    else:
        counts[LIVE] += 1
    counts[MARKET] += not priced
    counts[ZERO] += events.size[row] == 0
    book.rank[order] = -1
    place(book, events, row)
    return True


@njit(cache=True, nogil=True)
def _update(events: Events, row: int, book: Book, counts: Array, unknown: int) -> bool:
    """Whether the row may stand."""
    order = events.order[row]
    if _bad_size(events.size[row], counts):
        return True
    if order < 0:
        counts[BAD] += 1
        return True
    if not book.live[order]:
        counts[UNKNOWN_UPDATE] += 1
        if unknown != ADOPT:
            return bool(unknown == IGNORE)
        counts[LIVE] += 1
        book.rank[order] = -1
    else:
        _check(events, row, book, counts)
        hide(book, order)
    place(book, events, row)
    return True


@njit(cache=True, nogil=True)
def _remove(events: Events, row: int, book: Book, counts: Array, unknown: int) -> bool:
    """Whether the row may stand."""
    order = events.order[row]
    if order < 0 or not book.live[order]:
        counts[UNKNOWN_REMOVE] += 1
        return bool(unknown != ERROR)
    _check(events, row, book, counts)
    hide(book, order)
    book.live[order] = False
    counts[LIVE] -= 1
    return True


@njit(cache=True, nogil=True)
def _check(events: Events, row: int, book: Book, counts: Array) -> None:
    """Compare what the row says of the order before it with what is tracked."""
    order, old, x = events.order[row], events.old_size[row], events.executed[row]
    size, rank = book.size[order], book.rank[order]
    other_size = not isnan(old) and abs(old - size) > DUST * max(1.0, abs(size))
    other_rank = events.old_rank[row] >= 0 and events.old_rank[row] != rank
    counts[MISMATCH] += other_size or other_rank
    if x > 0:
        counts[HIDDEN] += x > size + DUST
        counts[THROUGH] += rank >= 0 and rank != book.best[book.side[order]]


@njit(cache=True, nogil=True)
def _clear(book: Book, counts: Array) -> None:
    for order in range(len(book.live)):
        if book.live[order]:
            hide(book, order)
            book.live[order] = False
    counts[LIVE] = 0


@njit(cache=True, nogil=True)
def _stand(events: Events, row: int, book: Book, counts: Array) -> None:
    """An order of a snapshot, which says what is, whatever was before."""
    order = events.order[row]
    if order < 0 or _bad_size(events.size[row], counts):
        return
    if book.live[order]:
        hide(book, order)
    else:
        counts[LIVE] += 1
    book.rank[order] = -1
    place(book, events, row)


@njit(cache=True, nogil=True)
def applied(events: Events, row: int, book: Book, counts: Array, duplicate: int, unknown: int) -> bool:
    """Whether the row may stand; it is applied if so."""
    action = events.action[row]
    if action == INSERT:
        return bool(_insert(events, row, book, counts, duplicate))
    if action == UPDATE:
        return bool(_update(events, row, book, counts, unknown))
    if action == REMOVE:
        return bool(_remove(events, row, book, counts, unknown))
    if action == SNAPSHOT:
        _clear(book, counts)
    _stand(events, row, book, counts)
    return True


@njit(cache=True, nogil=True)
def state_of(book: Book) -> int:
    """Which state the best prices are in."""
    bid, ask = book.best[0], book.best[1]
    if bid < 0 or ask < 0:
        return EMPTY if bid < 0 and ask < 0 else ONE_SIDED
    return LOCKED if bid == ask else CROSSED if bid > ask else OK


@njit(cache=True, nogil=True)
def _write(book: Book, out: Emissions, at: int, blank: bool) -> None:
    """The best levels of both sides; none where the row is blank."""
    levels = out.rank.shape[1]
    for side in range(2):
        rank = -1 if blank else book.best[side]
        for level in range(levels):
            out.rank[side, level, at] = rank
            if rank < 0:
                out.quantity[side, level, at] = np.nan
                out.orders[side, level, at] = -1
            else:
                out.quantity[side, level, at] = book.quantity[side, rank]
                out.orders[side, level, at] = book.orders[side, rank]
                rank = behind(book, side, rank) if level + 1 < levels else -1


@njit(cache=True, nogil=True)
def _same(out: Emissions, at: int, other: int) -> bool:
    """Whether two written rows show the same book."""
    for side in range(2):
        for level in range(out.rank.shape[1]):
            rank = out.rank[side, level, at]
            if rank != out.rank[side, level, other]:
                return False
            if rank < 0:
                break
            quantity, before = out.quantity[side, level, at], out.quantity[side, level, other]
            if abs(quantity - before) > DUST * before or out.orders[side, level, at] != out.orders[side, level, other]:
                return False
    return True


@njit(cache=True, nogil=True)
def replay(
    events: Events,
    out: Emissions,
    book: Book,
    counts: Array,
    duplicate: int,
    unknown: int,
    crossed: int,
    only_changes: bool,
) -> int:
    """Replay the events on the book and write the emissions; the first row that may not stand, −1 where all may.

    `counts`: by COUNTERS. `duplicate` and `unknown`: ADOPT (of a duplicate: replace), IGNORE or ERROR. `crossed`: EMIT,
    BLANK or DROP.
    """
    written, last, suspect = 0, -1, False
    for row in range(len(events.action)):
        suspect = (suspect or events.gap[row]) and events.action[row] != SNAPSHOT
        if not applied(events, row, book, counts, duplicate, unknown):
            return row
        while written < len(out.after) and out.after[written] == row:
            state = state_of(book)
            counts[LOCKED_STATES] += state == LOCKED
            counts[CROSSED_STATES] += state == CROSSED
            out.state[written], out.suspect[written] = state, suspect
            if out.wanted[written] and not (state == CROSSED and crossed == DROP):
                _write(book, out, written, state == CROSSED and crossed == BLANK)
                if not only_changes or last < 0 or not _same(out, written, last):
                    out.kept[written], last = True, written
            written += 1
    return -1
