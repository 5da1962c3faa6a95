"""Rows of the consolidated book of one instrument: when they are written, and their columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.buckets import WholeDate
from basalt.tables import MARKET_STATES, NS_UTC, STATE
from basalt_analytics.consolidated.ladders import NOTHING, cells
from basalt_analytics.consolidated.options import SIDES, ConsolidatedBookOptions, Emit
from basalt_analytics.consolidated.streams import Stream
from basalt_analytics.l3.book_rows import STATES as OF_ONE_VENUE
from basalt_analytics.l3.emissions import Clock

if TYPE_CHECKING:
    from basalt_analytics.kernels.consolidated import Out

Array = NDArray[Any]
STATES = (*OF_ONE_VENUE, "UNCROSSED")
BOOK_STATE = pl.Enum(STATES)
POLICIES = ("keep", "null", "drop_oldest")
KEYS = {"InstrumentId": "InstrumentId", "PrimaryListingId": "ListingId"}


@attrs.frozen(eq=False)
class Book:
    """What the loop wrote of an instrument. `stamps`: of each row that it could write; `spent`: ns by `SPANS`."""

    stream: Stream
    out: "Out"
    written: int
    stamps: Array
    spent: Array


def columns(options: ConsolidatedBookOptions, orders: bool, state: bool, key: Any, listing: Any) -> dict[str, Any]:
    """Dtypes of the rows' columns. `orders`: whether numbers of orders are told; `state`: whether rows of a listing
    have its market state; `key`, `listing`: dtypes of ids."""
    found: dict[str, Any] = {KEYS[options.index_by]: key, "EventTimestamp": NS_UTC}
    found |= {"MarketState": STATE} if state and options.index_by == "PrimaryListingId" else {}
    for level in range(1, options.top_n + 1):
        for side in SIDES:
            found |= {f"{side}Price{level}": pl.Float64(), f"{side}Quantity{level}": pl.Float64()}
            found |= {f"{side}NumOrders{level}": pl.Int32()} if orders else {}
    for level in range(1, options.top_n + 1):
        found |= {f"{side}Venues{level if level > 1 else ''}": pl.Int32() for side in SIDES}
    found |= {"BookState": BOOK_STATE} if options.flags else {}
    found |= {"BestBidListing": listing, "BestAskListing": listing, "EligibleVenues": pl.Int32()}
    numbers = {name: pl.Int32() if "NumOrders" in name else pl.Float64() for name in options.per_venue}
    return found | {f"{mic}{name}": dtype for mic in options.venues or () for name, dtype in numbers.items()}


def book(found: Stream, options: ConsolidatedBookOptions, clock: Clock) -> Book:
    """The stream's book, by the compiled loop."""
    from basalt_analytics.kernels.consolidated import SPANS, Quotes, Rules, Venues, consolidate

    after, stamps = _emissions(found, options.emit, clock)
    count = len(found.listings)
    venues = Venues(
        np.full(count, -1, np.int64),
        np.full(count, found.open),
        np.full((2, count), NOTHING, np.int64),
        np.full(2, NOTHING, np.int64),
        np.zeros(1, np.int64),
    )
    label = found.states_at(stamps) if options.index_by == "PrimaryListingId" else np.zeros(len(after), np.int8)
    out = _out(after, label, options.top_n, count if options.per_venue else 0)
    spent = np.zeros(len(SPANS), np.int64)
    rules = Rules(
        POLICIES.index(options.crossed),
        POLICIES.index(options.locked),
        options.quantity == "largest",
        options.only_changes and options.emit != "bucket" and not options.per_venue,
    )
    own = found.ladders.cut(options.top_n)
    key, price, quantity, orders = (array.ravel() for array in (own.key, own.price, own.quantity, own.orders))
    quotes = Quotes(key, price, quantity, orders, found.stands, found.times, own.key.shape[2])
    written = consolidate(found.events, quotes, out, venues, rules, spent, clock.end)
    return Book(found, out, written, stamps, spent)


def _emissions(found: Stream, emit: Emit, clock: Clock) -> tuple[Array, Array]:
    """Behind which events rows are written, none before the first quote, and how these are stamped."""
    times = found.events.time
    if emit == "bucket":
        right = clock.rule.closed == "right"
        last = max(int(found.times.max()), clock.end) if clock.end else int(times[-1])
        edges = _edges(found.first, last, clock)
        return np.searchsorted(times, edges, side="right" if right else "left") - 1, edges - (not right)
    begun = times >= found.first
    if emit == "timestamp":
        begun &= np.append(times[1:] != times[:-1], True)
    else:
        begun &= np.maximum.accumulate(found.events.row) >= 0
    after = np.flatnonzero(begun)
    return after, times[after]


