"""Venues of instruments, as reference tells them: their rank, and which of them are left out of the book, and why."""

import polars as pl

from basalt_analytics.consolidated.options import ConsolidatedBookOptions

POOLED, OTHER_CURRENCY, OTHER_VENUE = range(3)


def venues(reference: pl.LazyFrame, options: ConsolidatedBookOptions) -> pl.LazyFrame:
    """(ListingId, Instrument, Primary, Rank, Primaries, Left, Mic, Lot), a row a listing that has an instrument.

    Rank: primary listings first, then by MIC and ListingId; Primary is the first of these, flagged or not, and
    Primaries how many of the instrument are flagged. Left: one of the reasons above. A currency that is not told is
    another one than the primary's, unless that is not told either.
    """
    there = reference.collect_schema()

    def known(column: str, dtype: type[pl.DataType]) -> pl.Expr:
        return pl.col(column) if column in there else pl.lit(None, dtype)

    own = reference.filter(pl.col("InstrumentId").is_not_null()).select(
        "ListingId",
        Instrument="InstrumentId",
        Flagged=known("IsPrimary", pl.Boolean).fill_null(False),
        Mic=known("MIC", pl.String),
        Lot=known("LotSize", pl.Float64),
        Currency=known("CurrencyCode", pl.String),
    )
    ranked = own.sort("Instrument", ~pl.col("Flagged"), "Mic", "ListingId", nulls_last=True)
    first = pl.col("ListingId", "Currency").first().over("Instrument")
    of_instrument = ranked.with_columns(
        first.name.map({"ListingId": "Primary", "Currency": "PrimaryCurrency"}.__getitem__),
        Rank=pl.int_range(pl.len(), dtype=pl.Int32).over("Instrument"),
        Primaries=pl.col("Flagged").sum().cast(pl.Int64).over("Instrument"),
    )
    return of_instrument.with_columns(Left=_left(options)).drop("Flagged", "Currency", "PrimaryCurrency")


def _left(options: ConsolidatedBookOptions) -> pl.Expr:
    mic, outside = pl.col("Mic"), pl.lit(False)
    if options.venues is not None:
        outside = ~mic.is_in(options.venues).fill_null(False)
    if options.exclude_venues is not None:
        outside = outside | mic.is_in(options.exclude_venues).fill_null(False)
    foreign = pl.lit(options.currency == "primary") & pl.col("Currency").ne_missing(pl.col("PrimaryCurrency"))
    left = pl.when(outside).then(OTHER_VENUE).when(foreign).then(OTHER_CURRENCY).otherwise(POOLED)
    return left.cast(pl.Int8)
