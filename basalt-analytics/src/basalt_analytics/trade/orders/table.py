"""The table `orders`: a desk's own parent orders, one row an event."""

import polars as pl

from basalt.columns import Column, Unit
from basalt.tables import AGGRESSOR, NS_UTC, TableSchema
from basalt_analytics.trade.orders.example import example_orders

ORDER_EVENT = pl.Enum(["Arrival", "Fill", "End"])

ORDERS = TableSchema(
    "orders",
    "one row an event of a parent order: it arrived, was filled in part, or ended",
    [
        Column("ListingId", pl.Int64, "what was traded", Unit.LABEL, required=True, also=[pl.String]),
        Column("EventTimestamp", NS_UTC, "when it happened", Unit.TIMESTAMP, required=True),
        Column("SequenceNo", pl.Int64, "order within the listing", Unit.LABEL),
        Column("OrderId", pl.String, "the parent order", Unit.LABEL, required=True),
        Column("Event", ORDER_EVENT, "Arrival once, a Fill each, End once or none", Unit.LABEL, required=True),
        Column("OrderSide", AGGRESSOR, "side of the parent order", Unit.LABEL, required=True),
        Column("OrderQuantity", pl.Float64, "shares to trade; on Arrival", Unit.SHARES, required=True),
        Column("Price", pl.Float64, "price of the fill; on Fill", Unit.PRICE),
        Column("Size", pl.Float64, "shares of the fill; on Fill", Unit.SHARES),
        Column("Fee", pl.Float64, "paid for the fill, a rebate negative; null = 0", Unit.CURRENCY),
        Column("DecisionTimestamp", NS_UTC, "when the order was decided on; on Arrival", Unit.TIMESTAMP),
        Column("DecisionPrice", pl.Float64, "price it was decided at; on Arrival", Unit.PRICE),
        Column("TradeId", pl.String, "the venue's id of the fill's print", Unit.LABEL),
        Column("Strategy", pl.String, "how it was worked", Unit.LABEL),
        Column("Broker", pl.String, "who worked it", Unit.LABEL),
    ],
    example=example_orders,
)
