"""Icebergs of one listing: which tranches are one order's, and what of each execution was hidden.

Events are dense as in `kernels.book`. A *chain* is one order as its owner sees it: tranches that follow each other,
under one id or under several. A *slot* is a tranche that was filled whole and may be followed by one under another id;
the open ones of a side and price are linked in order of time, and leave from the front when they are too old.

`shown` of a chain is what it has displayed openly and not executed yet: an execution of more than that is hidden by the
excess. Openly means by its first insert and by amends; what comes of a tranche behind the first was hidden before.
"""

from math import inf
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from basalt_analytics.kernels.book import DO, DUST, EXECUTED, INSERT, ORDER, RANK, REMOVE, SIDE, SIZE, UNPRICED, UPDATE

Array = NDArray[Any]
ANY, EQUAL, NOT_LARGER = range(3)
EXCESS, REFILL, SYNTHETIC = range(3)
OPEN, FILLED, CANCELLED = range(3)
FIRST, CONFIRMED, KIND, TRANCHES, AMBIGUOUS, LIVE, END, END_ROW, CHAIN_FACTS = range(9)
THERE, CHAIN, ON, AT, EMPTIED, SLOT, ORDER_FACTS = range(7)
SHOWN, PEAK = range(2)
HEAD, TAIL = range(2)
NEXT, WHOSE = range(2)


class Rules(NamedTuple):
    """What links tranches. Times in nanoseconds; `fits`: ANY, EQUAL or NOT_LARGER."""

    excess: bool
    refill: bool
    synthetic: bool
    refill_within: int
    synthetic_within: int
    fits: int
    least_tranches: int
    least_hidden: float


class Chains(NamedTuple):
    """By chain, in the order of their first inserts, -1 where there is none: rows of the first insert and of the
    confirmation, its kind, tranches that might as well have followed another, how it ends and in which row. By row: the
    chain `of` executions and of tranches that begin, -1 for other rows; what of the execution was `hidden`; the size of
    the tranche that begins, NaN where none does."""

    first: Array
    confirmed: Array
    kind: Array
    ambiguous: Array
    end: Array
    end_row: Array
    of: Array
    hidden: Array
    peaks: Array


def chains(facts: Array, amounts: Array, times: Array, counted: Array, orders: int, ranks: int, rules: Rules) -> Chains:
    """The chains of the events. `counted`: rows that may confirm a chain or open a slot."""
    inserts, removes = (int(np.count_nonzero(facts[:, DO] == action)) for action in (INSERT, REMOVE))
    found = np.full((inserts, CHAIN_FACTS), -1, np.int32)
    of, hidden, peaks = np.full(len(facts), -1, np.int32), np.zeros(len(facts)), np.full(len(facts), np.nan)
    number = _chains(
        facts,
        amounts,
        times,
        counted,
        np.full((orders, ORDER_FACTS), -1, np.int32),
        np.zeros((orders, 2)),
        np.zeros(orders, np.int64),
        np.zeros(inserts),
        np.full((2 * ranks, 2), -1, np.int32),
        np.full((removes, 2), -1, np.int32),
        np.zeros(removes, np.int64),
        np.zeros(removes),
        found,
        of,
        hidden,
        peaks,
        rules.excess,
        rules.refill,
        rules.synthetic,
        rules.refill_within,
        rules.synthetic_within,
        rules.fits,
        rules.least_tranches,
        rules.least_hidden,
    )
    first, confirmed, kind, ambiguous, end, end_row = (
        found[:number, name] for name in (FIRST, CONFIRMED, KIND, AMBIGUOUS, END, END_ROW)
    )
    return Chains(first, confirmed, kind, ambiguous, end, end_row, of, hidden, peaks)


@njit(cache=True, nogil=True, inline="always")
def _fits(size: float, display: float, fits: int) -> bool:
    """Whether a new order of that size may follow a tranche of that one."""
    if fits == NOT_LARGER:
        return size <= display + DUST
    return fits == ANY or abs(size - display) <= DUST


@njit(cache=True, nogil=True)
def _taken(
    level: int,
    now: int,
    size: float,
    within: int,
    fits: int,
    levels: Array,
    slots: Array,
    slot_times: Array,
    slot_sizes: Array,
) -> tuple[int, bool]:
    """The oldest open slot of the level that fits, -1 where none does, used up; and whether others fit as well."""
    at = levels[level, HEAD]
    while at >= 0 and (slots[at, WHOSE] < 0 or now - slot_times[at] > within):
        at = slots[at, NEXT]
    levels[level, HEAD] = at
    if at < 0:
        levels[level, TAIL] = -1
    found = -1
    while at >= 0:
        if slots[at, WHOSE] >= 0 and _fits(size, slot_sizes[at], fits):
            if found >= 0:
                return found, True
            found = at
        at = slots[at, NEXT]
    return found, False


