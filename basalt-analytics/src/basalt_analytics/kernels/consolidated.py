"""The book of one instrument out of the last books of its venues, event after event.

Keys are prices in 1e-9 as integers, those of bids negated, so that on either side a lower key is a better price;
`NOTHING` is no level. Venues are numbered by rank, and a venue *stands* in the book where it has a quote that is not
too old, in an admissible state, and not crossed in itself. What stands is looked at anew at each stamp, and merged
level by level where a row is written.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
STATE, EXPIRY, QUOTE = range(3)
OK, LOCKED, CROSSED, ONE_SIDED, EMPTY, UNCROSSED = range(6)
KEEP, BLANK, RESOLVE = range(3)
SPANS = ("Locked", "Crossed", "NoVenue", "OneVenue", "SeveralVenues")
NOTHING = 2**62


class Events(NamedTuple):
    """In order. `row`: of a quote; `admissible`: whether the state the row tells is, −1 where it tells none."""

    time: Array  # int64
    kind: Array  # int8
    venue: Array  # int32
    row: Array  # int32
    admissible: Array  # int8


class Quotes(NamedTuple):
    """Ladders by row, side and level, best first, `NOTHING` behind the last; `orders` −1 where they are not told."""

    key: Array  # int64
    price: Array  # float64
    quantity: Array  # float64
    orders: Array  # int32
    stands: Array  # bool, by row: not crossed in itself, or kept all the same
    time: Array  # int64, by row


class Out(NamedTuple):
    """Rows to be written, by row, side and level; NaN, −1 and 0 venues where there is no level. `best`: rank of the
    first venue at the best price; `held`: by venue the row that stands, −1 for none (no columns: not wanted)."""

    after: Array  # int64: the event behind which each row is written
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
    side as far as it stands in the book."""

    row: Array  # int64
    admissible: Array  # bool
    top: Array  # int64, by side and venue
    eligible: Array  # int64: how many stand, one value


@njit(cache=True, nogil=True)
def consolidate(
    events: Events, quotes: Quotes, out: Out, venues: Venues, rules: Rules, spent: Array, end: int
) -> int:  # pragma: no cover - compiled
    """Fill `out` and `spent` (ns by SPANS, from the first quote to `end`); how many rows were written."""
    shown, front = np.empty_like(venues.top), np.empty_like(venues.top)
    cursor = np.zeros(venues.top.shape, np.int64)
    written, at, begun, last = 0, 0, False, len(events.time) - 1
    for i in range(last + 1):
        _apply(venues, quotes, events.kind[i], events.venue[i], events.row[i], events.admissible[i])
        begun |= events.kind[i] == QUOTE
        until = events.time[i + 1] if i < last else max(end, events.time[i])
        if begun and until > events.time[i]:
            _spend(venues, spent, until - events.time[i])
        while at < len(out.after) and out.after[at] == i:
            out.wrote[written] = at
            _write(venues, quotes, out, rules, written, shown, front, cursor)
            if written == 0 or not rules.only_changes or _differs(out, written):
                written += 1
            at += 1
    return written


@njit(cache=True, nogil=True)
def _apply(
    venues: Venues, quotes: Quotes, kind: int, venue: int, row: int, admissible: int
) -> None:  # pragma: no cover - compiled
    before = venues.row[venue] >= 0 and venues.admissible[venue] and quotes.stands[venues.row[venue]]
    if kind == QUOTE:
        venues.row[venue] = row
    elif kind == EXPIRY:
        venues.row[venue] = -1
    if admissible >= 0:
        venues.admissible[venue] = admissible == 1
    held = venues.row[venue]
    stands = held >= 0 and venues.admissible[venue] and quotes.stands[held]
    for side in range(2):
        venues.top[side, venue] = quotes.key[held, side, 0] if stands else NOTHING
    venues.eligible[0] += int(stands) - int(before)


@njit(cache=True, nogil=True)
def _lowest(keys: Array) -> int:  # pragma: no cover - compiled
    found = NOTHING
    for key in keys:
        found = min(found, key)
    return found


@njit(cache=True, nogil=True)
def _state(bid: int, ask: int) -> int:  # pragma: no cover - compiled
    """Of the book with these best keys."""
    if bid == NOTHING and ask == NOTHING:
        return EMPTY
    if bid == NOTHING or ask == NOTHING:
        return ONE_SIDED
    if -bid > ask:
        return CROSSED
    return LOCKED if -bid == ask else OK


