"""TAQ's rows as canonical tables, cleaned; `taq` says what becomes of what."""

import polars as pl

from basalt.tables import TRADE_TYPE
from basalt_io.sources import taq_cleaning
from basalt_io.sources.taq_cleaning import ASK, BID, KEYS, OFF_EXCHANGE, Cleaning, Day, corrected

MICS = {
    "A": "XASE",
    "B": "XBOS",
    "C": "XCIS",
    "D": "FINR",
    "H": "EPRL",
    "J": "EDGA",
    "K": "EDGX",
    "L": "LTSE",
    "M": "XCHI",
    "N": "XNYS",
    "P": "ARCX",
    "Q": "XNAS",
    "T": "XNAS",
    "U": "MEMX",
    "V": "IEXG",
    "X": "XPHL",
    "Y": "BATY",
    "Z": "BATS",
}


def trades(day: Day, keep: Cleaning) -> pl.LazyFrame:
    """One row a print, or a stamp of a listing where stamps are merged."""
    found = taq_cleaning.trades(day, keep)[-1][1]
    if keep.merge:
        return found.select(*KEYS, Price="PRICE", Size="SIZE", Venue="EX", IsCancelled=pl.lit(False))
    return found.select(*_prints(), corrected().alias("IsCancelled"))


def l2(day: Day, keep: Cleaning) -> pl.LazyFrame:
    """One row a quote, or a stamp of a listing where stamps are merged."""
    return taq_cleaning.quotes(day, keep)[-1][1].select(
        *KEYS,
        *(
            pl.when(pl.col(price) > 0).then(value).alias(name)
            for price, name, value in (
                ("BID", "BidPrice1", BID),
                ("BID", "BidQuantity1", pl.col("BIDSIZ") * keep.lot),
                ("ASK", "AskPrice1", ASK),
                ("ASK", "AskQuantity1", pl.col("ASKSIZ") * keep.lot),
            )
        ),
    )


def reference(day: Day, keep: Cleaning) -> pl.LazyFrame:
    """One row a symbol and exchange that trades or quotes, in the order of ListingId."""
    return (
        taq_cleaning.listed(day, keep)
        .sort("ListingId")
        .select(
            "ListingId",
            InstrumentId="SYMBOL",
            Ticker="SYMBOL",
            MIC=pl.col("EX").replace_strict(MICS, default=None, return_dtype=pl.String),
            CurrencyCode=pl.lit("USD"),
        )
    )


def _conditions() -> pl.Expr:
    return pl.col("COND").fill_null("")


def _prints() -> list[pl.Expr]:
    auction = _conditions().str.contains("[O56]")
    kind = pl.when(auction).then(pl.lit("Auction")).when(pl.col("EX") == OFF_EXCHANGE).then(pl.lit("OffBook"))
    return [
        *map(pl.col, KEYS),
        pl.col("PRICE").alias("Price"),
        pl.col("SIZE").alias("Size"),
        kind.otherwise(pl.lit("Lit")).cast(TRADE_TYPE).alias("TradeType"),
        pl.col("TR_ID").alias("TradeId"),
        pl.col("EX").alias("Venue"),
        _conditions().str.contains("I", literal=True).alias("IsOddLot"),
    ]
