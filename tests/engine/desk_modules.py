"""A desk's plugin: one module of each scope, and one that looks back at previous dates."""

import polars as pl

from basalt import FrameModule, Unit, hookimpl, ratio
from basalt.documents import ResultColumn


class Usual(FrameModule):
    """What traded at this time of day on the previous dates."""

    name = "usual"
    history = 2

    def columns(self):
        """The mean, and how many dates are behind it."""
        return [
            ResultColumn("UsualVolume", Unit.SHARES, "Mean volume of this bucket on up to two previous dates."),
            ResultColumn("UsualDates", Unit.COUNT, "Previous dates that had this bucket.", dtype=pl.UInt32),
        ]

    def compute(self, inputs, pass_):
        """Rows of today's buckets."""
        rows = inputs["source"].with_columns(Clock=pl.col("TimeBucket").dt.time())
        before = rows.filter(pl.col("Date") < pass_.date)
        usual = before.group_by("ListingId", "Clock").agg(
            UsualVolume=pl.col("TradeTotalVolume").mean(), UsualDates=pl.len()
        )
        today = rows.filter(pl.col("Date") == pass_.date)
        found = today.join(usual, on=["ListingId", "Clock"], how="left")
        return found.select("ListingId", "TimeBucket", "UsualVolume", pl.col("UsualDates").fill_null(0).cast(pl.UInt32))


class Rank(FrameModule):
    """Where a listing's volume stands among all listings of the bucket."""

    name = "rank"
    scope = "universe"

    def columns(self):
        """The rank."""
        return [ResultColumn("VolumeRank", Unit.COUNT, "1 for the largest volume.", dtype=pl.UInt32)]

    def compute(self, inputs, pass_):
        """Rows of the source's buckets."""
        rank = pl.col("TradeTotalVolume").rank("min", descending=True).over("TimeBucket").cast(pl.UInt32)
        return inputs["source"].select("ListingId", "TimeBucket", VolumeRank=rank)


class Share(FrameModule):
    """A listing's part of what its instrument traded anywhere, in the universe or out of it."""

    name = "share"
    inputs = ("trades", "reference")
    scope = "instrument"

    def columns(self):
        """The share."""
        return [ResultColumn("InstrumentShare", Unit.RATIO, "Part of the instrument's volume of the bucket.")]

    def compute(self, inputs, pass_):
        """Rows of the buckets in which the listing traded."""
        bucket = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        own = inputs["trades"].group_by("ListingId", TimeBucket=bucket).agg(pl.col("Size").sum())
        known = own.join(inputs["reference"].select("ListingId", "InstrumentId"), on="ListingId")
        whole = pl.col("Size").sum().over("InstrumentId", "TimeBucket")
        return known.select("ListingId", "TimeBucket", InstrumentShare=ratio(pl.col("Size"), whole))


@hookimpl
def basalt_analytics():
    """The three."""
    return [Usual, Rank, Share]
