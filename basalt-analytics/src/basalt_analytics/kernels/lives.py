"""The lives of orders of one listing: from the event that inserts an order to the one that removes it.

Events are dense as in `book`, which they are replayed on: an unknown order that is updated is adopted, and a second
insert of an order that is there ends its first life. At edges the ages of what rests are added up.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from numba import njit

from basalt_analytics.kernels.book import (
    ADOPT,
    AT,
    COUNTERS,
    DO,
    DUST,
    EXECUTED,
    INSERT,
    ON,
    ORDER,
    RANK,
    REMOVE,
    SIDE,
    SIZE,
    SNAPSHOT,
    SNAPSHOT_ROW,
    THERE,
    UPDATE,
    Array,
    Book,
    Events,
    behind,
    empty_book,
    fits,
    hide,
    show,
)
from basalt_analytics.lives.codes import CANCELLED, FILLED, LOST, OPEN, REPLACED

SEEN, BEGUN, FIRST_FILL, ENDED, KIND, OF_SIDE, TOUCH = range(7)
DISPLAYED, REMOVED = range(2)
INSERTED, JOINED = range(2)


class Lives(NamedTuple):
    """`facts` (Int64, seven a life): row that first has it, row that inserts it, first row that executes against it,
    row that ends it, −1 where there is none; kind, side, and whether it began at its side's best price or better.
    `sizes` (Float64, two a life): at its beginning, and before the event that ends it."""

    facts: Array
    sizes: Array


class Edges(NamedTuple):
    """Moments `time` (ns), each behind the row `after`. What is found: `live` orders by side; by question and side the
    `weight` of those whose age is known, and their sum of size × `age` in seconds."""

    time: Array
    after: Array
    live: Array
    weight: Array
    age: Array


def lives(events: Events, times: Array, orders: int, ranks: int, priority: bool, edges: Edges, asked: Array) -> Lives:
    """The lives, in the order of the rows that first have them; the edges are filled in.

    `times`: of the rows in ns. `priority`: a life ends where its order loses its place in the queue. `asked` (two a
    question): how many of the best levels, 0 for all, and whether ages count from when the order took its place.
    """
    most = len(events.facts)
    found = Lives(np.full((most, 7), -1, np.int64), np.zeros((most, 2)))
    counts = np.zeros(len(COUNTERS), np.int64)
    made = _lives(events, times, empty_book(orders, ranks), counts, found, priority, edges, asked)
    return Lives(found.facts[:made], found.sizes[:made])


@njit(cache=True, nogil=True)
def _lives(
    events: Events, times: Array, book: Book, counts: Array, found: Lives, priority: bool, edges: Edges, asked: Array
) -> int:
    facts, amounts = events
    orders, sizes, quantity, number, words, summary, best = book
    lives_, life_sizes = found
    edge_times, after, live, weight, age = edges
    since, life_of = np.full((len(orders), 2), -1, np.int64), np.full(len(orders), -1, np.int64)
    resting, place = np.zeros(len(orders), np.int64), np.full(len(orders), -1, np.int64)
    made, written, rests, wiped = 0, 0, 0, -1
    standing = np.zeros(2, np.int64)
    for row in range(len(facts)):
        action, order = facts[row, DO], facts[row, ORDER]
        if wiped >= 0 and action != SNAPSHOT_ROW:
            rests = _lose(wiped, orders, life_of, lives_, resting, place, rests)
            wiped = -1
        if action == SNAPSHOT:
            wiped, standing[:] = row, 0
            for at in range(rests):
                hide(resting[at], orders, sizes, quantity, number, words, summary, best)
                orders[resting[at], THERE] = 0
        if fits(row, facts, amounts, orders, counts, ADOPT, ADOPT) > 0:
            there, life, executed = orders[order, THERE] != 0, life_of[order], 0 < amounts[row, EXECUTED] < inf
            if there:
                hide(order, orders, sizes, quantity, number, words, summary, best)
                standing[orders[order, ON]] -= 1
                if executed and action != INSERT and lives_[life, FIRST_FILL] < 0:
                    lives_[life, FIRST_FILL] = row
            if action == REMOVE:
                _end(life, row, FILLED if executed else CANCELLED, sizes[order], lives_, life_sizes)
                orders[order, THERE], life_of[order] = 0, -1
                rests = _forget(order, resting, place, rests)
            else:
                side, rank, joins = facts[row, SIDE], facts[row, RANK], action == INSERT
                if there and action == UPDATE:
                    rank = rank if rank >= 0 else orders[order, AT]
                    joins = _joins(row, order, rank, facts, amounts, orders, sizes)
                if there and (action == INSERT or (joins and priority)):
                    _end(life, row, LOST if action == INSERT else REPLACED, sizes[order], lives_, life_sizes)
                    life = -1
                if life < 0:
                    lives_[made, SEEN], lives_[made, BEGUN] = row, row if joins else -1
                    lives_[made, FIRST_FILL] = row if executed and action == INSERT else -1
                    lives_[made, KIND], lives_[made, OF_SIDE] = OPEN, side
                    lives_[made, TOUCH], life_sizes[made, DISPLAYED] = _touches(side, rank, best), amounts[row, SIZE]
                    life_of[order], made = made, made + 1
                _settle(order, times[row], action == INSERT, joins, place[order] < 0, since)
                if place[order] < 0:
                    place[order], resting[rests], rests = rests, order, rests + 1
                orders[order, THERE], orders[order, ON], orders[order, AT] = 1, side, rank
                sizes[order] = amounts[row, SIZE]
                standing[side] += 1
                show(order, orders, sizes, quantity, number, words, summary, best)
        while written < len(after) and after[written] == row:
            live[written] = standing
            _ages(written, edge_times, asked, orders, sizes, words, summary, best, since, resting[:rests], weight, age)
            written += 1
    if wiped >= 0:
        _lose(wiped, orders, life_of, lives_, resting, place, rests)
    return made


@njit(cache=True, nogil=True, inline="always")
def _joins(row: int, order: int, rank: int, facts: Array, amounts: Array, orders: Array, sizes: Array) -> bool:
    """Whether the update puts its order, which `rank` is the price of, at the back of a queue."""
    executed = amounts[row, EXECUTED]
    taken = executed if 0 < executed < inf else 0.0
    more = amounts[row, SIZE] - max(sizes[order] - taken, 0.0) > DUST
    return bool(more or rank != orders[order, AT] or facts[row, SIDE] != orders[order, ON])


@njit(cache=True, nogil=True, inline="always")
def _touches(side: int, rank: int, best: Array) -> bool:
    """Whether the price is at its side's best or better."""
    return bool(rank >= 0 and (best[side] < 0 or (rank >= best[side] if side == 0 else rank <= best[side])))