@njit(cache=True, nogil=True)
def _spend(venues: Venues, spent: Array, span: int) -> None:  # pragma: no cover - compiled
    state = _state(_lowest(venues.top[0]), _lowest(venues.top[1]))
    spent[0] += span * (state == LOCKED)
    spent[1] += span * (state == CROSSED)
    spent[2 + min(venues.eligible[0], 2)] += span


@njit(cache=True, nogil=True)
def _resolve(venues: Venues, quotes: Quotes, shown: Array) -> int:  # pragma: no cover - compiled
    """Take venues out of `shown`, the oldest quote first, until it is not crossed; the state it is in then."""
    while True:
        bid, ask = _lowest(shown[0]), _lowest(shown[1])
        state = _state(bid, ask)
        if state != CROSSED:
            return UNCROSSED if state == OK else state
        oldest, since = -1, 0
        for venue in range(shown.shape[1]):
            crosses = -shown[0, venue] > ask or shown[1, venue] < -bid
            if crosses and (oldest < 0 or quotes.time[venues.row[venue]] <= since):
                oldest, since = venue, quotes.time[venues.row[venue]]
        shown[0, oldest] = NOTHING
        shown[1, oldest] = NOTHING


@njit(cache=True, nogil=True)
def _write(
    venues: Venues, quotes: Quotes, out: Out, rules: Rules, at: int, shown: Array, front: Array, cursor: Array
) -> None:  # pragma: no cover - compiled
    shown[:] = venues.top
    state = _state(_lowest(shown[0]), _lowest(shown[1]))
    if state == CROSSED and rules.crossed == RESOLVE:
        state = _resolve(venues, quotes, shown)
    if (state == CROSSED and rules.crossed == BLANK) or (state == LOCKED and rules.locked == BLANK):
        shown[:] = NOTHING
    out.state[at], out.eligible[at] = state, venues.eligible[0]
    front[:] = shown
    cursor[:] = 0
    for side in range(2):
        _merge(venues.row, quotes, out, rules.largest, at, side, front[side], cursor[side])
    for venue in range(out.held.shape[1]):
        stands = venues.row[venue] >= 0 and venues.admissible[venue] and quotes.stands[venues.row[venue]]
        out.held[at, venue] = venues.row[venue] if stands else -1


@njit(cache=True, nogil=True)
def _merge(
    rows: Array, quotes: Quotes, out: Out, largest: bool, at: int, side: int, front: Array, cursor: Array
) -> None:  # pragma: no cover - compiled
    """One side, best level first: `front` has the key that each venue's `cursor` stands at."""
    depth = quotes.key.shape[2]
    out.best[at, side] = -1
    for level in range(out.price.shape[2]):
        key, price, quantity, orders, count = _lowest(front), np.nan, np.nan, -1, 0
        if key != NOTHING:
            quantity, orders = 0.0, 0
            for venue in range(len(front)):
                if front[venue] != key:
                    continue
                row, place, own = rows[venue], cursor[venue], 0.0
                if count == 0:
                    price = quotes.price[row, side, place]
                    if level == 0:
                        out.best[at, side] = venue
                while place < depth and quotes.key[row, side, place] == key:
                    own += quotes.quantity[row, side, place]
                    told = quotes.orders[row, side, place]
                    orders = -1 if told < 0 or orders < 0 else orders + told
                    place += 1
                quantity = max(quantity, own) if largest else quantity + own
                cursor[venue], count = place, count + 1
                front[venue] = quotes.key[row, side, place] if place < depth else NOTHING
        out.price[at, side, level], out.quantity[at, side, level] = price, quantity
        out.orders[at, side, level], out.venues[at, side, level] = orders, count


@njit(cache=True, nogil=True)
def _differs(out: Out, at: int) -> bool:  # pragma: no cover - compiled
    """Whether the row shows anything that the one before does not."""
    if out.state[at] != out.state[at - 1] or out.eligible[at] != out.eligible[at - 1]:
        return True
    for side in range(2):
        if out.best[at, side] != out.best[at - 1, side]:
            return True
        for level in range(out.price.shape[2]):
            here, before = out.price[at, side, level], out.price[at - 1, side, level]
            size, former = out.quantity[at, side, level], out.quantity[at - 1, side, level]
            same = here == before or (np.isnan(here) and np.isnan(before))
            same &= size == former or (np.isnan(size) and np.isnan(former))
            same &= out.orders[at, side, level] == out.orders[at - 1, side, level]
            if not same or out.venues[at, side, level] != out.venues[at - 1, side, level]:
                return True
    return False
