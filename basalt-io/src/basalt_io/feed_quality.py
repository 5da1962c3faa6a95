"""Feed quality: what tells whether the rows of a table are fit to be computed with, listing by listing.

Every *measure* is Top / Bottom of a listing; over listings both are added up, but the longest gap is the longest of
all. A table that lacks what a measure needs has none. *Sessions* are the stretches of continuous trading that table
`marketstate` gives, the last one up to the last row where nothing ends it; of a listing that it does not have, the time
from the first row to the last.
"""

from collections.abc import Callable, Iterator

import attrs
import polars as pl

from basalt.tables import TableSchema

AT, SEQUENCE, LISTING = "EventTimestamp", "SequenceNo", "ListingId"
MINUTE = 60 * 10**9
SECOND = 10**9
ACTIVE = ("trades", "l2", "l3", "cbbo")  # tables that are silent only when nothing happens
TICKS = 10**9  # prices are compared as whole billionths
LOOKED_AT = (
    *(AT, SEQUENCE, "RowOrder", "Size", "OrderId", "Action"),
    *("BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1"),
)
"""The columns that measures look at, beside the key."""


@attrs.frozen(eq=False)
class Feed:
    """One date of an event table: `rows` as they come, stamps in nanoseconds. `sessions`: key, Start, End."""

    schema: TableSchema
    rows: pl.LazyFrame
    names: frozenset[str]
    sessions: pl.LazyFrame
    knows_sessions: bool
    standing: pl.LazyFrame | None

    @classmethod
    def of(
        cls,
        schema: TableSchema,
        frame: pl.LazyFrame,
        states: pl.LazyFrame | None,
        standing: pl.LazyFrame | None = None,
    ) -> "Feed":
        """`frame`: canonical, in the order of the source; that of `RowOrder` where it has that column. `states`: table
        marketstate of the date. `standing`: table l3_snapshot, the orders that were there before the first event."""
        names = frame.collect_schema().names()
        frame = frame.sort("RowOrder") if "RowOrder" in names else frame
        rows = frame.with_columns(pl.col(AT).cast(pl.Int64))
        spans = rows.group_by(schema.key).agg(Start=pl.col(AT).min(), Last=pl.col(AT).max() + 1)
        if states is None or schema.key != LISTING:
            return cls(schema, rows, frozenset(names), spans.rename({"Last": "End"}), False, standing)
        return cls(schema, rows, frozenset(names), _sessions(states, spans), True, standing)

    @property
    def key(self) -> str:
        """What names whose rows they are."""
        return self.schema.key

    @property
    def order(self) -> list[str]:
        """Key, time and, where there is one, sequence."""
        return [self.key, AT, *([SEQUENCE] if SEQUENCE in self.names else [])]

    def sorted(self, *columns: str) -> pl.LazyFrame:
        """Those columns in the order of key, time and sequence."""
        return self.rows.select(*dict.fromkeys([*self.order, *columns])).sort(self.order, maintain_order=True)


@attrs.frozen(eq=False)
class Measure:
    """`of`: by key of the feed Top and Bottom; None where the table cannot tell. `low_is_bad`: a limit is the least.
    `longest`: Top is a time in nanoseconds, of which over listings the greatest counts."""

    name: str
    what: str
    of: Callable[[Feed], pl.LazyFrame | None]
    low_is_bad: bool = False
    longest: bool = False


def measured(feed: Feed) -> Iterator[tuple[Measure, pl.DataFrame]]:
    """Each measure that the table has: key, Top, Bottom."""
    asked = [(measure, found) for measure in MEASURES if (found := measure.of(feed)) is not None]
    yield from zip((m for m, _ in asked), pl.collect_all([found for _, found in asked]), strict=True)


def value(measure: Measure, rows: pl.DataFrame) -> float | None:
    """Over all of these listings; None where nothing was there to be measured."""
    top, bottom = rows["Top"].max() if measure.longest else rows["Top"].sum(), rows["Bottom"].sum()
    if measure.longest:
        return None if top is None else float(top) / SECOND  # type: ignore[arg-type]
    return float(top) / float(bottom) if bottom else None  # type: ignore[arg-type]


