"""How long after each trade the touch next changes: a best price or the size at it, on either side.

A change is against the row before in the same open time; what a listing opens with is none, and a trade waits for the
changes of its own open time alone.
"""

import polars as pl

from basalt.durations import SECOND
from basalt.running.in_force import in_stretch
from basalt_analytics.trade.prices import near
from basalt_analytics.transforms.open_times import KEY
from basalt_analytics.transforms.quote_rows import order_key

NEXT = "NextQuoteSeconds"


def with_next_quotes(
    trades: pl.LazyFrame, quotes: pl.LazyFrame, found: pl.LazyFrame | None, wait: int, by_sequence: bool
) -> pl.LazyFrame:
    """Trades with `NEXT`: seconds to the first change at or after the trade in the order, null beyond `wait` ns."""
    changes = _changes(_in_open_time(quotes, found)).select(
        KEY, order_key(pl.col("At"), by_sequence), _Next="At", _NextStretch="StretchId"
    )
    stamped = trades.with_columns(At=pl.col("EventTimestamp").to_physical())
    points = _in_open_time(stamped, found).with_columns(order_key(pl.col("At"), by_sequence))
    joined = points.join_asof(changes, on="_Key", by=KEY, strategy="forward", coalesce=True, check_sortedness=False)
    seconds = pl.col("_Next") - pl.col("At")
    counts = (seconds <= wait) & (pl.col("_NextStretch") == pl.col("StretchId"))
    named = pl.when(counts).then(seconds / SECOND).alias(NEXT)
    return joined.with_columns(named).drop("At", "StretchId", "_Key", "_Next", "_NextStretch")


def _in_open_time(rows: pl.LazyFrame, found: pl.LazyFrame | None) -> pl.LazyFrame:
    """Rows with the StretchId they lie in, null outside all; one where the date is one stretch."""
    if found is None:
        return rows.with_columns(StretchId=pl.lit(0, pl.Int64))
    return in_stretch(rows, KEY, "At", found)


def _changes(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows whose touch is not that of the row before in the open time."""
    prices, sizes = ("BidPrice", "AskPrice"), ("BidQuantity", "AskQuantity")
    before = {name: pl.col(f"_{name}") for name in (*prices, *sizes)}
    differ = [~_same(pl.col(name), before[name]) for name in prices]
    differ += [pl.col(name).ne_missing(before[name]) for name in sizes]
    return (
        rows.filter(pl.col("StretchId").is_not_null())
        .with_columns(pl.col(KEY, "StretchId", *before).shift(1).name.prefix("_"))
        .filter((pl.col(KEY) == pl.col(f"_{KEY}")) & (pl.col("StretchId") == pl.col("_StretchId")))
        .filter(pl.any_horizontal(differ))
    )


def _same(price: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Both missing, or one and the same price."""
    return near(price, other).fill_null(price.is_null() & other.is_null())
