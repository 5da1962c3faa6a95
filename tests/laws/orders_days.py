"""The sample days with a desk's orders: their fills are prints of the day, flaws and all.

In each listing an order begins at every twelfth print, and what it does is told by the prints behind that. By number:
0 is filled in part, 1 whole, 2 never; 3 has a decision before arrival and no fees; 4 changes its side; 5 never arrives.
The last listing's first order never ends.
"""

from collections.abc import Callable, Mapping

import polars as pl

from basalt.testing.days import DAYS
from basalt_analytics.trade.orders.table import ORDERS

Day = dict[str, pl.DataFrame]
APART = 12
PLACE = pl.int_range(pl.len()).over("ListingId")
KIND = pl.col("Number") % 6
STEPS = {0: "Arrival", 3: "Fill", 6: "Fill", 10: "End"}
"""Prints after an order's first, and what it does there."""


def with_orders(day: Day) -> Day:
    """The day's tables, and `orders`."""
    at = PLACE.alias("Place")
    prints = day["trades"].with_columns(at, Number=at // APART, Step=at % APART)
    event = pl.col("Step").replace_strict(STEPS, default=None, return_dtype=ORDERS.column("Event").dtype)
    rows = prints.with_columns(Event=event).filter(pl.col("Event").is_not_null())
    first = pl.col("Number") == 0
    last = pl.col("ListingId") == pl.col("ListingId").max()
    gone = (
        ((KIND == 2) & (pl.col("Event") == "Fill"))
        | ((KIND == 5) & (pl.col("Event") == "Arrival"))
        | (first & last & (pl.col("Event") == "End"))
    )
    made = rows.filter(~gone).select(*_columns())
    return day | {"orders": made}


def _columns() -> list[pl.Expr]:
    fill, arrival = pl.col("Event") == "Fill", pl.col("Event") == "Arrival"
    sold = (pl.col("Number") % 2 == 1) ^ ((KIND == 4) & fill)
    side = pl.when(sold).then(pl.lit("Sell")).otherwise(pl.lit("Buy"))
    quantity = pl.when(KIND == 1).then(pl.col("Size").fill_null(1) * 0 + 1000.0).otherwise(9000.0)
    decided = pl.col("EventTimestamp").dt.offset_by("-90s")
    size = pl.when(KIND == 1).then(500.0).otherwise("Size")
    values = {
        "ListingId": pl.col("ListingId"),
        "EventTimestamp": pl.col("EventTimestamp"),
        "SequenceNo": pl.col("SequenceNo"),
        "OrderId": pl.format("order {}", "Number"),
        "Event": pl.col("Event"),
        "OrderSide": side,
        "OrderQuantity": pl.when(arrival).then(quantity),
        "Price": pl.when(fill).then("Price"),
        "Size": pl.when(fill).then(size),
        "Fee": pl.when(fill & (KIND != 3)).then(pl.col("Price") * size * 1e-4),
        "DecisionTimestamp": pl.when(arrival & (KIND == 3)).then(decided),
        "DecisionPrice": pl.when(arrival & (KIND == 1)).then("Price"),
        "TradeId": pl.when(fill).then("TradeId"),
    }
    return [value.cast(ORDERS.column(name).dtype).alias(name) for name, value in values.items()]


def _day(name: str) -> Callable[[], Day]:
    return lambda: with_orders(DAYS[name]())


ORDER_DAYS: Mapping[str, Callable[[], Day]] = {name: _day(name) for name in DAYS}
