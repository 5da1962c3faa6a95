"""Where the orders of a call auction would clear: its order events replayed, and uncrossed at moments.

Prices are ranks with their keys (price × 1e9). A *stretch* is a run of candidate prices at which both sides have the
same volume: one limit price, or the ticks between two of them.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
NONE = -(2**63)


class Steps(NamedTuple):
    """What each event makes of its order, before it and after it: side (0 Bid, 1 Ask), rank, −1 of a market order, and
    size, 0 where it does not rest."""

    old_side: Array  # int8
    old_rank: Array  # int32
    old_size: Array  # float64
    side: Array  # int8
    rank: Array  # int32
    size: Array  # float64


class Moments(NamedTuple):
    """When to uncross: after which event, and against which reference (a key, NONE without one). What is found: the key
    of the price, NONE where nothing would execute, and both sides there."""

    after: Array  # int64
    reference: Array  # int64
    price: Array  # int64
    buy: Array  # float64
    sell: Array  # float64


class Resting(NamedTuple):
    """Volume and number of orders by side and rank; the last rank is that of market orders."""

    quantity: Array  # float64
    orders: Array  # int64


class Stretches(NamedTuple):
    """First and last candidate of each stretch, ascending, as keys, and the volume of either side."""

    low: Array  # int64
    high: Array  # int64
    buy: Array  # float64
    sell: Array  # float64


@njit(cache=True, nogil=True)
def uncrossed(steps: Steps, moments: Moments, keys: Array, tick: int, near: float) -> None:
    """Replay the steps and write what each moment finds. `keys`: of the ranks. `tick`: step of the candidates as a key,
    0 where they are the limit prices. `near`: share of the larger volume within which two are equal."""
    ranks = len(keys)
    book = Resting(np.zeros((2, ranks + 1)), np.zeros((2, ranks + 1), np.int64))
    most = 2 * ranks
    room = Stretches(np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most), np.zeros(most))
    written = 0
    for row in range(len(steps.size)):
        if steps.old_size[row] > 0:
            _add(book, steps.old_side[row], steps.old_rank[row], -steps.old_size[row], -1)
        if steps.size[row] > 0:
            _add(book, steps.side[row], steps.rank[row], steps.size[row], 1)
        while written < len(moments.after) and moments.after[written] == row:
            _write(moments, written, book, keys, tick, near, room)
            written += 1


@njit(cache=True, nogil=True)
def _add(book: Resting, side: int, rank: int, size: float, orders: int) -> None:
    """Change a level; one that nobody rests at holds exactly 0."""
    book.orders[side, rank] += orders
    book.quantity[side, rank] = book.quantity[side, rank] + size if book.orders[side, rank] > 0 else 0.0


@njit(cache=True, nogil=True)
def _write(moments: Moments, at: int, book: Resting, keys: Array, tick: int, near: float, room: Stretches) -> None:
    reference, market = moments.reference[at], book.quantity[:, -1]
    found = _stretches(book, keys, tick, room)
    moments.price[at], moments.buy[at], moments.sell[at] = NONE, 0.0, 0.0
    if found == 0:
        if reference != NONE and min(market[0], market[1]) > 0:
            moments.price[at], moments.buy[at], moments.sell[at] = reference, market[0], market[1]
        return
    most, largest = 0.0, 0.0
    for i in range(found):
        most = max(most, min(room.buy[i], room.sell[i]))
        largest = max(largest, room.buy[i], room.sell[i])
    if most <= 0:
        return
    chosen = _chosen(room, found, most, near * largest)
    best, price = _priced(room, chosen, near * largest, reference, tick)
    moments.price[at], moments.buy[at], moments.sell[at] = price, room.buy[best], room.sell[best]
    if abs(room.buy[best] - room.sell[best]) <= near * largest:
        moments.sell[at] = room.buy[best]


@njit(cache=True, nogil=True)
def _stretches(book: Resting, keys: Array, tick: int, room: Stretches) -> int:
    """Fill in the stretches of the book as it stands; how many there are, 0 where nobody has a limit.

    With a tick, limits that are not a whole number of ticks from the lowest one are no candidates.
    """
    found, first, last = 0, NONE, -1
    offered = book.quantity[1, -1]
    for rank in range(len(keys)):
        if book.orders[0, rank] + book.orders[1, rank] == 0:
            continue
        key = keys[rank]
        first = key if first == NONE else first
        if tick > 0 and last >= 0:
            low = first + ((keys[last] - first) // tick + 1) * tick
            high = first + ((key - 1 - first) // tick) * tick
            if low <= high:
                room.low[found], room.high[found] = low, high
                room.buy[found], room.sell[found] = rank, offered
                found += 1
        offered += book.quantity[1, rank]
        if tick == 0 or (key - first) % tick == 0:
            room.low[found], room.high[found] = key, key
            room.buy[found], room.sell[found] = rank, offered
            found += 1
        last = rank
    _bid(book, room, found, len(keys))
    return found


@njit(cache=True, nogil=True)
def _bid(book: Resting, room: Stretches, found: int, ranks: int) -> None:
    """Put what is bid at each stretch or above in the place of its rank, from the top down."""
    wanted, rank = book.quantity[0, -1], ranks - 1
    for i in range(found - 1, -1, -1):
        while rank >= room.buy[i]:
            wanted += book.quantity[0, rank]
            rank -= 1
        room.buy[i] = wanted


@njit(cache=True, nogil=True)
def _chosen(room: Stretches, found: int, most: float, near: float) -> Array:
    """The stretches of most volume, and of these those of least surplus."""
    least = np.inf
    for i in range(found):
        if min(room.buy[i], room.sell[i]) >= most - near:
            least = min(least, abs(room.buy[i] - room.sell[i]))
    kept = np.zeros(found, np.bool_)
    for i in range(found):
        executes = min(room.buy[i], room.sell[i]) >= most - near
        kept[i] = executes and abs(room.buy[i] - room.sell[i]) <= least + near
    return np.flatnonzero(kept)


@njit(cache=True, nogil=True)
def _priced(room: Stretches, chosen: Array, near: float, reference: int, tick: int) -> tuple[int, int]:
    """The stretch that is taken, and the key in it: highest where buyers are left in all, lowest where sellers are,
    else nearest to the reference or the middle, of two the higher."""
    lowest, highest = chosen[0], chosen[-1]
    bought, sold = True, True
    for i in chosen:
        surplus = room.buy[i] - room.sell[i]
        bought, sold = bought and surplus > near, sold and surplus < -near
    if bought:
        return highest, room.high[highest]
    if sold:
        return lowest, room.low[lowest]
    twice = room.low[lowest] + room.high[highest] if reference == NONE else 2 * reference
    best, price = lowest, NONE
    for i in chosen:
        key = _nearest(room.low[i], room.high[i], tick, twice)
        if price == NONE or abs(2 * key - twice) <= abs(2 * price - twice):
            best, price = i, key
    return best, price


@njit(cache=True, nogil=True)
def _nearest(low: int, high: int, tick: int, twice: int) -> int:
    """The candidate of a stretch nearest to half of `twice`, of two the higher."""
    if low == high or twice <= 2 * low:
        return low
    if twice >= 2 * high:
        return high
    below = low + (twice - 2 * low) // (2 * tick) * tick
    above = min(below + tick, high)
    return above if 2 * above - twice <= twice - 2 * below else below