@njit(cache=True, nogil=True, inline="always")
def _open(
    level: int,
    slot: int,
    chain: int,
    now: int,
    display: float,
    levels: Array,
    slots: Array,
    slot_times: Array,
    slot_sizes: Array,
) -> None:
    """Put a slot at the end of its level."""
    slots[slot, WHOSE], slot_times[slot], slot_sizes[slot] = chain, now, display
    if levels[level, TAIL] < 0:
        levels[level, HEAD] = slot
    else:
        slots[levels[level, TAIL], NEXT] = slot
    levels[level, TAIL] = slot


@njit(cache=True, nogil=True, inline="always")
def _begin(row: int, order: int, chain: int, size: float, sizes: Array, found: Array, of: Array, peaks: Array) -> None:
    """Begin a tranche."""
    of[row], peaks[row], sizes[order, PEAK] = chain, size, size
    found[chain, TRANCHES] += 1


@njit(cache=True, nogil=True, inline="always")
def _confirm(row: int, chain: int, kind: int, counted: Array, found: Array) -> None:
    """The first reason makes the chain an iceberg, and is its kind."""
    if counted[row] and found[chain, KIND] < 0:
        found[chain, KIND], found[chain, CONFIRMED] = kind, row


@njit(cache=True, nogil=True, inline="always")
def _execute(row: int, chain: int, x: float, shown: Array, of: Array, hidden: Array) -> None:
    """Take an execution off what the chain has shown."""
    more = x - shown[chain]
    of[row], hidden[row] = chain, more if more > DUST else 0.0
    shown[chain] = max(-more, 0.0)


@njit(cache=True, nogil=True, inline="always")
def _end(row: int, chain: int, end: int, found: Array) -> None:
    """An order of the chain leaves; the chain ends with its last."""
    found[chain, LIVE] -= 1
    if found[chain, LIVE] == 0:
        found[chain, END], found[chain, END_ROW] = end, row


@njit(cache=True, nogil=True, inline="always")
def _arrive(order: int, chain: int, orders: Array, found: Array) -> None:
    """An order of the chain is there; one that the chain ended with is no end."""
    orders[order, THERE], orders[order, CHAIN], orders[order, SLOT] = 1, chain, -1
    found[chain, LIVE] += 1
    found[chain, END], found[chain, END_ROW] = OPEN, -1


@njit(cache=True, nogil=True, inline="always")
def _renew(order: int, orders: Array, slots: Array, found: Array) -> None:
    """An order that was executed whole displays more under its own id; its slot is nobody else's."""
    if orders[order, SLOT] >= 0:
        slots[orders[order, SLOT], WHOSE] = -1
    if orders[order, THERE] != 1:
        _arrive(order, orders[order, CHAIN], orders, found)
    orders[order, EMPTIED] = 0


@njit(cache=True, nogil=True, inline="always")
def _insert(
    row: int,
    order: int,
    size: float,
    slot: int,
    several: bool,
    number: int,
    orders: Array,
    slots: Array,
    shown: Array,
    found: Array,
) -> int:
    """A new order: of the slot's chain, else of one of its own, which is number `number`. The number of chains."""
    if orders[order, THERE] == 1:
        _end(row, orders[order, CHAIN], CANCELLED, found)
    if slot >= 0:
        chain = slots[slot, WHOSE]
        slots[slot, WHOSE] = -1
        found[chain, AMBIGUOUS] += several
    else:
        chain, number = number, number + 1
        found[chain, FIRST], found[chain, TRANCHES], found[chain, AMBIGUOUS], found[chain, LIVE] = row, 0, 0, 0
        shown[chain] = size
    _arrive(order, chain, orders, found)
    orders[order, EMPTIED] = 0
    return number


@njit(cache=True, nogil=True, inline="always")
def _fill(order: int, left: float, x: float, now: int, orders: Array, sizes: Array, emptied: Array) -> None:
    """Whether the execution took all that the order displayed."""
    whole = x >= sizes[order, SHOWN] - DUST and left == 0
    orders[order, EMPTIED] = whole
    if whole:
        emptied[order] = now


