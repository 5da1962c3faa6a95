"""Snapshots as `l2`, `marketstate`, `imbalance` and `reference`; `china_l2` says what becomes of what."""

from collections.abc import Mapping

import polars as pl

from basalt.columns import DType
from basalt.tables import AGGRESSOR, NS_UTC, STATE
from basalt_io.sources.china_l2_files import Part, rows
from basalt_io.sources.china_l2_orders import MINUTE, stamp
from basalt_io.sources.china_l2_shenzhen import is_shenzhen, snapshots

LEVELS = range(1, 11)
MORNING, LUNCH, AFTERNOON = 570, 690, 780  # 09:30, 11:30 and 13:00, in minutes after midnight
STATES = {
    "START": "PRE_OPEN",
    "OCALL": "OPENING_AUCTION",
    "TRADE": "CONTINUOUS_TRADING",
    "CCALL": "CLOSING_AUCTION",
    "CLOSE": "POST_TRADE",
    "ENDTR": "CLOSED",
    "SUSP": "HALTED",
    "BREAK": "CLOSED",
    "VCALL": "UNSCHEDULED_AUCTION",
}
STATUS = pl.col("InstruStatus")
CALL = STATUS.is_in(["OCALL", "CCALL", "VCALL"])
KEYS = ("ListingId", "EventTimestamp")
BOOK_COLUMNS: dict[str, DType] = {
    **{f"{side}{what}{i}": pl.Float64 for side in ("Bid", "Ask") for what in ("Price", "Volume") for i in LEVELS},
    **{f"NumOrders{side}{i}": pl.Int32 for side in ("B", "S") for i in LEVELS},
}


def l2(part: Part, midnight: int) -> pl.LazyFrame:
    """Every row of snapshot.csv; in call auctions, where no book is published, without levels."""
    sides = (("Bid", "B"), ("Ask", "S"))
    levels = [column for i in LEVELS for side, letter in sides for column in _level(side, letter, i)]
    return _snapshots(part, midnight, BOOK_COLUMNS).select(*KEYS, *levels, _state(midnight))


def marketstate(part: Part, midnight: int) -> pl.LazyFrame:
    """The first row of each state, and the session's edges, which no snapshot marks."""
    found = _snapshots(part, midnight, {}).select(*KEYS, "InstruStatus")
    edges = pl.LazyFrame({"EventTimestamp": [midnight + at * MINUTE for at in (MORNING, LUNCH, AFTERNOON)]})
    marks = found.select("ListingId").unique().join(edges.cast(NS_UTC), how="cross")
    every = pl.concat([found, marks], how="diagonal").sort(KEYS, maintain_order=True)
    known = every.with_columns(STATUS.forward_fill().over("ListingId")).filter(STATUS.is_not_null())
    states = known.select(*KEYS, _state(midnight))
    return states.filter(pl.col("MarketState").ne_missing(pl.col("MarketState").shift().over("ListingId")))


def imbalance(part: Part, midnight: int) -> pl.LazyFrame:
    """Rows of call auctions that have an indicative price."""
    columns = dict.fromkeys(("BidPrice1", "BidVolume1", "BidVolume2", "AskVolume2"), pl.Float64)
    found = _snapshots(part, midnight, columns).filter(CALL & (pl.col("BidPrice1") > 0))
    bid, ask = pl.col("BidVolume2").fill_null(0.0), pl.col("AskVolume2").fill_null(0.0)
    side = pl.when(bid > ask).then(pl.lit("Buy")).when(ask > bid).then(pl.lit("Sell"))
    return found.select(
        *KEYS,
        IndicativePrice="BidPrice1",
        PairedQuantity="BidVolume1",
        ImbalanceQuantity=(bid - ask).abs(),
        ImbalanceSide=side.cast(AGGRESSOR),
    )


def reference(part: Part, midnight: int) -> pl.LazyFrame:
    """One row a security."""
    found = _snapshots(part, midnight, {}).select("ListingId").unique().sort("ListingId")
    mic, b_shares, currency = ("XSHE", "200", "HKD") if is_shenzhen(part, "snapshot") else ("XSHG", "900", "USD")
    abroad = pl.col("ListingId").str.starts_with(b_shares)
    return found.with_columns(
        InstrumentId="ListingId",
        Ticker="ListingId",
        MIC=pl.lit(mic),
        CurrencyCode=pl.when(abroad).then(pl.lit(currency)).otherwise(pl.lit("CNY")),
    )


def _snapshots(part: Part, midnight: int, columns: Mapping[str, DType]) -> pl.LazyFrame:
    always = dict.fromkeys(("SecurityID", "UpdateTime", "InstruStatus"), pl.String)
    if is_shenzhen(part, "snapshot"):
        found = snapshots(part, columns)
    else:
        found = rows(part, "snapshot", {**always, **columns}, {})
    return found.with_columns(ListingId="SecurityID", EventTimestamp=stamp("UpdateTime", midnight))


def _level(side: str, letter: str, i: int) -> list[pl.Expr]:
    there = ~CALL & (pl.col(f"{side}Price{i}") > 0)
    canonical = {
        f"{side}Price{i}": f"{side}Price{i}",
        f"{side}Quantity{i}": f"{side}Volume{i}",
        f"{side}NumOrders{i}": f"NumOrders{letter}{i}",
    }
    return [pl.when(there).then(theirs).alias(ours) for ours, theirs in canonical.items()]


def _state(midnight: int) -> pl.Expr:
    minute = (pl.col("EventTimestamp").cast(pl.Int64) - midnight) // MINUTE
    trading = STATUS.is_in(["TRADE", "BREAK"])
    said = STATUS.replace_strict(STATES, default="UNKNOWN")
    return (
        pl.when(trading & (minute < MORNING))
        .then(pl.lit("PRE_OPEN"))
        .when(trading & minute.is_between(LUNCH, AFTERNOON, closed="left"))
        .then(pl.lit("CLOSED"))
        .otherwise(said)
        .cast(STATE)
        .alias("MarketState")
    )
