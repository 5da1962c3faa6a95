"""Aggressive orders of their executions: one row an order, in the listing's order."""

import polars as pl

from basalt.durations import SECOND
from basalt.metrics import ratio
from basalt.tables import NS_UTC
from basalt_analytics.transforms.aggressive.clusters import ORDER
from basalt_analytics.transforms.aggressive.executions import KEY
from basalt_analytics.transforms.aggressive.options import AggressiveTradesOptions, Columns
from basalt_analytics.transforms.quote_rows import QUOTE

Expressions = dict[str, pl.Expr]


def orders(rows: pl.LazyFrame, config: AggressiveTradesOptions, own: Columns, grows: pl.Expr) -> pl.LazyFrame:
    """The orders behind clustered executions. `own`: columns of their table; `grows`: of an execution, until when (ns)
    the order may grow if it is the last."""
    quotes = {name: pl.col(name).first() for name in QUOTE if name in own}
    carried = {name: pl.col(name).first() for name in config.carry_first}
    carried |= {name: pl.col(name).last() for name in config.carry_last}
    resting = {"RestingOrders": pl.col("OrderId").n_unique().cast(pl.Int64)} if config.table == "l3" else {}
    of_stamp = pl.Expr.last if config.stamp == "last" else pl.Expr.first
    state = {"MarketState": of_stamp(pl.col("MarketState"))} if "MarketState" in rows.collect_schema() else {}
    summed = _sums() | resting | state | {"_Grows": grows.last()} | quotes | carried
    found = rows.group_by(ORDER).agg(**summed).sort(ORDER).drop(ORDER)
    return found.with_columns(_of_sums(config)).with_columns(**_to_touch(quotes))


def _sums() -> Expressions:
    price, size = pl.col("_Price"), pl.col("_Size")
    return {
        KEY: pl.col(KEY).first(),
        "FirstTimestamp": pl.col("_At").first(),
        "LastTimestamp": pl.col("_At").last(),
        "AggressorSide": pl.col("_Side").first(),
        "Size": size.sum(),
        "Notional": (price * size).sum(),
        "_Priced": pl.when(price.is_not_null()).then(size).sum(),
        "Executions": pl.len().cast(pl.Int64),
        "Levels": pl.col("_Key").drop_nulls().n_unique().cast(pl.Int64),
        "FirstPrice": price.first(),
        "LastPrice": price.last(),
        "MinPrice": price.min(),
        "MaxPrice": price.max(),
        "AggressiveOrderId": pl.col("AggressiveOrderId").first(),
    }


def _of_sums(config: AggressiveTradesOptions) -> list[pl.Expr]:
    first, last, next_ = pl.col("FirstTimestamp"), pl.col("LastTimestamp"), pl.col("FirstTimestamp").shift(-1).over(KEY)
    stamp, priced = last if config.stamp == "last" else first, pl.col("_Priced")
    return [
        stamp.cast(NS_UTC).alias("EventTimestamp"),
        first.cast(NS_UTC).alias("FirstTimestamp"),
        last.cast(NS_UTC).alias("LastTimestamp"),
        pl.min_horizontal(next_, "_Grows").cast(NS_UTC).alias("FinalTimestamp"),
        pl.when(priced > 0).then("Notional").alias("Notional"),
        ratio(pl.col("Notional"), priced).alias("Price"),
        (pl.col("MaxPrice") - pl.col("MinPrice")).alias("PriceRange"),
        ((last - first) / SECOND).alias("DurationSeconds"),
        (pl.col("Levels") >= config.sweep_levels).alias("IsSweep"),
    ]


def _to_touch(quotes: Expressions) -> Expressions:
    """SizeToTouch, where a quantity of the other side can be known."""
    if not {"BidQuantity", "AskQuantity"} & quotes.keys():
        return {}
    side = pl.col("AggressorSide")
    bought, sold = _quantity("AskQuantity", quotes), _quantity("BidQuantity", quotes)
    return {"SizeToTouch": ratio(pl.col("Size"), pl.when(side == "Buy").then(bought).when(side == "Sell").then(sold))}


def _quantity(name: str, quotes: Expressions) -> pl.Expr:
    """The quote's size, null where it is none."""
    if name not in quotes:
        return pl.lit(None, pl.Float64)
    return pl.when(pl.col(name).is_finite() & (pl.col(name) > 0)).then(name)
