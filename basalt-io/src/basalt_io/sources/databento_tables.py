"""DBN records as canonical tables; `databento` says what becomes of what.

Each builder takes *records* of one schema and date: the decoded fields with ListingId and SequenceNo in front, in file
order.
"""

import polars as pl

from basalt.tables import AGGRESSOR, MATCHING_RULE, STATE
from basalt_io.sources.databento_decoding import dollars

SNAPSHOT = 32  # flag: repeats what stands, stamped with when the order was entered
LAST = 128  # flag: last record of the venue's event
TRADE, FILL, CLEAR = "T", "F", "R"
FIFO = ("F", "T")
PRO_RATA = ("K", "C", "O", "S", "Q", "Y", "P", "V", "A")


def flagged(flag: int) -> pl.Expr:
    """Whether the record carries that flag."""
    return (pl.col("flags") & flag) > 0


def event_time() -> pl.Expr:
    """The venue's stamp; of a record that repeats what stands, or that has none, the stamp of its arrival."""
    repeated = flagged(SNAPSHOT) | pl.col("ts_event").is_null()
    return pl.when(repeated).then("ts_recv").otherwise("ts_event").alias("EventTimestamp")


def enum(choices: dict[str, str], dtype: pl.Enum, of: str = "side") -> pl.Expr:
    """The category of each letter; null for a letter that has none."""
    return pl.col(of).replace_strict(choices, default=None, return_dtype=pl.String).cast(dtype)


def trades(records: pl.LazyFrame) -> pl.LazyFrame:
    """Records of action T; the quote in force just before, where the schema has one."""
    quotes: list[pl.Expr] = []
    if "bid_px_00" in records.collect_schema():
        for side in ("bid", "ask"):
            price, size, _ = _level(side, 0, "ct")
            quotes += [price.alias(f"{side.title()}Price"), size.alias(f"{side.title()}Quantity")]
    return records.filter(pl.col("action") == TRADE).select(
        "ListingId",
        event_time(),
        "SequenceNo",
        dollars(pl.col("price")).alias("Price"),
        pl.col("size").cast(pl.Float64).alias("Size"),
        enum({"B": "Buy", "A": "Sell"}, AGGRESSOR).alias("AggressorSide"),
        *quotes,
    )


def l2(records: pl.LazyFrame) -> pl.LazyFrame:
    """The book after each record that may change it; sampled books are stamped with the end of their interval."""
    depth = sum(name.startswith("bid_px_") for name in records.collect_schema())
    changes, time = _changes(records)
    levels = [column for i in range(depth) for side in ("bid", "ask") for column in _level(side, i, "ct")]
    return changes.select("ListingId", time, "SequenceNo", *levels)


def _changes(records: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.Expr]:
    """Records but those that repeat the book before a trade, and their stamps: of a sampled book, its arrival."""
    if "action" not in records.collect_schema():
        return records, pl.col("ts_recv").alias("EventTimestamp")
    return records.filter(~pl.col("action").is_in([TRADE, FILL])), event_time()


