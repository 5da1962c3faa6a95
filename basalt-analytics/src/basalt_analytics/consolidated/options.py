"""Options of `consolidated_book`, and what is refused of them while planning."""

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.spellings import Duration, State
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.options import option
from basalt.tables import depth

Columns = Mapping[str, pl.DataType]
Emit = Literal["event", "timestamp", "bucket"]
WHO = "consolidated_book"
TOUCH = ("BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1")
SIDES = ("Bid", "Ask")
PARTS = ("Price", "Quantity", "NumOrders")


@attrs.frozen
class ConsolidatedBookOptions:
    """Options of `consolidated_book`."""

    index_by: Literal["InstrumentId", "PrimaryListingId"] = option(
        "whose rows they are: the instrument's, in table cbbo, or under the ListingId of its primary listing, in table "
        "l2",
        default="InstrumentId",
    )
    levels_in: int | None = option("how many levels of each venue are read; default: all there are", default=None)
    top_n: int = option("how many levels are written", default=10)
    emit: Emit = option(
        "when a row is written: after each event, after the last one of each stamp, or at each edge of the pass's "
        "buckets",
        default="timestamp",
    )
    only_changes: bool = option(
        "whether rows that show what the one before shows are left out; those at edges of buckets never are",
        default=True,
    )
    market_states: State | list[State] | None = option(
        "market states in which a venue's quote counts, a state or a list; default: the pass's, where states are known",
        default=None,
    )
    max_age: Duration | None = option("quotes this old or older do not count, as '30m'; default: any age", default=None)
    venues: list[str] | None = option("MICs of the venues that count; default: all", default=None)
    exclude_venues: list[str] | None = option("MICs of venues that do not count; default: none", default=None)
    min_quantity: float | Literal["lot"] = option(
        "levels of a venue with less are not shown; 'lot': less than LotSize of the listing",
        default=0.0,
        unit=Unit.SHARES,
    )
    quantity: Literal["sum", "largest"] = option(
        "the size at a price: of all venues there, or of the one with most", default="sum"
    )
    crossed: Literal["keep", "null", "drop_oldest"] = option(
        "what is written while the best bid is above the best ask: that book, nulls, or the book without the venues "
        "that cross, oldest quote first",
        default="keep",
    )
    locked: Literal["keep", "null"] = option(
        "what is written while the best bid is the best ask: that book, or nulls", default="keep"
    )
    own_crossed: Literal["drop", "keep"] = option(
        "whether a venue whose own bid is above its own ask is left out until it is not", default="drop"
    )
    currency: Literal["primary", "any"] = option(
        "whether listings that are not quoted in the primary listing's currency are left out", default="primary"
    )
    flags: bool = option("adds BookState", default=True)
    per_venue: list[str] = option(
        "adds what these columns of the book are on each of `venues`, as 'BidPrice1' gives XLONBidPrice1", factory=list
    )

    @property
    def age(self) -> int | None:
        """`max_age` in ns."""
        return None if self.max_age is None else parse_duration(self.max_age)


def read_levels(options: ConsolidatedBookOptions, books: Columns) -> int:
    """How many levels of a venue are read."""
    there = depth(books)
    return there if options.levels_in is None else min(options.levels_in, there)


def counts_orders(books: Columns) -> bool:
    """Whether any level tells how many orders rest there."""
    return any(f"{side}NumOrders{i}" in books for side in SIDES for i in range(1, depth(books) + 1))


def check(options: ConsolidatedBookOptions, columns_of: Mapping[str, Columns]) -> None:
    """UserError for options that make no sense or lack a column, in one sentence."""
    books, reference = columns_of["l2"], columns_of["reference"]
    for name in TOUCH:
        _need(name, books, "l2", WHO, "add it, or leave the transform out")
    _need("InstrumentId", reference, "reference", WHO, "add it, to tell which listings are one instrument")
    _check_numbers(options, depth(books))
    for why, column in _asks(options):
        _need(column, reference, "reference", f"{WHO}: {why}", "add it, or leave that option out")
    if options.market_states is not None and "MarketState" not in books and "marketstate" not in columns_of:
        raise UserError(
            f"{WHO} asks for market_states = {options.market_states!r}, and neither has l2 a MarketState nor the "
            "source a marketstate table: leave market_states out"
        )
    _check_venues(options)
    _check_per_venue(options, books)


def _need(column: str, columns: Columns, table: str, who: str, cure: str) -> None:
    if column not in columns:
        raise UserError(f"{who} needs {column}, which table {table} does not have; it has {', '.join(columns)}: {cure}")


def _check_numbers(options: ConsolidatedBookOptions, there: int) -> None:
    for name, value in (("top_n", options.top_n), ("levels_in", options.levels_in)):
        if value is not None and value < 1:
            raise UserError(f"{WHO}: {name} = {value} is no level: give 1 or more")
    if options.levels_in is not None and options.levels_in > there:
        raise UserError(
            f"{WHO}: levels_in = {options.levels_in}, and table l2 has {there}: give no more, or leave levels_in out"
        )
    if options.min_quantity != "lot" and options.min_quantity < 0:
        raise UserError(f"{WHO}: min_quantity = {options.min_quantity} is no size: give 0 or more, or 'lot'")
    if options.age is not None and options.age <= 0:
        raise UserError(f"{WHO}: max_age = {options.max_age!r} lets no quote count: give more, or leave max_age out")


def _asks(options: ConsolidatedBookOptions) -> Iterator[tuple[str, str]]:
    """(option, column of reference it needs)."""
    if options.venues is not None:
        yield "venues", "MIC"
    if options.exclude_venues is not None:
        yield "exclude_venues", "MIC"
    if options.min_quantity == "lot":
        yield "min_quantity = 'lot'", "LotSize"


def _check_venues(options: ConsolidatedBookOptions) -> None:
    both = sorted({*(options.venues or ())} & {*(options.exclude_venues or ())})
    if both:
        raise UserError(f"{WHO}: {both[0]} is in venues and in exclude_venues: take it out of one of them")
    if options.venues is not None and not options.venues:
        raise UserError(f"{WHO}: venues is empty, so that no quote counts: name MICs, or leave venues out")


def _check_per_venue(options: ConsolidatedBookOptions, books: Columns) -> None:
    if options.per_venue and options.venues is None:
        raise UserError(
            f"{WHO}: per_venue makes columns for each of `venues`, which are not named: add venues, a list of MICs"
        )
    levels = range(1, read_levels(options, books) + 1)
    known = [name for i in levels for s in SIDES for part in PARTS if (name := f"{s}{part}{i}") in books]
    for name in options.per_venue:
        if name not in known:
            raise UserError(
                f"{WHO}: per_venue names {name!r}, which is no column of the levels read of table l2; those are: "
                f"{', '.join(known)}"
            )
