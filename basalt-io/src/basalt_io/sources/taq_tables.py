"""TAQ's rows as canonical tables, cleaned; `taq` says what becomes of what, and in which order rows are cleaned."""

from collections.abc import Sequence
from pathlib import Path

import attrs
import polars as pl

from basalt.tables import TRADE_TYPE
from basalt_io.sources.taq_files import QUOTE_NUMBERS, TRADE_NUMBERS, TRADE_TEXTS, Clock, rows

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
KEYS = ("ListingId", "EventTimestamp")
BID, ASK = pl.col("BID"), pl.col("ASK")


@attrs.frozen
class Cleaning:
    """What of the rows is kept; `hours` in nanoseconds after midnight, both ends included."""

    exchanges: tuple[str, ...]
    hours: tuple[int, int] | None
    drop_zeros: bool
    conditions: str | None
    drop_crossed: bool
    max_spread: float | None
    merge: bool
    lot: float


def trades(files: Sequence[Path], clock: Clock, keep: Cleaning) -> pl.LazyFrame:
    """One row a print, or a stamp of a listing where stamps are merged."""
    found = pl.concat([rows(file, clock, TRADE_NUMBERS, TRADE_TEXTS) for file in files])
    if keep.drop_zeros:
        found = found.filter(pl.col("PRICE") != 0)
    found = _within(found, clock, keep)
    if keep.conditions is not None:
        found = found.filter(_conditions().str.strip_chars(keep.conditions + " ") == "")
    corrected = pl.col("CORR").fill_null("0").cast(pl.Int64) != 0
    if not keep.merge:
        return found.select(*_prints(), corrected.alias("IsCancelled"))
    return _merged(found.filter(~corrected), "PRICE", "SIZE").select(
        *KEYS, Price="PRICE", Size="SIZE", Venue="EX", IsCancelled=pl.lit(False)
    )


def l2(files: Sequence[Path], clock: Clock, keep: Cleaning) -> pl.LazyFrame:
    """One row a quote, or a stamp of a listing where stamps are merged."""
    found = pl.concat([rows(file, clock, QUOTE_NUMBERS, {}) for file in files])
    if keep.drop_zeros:
        found = found.filter(BID != 0, ASK != 0)
    found = _within(found, clock, keep)
    if keep.drop_crossed:
        found = found.filter(ASK > BID)
    if keep.max_spread is not None:
        spread = ASK - BID
        found = found.filter(spread < keep.max_spread * spread.median().over("ListingId"))
    if keep.merge:
        found = _merged(found, "BID", "ASK", "BIDSIZ", "ASKSIZ", medians=2)
    return found.select(
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


def reference(trade_files: Sequence[Path], quote_files: Sequence[Path], clock: Clock, keep: Cleaning) -> pl.LazyFrame:
    """One row a symbol and exchange that trades or quotes, in the order of ListingId."""
    every = [rows(file, clock, TRADE_NUMBERS, {}).select("SYMBOL", "EX") for file in trade_files]
    every += [rows(file, clock, QUOTE_NUMBERS, {}).select("SYMBOL", "EX") for file in quote_files]
    found = _listed(pl.concat(every), keep).unique().sort("ListingId")
    return found.select(
        "ListingId",
        InstrumentId="SYMBOL",
        Ticker="SYMBOL",
        MIC=pl.col("EX").replace_strict(MICS, default=None, return_dtype=pl.String),
        CurrencyCode=pl.lit("USD"),
    )


def _listed(found: pl.LazyFrame, keep: Cleaning) -> pl.LazyFrame:
    if keep.exchanges:
        found = found.filter(pl.col("EX").is_in(keep.exchanges))
    return found.with_columns(ListingId=pl.col("SYMBOL") + "." + pl.col("EX"))


def _within(found: pl.LazyFrame, clock: Clock, keep: Cleaning) -> pl.LazyFrame:
    if keep.hours is not None:
        since = pl.col("EventTimestamp").cast(pl.Int64) - clock.midnight
        found = found.filter(since.is_between(*keep.hours))
    return _listed(found, keep)


def _conditions() -> pl.Expr:
    return pl.col("COND").fill_null("")


def _prints() -> list[pl.Expr]:
    auction = _conditions().str.contains("[O56]")
    kind = pl.when(auction).then(pl.lit("Auction")).when(pl.col("EX") == "D").then(pl.lit("OffBook"))
    return [
        *map(pl.col, KEYS),
        pl.col("PRICE").alias("Price"),
        pl.col("SIZE").alias("Size"),
        kind.otherwise(pl.lit("Lit")).cast(TRADE_TYPE).alias("TradeType"),
        pl.col("TR_ID").alias("TradeId"),
        pl.col("EX").alias("Venue"),
        _conditions().str.contains("I", literal=True).alias("IsOddLot"),
    ]


def _merged(found: pl.LazyFrame, *columns: str, medians: int = 1) -> pl.LazyFrame:
    """One row a stamp: the median of the first `medians` columns, the sum of the others."""
    return found.group_by(KEYS, maintain_order=True).agg(
        pl.col("EX").first(), pl.col(columns[:medians]).median(), pl.col(columns[medians:]).sum()
    )