def _level(side: str, i: int, counts: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    price = pl.col(f"{side}_px_{i:02}")
    there, name = price.is_not_null(), side.title()
    return (
        dollars(price).alias(f"{name}Price{i + 1}"),
        pl.when(there).then(pl.col(f"{side}_sz_{i:02}").cast(pl.Float64)).alias(f"{name}Quantity{i + 1}"),
        pl.when(there).then(pl.col(f"{side}_{counts}_{i:02}").cast(pl.Int32)).alias(f"{name}NumOrders{i + 1}"),
    )


def cbbo(records: pl.LazyFrame) -> pl.LazyFrame:
    """The consolidated quote after each change or at the end of each interval; venues are Databento's publisher ids."""
    changes, time = _changes(records)
    sides = []
    for side in ("bid", "ask"):
        price, size, venue = _level(side, 0, "pb")
        sides += [price, size, venue.cast(pl.String).alias(f"{side.title()}Venues")]
    return changes.select(pl.col("ListingId").alias("InstrumentId"), time, "SequenceNo", *sides)


def imbalance(records: pl.LazyFrame) -> pl.LazyFrame:
    """Auction indications; a price of 0 is one that the venue does not give."""
    clearing = pl.coalesce(_given("ind_match_price"), _given("cont_book_clr_price"))
    return records.select(
        "ListingId",
        pl.coalesce("ts_event", "ts_recv").alias("EventTimestamp"),
        "SequenceNo",
        dollars(_given("ref_price")).alias("ReferencePrice"),
        dollars(clearing).alias("IndicativePrice"),
        pl.col("paired_qty").cast(pl.Float64).alias("PairedQuantity"),
        pl.col("total_imbalance_qty").cast(pl.Float64).alias("ImbalanceQuantity"),
        enum({"B": "Buy", "A": "Sell"}, AGGRESSOR).alias("ImbalanceSide"),
    )


def _given(price: str) -> pl.Expr:
    return pl.when(pl.col(price) != 0).then(price)


_STATES = {
    1: "PRE_OPEN",
    7: "CONTINUOUS_TRADING",
    8: "HALTED",
    9: "HALTED",
    10: "HALTED",
    11: "CLOSING_AUCTION",
    12: "CLOSED",
    13: "POST_TRADE",
    15: "CLOSED",
}
_UNCROSSING = (2, 3, 4, 5)
_TRADING, _INDICATION, _SCHEDULED = 7, 6, 1


def marketstate(records: pl.LazyFrame) -> pl.LazyFrame:
    """Changes of state; one that began on an earlier date is stamped with the start of the date that repeats it."""
    action = pl.col("action")
    indicated = pl.when(action == _INDICATION).then("is_trading")
    opens = (action == _TRADING) | (indicated == "Y").fill_null(False)
    traded = opens.cum_max().over("ListingId")
    auction = (
        pl.when(~traded)
        .then(pl.lit("OPENING_AUCTION"))
        .when(pl.col("reason") == _SCHEDULED)
        .then(pl.lit("INTRADAY_AUCTION"))
        .otherwise(pl.lit("UNSCHEDULED_AUCTION"))
    )
    state = action.cast(pl.Int64).replace_strict(_STATES, default=None, return_dtype=pl.String)
    at = pl.max_horizontal(pl.coalesce("ts_event", "ts_recv"), pl.col("ts_recv").dt.truncate("1d"))
    return records.select(
        "ListingId",
        at.alias("EventTimestamp"),
        pl.when(action.is_in(_UNCROSSING) | (indicated == "N"))
        .then(auction)
        .when(opens)
        .then(pl.lit("CONTINUOUS_TRADING"))
        .otherwise(state)
        .cast(STATE)
        .alias("MarketState"),
    ).drop_nulls("MarketState")


def reference(records: pl.LazyFrame) -> pl.LazyFrame:
    """The last definition of each listing; one that was deleted is left out."""
    last = records.unique("ListingId", keep="last", maintain_order=True)
    there = last.filter(pl.col("security_update_action") != "D")
    lot = pl.col("min_lot_size_round_lot")
    rules = {**dict.fromkeys(FIFO, "FIFO"), **dict.fromkeys(PRO_RATA, "PRO_RATA")}
    return there.select(
        "ListingId",
        pl.col("ListingId").alias("InstrumentId"),
        pl.col("raw_symbol").alias("Ticker"),
        _said("exchange").alias("MIC"),
        _said("currency").alias("CurrencyCode"),
        dollars(_given("min_price_increment")).alias("TickSize"),
        pl.when((lot > 0) & (lot < 2**31 - 1)).then(lot.cast(pl.Float64)).alias("LotSize"),
        enum(rules, MATCHING_RULE, "match_algorithm").alias("MatchingRule"),
    )


def _said(text: str) -> pl.Expr:
    return pl.when(pl.col(text) != "").then(text)
