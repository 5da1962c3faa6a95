"""Quotes: the rows of a quote table, each as one state of the best prices, and the one before each trade.

A level with a size that is not positive or a price that is not counts as missing (the rule of module `l2`). A quote's
*mid* is null where it is not valid: one-sided, or locked or crossed where these are dropped.
"""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from basalt_analytics.l2.book import Book, Rules
from basalt_analytics.trade.prices import above, near

STATUS = pl.Enum(["Ok", "Locked", "Crossed", "OneSided", "Stale", "Missing"])
MidKind = Literal["mid", "weighted_mid"]
LEVEL = {"BidPrice": "BidPrice1", "AskPrice": "AskPrice1", "BidQuantity": "BidQuantity1", "AskQuantity": "AskQuantity1"}
QUOTE = tuple(LEVEL)
_NO_NUMBER = -(2**63)  # rows without a sequence number stand first among those of their stamp


def quote_rows(table: pl.LazyFrame, rules: Rules, mid: MidKind) -> pl.LazyFrame:
    """(ListingId, At, SequenceNo if there, MarketState if there, the four `QUOTE` columns, Mid, Status), in order."""
    columns = table.collect_schema()
    kept = [name for name in ("SequenceNo", "MarketState") if name in columns]
    book, raw = Book(pl.col, rules), Book(pl.col, Rules("keep", "keep"))
    return with_level(table).select(
        "ListingId",
        *kept,
        At=pl.col("EventTimestamp").to_physical(),
        BidPrice=raw.price("Bid", 1),
        AskPrice=raw.price("Ask", 1),
        BidQuantity=raw.depth("Bid", "Quantity", 1),
        AskQuantity=raw.depth("Ask", "Quantity", 1),
        Mid=book.mid if mid == "mid" else book.weighted_mid,
        Status=_status(raw.price("Bid", 1), raw.price("Ask", 1)),
    )


def _status(bid: pl.Expr, ask: pl.Expr) -> pl.Expr:
    status = (
        pl.when(bid.is_null() & ask.is_null())
        .then(pl.lit("Missing"))
        .when(bid.is_null() | ask.is_null())
        .then(pl.lit("OneSided"))
        .when(near(bid, ask))
        .then(pl.lit("Locked"))
        .when(above(bid, ask))
        .then(pl.lit("Crossed"))
        .otherwise(pl.lit("Ok"))
    )
    return status.cast(STATUS)


def with_level(table: pl.LazyFrame) -> pl.LazyFrame:
    """The table with every column of the best level, null where it has none: a size need not be told."""
    columns = table.collect_schema()
    return table.with_columns(pl.lit(None, pl.Float64).alias(name) for name in LEVEL.values() if name not in columns)


def of_listings(cbbo: pl.LazyFrame, reference: pl.LazyFrame, trades: pl.LazyFrame) -> pl.LazyFrame:
    """The quotes of each instrument as quotes of each of its listings that trade, in (ListingId, time) order."""
    traded = reference.select("ListingId", "InstrumentId").join(trades, on="ListingId", how="semi")
    pairs = traded.sort("ListingId")
    return pairs.join(cbbo, on="InstrumentId", how="inner", maintain_order="left_right")


def before_trades(trades: pl.LazyFrame, quotes: pl.LazyFrame, lag: int, by_sequence: bool) -> pl.LazyFrame:
    """Trades with the columns of the last quote strictly before (time − lag, and SequenceNo where `by_sequence`), each
    with _ in front; null where there is none."""
    at = pl.col("EventTimestamp").to_physical() - lag
    columns = ["At", *QUOTE, "Mid", "Status"]
    known = quotes.select(
        "ListingId", order_key(pl.col("At"), by_sequence), **{f"_{name}": pl.col(name) for name in columns}
    )
    return (
        trades.with_columns(order_key(at, by_sequence))
        .join_asof(
            known,
            on="_Key",
            by="ListingId",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .drop("_Key")
    )


def order_key(at: pl.Expr, by_sequence: bool) -> pl.Expr:
    """What orders rows of a listing: the time, or time and sequence as one integer of 128 bits."""
    if not by_sequence:
        return at.alias("_Key")
    return (at.cast(pl.Int128) * 2**64 + pl.col("SequenceNo").fill_null(_NO_NUMBER)).alias("_Key")


def kept(own: Mapping[str, pl.DataType], overwrite: bool, stale: pl.Expr) -> list[pl.Expr]:
    """The four quote columns: of trades that come with a quote, those columns as they are; else of the row before,
    null where it is `stale`."""
    has = [name for name in QUOTE if name in own and not overwrite]
    owned = pl.any_horizontal(pl.lit(False), *(pl.col(name).is_not_null() for name in has))
    found = {name: pl.when(~stale).then(pl.col(f"_{name}")) for name in QUOTE}
    return [
        (pl.when(owned).then(pl.col(name)).otherwise(found[name]) if name in has else found[name]).alias(name)
        for name in QUOTE
    ]
