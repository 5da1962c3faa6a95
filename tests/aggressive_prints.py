"""Prints so many microseconds after 09:00:00, and the aggressive orders that the transform makes of tables."""

from datetime import date

import polars as pl

from basalt.config.structure import structure
from basalt.modules import PassContext
from basalt.tables import AGGRESSOR, NS_UTC, STATE, TRADE_TYPE
from basalt_analytics.transforms.aggressive_trades import AggressiveTrades

START = 1767603600 * 10**9
CONTEXT = PassContext("bars", date(2026, 1, 5), ["ListingId"], None)
DTYPES = {
    "Price": pl.Float64,
    "Size": pl.Float64,
    "AggressorSide": AGGRESSOR,
    "TradeType": TRADE_TYPE,
    "MarketState": STATE,
}


def prints(*microseconds, **more):
    """Buys of 100 at 10.00 on listing 1; `more` are whole columns."""
    count = len(microseconds)
    columns = {"Price": [10.0] * count, "Size": [100.0] * count, "AggressorSide": ["Buy"] * count, **more}
    series = [pl.Series(name, values, DTYPES.get(name), strict=False) for name, values in columns.items()]
    at = pl.Series("EventTimestamp", [START + round(us * 1000) for us in microseconds], pl.Int64).cast(NS_UTC)
    return pl.DataFrame([pl.Series("ListingId", [1] * count, pl.Int64), at, *series])


def transform(**options):
    """The transform with these options."""
    return AggressiveTrades(structure(AggressiveTrades.Config, options, "preprocess[0]"))


def made(tables, context=CONTEXT, **options):
    """Both of its tables, planned and run."""
    step = transform(**options)
    step.columns({name: frame.schema for name, frame in tables.items()})
    return {n: f.collect() for n, f in step.apply({n: f.lazy() for n, f in tables.items()}, context).items()}


def orders(trades, more=(), context=CONTEXT, **options):
    """The orders behind prints."""
    return made({"trades": trades, **dict(more)}, context, **options)["aggressive_orders"]