@njit(cache=True, nogil=True, inline="always")
def _update(
    row: int,
    order: int,
    size: float,
    x: float,
    now: int,
    same: bool,
    least: float,
    orders: Array,
    sizes: Array,
    emptied: Array,
    counted: Array,
    shown: Array,
    found: Array,
    of: Array,
    hidden: Array,
    peaks: Array,
) -> None:
    """An execution that leaves the order there, or an amend. `least`: what an execution must exceed by."""
    chain, was = orders[order, CHAIN], sizes[order, SHOWN]
    if x > 0:
        _execute(row, chain, x, shown, of, hidden)
        _fill(order, size, x, now, orders, sizes, emptied)
        shown[chain] = max(shown[chain] - max(was - x - size, 0.0), 0.0)
        if x - (was - size) > least + DUST:
            if size > 0:
                _begin(row, order, chain, size, sizes, found, of, peaks)
            _confirm(row, chain, EXCESS, counted, found)
    else:
        shown[chain] = max(shown[chain] + size - was, 0.0)
        if size > 0 or not same:
            orders[order, EMPTIED] = 0


@njit(cache=True, nogil=True, inline="always")
def _remove(
    row: int,
    order: int,
    x: float,
    now: int,
    least: float,
    orders: Array,
    sizes: Array,
    emptied: Array,
    counted: Array,
    shown: Array,
    found: Array,
    of: Array,
    hidden: Array,
) -> None:
    """The order leaves: filled where nothing of what it displayed is left, else cancelled."""
    chain = orders[order, CHAIN]
    if x > 0:
        _execute(row, chain, x, shown, of, hidden)
        _fill(order, 0.0, x, now, orders, sizes, emptied)
        if x - sizes[order, SHOWN] > least + DUST:
            _confirm(row, chain, EXCESS, counted, found)
    orders[order, THERE] = 0
    _end(row, chain, FILLED if orders[order, EMPTIED] == 1 else CANCELLED, found)


@njit(cache=True, nogil=True)
def _chains(
    facts: Array,
    amounts: Array,
    times: Array,
    counted: Array,
    orders: Array,
    sizes: Array,
    emptied: Array,
    shown: Array,
    levels: Array,
    slots: Array,
    slot_times: Array,
    slot_sizes: Array,
    found: Array,
    of: Array,
    hidden: Array,
    peaks: Array,
    excess: bool,
    refill: bool,
    synthetic: bool,
    refill_within: int,
    synthetic_within: int,
    fits: int,
    least_tranches: int,
    least_hidden: float,
) -> int:
    """The number of chains found."""
    number, opened, ranks = 0, 0, len(levels) // 2
    least = least_hidden if excess else inf
    for row in range(len(facts)):
        action, order, size, x = facts[row, DO], facts[row, ORDER], amounts[row, SIZE], amounts[row, EXECUTED]
        side, rank, now = facts[row, SIDE], facts[row, RANK], times[row]
        if order < 0 or action < 0 or (action != REMOVE and (side < 0 or not 0 <= size < inf)):
            continue
        x = x if 0 < x < inf and action != INSERT else 0.0
        if action == UPDATE and rank < 0:
            rank = orders[order, AT]
        same = side == orders[order, ON] and rank == orders[order, AT]
        renewed = refill and orders[order, EMPTIED] == 1 and action != REMOVE and x == 0 and size > 0
        if renewed and same and rank >= 0 and now - emptied[order] <= refill_within:
            _renew(order, orders, slots, found)
            _begin(row, order, orders[order, CHAIN], size, sizes, found, of, peaks)
            _confirm(row, orders[order, CHAIN], REFILL, counted, found)
        elif action == INSERT:
            if rank < 0 and not facts[row, UNPRICED]:
                continue
            slot, several = -1, False
            if synthetic and orders[order, CHAIN] < 0 and size > 0 and rank >= 0:
                level = side * ranks + rank
                slot, several = _taken(level, now, size, synthetic_within, fits, levels, slots, slot_times, slot_sizes)
            number = _insert(row, order, size, slot, several, number, orders, slots, shown, found)
            chain = orders[order, CHAIN]
            _begin(row, order, chain, size, sizes, found, of, peaks)
            if slot >= 0 and found[chain, TRANCHES] >= least_tranches:
                _confirm(row, chain, SYNTHETIC, counted, found)
        elif orders[order, THERE] != 1:
            continue
        elif action == UPDATE:
            _update(
                row, order, size, x, now, same, least, orders, sizes, emptied, counted, shown, found, of, hidden, peaks
            )
        else:
            _remove(row, order, x, now, least, orders, sizes, emptied, counted, shown, found, of, hidden)
            if orders[order, EMPTIED] == 1 and synthetic and counted[row] and orders[order, AT] >= 0:
                level = orders[order, ON] * ranks + orders[order, AT]
                display = sizes[order, PEAK]
                _open(level, opened, orders[order, CHAIN], now, display, levels, slots, slot_times, slot_sizes)
                orders[order, SLOT], opened = opened, opened + 1
            continue
        orders[order, ON], orders[order, AT], sizes[order, SHOWN] = side, rank, size
    return number