@njit(cache=True, nogil=True, inline="always")
def _settle(order: int, time: int, inserted: bool, joins: bool, fresh: bool, since: Array) -> None:
    """Note since when the order is there, and in its place; a `fresh` one without an insert has no known beginning."""
    if fresh:
        since[order, INSERTED] = since[order, JOINED] = -1
    if inserted:
        since[order, INSERTED] = time
    if joins:
        since[order, JOINED] = time


@njit(cache=True, nogil=True, inline="always")
def _end(life: int, row: int, kind: int, size: float, lives_: Array, life_sizes: Array) -> None:
    lives_[life, ENDED], lives_[life, KIND] = row, kind
    life_sizes[life, REMOVED] = size


@njit(cache=True, nogil=True)
def _forget(order: int, resting: Array, place: Array, rests: int) -> int:
    """Take an order out of those that rest; how many are left."""
    rests -= 1
    last, at = resting[rests], place[order]
    resting[at], place[last], place[order] = last, at, -1
    return rests


@njit(cache=True, nogil=True)
def _lose(row: int, orders: Array, life_of: Array, lives_: Array, resting: Array, place: Array, rests: int) -> int:
    """End the lives that the snapshot which began at the row does not have; how many orders are left."""
    for at in range(rests - 1, -1, -1):
        order = resting[at]
        if orders[order, THERE] == 0:
            lives_[life_of[order], ENDED], lives_[life_of[order], KIND] = row, LOST
            life_of[order] = -1
            rests = _forget(order, resting, place, rests)
    return rests


@njit(cache=True, nogil=True)
def _ages(
    edge: int,
    times: Array,
    asked: Array,
    orders: Array,
    sizes: Array,
    words: Array,
    summary: Array,
    best: Array,
    since: Array,
    resting: Array,
    weight: Array,
    age: Array,
) -> None:
    """Add up, for each question, the ages of the displayed orders of the best levels."""
    for question in range(len(asked)):
        levels, start = asked[question, 0], JOINED if asked[question, 1] else INSERTED
        last_bid = _last(0, levels, words, summary, best)
        last_ask = _last(1, levels, words, summary, best)
        for order in resting:
            side, rank, size = orders[order, ON], orders[order, AT], sizes[order]
            if orders[order, THERE] == 0 or rank < 0 or size <= 0 or since[order, start] < 0:
                continue
            if levels > 0 and (rank < last_bid if side == 0 else rank > last_ask):
                continue
            weight[edge, question, side] += size
            age[edge, question, side] += size * (times[edge] - since[order, start]) / 1e9


@njit(cache=True, nogil=True)
def _last(side: int, levels: int, words: Array, summary: Array, best: Array) -> int:
    """The rank of the last of the best levels, or of the last there is."""
    rank = best[side]
    for _ in range(levels - 1):
        further = behind(words, summary, side, rank) if rank >= 0 else -1
        if further < 0:
            break
        rank = further
    return int(rank)
