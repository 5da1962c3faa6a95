"""Volume time: a date's trades cut into buckets of equal volume, and the imbalance of each.

A trade is split where a bucket is full. Only complete buckets count; what is left at the end of the date is none.
Each trade has the shares of its listing's buckets as BucketVolume; without any it fills none.
"""

import polars as pl

from basalt.modules import PassContext
from basalt_analytics.trade.admissible import KEY
from basalt_analytics.trade.estimators import bulk_buy_share, vpin
from basalt_analytics.trade.liquidity.options import UsualVolume, VpinOptions

FULL = 1e-9
"""Share of a bucket that may be missing from a full one: sums of sizes that are no whole numbers are not exact."""
_BOUGHT = pl.col("AggressorSide") == "Buy"
_FULL = pl.col("BucketVolume")


def usual_volumes(published: pl.LazyFrame, usual: UsualVolume, pass_: PassContext) -> pl.LazyFrame:
    """(ListingId, BucketVolume) of the listings that traded on a previous date.

    Of each date the sum of the column over its rows; dates on which a listing has no value are left out of its mean.
    """
    volume = pl.col(usual.column)
    of_date = pl.when(volume.is_not_null().any()).then(volume.sum())
    earlier = published.filter(pl.col("Date") < pass_.date).sort(KEY, "Date")
    mean = earlier.group_by(KEY, "Date", maintain_order=True).agg(Mean=of_date).group_by(KEY).agg(pl.col("Mean").mean())
    return mean.filter((pl.col("Mean") > 0) & pl.col("Mean").is_finite()).select(
        KEY, BucketVolume=usual.adv_fraction * pl.col("Mean")
    )


def vpin_of_buckets(trades: pl.LazyFrame, options: VpinOptions) -> pl.LazyFrame:
    """(ListingId, TimeBucket, Vpin) at the end of each bucket in which there is a trade; `trades` are in order."""
    counted = _counted(trades, options)
    last = counted.group_by(KEY, "TimeBucket").agg(Edge=pl.col("Done").max())
    edges = _edges(counted, options).select(KEY, "Edge", "Vpin")
    return last.join(edges, on=[KEY, "Edge"], how="left").select(KEY, "TimeBucket", "Vpin")


def _counted(trades: pl.LazyFrame, options: VpinOptions) -> pl.LazyFrame:
    """Trades with the volume up to each, bought and in all, and how many buckets that fills.

    A trade of unknown side fills none, unless volume is classified in bulk.
    """
    size = pl.col("Size")
    flows: dict[str, pl.Expr]
    if options.side == "exchange":
        flows = {
            "Bought": pl.when(_BOUGHT).then(size),
            "Volume": pl.when(pl.col("AggressorSide").is_not_null()).then(size),
        }
    else:
        flows = {"Bought": pl.lit(0.0), "Volume": size}
    summed = {name: flow.fill_null(0.0).cum_sum().over(KEY) for name, flow in flows.items()}
    done = (pl.col("Volume") / _FULL + FULL).floor().cast(pl.Int64)
    return trades.filter(_FULL.is_not_null()).with_columns(**summed).with_columns(Done=done)


def _edges(counted: pl.LazyFrame, options: VpinOptions) -> pl.LazyFrame:
    """One row a full bucket: its number from 1, and Vpin of the buckets that end with it.

    Of one trade that fills more buckets than are looked at, the last ones.
    """
    edge = pl.col("Edge")
    kept = options.buckets + (options.window if options.side == "bvc" else 0)
    before = pl.col("Done").shift(1).over(KEY).fill_null(0)
    first = pl.max_horizontal(before + 1, pl.col("Done") - kept + 1)
    filling = counted.with_columns(Edge=pl.int_ranges(first, pl.col("Done") + 1)).filter(pl.col("Done") > before)
    follows = edge.shift(1).over(KEY) == edge - 1
    edges = filling.explode("Edge").with_columns(Follows=follows.fill_null(False))
    imbalance = _bought() if options.side == "exchange" else _in_bulk(options.window)
    rows = edges.with_columns(Imbalance=(2 * imbalance - 1).clip(-1, 1))
    return rows.with_columns(Vpin=vpin(pl.col("Imbalance"), options.buckets).over(KEY).clip(0, 1))


def _bought() -> pl.Expr:
    """Share of the bucket that was bought: linear inside the trade that fills it."""
    bought = _BOUGHT.fill_null(False).cast(pl.Float64)
    at_edge = pl.col("Bought") - (pl.col("Volume") - pl.col("Edge") * _FULL) * bought
    inside = pl.when("Follows").then(at_edge - at_edge.shift(1).over(KEY)).otherwise(_FULL * bought)
    return pl.when(pl.col("Edge") == 1).then(at_edge).otherwise(inside) / _FULL


def _in_bulk(window: int) -> pl.Expr:
    """Share that bulk classification takes for bought; the first bucket has no price change."""
    change = pl.col("Price") - pl.col("Price").shift(1).over(KEY)
    change = pl.when("Follows").then(change).when(pl.col("Edge") > 1).then(0.0)
    return bulk_buy_share(change, window).over(KEY)
