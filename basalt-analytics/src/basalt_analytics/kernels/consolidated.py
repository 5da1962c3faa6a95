"""The book of one instrument out of the last books of its venues, event after event.

Keys are prices in 1e-9 as integers, those of bids negated, so that on either side a lower key is a better price;
`NOTHING` is no level. Venues are numbered by rank, and a venue *stands* in the book where it has a quote that is not
too old, in an admissible state, and not crossed in itself. The best keys are kept at each event; levels are merged
where a row is written. What the loop calls is compiled into it, for a call that hands on so many arrays costs more than
what it does.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from basalt_analytics.consolidated.ladders import NOTHING

Array = NDArray[Any]
STATE, EXPIRY, QUOTE = range(3)
OK, LOCKED, CROSSED, ONE_SIDED, EMPTY, UNCROSSED = range(6)
KEEP, BLANK, RESOLVE = range(3)
SPANS = ("Locked", "Crossed", "NoVenue", "OneVenue", "SeveralVenues")


class Events(NamedTuple):
    """In order. `row`: of a quote; `admissible`: whether the state the row tells is, −1 where it tells none."""

    time: Array  # int64
    kind: Array  # int8
    venue: Array  # int32
    row: Array  # int32
    admissible: Array  # int8


class Quotes(NamedTuple):
    """Ladders by row, side and level, in one dimension; best first, no price twice, the last of `depth` levels always
    `NOTHING`; `orders` −1 where they are not told."""

    key: Array  # int64
    price: Array  # float64
    quantity: Array  # float64
    orders: Array  # int32
    stands: Array  # bool, by row: not crossed in itself, or kept all the same
    time: Array  # int64, by row
    depth: int


class Out(NamedTuple):
    """Rows to be written, by row, side and level, in one dimension; NaN, −1 and 0 venues where there is no level.
    `best`: rank of the first venue at the best price; `held`: by venue the row that stands, −1 for none (no columns:
    not wanted). `label`: by row that could be written, what else it shows."""

    after: Array  # int64: the event behind which each row is written
    label: Array  # int8
    wrote: Array  # int64: which of these each row was
    price: Array
    quantity: Array
    orders: Array  # int32
    venues: Array  # int32
    best: Array  # int32
    state: Array  # int8
    eligible: Array  # int32
    held: Array  # int32


class Rules(NamedTuple):
    """Policies, and what is written."""

    crossed: int
    locked: int
    largest: bool
    only_changes: bool


class Venues(NamedTuple):
    """Of each venue: the row of its last quote, −1 for none, whether its state is admissible, and its best keys by
    side as far as it stands in the book; `best`: the lowest of these by side."""

    row: Array  # int64
    admissible: Array  # bool
    top: Array  # int64, by side and venue
    best: Array  # int64
    eligible: Array  # int64: how many stand, one value


@njit(cache=True, nogil=True)
def consolidate(
    events: Events, quotes: Quotes, out: Out, venues: Venues, rules: Rules, spent: Array, end: int
) -> int:  # pragma: no cover - compiled
    """Fill `out` and `spent` (ns by SPANS, from the first quote to `end`); how many rows were written.

    Arrays are taken out of their records once, for the same reason.
    """
    time, kind, whose, row, told = events
    stands, since, depth = quotes.stands, quotes.time, quotes.depth
    key, price, quantity, orders = quotes.key, quotes.price, quotes.quantity, quotes.orders
    held, admissible, top, best, eligible = venues
    (
        after,
        label,
        wrote,
        out_price,
        out_quantity,
        out_orders,
        out_venues,
        out_best,
        out_state,
        out_eligible,
        out_held,
    ) = out
    shown, cursor = np.empty_like(top), np.zeros(len(held), np.int64)
    written, at, begun, last = 0, 0, False, len(time) - 1
    for i in range(last + 1):
        _apply(held, admissible, top, best, eligible, key, stands, depth, kind[i], whose[i], row[i], told[i])
        begun |= kind[i] == QUOTE
        until = time[i + 1] if i < last else max(end, time[i])
        if begun and until > time[i]:
            state = _state(best[0], best[1])
            spent[0] += (until - time[i]) * (state == LOCKED)
            spent[1] += (until - time[i]) * (state == CROSSED)
            spent[2 + min(eligible[0], 2)] += until - time[i]
        while at < len(after) and after[at] == i:
            wrote[written] = at
            state = _show(shown, top, best, held, since, rules.crossed, rules.locked)
            out_state[written], out_eligible[written] = state, eligible[0]
            changed = written == 0 or state != out_state[written - 1]
            if written > 0:
                changed |= eligible[0] != out_eligible[written - 1] or label[at] != label[wrote[written - 1]]
            for side in range(2):
                changed |= _merge(
                    held,
                    shown,
                    cursor,
                    side,
                    key,
                    price,
                    quantity,
                    orders,
                    depth,
                    rules.largest,
                    written,
                    out_price,
                    out_quantity,
                    out_orders,
                    out_venues,
                    out_best,
                )
            for venue in range(out_held.shape[1]):
                out_held[written, venue] = held[venue] if _stands(held[venue], admissible[venue], stands) else -1
            written += changed or not rules.only_changes
            at += 1
    return written


@njit(cache=True, nogil=True, inline="always")
def _stands(row: int, admissible: bool, stands: Array) -> bool:  # pragma: no cover - compiled
    return bool(row >= 0 and admissible and stands[row])


@njit(cache=True, nogil=True, inline="always")
def _apply(
    held: Array,
    admissible: Array,
    top: Array,
    best: Array,
    eligible: Array,
    key: Array,
    stands: Array,
    depth: int,
    kind: int,
    venue: int,
    row: int,
    told: int,
) -> None:  # pragma: no cover - compiled
    """What an event makes of its venue, and of the best keys."""
    stood = _stands(held[venue], admissible[venue], stands)
    if kind == QUOTE:
        held[venue] = row
    elif kind == EXPIRY:
        held[venue] = -1
    if told >= 0:
        admissible[venue] = told == 1
    now = _stands(held[venue], admissible[venue], stands)
    eligible[0] += int(now) - int(stood)
    for side in range(2):
        own, former = NOTHING, top[side, venue]
        if now:
            own = key[(2 * held[venue] + side) * depth]
        top[side, venue] = own
        if own <= best[side]:
            best[side] = own
        elif former == best[side]:
            best[side] = _lowest(top, side)


@njit(cache=True, nogil=True, inline="always")
def _lowest(keys: Array, side: int) -> int:  # pragma: no cover - compiled
    found = NOTHING
    for venue in range(keys.shape[1]):
        found = min(found, keys[side, venue])
    return found


@njit(cache=True, nogil=True, inline="always")
def _state(bid: int, ask: int) -> int:  # pragma: no cover - compiled
    """Of the book with these best keys."""
    if bid == NOTHING or ask == NOTHING:
        return EMPTY if bid == ask else ONE_SIDED
    if -bid > ask:
        return CROSSED
    return LOCKED if -bid == ask else OK


@njit(cache=True, nogil=True, inline="always")
def _show(
    shown: Array, top: Array, best: Array, held: Array, since: Array, crossed: int, locked: int
) -> int:  # pragma: no cover - compiled
    """Fill `shown` with the best keys of the venues that are written, by side; the state of the book."""
    state = _state(best[0], best[1])
    for side in range(2):
        for venue in range(shown.shape[1]):
            shown[side, venue] = top[side, venue]
    if state == CROSSED and crossed == RESOLVE:
        state = _resolve(shown, held, since)
    if (state == CROSSED and crossed == BLANK) or (state == LOCKED and locked == BLANK):
        for side in range(2):
            for venue in range(shown.shape[1]):
                shown[side, venue] = NOTHING
    return state


@njit(cache=True, nogil=True)
def _resolve(shown: Array, held: Array, since: Array) -> int:  # pragma: no cover - compiled
    """Take venues out of `shown`, the oldest quote first, until it is not crossed; the state it is in then."""
    while True:
        bid, ask = _lowest(shown, 0), _lowest(shown, 1)
        state = _state(bid, ask)
        if state != CROSSED:
            return UNCROSSED if state == OK else state
        oldest, oldest_since = -1, 0
        for venue in range(shown.shape[1]):
            crosses = -shown[0, venue] > ask or shown[1, venue] < -bid
            if crosses and (oldest < 0 or since[held[venue]] <= oldest_since):
                oldest, oldest_since = venue, since[held[venue]]
        shown[0, oldest] = NOTHING
        shown[1, oldest] = NOTHING


@njit(cache=True, nogil=True, inline="always")
def _merge(
    held: Array,
    front: Array,
    cursor: Array,
    side: int,
    key: Array,
    price: Array,
    quantity: Array,
    orders: Array,
    depth: int,
    largest: bool,
    at: int,
    out_price: Array,
    out_quantity: Array,
    out_orders: Array,
    out_venues: Array,
    out_best: Array,
) -> bool:  # pragma: no cover - compiled
    """Write one side, best level first: `front` has the key of each venue at its `cursor`. Whether it shows anything
    that the row before does not."""
    levels = len(out_price) // (2 * len(out_best))
    best, first, changed = NOTHING, -1, at == 0
    for venue in range(len(cursor)):
        cursor[venue] = (2 * max(held[venue], 0) + side) * depth
        best = min(best, front[side, venue])
    for slot in range((2 * at + side) * levels, (2 * at + side + 1) * levels):
        paid, size, count, contributors, following, untold = np.nan, np.nan, -1, 0, NOTHING, False
        if best != NOTHING:
            size, count = 0.0, 0
            for venue in range(len(cursor)):
                if front[side, venue] == best:
                    place = cursor[venue]
                    if contributors == 0:
                        paid = price[place]
                        first = venue if first < 0 else first
                    size = max(size, quantity[place]) if largest else size + quantity[place]
                    untold |= orders[place] < 0
                    count += orders[place]
                    contributors += 1
                    cursor[venue] = place + 1
                    front[side, venue] = key[place + 1]
                following = min(following, front[side, venue])
        count, best = -1 if untold else count, following
        out_price[slot], out_quantity[slot] = paid, size
        out_orders[slot], out_venues[slot] = count, contributors
        if not changed:
            former = slot - 2 * levels
            changed = out_venues[former] != contributors or out_orders[former] != count
            changed |= contributors > 0 and (out_price[former] != paid or out_quantity[former] != size)
    out_best[at, side] = first
    return bool(changed or out_best[at - 1, side] != first)