def _sessions(states: pl.LazyFrame, spans: pl.LazyFrame) -> pl.LazyFrame:
    rows = states.select(LISTING, pl.col(AT).cast(pl.Int64), "MarketState").sort(LISTING, AT, maintain_order=True)
    trading = rows.with_columns(End=pl.col(AT).shift(-1).over(LISTING)).filter(MarketState="CONTINUOUS_TRADING")
    ended = trading.join(spans.select(LISTING, "Last"), on=LISTING, how="left").select(
        LISTING, Start=AT, End=pl.coalesce("End", "Last")
    )
    unknown = spans.join(rows, on=LISTING, how="anti").select(LISTING, "Start", End="Last")
    return pl.concat([ended.filter(pl.col("End") > pl.col("Start")), unknown])


def _share(rows: pl.LazyFrame, key: str, counted: pl.Expr, among: pl.Expr | None = None) -> pl.LazyFrame:
    """Rows for which `counted` holds, of those for which `among` holds, else of all."""
    bottom = pl.len() if among is None else among.sum()
    hit = counted if among is None else counted & among
    return rows.group_by(key).agg(Top=hit.sum().cast(pl.Float64), Bottom=bottom.cast(pl.Float64))


def _out_of_order(feed: Feed) -> pl.LazyFrame:
    at, before = pl.col(AT), pl.col(AT).shift().over(feed.key)
    back = at < before
    if SEQUENCE in feed.names:
        number = pl.col(SEQUENCE)
        back = back | ((at == before) & (number < number.shift().over(feed.key)))
    rows = feed.rows.select(*feed.order).with_columns(Back=back.fill_null(value=False))
    return _share(rows, feed.key, pl.col("Back"))


def _duplicate_sequence(feed: Feed) -> pl.LazyFrame | None:
    if SEQUENCE not in feed.names:
        return None
    numbers = pl.col(SEQUENCE).drop_nulls()
    rows = feed.rows.select(feed.key, SEQUENCE).group_by(feed.key)
    repeated = (numbers.len() - numbers.n_unique()).cast(pl.Float64)
    return rows.agg(Top=repeated, Bottom=numbers.len().cast(pl.Float64))


def _orders(feed: Feed) -> pl.LazyFrame:
    """Order events with `There`: whether the order was there before the event."""
    rows = feed.sorted("OrderId", "Action")
    before = pl.col("Action").cast(pl.String).shift().over(feed.key, "OrderId")
    stood = pl.lit(value=False)
    if feed.standing is not None:
        known = feed.standing.select(feed.key, "OrderId").unique().with_columns(Stood=True)
        rows = rows.join(known, on=[feed.key, "OrderId"], how="left", maintain_order="left")
        stood = pl.col("Stood").fill_null(value=False)
    return rows.with_columns(There=(before != "Remove").fill_null(stood))


def _duplicate_orders(feed: Feed) -> pl.LazyFrame | None:
    if feed.schema.name != "l3":
        return None
    return _share(_orders(feed), feed.key, pl.col("There"), pl.col("Action") == "Insert")


def _unknown_orders(feed: Feed) -> pl.LazyFrame | None:
    if feed.schema.name != "l3":
        return None
    return _share(_orders(feed), feed.key, ~pl.col("There"), pl.col("Action") != "Insert")


def _nonpositive_size(feed: Feed) -> pl.LazyFrame | None:
    if feed.schema.name == "trades":
        return _share(feed.rows, feed.key, (pl.col("Size") <= 0).fill_null(value=True))
    if feed.schema.name == "l3":
        return _share(feed.rows, feed.key, pl.col("Size") <= 0, pl.col("Action") == "Insert")
    sizes = [name for name in ("BidQuantity1", "AskQuantity1") if name in feed.names]
    if not sizes:
        return None
    return _share(feed.rows, feed.key, pl.any_horizontal((pl.col(sizes) <= 0).fill_null(value=False)))


