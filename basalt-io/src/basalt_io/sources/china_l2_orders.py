"""Shanghai's orders and trades as `trades` and `l3`; `china_l2` says what becomes of what."""

import polars as pl

from basalt.tables import ACTION, AGGRESSOR, NS_UTC, SIDE, STATE, TRADE_TYPE
from basalt_io.sources.china_l2_files import Part, rows

MINUTE = 60_000_000_000
CONTINUOUS_FROM, CLOSING_FROM = 570, 897  # 09:30 and 14:57, in minutes after midnight

ORDER_COLUMNS = {
    "SecurityID": pl.String,
    "OrderTime": pl.String,
    "OrderType": pl.String,
    "OrderNO": pl.Int64,
    "OrderPrice": pl.Float64,
    "Balance": pl.Float64,
    "OrderBSFlag": pl.String,
    "BizIndex": pl.Int64,
}
TRADE_COLUMNS = {
    "TradeIndex": pl.String,
    "SecurityID": pl.String,
    "TradTime": pl.String,
    "TradPrice": pl.Float64,
    "TradVolume": pl.Float64,
    "TradeBuyNo": pl.Int64,
    "TradeSellNo": pl.Int64,
    "TradeBSFlag": pl.String,
    "BizIndex": pl.Int64,
}
KEYS = ("ListingId", "EventTimestamp", "SequenceNo")
AUCTION, EVENT, KIND = pl.col("TradeBSFlag") == "N", pl.col("Event"), pl.col("Kind")
ORDER = ("ListingId", "OrderId")


def stamp(text: str, midnight: int) -> pl.Expr:
    """A column of times of day as UTC nanoseconds; `midnight` is what they count from."""
    return (pl.col(text).str.to_time("%H:%M:%S%.f").cast(pl.Int64) + midnight).cast(NS_UTC)


def trades(part: Part, midnight: int) -> pl.LazyFrame:
    """Every row of trade.csv."""
    return _trades(part, midnight).select(
        *KEYS,
        Price="TradPrice",
        Size="TradVolume",
        AggressorSide=_aggressor(),
        TradeType=pl.when(AUCTION).then(pl.lit("Auction")).otherwise(pl.lit("Lit")).cast(TRADE_TYPE),
        MarketState=_state(midnight),
        TradeId="TradeIndex",
    )


def l3(part: Part, midnight: int) -> pl.LazyFrame:
    """Orders that rest, what is executed of them, and their ends, in the order of BizIndex."""
    events = pl.concat([_orders(part, midnight), *_fills(part, midnight)], how="diagonal")
    states = events.sort("SequenceNo", maintain_order=True).with_columns(_left(), EndOfEvent=_end())
    insert, execution = KIND == "A", KIND == "T"
    gone = (KIND == "D") | (execution & (pl.col("Left") <= 0))
    price = pl.coalesce(pl.col("OrderPrice").max().over(ORDER), pl.when(EVENT != 0).then("TradPrice"))
    return states.with_columns(Price=price).select(
        *KEYS,
        "OrderId",
        pl.col("Side").cast(SIDE),
        _action(insert, gone),
        Price=pl.when(~gone).then("Price"),
        Size=pl.when(insert).then("Volume").when(gone).then(0.0).otherwise("Left"),
        OldPrice=pl.when(~insert).then("Price"),
        OldSize=pl.when(insert).then(0.0).when(gone).then("Volume").otherwise(pl.col("Left") + pl.col("Volume")),
        ExecutionPrice="TradPrice",
        ExecutionSize=pl.when(execution).then("Volume").otherwise(0.0),
        TradeId="TradeIndex",
        EndOfEvent="EndOfEvent",
    )


def _trades(part: Part, midnight: int) -> pl.LazyFrame:
    found = rows(part, "trade", TRADE_COLUMNS, {"TradeBSFlag": ["B", "S", "N"]})
    return found.with_columns(ListingId="SecurityID", EventTimestamp=stamp("TradTime", midnight), SequenceNo="BizIndex")


def _aggressor() -> pl.Expr:
    side = pl.when(pl.col("TradeBSFlag") == "B").then(pl.lit("Buy")).when(pl.col("TradeBSFlag") == "S")
    return side.then(pl.lit("Sell")).cast(AGGRESSOR)


def _state(midnight: int) -> pl.Expr:
    minute = (pl.col("EventTimestamp").cast(pl.Int64) - midnight) // MINUTE
    return (
        pl.when(~AUCTION)
        .then(pl.lit("CONTINUOUS_TRADING"))
        .when(minute < CONTINUOUS_FROM)
        .then(pl.lit("OPENING_AUCTION"))
        .when(minute >= CLOSING_FROM)
        .then(pl.lit("CLOSING_AUCTION"))
        .otherwise(pl.lit("UNSCHEDULED_AUCTION"))
        .cast(STATE)
    )


def _orders(part: Part, midnight: int) -> pl.LazyFrame:
    found = rows(part, "entrust", ORDER_COLUMNS, {"OrderType": ["A", "D"], "OrderBSFlag": ["B", "S"]})
    return found.select(
        ListingId="SecurityID",
        EventTimestamp=stamp("OrderTime", midnight),
        SequenceNo="BizIndex",
        Kind="OrderType",
        OrderId="OrderNO",
        Side=pl.when(pl.col("OrderBSFlag") == "B").then(pl.lit("Bid")).otherwise(pl.lit("Ask")),
        OrderPrice="OrderPrice",
        Volume="Balance",
        Event=pl.when(pl.col("OrderType") == "A").then("OrderNO").otherwise(-pl.col("OrderNO")),
    )


def _fills(part: Part, midnight: int) -> list[pl.LazyFrame]:
    """Executions of resting orders: the side that is not the aggressor's, both in an auction."""
    found = _trades(part, midnight)
    buyer, seller = pl.col("TradeBuyNo"), pl.col("TradeSellNo")
    aggressor = pl.when(pl.col("TradeBSFlag") == "B").then(buyer).when(~AUCTION).then(seller).otherwise(0)
    legs = (("Bid", "B", buyer), ("Ask", "S", seller))
    return [
        found.filter(pl.col("TradeBSFlag") != active).select(
            *KEYS,
            Kind=pl.lit("T"),
            OrderId=order,
            Side=pl.lit(side),
            TradPrice="TradPrice",
            Volume="TradVolume",
            TradeIndex="TradeIndex",
            Event=aggressor,
        )
        for side, active, order in legs
    ]


def _left() -> pl.Expr:
    """What rests of the order after the event. An order without an A row had what the rows take from it."""
    taken = pl.when(KIND != "A").then("Volume").otherwise(0.0)
    had = pl.coalesce(pl.when(KIND == "A").then("Volume").max().over(ORDER), taken.sum().over(ORDER))
    return (had - taken.cum_sum().over(ORDER)).alias("Left")


def _end() -> pl.Expr:
    """Whether the next row of the listing is not of the same order's entry, or of the same auction."""
    return EVENT.ne_missing(EVENT.shift(-1).over("ListingId"))


def _action(insert: pl.Expr, gone: pl.Expr) -> pl.Expr:
    action = pl.when(insert).then(pl.lit("Insert")).when(gone).then(pl.lit("Remove")).otherwise(pl.lit("Update"))
    return action.cast(ACTION).alias("Action")
