"""Queues of one listing: what is displayed in front of each order, first come first served, before each event.

A *level* is a side and a price rank: side times the number of ranks, plus the rank. First `joins` says what each event
does to its order's place, so that each level gets a block of places, one for every time somebody joins it; then `ahead`
replays that with a Fenwick tree of sizes and one of numbers over each block.
"""

from math import inf
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from basalt_analytics.kernels.book import AT as PLACED
from basalt_analytics.kernels.book import (
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
    THERE,
    UNPRICED,
    UPDATE,
)

Array = NDArray[Any]
NOTHING, JOINS, STAYS, LEAVES = range(4)
UNTOLD, IN_FRONT, WHOLE_LEVEL = range(3)


def queues(
    facts: Array, amounts: Array, orders: int, ranks: int, adopts: bool, increase: bool, refill: bool
) -> tuple[Array, Array]:
    """By row, displayed size (Float64) and number of orders (Int64) in front before it; NaN and −1 where not told.

    `adopts`: an unknown order that is updated joins at the back. `increase` and `refill`: whether a size that an amend
    raises, or an execution renews, loses its place.
    """
    effect, asked = np.zeros(len(facts), np.int8), np.zeros(len(facts), np.int8)
    level, blocks = np.full(len(facts), -1, np.int32), np.zeros(2 * ranks + 1, np.int64)
    state, sizes = np.zeros((orders, 3), np.int32), np.zeros(orders)
    _joins(facts, amounts, state, sizes, ranks, effect, asked, level, blocks, adopts, increase, refill)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(blocks[:-1])])
    found, number = np.full(len(facts), np.nan), np.full(len(facts), -1, np.int64)
    places = int(starts[-1]) + 1
    tree, counts = np.zeros(places + 1), np.zeros(places + 1, np.int32)
    held = np.full((orders, 2), -1, np.int64)
    _ahead(facts, amounts, effect, asked, level, starts, tree, counts, held, sizes, found, number)
    return found, number


@njit(cache=True, nogil=True)
def _joins(
    facts: Array,
    amounts: Array,
    orders: Array,
    sizes: Array,
    ranks: int,
    effect: Array,
    asked: Array,
    level: Array,
    blocks: Array,
    adopts: bool,
    increase: bool,
    refill: bool,
) -> None:
    """What each row does to its order's place, what is asked of it, and how often each level is joined."""
    for row in range(len(facts)):
        action, order, size = facts[row, DO], facts[row, ORDER], amounts[row, SIZE]
        if action == SNAPSHOT:
            orders[:, THERE] = 0
        if action < 0 or order < 0 or (action != REMOVE and (facts[row, SIDE] < 0 or not 0 <= size < inf)):
            continue
        there, side, rank = orders[order, THERE], facts[row, SIDE], facts[row, RANK]
        if action == REMOVE:
            if there:
                effect[row], asked[row] = LEAVES, IN_FRONT if orders[order, PLACED] >= 0 else UNTOLD
                orders[order, THERE] = 0
            continue
        if action == INSERT and rank < 0 and not facts[row, UNPRICED]:
            continue
        if action == UPDATE and not there and not adopts:
            continue
        same = there and action == UPDATE
        if same and rank < 0:
            rank = orders[order, PLACED]
        joins = True
        if same:
            asked[row] = IN_FRONT if orders[order, PLACED] >= 0 else UNTOLD
            executed = amounts[row, EXECUTED] if amounts[row, EXECUTED] > 0 else 0.0
            more = size - max(sizes[order] - executed, 0.0) > DUST
            moved = rank != orders[order, PLACED] or side != orders[order, ON]
            joins = moved or (more and (refill if executed > 0 else increase))
        elif action == INSERT:
            asked[row] = WHOLE_LEVEL if rank >= 0 else UNTOLD
        effect[row] = JOINS if joins else STAYS
        orders[order, THERE], orders[order, ON], orders[order, PLACED], sizes[order] = 1, side, rank, size
        if rank >= 0:
            level[row] = side * ranks + rank
            if joins:
                blocks[level[row]] += 1


@njit(cache=True, nogil=True)
def _add(tree: Array, counts: Array, starts: Array, level: int, place: int, size: float) -> None:
    """Add a size at a place of the level's block, or take it off where it is below 0; size 0 is no order."""
    start, length = starts[level], starts[level + 1] - starts[level]
    number = 1 if size > 0 else -1 if size < 0 else 0
    at = place + 1
    while at <= length:
        tree[start + at] += size
        counts[start + at] += number
        at += at & -at


@njit(cache=True, nogil=True)
def _ahead(
    facts: Array,
    amounts: Array,
    effect: Array,
    asked: Array,
    level: Array,
    starts: Array,
    tree: Array,
    counts: Array,
    held: Array,
    sizes: Array,
    found: Array,
    number: Array,
) -> None:
    """Replay what `_joins` found. `held`: of each order its place in its level, −1 where it has none, and the level."""
    joined = np.zeros(len(starts) - 1, np.int64)
    sizes[:] = 0.0
    for row in range(len(facts)):
        order, at, size = facts[row, ORDER], level[row], amounts[row, SIZE]
        if facts[row, DO] == SNAPSHOT:
            for one in range(len(held)):
                if held[one, 0] >= 0:
                    _add(tree, counts, starts, held[one, 1], held[one, 0], -sizes[one])
                    held[one, 0] = -1
        if effect[row] == NOTHING:
            continue
        place = held[order, 0]
        if asked[row] == IN_FRONT:
            _sum(tree, counts, starts[held[order, 1]], place, row, found, number)
        if place >= 0:
            _add(tree, counts, starts, held[order, 1], place, -sizes[order])
        if effect[row] == LEAVES or at < 0:
            held[order, 0] = -1
            continue
        if asked[row] == WHOLE_LEVEL:
            _sum(tree, counts, starts[at], joined[at], row, found, number)
        if effect[row] == JOINS or place < 0:
            held[order, 0], held[order, 1] = joined[at], at
            joined[at] += 1
        sizes[order] = size
        _add(tree, counts, starts, at, held[order, 0], size)


@njit(cache=True, nogil=True)
def _sum(tree: Array, counts: Array, start: int, place: int, row: int, found: Array, number: Array) -> None:
    """Size and number in front of a place of the block; nobody has size exactly 0."""
    size, orders, at = 0.0, 0, place
    while at > 0:
        size += tree[start + at]
        orders += counts[start + at]
        at -= at & -at
    found[row] = size if orders else 0.0
    number[row] = orders
