"""Executions: the rows of trades or l3 that count, each with what the aggressive order is made of.

MarketState is added where `marketstate` alone tells it, and columns with _ in front: _At (ns), _Side (of the
aggressor), _Price (null where it is no number), _Size, _Key (by which prices are the same), _Match (the exchange's id),
_Event and _EventEnd.

The *exchange event* of an l3 row is the number of EndOfEvent before it, over all rows of the listing; a row that does
not say whether it is the last of its event is. _EventEnd is when the event's last row is stamped, null until it came.
"""

from collections.abc import Mapping
from math import inf

import polars as pl

from basalt.market_state import MarketState, MarketStateOptions
from basalt.modules import PassContext
from basalt.running.stretches import admissible, in_sessions
from basalt.tables import AGGRESSOR
from basalt_analytics.trade.admissible import counted_states
from basalt_analytics.trade.filters import all_of, of_types
from basalt_analytics.trade.prices import price_key
from basalt_analytics.transforms.aggressive.options import AggressiveTradesOptions, Columns

KEY = "ListingId"


def executions(inputs: Mapping[str, pl.LazyFrame], config: AggressiveTradesOptions, pass_: PassContext) -> pl.LazyFrame:
    """The rows that count, in their order, with their table's columns and those added."""
    rows = _with_events(inputs[config.table], config)
    own = rows.collect_schema()
    side = _resting_opposite() if config.table == "l3" else pl.col("AggressorSide")
    price = pl.col("ExecutionPrice" if config.table == "l3" else "Price")
    rows = rows.with_columns(
        pl.col("EventTimestamp").to_physical().alias("_At"),
        side.alias("_Side"),
        pl.when(price.is_finite()).then(price).alias("_Price"),
        pl.col("ExecutionSize" if config.table == "l3" else "Size").alias("_Size"),
        (pl.lit(None, pl.Int64) if config.match_column is None else pl.col(config.match_column)).alias("_Match"),
    )
    counted = _admitted(rows, inputs, config, pass_).filter(_counts(own, config))
    return counted.with_columns(price_key(pl.col("_Price")).alias("_Key"))


def _with_events(rows: pl.LazyFrame, config: AggressiveTradesOptions) -> pl.LazyFrame:
    if "event" not in config.applied(rows.collect_schema()):
        none = pl.lit(None, pl.Int64)
        return rows.with_columns(none.alias("_Event"), none.alias("_EventEnd"))
    last = pl.col("EndOfEvent").fill_null(True)
    before = last.cast(pl.Int64).cum_sum() - last.cast(pl.Int64)
    end = pl.when(last).then(pl.col("EventTimestamp").to_physical()).backward_fill()
    return rows.with_columns(before.over(KEY).alias("_Event"), end.over(KEY).alias("_EventEnd"))


def _resting_opposite() -> pl.Expr:
    """Who meets a resting bid sells."""
    buys, sells = pl.lit("Buy", AGGRESSOR), pl.lit("Sell", AGGRESSOR)
    return pl.when(pl.col("Side") == "Bid").then(sells).when(pl.col("Side") == "Ask").then(buys)


def _counts(own: Columns, config: AggressiveTradesOptions) -> pl.Expr:
    types = config.types(own)
    known = pl.col("_Side").is_not_null() if config.unknown_side == "drop" else None
    standing = ~pl.col("IsCancelled").fill_null(False) if "IsCancelled" in own else None
    sized = pl.col("_Size").is_between(config.min_size, inf, closed="none")
    found = all_of(sized, None if types is None else of_types(types), known, standing)
    assert found is not None
    return found


def _admitted(
    rows: pl.LazyFrame, inputs: Mapping[str, pl.LazyFrame], config: AggressiveTradesOptions, pass_: PassContext
) -> pl.LazyFrame:
    """Rows in the states that count, else in the hours of the pass where no state is known; with MarketState where it
    is."""
    if "MarketState" not in rows.collect_schema():
        if "marketstate" not in inputs:
            return rows if pass_.sessions is None else rows.filter(in_sessions(pass_.sessions))
        as_of = MarketState(MarketStateOptions(table=config.table))
        rows = as_of.apply({config.table: rows, "marketstate": inputs["marketstate"]}, pass_)[config.table]
    states = counted_states(config.market_states, pass_)
    return rows if states is None else rows.filter(admissible(states))
