"""Sub-intervals: a bucket cut on its own grid, each piece with the price at both ends and the flow between.

A piece counts where it lies inside one stretch and has a price in force at both ends.
"""

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.metrics import signed
from basalt.modules import Memory
from basalt.running.in_force import latest_valid
from basalt_analytics.trade.admissible import KEY, in_one_stretch


@attrs.frozen(eq=False)
class Priced:
    """Where prices come from: rows, the price on each, and the stretches they are looked up in.

    `memory`: a book is in force when a stretch opens; a trade from before it is no price of it.
    """

    rows: pl.LazyFrame
    price: pl.Expr
    stretches: pl.LazyFrame | None
    memory: Memory = "date"


def sub_intervals(trades: pl.LazyFrame, priced: Priced, rule: BucketRule, sub: BucketRule) -> pl.LazyFrame:
    """Rows by (ListingId, From): Change and LogChange of the price, SignedVolume, SignedRoot and Value of trades.

    Of the buckets in which there is a trade. `sub`: the grid, labelled by starts, and each trade's as its Sub.
    """
    cells = trades.select(KEY, "TimeBucket").unique().sort(KEY, "TimeBucket")
    start = rule.interval_start(pl.col("TimeBucket"))
    grid = cells.with_columns(From=pl.int_ranges(start, start + rule.every, step=sub.every)).explode("From")
    pieces = in_one_stretch(grid.with_columns(To=pl.col("From") + sub.every), priced.stretches, "From", "To")
    prices = _at_both_ends(pieces, priced, rule.closed == "left")
    change = {"Change": pl.col("After") - pl.col("Before"), "LogChange": pl.col("After").log() - pl.col("Before").log()}
    flow = pl.col("SignedVolume", "SignedRoot", "Value").fill_null(0.0)
    joined = prices.join(_flows(trades, sub), on=[KEY, "TimeBucket", "From"], how="left")
    return joined.sort(KEY, "From").with_columns(flow, **change)


def _flows(trades: pl.LazyFrame, sub: BucketRule) -> pl.LazyFrame:
    """What traded in each piece; trades of unknown side count in Value alone."""
    side, value = signed("AggressorSide"), pl.col("Price") * pl.col("Size")
    return trades.group_by(KEY, "TimeBucket", From=sub.interval_start(pl.col("Sub"))).agg(
        SignedVolume=(side * pl.col("Size")).sum(), SignedRoot=(side * value.sqrt()).sum(), Value=value.sum()
    )


def _at_both_ends(pieces: pl.LazyFrame, priced: Priced, strict: bool) -> pl.LazyFrame:
    """The pieces with the price in force Before and After; a stretch's last moment is one before its end."""
    at_end = (pl.col("To") == pl.col("End")).fill_null(False).cast(pl.Int64)
    ends = pl.concat(
        [
            pieces.with_columns(At="From", Last=False),
            pieces.with_columns(At=pl.col("To") if strict else pl.col("To") - at_end, Last=True),
        ]
    )
    value, found = {"InForce": priced.price}, priced.stretches
    valued = latest_valid(ends.sort(KEY, "At"), priced.rows, KEY, value, found, "At", strict, priced.memory)
    of_end = {"Before": ~pl.col("Last"), "After": pl.col("Last")}
    return valued.group_by(KEY, "TimeBucket", "From").agg(
        pl.when(mask).then("InForce").max().alias(name) for name, mask in of_end.items()
    )
