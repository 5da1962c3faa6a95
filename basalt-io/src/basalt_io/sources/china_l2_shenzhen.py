"""Shenzhen's orders, executions and trading phases in the terms that Shanghai's are read in; `china_l2` says how.

An order's *entry* is its order row and the executions that it starts, in which it is the younger of the two orders.
"""

from collections.abc import Mapping

import polars as pl

from basalt.columns import DType
from basalt_io.sources.china_l2_files import Part, rows

ORDER_COLUMNS = {
    "SecurityID": pl.String,
    "TransactTime": pl.String,
    "ApplSeqNum": pl.Int64,
    "Price": pl.Float64,
    "OrderQty": pl.Float64,
    "Side": pl.String,
    "OrdType": pl.String,
}
TRADE_COLUMNS = {
    "SecurityID": pl.String,
    "TransactTime": pl.String,
    "ApplSeqNum": pl.Int64,
    "BidApplSeqNum": pl.Int64,
    "OfferApplSeqNum": pl.Int64,
    "LastPx": pl.Float64,
    "LastQty": pl.Float64,
    "ExecType": pl.String,
}
# Each letter as itself and as the number of its character, as some deliveries write it.
SIDES = {"1": "B", "49": "B", "2": "S", "50": "S"}
TYPES = {"1": "market", "49": "market", "2": "limit", "50": "limit", "U": "own best", "85": "own best"}
KINDS = {"F": "T", "70": "T", "4": "D", "52": "D"}
TRADED = [said for said, kind in KINDS.items() if kind == "T"]
PHASES = {
    "S": "START",
    "O": "OCALL",
    "T": "TRADE",
    "B": "BREAK",
    "C": "CCALL",
    "E": "ENDTR",
    "H": "SUSP",
    "A": "CLOSE",
    "V": "VCALL",
}
MARK = {"entrust": "ApplSeqNum", "trade": "ApplSeqNum", "snapshot": "TradingPhaseCode"}
ORDER = ("ListingId", "OrderId")


def is_shenzhen(part: Part, kind: str) -> bool:
    """Whether the file has the column that Shanghai's has not."""
    return MARK[kind] in part.header(kind)


def executions(part: Part) -> pl.LazyFrame:
    """trade.csv in Shanghai's columns, with Kind T (trade) or D (cancel); B or S by the younger order, N never."""
    found = rows(part, "trade", TRADE_COLUMNS, {"ExecType": list(KINDS)})
    return found.select(
        TradeIndex=pl.col("ApplSeqNum").cast(pl.String),
        SecurityID="SecurityID",
        TradTime="TransactTime",
        TradPrice="LastPx",
        TradVolume="LastQty",
        TradeBuyNo="BidApplSeqNum",
        TradeSellNo="OfferApplSeqNum",
        TradeBSFlag=pl.when(pl.col("BidApplSeqNum") > pl.col("OfferApplSeqNum"))
        .then(pl.lit("B"))
        .otherwise(pl.lit("S")),
        BizIndex="ApplSeqNum",
        Kind=pl.col("ExecType").replace_strict(KINDS, return_dtype=pl.String),
    )


def orders(part: Part) -> pl.LazyFrame:
    """entrust.csv in Shanghai's columns, all of them added with their whole size; Type is market, limit or own best."""
    found = rows(part, "entrust", ORDER_COLUMNS, {"Side": list(SIDES), "OrdType": list(TYPES)})
    kind = pl.col("OrdType").replace_strict(TYPES, return_dtype=pl.String)
    return found.select(
        SecurityID="SecurityID",
        OrderTime="TransactTime",
        OrderNO="ApplSeqNum",
        OrderPrice=pl.when(kind == "limit").then("Price"),
        Balance="OrderQty",
        OrderBSFlag=pl.col("Side").replace_strict(SIDES, return_dtype=pl.String),
        BizIndex="ApplSeqNum",
        Type=kind,
    )


def rested(added: pl.LazyFrame, traded: pl.LazyFrame, cancelled: pl.LazyFrame) -> pl.LazyFrame:
    """Orders (KEYS, OrderId, OrderPrice, Volume, Type) with what their entry leaves of them, stamped and numbered as
    its last execution; without those of which nothing rested.

    `traded`: trades with KEYS, TradPrice, TradVolume, both orders, and TradeBSFlag B, S or N; `cancelled`: KEYS and
    OrderId of cancels.
    """
    market, price = pl.col("Type") == "market", pl.col("OrderPrice")
    known = added
    for facts in (*_executed(traded), cancelled.select(*ORDER, GoneAt="EventTimestamp").unique(ORDER)):
        known = known.join(facts, on=ORDER, how="left", maintain_order="left")
    entered = known.with_columns(
        EventTimestamp=pl.max_horizontal("EventTimestamp", "LastAt"),
        SequenceNo=pl.max_horizontal("SequenceNo", "LastNo"),
        Volume=pl.col("Volume") - pl.col("Took").fill_null(0.0),
        OrderPrice=pl.coalesce("OrderPrice", "RestPrice", pl.when(market).then("LastPrice")),
    )
    unrested = market & (price.is_null() | (pl.col("GoneAt") == pl.col("EventTimestamp")).fill_null(value=False))
    return entered.filter(pl.col("Volume") > 0, ~unrested)


def _executed(traded: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """What each order took at its entry, and the price at which others took from it later."""
    buys = pl.col("TradeBSFlag") == "B"
    paired = traded.filter(pl.col("TradeBSFlag") != "N").with_columns(
        Younger=pl.when(buys).then("TradeBuyNo").otherwise("TradeSellNo"),
        Older=pl.when(buys).then("TradeSellNo").otherwise("TradeBuyNo"),
    )
    took = paired.group_by("ListingId", OrderId="Younger").agg(
        Took=pl.col("TradVolume").sum(),
        LastAt=pl.col("EventTimestamp").max(),
        LastNo=pl.col("SequenceNo").max(),
        LastPrice=pl.col("TradPrice").sort_by("SequenceNo").last(),
    )
    return took, paired.group_by("ListingId", OrderId="Older").agg(RestPrice=pl.col("TradPrice").first())


def snapshots(part: Part, columns: Mapping[str, DType]) -> pl.LazyFrame:
    """snapshot.csv in Shanghai's columns; a phase that says 1 behind its letter is a day's suspension."""
    always = dict.fromkeys(("SecurityID", "UpdateTime", "TradingPhaseCode"), pl.String)
    phase = pl.col("TradingPhaseCode")
    said = phase.str.head(1).replace_strict(PHASES, default=phase)
    status = pl.when(phase.str.slice(1, 1) == "1").then(pl.lit("SUSP")).otherwise(said)
    return rows(part, "snapshot", {**always, **columns}, {}).with_columns(InstruStatus=status).drop("TradingPhaseCode")
