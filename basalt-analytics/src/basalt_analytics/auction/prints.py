"""Prints of auctions: what they traded, at which price, in which bucket.

A print belongs to the phase it is stamped in, or up to a minute behind. It counts in the bucket of the first print of
its *minute*, the minutes of a phase being counted from its first print: a tape on which an auction prints all at once
has one, and nothing later than a minute changes what a bucket has.
"""

import polars as pl

from basalt.buckets import BucketRule
from basalt.durations import NANOSECONDS
from basalt.metrics import ratio
from basalt.modules import PassContext
from basalt_analytics.auction.phases import KEY, in_phases
from basalt_analytics.trade.filters import valid
from basalt_analytics.trade.prices import price_key

LATE = NANOSECONDS["m"]
"""How long after its phase an auction may print."""
COUNTED = valid(allow_nonpositive_prices=False)
PRINTED = COUNTED & (pl.col("TradeType") == "Auction")
_PRICE, _SIZE = pl.col("Price"), pl.col("Size")
_AVERAGE = _PRICE.first() + ratio(((_PRICE - _PRICE.first()) * _SIZE).sum(), _SIZE.sum())
"""By volume; to the digit where there is one price."""


def prints(trades: pl.LazyFrame, found: pl.LazyFrame, rule: BucketRule, pass_: PassContext) -> pl.LazyFrame:
    """(ListingId, StretchId, Start, End, At, First, TimeBucket, Price, Size, Other) of each print, in order. First: the
    phase's first print. Other: whether its price is not that one's."""
    held = in_phases(trades.filter(PRINTED), found, LATE).with_columns(Key=price_key(_PRICE))
    first = pl.col("At").first().over("StretchId")
    minutes = held.with_columns(First=first, Minute=(pl.col("At") - first).floordiv(LATE))
    counted = pl.col("EventTimestamp").first().over("StretchId", "Minute")
    return minutes.select(
        KEY,
        "StretchId",
        "Start",
        "End",
        "At",
        "First",
        "Price",
        "Size",
        TimeBucket=rule.bucket(counted, pass_.date),
        Other=pl.col("Key") != pl.col("Key").first().over("StretchId"),
    )


def by_bucket(found: pl.LazyFrame) -> pl.LazyFrame:
    """(ListingId, StretchId, TimeBucket, Start, End, First, FirstHere, Price, Volume, PriceConflict), in order."""
    same = {name: pl.col(name).first() for name in ("Start", "End", "First")}
    keys = (KEY, "StretchId", "TimeBucket")
    grouped = found.group_by(keys).agg(
        **same,
        FirstHere=pl.col("At").first(),
        Price=_AVERAGE,
        Volume=_SIZE.sum(),
        PriceConflict=pl.col("Other").any(),
    )
    return grouped.sort(KEY, "FirstHere")


def finals(found: pl.LazyFrame) -> pl.LazyFrame:
    """(StretchId, Final): what each phase cleared at, all of its prints known."""
    return found.group_by("StretchId").agg(Final=_AVERAGE)


def shares(trades: pl.LazyFrame, found: pl.LazyFrame, rule: BucketRule, pass_: PassContext) -> pl.LazyFrame:
    """(ListingId, TimeBucket, VolumeShare, VolumeShareWeight) in the bucket of the listing's last trade."""
    all_ = (
        trades.filter(COUNTED)
        .group_by(KEY)
        .agg(pl.col("EventTimestamp").max(), VolumeShareWeight=_SIZE.sum())
        .join(found.group_by(KEY).agg(Auctioned=_SIZE.sum()), on=KEY, how="left")
    )
    share = ratio(pl.col("Auctioned").fill_null(0.0), pl.col("VolumeShareWeight"))
    return all_.select(
        KEY, "VolumeShareWeight", TimeBucket=rule.bucket(pl.col("EventTimestamp"), pass_.date), VolumeShare=share
    )
