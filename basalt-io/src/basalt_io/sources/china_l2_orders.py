"""Orders and trades as `trades` and `l3`; `china_l2` says what becomes of what."""

import polars as pl

from basalt.tables import ACTION, AGGRESSOR, NS_UTC, SIDE, STATE, TRADE_TYPE
from basalt_io.sources import china_l2_shenzhen as shenzhen
from basalt_io.sources.china_l2_files import Part, rows
from basalt_io.sources.china_l2_shenzhen import ORDER

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
    """Orders that rest, what is executed of them, and their ends, in the order of their sequence."""
    events = _of_shenzhen if shenzhen.is_shenzhen(part, "entrust") else _of_shanghai
    states = (
        pl.concat(events(part, midnight), how="diagonal")
        .sort("SequenceNo", maintain_order=True)
        .with_columns(_left(), EndOfEvent=_end())
    )
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
    if shenzhen.is_shenzhen(part, "trade"):
        return _executions(part, midnight).filter(KIND == "T")
    return _stamped(rows(part, "trade", TRADE_COLUMNS, {"TradeBSFlag": ["B", "S", "N"]}), midnight)


def _executions(part: Part, midnight: int) -> pl.LazyFrame:
    """Shenzhen's trades and cancels; trades outside continuous trading are an auction's."""
    found = _stamped(shenzhen.executions(part), midnight)
    continuous = _minute(midnight).is_between(CONTINUOUS_FROM, CLOSING_FROM, closed="left")
    return found.with_columns(TradeBSFlag=pl.when(continuous).then("TradeBSFlag").otherwise(pl.lit("N")))


def _stamped(found: pl.LazyFrame, midnight: int, time: str = "TradTime") -> pl.LazyFrame:
    return found.with_columns(ListingId="SecurityID", EventTimestamp=stamp(time, midnight), SequenceNo="BizIndex")


def _minute(midnight: int) -> pl.Expr:
    return (pl.col("EventTimestamp").cast(pl.Int64) - midnight) // MINUTE


def _aggressor() -> pl.Expr:
    side = pl.when(pl.col("TradeBSFlag") == "B").then(pl.lit("Buy")).when(pl.col("TradeBSFlag") == "S")
    return side.then(pl.lit("Sell")).cast(AGGRESSOR)


def _state(midnight: int) -> pl.Expr:
    minute = _minute(midnight)
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


def _of_shanghai(part: Part, midnight: int) -> list[pl.LazyFrame]:
    found = rows(part, "entrust", ORDER_COLUMNS, {"OrderType": ["A", "D"], "OrderBSFlag": ["B", "S"]})
    return [*_fills(_trades(part, midnight)), _orders(found, midnight, pl.col("OrderType"))]


def _of_shenzhen(part: Part, midnight: int) -> list[pl.LazyFrame]:
    executions = _executions(part, midnight)
    traded, cancelled = executions.filter(KIND == "T"), _cancels(executions.filter(KIND == "D"))
    added = _orders(shenzhen.orders(part), midnight, pl.lit("A"), "Type")
    rested = shenzhen.rested(added, traded, cancelled).select(*_ORDER_EVENT)
    never = added.join(rested, on=ORDER, how="anti")
    return [*_fills(traded), rested, cancelled.join(never, on=ORDER, how="anti", maintain_order="left")]


_ORDER_EVENT = (*KEYS, "Kind", "OrderId", "Side", "OrderPrice", "Volume", "Event")


def _orders(found: pl.LazyFrame, midnight: int, kind: pl.Expr, *more: str) -> pl.LazyFrame:
    return _stamped(found, midnight, "OrderTime").select(
        *KEYS,
        Kind=kind,
        OrderId="OrderNO",
        Side=pl.when(pl.col("OrderBSFlag") == "B").then(pl.lit("Bid")).otherwise(pl.lit("Ask")),
        OrderPrice="OrderPrice",
        Volume="Balance",
        Event=pl.when(kind == "A").then("OrderNO").otherwise(-pl.col("OrderNO")),
        **{name: pl.col(name) for name in more},
    )


def _cancels(found: pl.LazyFrame) -> pl.LazyFrame:
    """Shenzhen's: the order that is not 0 is withdrawn."""
    bid = pl.col("TradeBuyNo") > 0
    order = pl.when(bid).then("TradeBuyNo").otherwise("TradeSellNo")
    return found.select(
        *KEYS,
        "Kind",
        OrderId=order,
        Side=pl.when(bid).then(pl.lit("Bid")).otherwise(pl.lit("Ask")),
        Volume="TradVolume",
        Event=-order,
    )


def _fills(found: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Executions of resting orders: the side that is not the aggressor's, both in an auction."""
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
