"""The tables that `aggressive_trades` makes: a row an aggressive order, and a row an execution of one."""

import attrs
import polars as pl

from basalt.columns import Column, Unit
from basalt.tables import AGGRESSOR, L3, NS_UTC, STATE, TRADES, TableSchema


def _stamp(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, NS_UTC, doc, Unit.TIMESTAMP, required)


def _price(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, pl.Float64, doc, Unit.PRICE, required)


def _count(name: str, doc: str) -> Column:
    return Column(name, pl.Int64, doc, Unit.COUNT)


def _number(name: str, doc: str, required: bool = False) -> Column:
    return Column(name, pl.Int64, doc, Unit.LABEL, required)


AGGRESSIVE_ORDERS = TableSchema(
    "aggressive_orders",
    "one row an aggressive order, put together from its executions; valid in the place of trades",
    [
        Column("ListingId", pl.Int64, "tradable line on one venue", Unit.LABEL, required=True, also=[pl.String]),
        _stamp("EventTimestamp", "time of the last execution, or of the first where that is asked for", required=True),
        _stamp("FirstTimestamp", "time of the first execution"),
        _stamp("LastTimestamp", "time of the last execution"),
        Column("AggressorSide", AGGRESSOR, "side that took liquidity; null = unknown", Unit.LABEL),
        _price("Price", "average price, weighted by shares, of executions whose price is known", required=True),
        Column("Size", pl.Float64, "shares executed", Unit.SHARES, required=True),
        Column("MarketState", STATE, "state of the venue at EventTimestamp, where it is known", Unit.LABEL),
        Column("Notional", pl.Float64, "Σ price × shares, where the price is known", Unit.CURRENCY),
        _count("Executions", "how many executions"),
        _count("RestingOrders", "how many resting orders were hit; of order events alone"),
        _count("Levels", "how many prices"),
        _price("FirstPrice", "price of the first execution"),
        _price("LastPrice", "price of the last execution"),
        _price("MinPrice", "lowest price"),
        _price("MaxPrice", "highest price"),
        _price("PriceRange", "highest less lowest price"),
        Column("DurationSeconds", pl.Float64, "from the first execution to the last", Unit.SECONDS),
        Column("IsSweep", pl.Boolean, "executed at `sweep_levels` prices or more", Unit.FLAG),
        _number("AggressiveOrderId", "counted from 0 in the listing and date", required=True),
        _number("SweepId", "sweep over the instrument's venues, counted from 0 in the instrument and date"),
        _count("SweepVenues", "on how many listings the sweep traded; known when the date is over"),
        _stamp("FinalTimestamp", "until when the order may still grow; null where that is known when the date is over"),
        _price("BidPrice", "best bid just before the first execution"),
        _price("AskPrice", "best ask just before the first execution"),
        Column("BidQuantity", pl.Float64, "size at the best bid just before the first execution", Unit.SHARES),
        Column("AskQuantity", pl.Float64, "size at the best ask just before the first execution", Unit.SHARES),
        Column(
            "SizeToTouch",
            pl.Float64,
            "shares over the size at the best price of the other side before the first execution; null without it",
            Unit.RATIO,
        ),
    ],
)
ORDER_COLUMNS = {c.name: c.dtype() if isinstance(c.dtype, type) else c.dtype for c in AGGRESSIVE_ORDERS.columns}


def executions_table(table: str) -> TableSchema:
    """The rows of trades or l3 that are executions of aggressive orders; whatever else its source has is left out."""
    numbers = [
        _number("AggressiveOrderId", "the order in aggressive_orders", required=True),
        _number("ExecutionIndex", "counted from 0 in the order", required=True),
    ]
    base = TRADES if table == "trades" else L3
    columns = [attrs.evolve(column, required=column.name in (base.key, *base.order[:1])) for column in base.columns]
    return TableSchema("aggressive_executions", "one row an execution of an aggressive order", [*columns, *numbers])
