"""Sub-intervals: a bucket cut on its own grid, each piece with the price at both ends and the flow between.

A piece counts where it lies inside one stretch and has a price in force at both ends.
"""

import polars as pl

from basalt.buckets import BucketRule
from basalt.metrics import signed
from basalt.running.in_force import latest_valid
from basalt_analytics.trade.admissible import KEY, in_one_stretch


def sub_intervals(
    trades: pl.LazyFrame,
    priced: pl.LazyFrame,
    price: pl.Expr,
    found: pl.LazyFrame | None,
    rule: BucketRule,
    sub: BucketRule,
) -> pl.LazyFrame:
    """Rows by (ListingId, From): Change and LogChange of the price, SignedVolume, SignedRoot and Value of trades.

    Of the buckets in which there is a trade. `price`: of the rows of `priced`. `found`: the stretches. `sub`: the grid,
    labelled by starts.
    """
    cells = trades.select(KEY, "TimeBucket").unique().sort(KEY, "TimeBucket")
    start = rule.interval_start(pl.col("TimeBucket"))
    grid = cells.with_columns(From=pl.int_ranges(start, start + rule.every, step=sub.every)).explode("From")
    pieces = in_one_stretch(grid.with_columns(To=pl.col("From") + sub.every), found, "From", "To")
    prices = _at_both_ends(pieces, priced, price, found, rule.closed == "left")
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


def _at_both_ends(
    pieces: pl.LazyFrame, priced: pl.LazyFrame, price: pl.Expr, found: pl.LazyFrame | None, strict: bool
) -> pl.LazyFrame:
    """The pieces with the price in force Before and After; a stretch's last moment is one before its end."""
    to = pl.col("To") if strict else pl.col("To") - (pl.col("To") == pl.col("End")).fill_null(False).cast(pl.Int64)
    ends = pl.concat([pieces.with_columns(At="From", Last=False), pieces.with_columns(At=to, Last=True)])
    names = [KEY, "TimeBucket", "From"]
    valued = latest_valid(ends.sort(KEY, "At"), priced, KEY, {"InForce": price}, found, "At", strict)
    of_end = {"Before": ~pl.col("Last"), "After": pl.col("Last")}
    return valued.group_by(names).agg(pl.when(mask).then("InForce").max().alias(n) for n, mask in of_end.items())