def _book_time(feed: Feed, odd: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> pl.LazyFrame | None:
    """Time in which the best prices are `odd`, of that in which both sides are there, in sessions."""
    if not {"BidPrice1", "AskPrice1"} <= feed.names:
        return None
    bid, ask = ((pl.col(name) * TICKS).round().cast(pl.Int64) for name in ("BidPrice1", "AskPrice1"))
    rows = feed.sorted("BidPrice1", "AskPrice1").with_columns(Next=pl.col(AT).shift(-1).over(feed.key))
    end = pl.min_horizontal(pl.col("Next").fill_null(pl.col("End")), "End")
    time = pl.max_horizontal(end - pl.max_horizontal(AT, "Start"), 0).cast(pl.Float64)
    held = rows.join(feed.sessions, on=feed.key).with_columns(Time=time)
    both = held.filter(pl.col("BidPrice1").is_finite() & pl.col("AskPrice1").is_finite())
    odd_time = pl.when(odd(bid, ask)).then("Time").otherwise(0.0)
    return both.group_by(feed.key).agg(Top=odd_time.sum(), Bottom=pl.col("Time").sum())


def _crossed_time(feed: Feed) -> pl.LazyFrame | None:
    return _book_time(feed, lambda bid, ask: bid > ask)


def _locked_time(feed: Feed) -> pl.LazyFrame | None:
    return _book_time(feed, lambda bid, ask: bid == ask)


def _by_session(feed: Feed, **asked: pl.Expr) -> pl.LazyFrame:
    """Every session of a listing, with what is asked of its rows' stamps; null where it has none."""
    inside = (pl.col(AT) >= pl.col("Start")) & (pl.col(AT) < pl.col("End"))
    rows = feed.rows.select(feed.key, AT).join(feed.sessions, on=feed.key).filter(inside)
    session = [feed.key, "Start", "End"]
    return feed.sessions.join(rows.group_by(session).agg(**asked), on=session, how="left")


def _longest_gap(feed: Feed) -> pl.LazyFrame | None:
    if feed.schema.name not in ACTIVE:
        return None
    at, start, end = pl.col(AT), pl.col("Start"), pl.col("End")
    found = _by_session(feed, First=at.min(), Last=at.max(), Between=at.sort().diff().max())
    gap = pl.max_horizontal(pl.col("First") - start, "Between", end - pl.col("Last")).fill_null(end - start)
    return found.group_by(feed.key).agg(Top=gap.max().cast(pl.Float64), Bottom=pl.lit(1.0))


def _coverage(feed: Feed) -> pl.LazyFrame | None:
    if feed.schema.name not in ACTIVE or not feed.knows_sessions:
        return None
    found = _by_session(feed, Minutes=(pl.col(AT) // MINUTE).n_unique())
    asked = (pl.col("End") - 1) // MINUTE - pl.col("Start") // MINUTE + 1
    return found.group_by(feed.key).agg(
        Top=pl.col("Minutes").sum().cast(pl.Float64), Bottom=asked.sum().cast(pl.Float64)
    )


MEASURES = (
    Measure("out_of_order", "rows whose time, or sequence at one time, is before that of the row above", _out_of_order),
    Measure("duplicate_sequence", "rows whose sequence number the listing had before", _duplicate_sequence),
    Measure("duplicate_orders", "Inserts of an order that is there already", _duplicate_orders),
    Measure("unknown_orders", "Updates and Removes of an order that is not there", _unknown_orders),
    Measure("nonpositive_size", "rows with a size of 0 or less", _nonpositive_size),
    Measure("crossed_time", "time with the best bid above the best ask, of that with both sides", _crossed_time),
    Measure("locked_time", "time with the best bid at the best ask, of that with both sides", _locked_time),
    Measure("longest_gap", "seconds without a row, at most", _longest_gap, longest=True),
    Measure("coverage", "minutes of continuous trading with a row", _coverage, low_is_bad=True),
)
"""Shares of 1, but the longest gap, which is in seconds; within continuous trading where that is known."""
