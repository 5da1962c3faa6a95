"""Sweeps: aggressive orders of one instrument and side that follow one another on several of its venues.

An order belongs to the sweep before it, of its instrument and side, if it begins at most a gap after the latest
execution of that sweep. A listing without an instrument is one of its own; an order of unknown side is of no sweep.
"""

import polars as pl

INSTRUMENT = ["_Instrument", "_Alone"]
SIDED = [*INSTRUMENT, "AggressorSide"]


def with_sweeps(orders: pl.LazyFrame, reference: pl.LazyFrame, gap: int) -> pl.LazyFrame:
    """Orders, in their order, with SweepId, counted by instrument in order of time (a buy's first at one instant), and
    SweepVenues, on how many of its listings the sweep traded."""
    instruments = reference.select("ListingId", _Instrument="InstrumentId")
    alone = pl.when(pl.col("_Instrument").is_null()).then(pl.col("ListingId"))
    placed = (
        orders.join(instruments, on="ListingId", how="left", maintain_order="left")
        .with_columns(_Alone=alone)
        .with_row_index("_Row")
        .sort("FirstTimestamp", "AggressorSide", maintain_order=True)
    )
    reached = pl.col("LastTimestamp").cum_max().shift(1).over(SIDED)
    waited = (pl.col("FirstTimestamp") - reached).dt.total_nanoseconds()
    begins = pl.col("AggressorSide").is_not_null() & (waited > gap).fill_null(True)
    number = pl.when("_Begins").then(pl.col("_Begins").cast(pl.Int64).cum_sum() - 1)
    return (
        placed.with_columns(_Begins=begins)
        .with_columns(_Number=number.over(INSTRUMENT))
        .with_columns(SweepId=pl.col("_Number").forward_fill().over(SIDED))
        .with_columns(SweepVenues=_venues())
        .sort("_Row")
        .drop("_Row", *INSTRUMENT, "_Begins", "_Number")
    )


def _venues() -> pl.Expr:
    venues = pl.col("ListingId").n_unique().over([*INSTRUMENT, "SweepId"]).cast(pl.Int64)
    return pl.when(pl.col("SweepId").is_not_null()).then(venues)
