"""A desk's plugin: a module of each scope, one that looks back at previous dates, and one with a side output."""

import polars as pl

from basalt import FrameModule, Unit, hookimpl, ratio
from basalt.columns import Column
from basalt.documents import ResultColumn
from basalt.modules import WithSides
from basalt.tables import NS_UTC, TableSchema

LEADING = TableSchema(
    "leading",
    "trades of the listings that trade most of their instruments",
    [
        Column("ListingId", pl.Int64, "tradable line", Unit.LABEL, required=True, also=[pl.String]),
        Column("EventTimestamp", NS_UTC, "execution time", Unit.TIMESTAMP, required=True),
        Column("Price", pl.Float64, "price", Unit.PRICE, required=True),
        Column("Size", pl.Float64, "shares", Unit.SHARES, required=True),
    ],
)


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


class Lead(FrameModule):
    """How many listings of its instrument traded more than a listing; beside it, the trades of those that led."""

    name = "lead"
    inputs = ("trades", "reference")
    scope = "instrument"
    sides = (LEADING,)

    def columns(self):
        """The count."""
        return [ResultColumn("Behind", Unit.COUNT, "Listings of the instrument with more volume.", dtype=pl.UInt32)]

    def compute(self, inputs, pass_):
        """One row a listing that traded, in its last bucket."""
        known = inputs["trades"].join(
            inputs["reference"].select("ListingId", "InstrumentId"), on="ListingId", maintain_order="left"
        )
        volume = pl.col("Size").sum().over("ListingId")
        behind = volume.rank("dense", descending=True).over("InstrumentId").cast(pl.UInt32) - 1
        ranked = known.with_columns(Behind=behind)
        bucket = pass_.rule.bucket(pl.col("EventTimestamp").max(), pass_.date)
        rows = ranked.group_by("ListingId").agg(TimeBucket=bucket, Behind=pl.col("Behind").first())
        leading = ranked.filter(Behind=0).select("ListingId", "EventTimestamp", "Price", "Size")
        return WithSides(rows, {"leading": leading})


@hookimpl
def basalt_analytics():
    """The four."""
    return [Usual, Rank, Share, Lead]