def _edges(first: int, last: int, clock: Clock) -> Array:
    """Every edge from the end of the bucket that holds `first` to that of the one that holds `last`. The one bucket of
    a daily pass ends with the session, or the date, and holds what is stamped behind that too."""
    behind = last + (clock.rule.closed == "left")
    if isinstance(clock.rule, WholeDate) and clock.sessions:
        return np.array([behind])
    label = clock.rule.bucket(pl.col("At").cast(NS_UTC), clock.day)
    at = pl.DataFrame({"At": [first, last]}).select(clock.rule.interval_end(label).alias("End"))
    edges = np.arange(at["End"][0], at["End"][1] + 1, clock.rule.every)
    edges[-1] = max(edges[-1], behind)
    return edges


def _out(after: Array, label: Array, levels: int, held: int) -> "Out":
    from basalt_analytics.kernels.consolidated import Out

    rows = len(after)
    cells = rows * 2 * levels
    return Out(
        after,
        label,
        np.zeros(rows, np.int64),
        np.empty(cells),
        np.empty(cells),
        np.empty(cells, np.int32),
        np.empty(cells, np.int32),
        np.empty((rows, 2), np.int32),
        np.empty(rows, np.int8),
        np.empty(rows, np.int32),
        np.empty((rows, held), np.int32),
    )


def book_rows(made: Book, instrument: Any, options: ConsolidatedBookOptions, wanted: Mapping[str, Any]) -> pl.DataFrame:
    """The rows, with these columns."""
    wrote = made.out.wrote[: made.written]
    stamps = pl.Series(made.stamps[wrote], dtype=pl.Int64).cast(NS_UTC)
    state = _named("MarketState", made.out.label[wrote], MARKET_STATES, STATE)
    name = KEYS[options.index_by]
    key = instrument if name == "InstrumentId" else made.stream.primary
    ids = pl.Series(name, [key], dtype=wanted[name]).new_from_index(0, made.written)
    series = [*_levels(made, options.top_n), *_best(made), *_on_venues(made, options)]
    found = pl.DataFrame([ids, stamps.alias("EventTimestamp"), state, *series]).select(list(wanted))
    if not (options.per_venue and options.only_changes and options.emit != "bucket"):
        return found
    shown = pl.exclude(name, "EventTimestamp")
    changed = pl.any_horizontal(shown.ne_missing(shown.shift(1)))
    return found.filter(changed | (pl.int_range(pl.len()) == 0))


def _levels(made: Book, levels: int) -> Iterator[pl.Series]:
    out, parts = made.out, ("price", "quantity", "orders", "venues")
    shaped = (getattr(out, part).reshape(len(out.after), 2, levels)[: made.written] for part in parts)
    price, quantity, orders, venues = shaped
    for level in range(levels):
        for side, name in enumerate(SIDES):
            yield pl.Series(f"{name}Price{level + 1}", price[:, side, level], nan_to_null=True)
            yield pl.Series(f"{name}Quantity{level + 1}", quantity[:, side, level], nan_to_null=True)
            there, told = venues[:, side, level] > 0, orders[:, side, level]
            yield _where(f"{name}NumOrders{level + 1}", told, there & (told >= 0))
            yield _where(f"{name}Venues{level + 1 if level else ''}", venues[:, side, level], there)


def _best(made: Book) -> Iterator[pl.Series]:
    out, rows = made.out, slice(made.written)
    for side, name in enumerate(SIDES):
        first = _where("first", out.best[rows, side], out.best[rows, side] >= 0)
        yield made.stream.listings.gather(first).alias(f"Best{name}Listing")
    yield _named("BookState", out.state[rows], STATES, BOOK_STATE)
    yield pl.Series("EligibleVenues", out.eligible[rows])


def _on_venues(made: Book, options: ConsolidatedBookOptions) -> Iterator[pl.Series]:
    """What a venue shows itself, where it counts; of several listings of one venue the first that does."""
    for mic in options.venues or () if options.per_venue else ():
        row = np.full(made.written, -1, np.int32)
        for venue, of in enumerate(made.stream.mics):
            if of == mic:
                row = np.where(row < 0, made.out.held[: made.written, venue], row)
        for name in options.per_venue:
            yield cells(made.stream.ladders, row, name).alias(f"{mic}{name}")


def _named(name: str, codes: Array, names: Sequence[str], dtype: pl.Enum) -> pl.Series:
    return pl.Series(name, codes).replace_strict(list(range(len(names))), names, return_dtype=dtype)


def _where(name: str, values: Array, there: Array) -> pl.Series:
    found = pl.Series(name, np.ascontiguousarray(values))
    return found.zip_with(pl.Series(there), pl.Series([None], dtype=found.dtype))
