"""What icebergs did, each thing in the bucket it counts in, for grouped sums; and the tables of icebergs."""

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from basalt.buckets import BucketRule
from basalt_analytics.iceberg.events import COUNTS
from basalt_analytics.iceberg.options import IcebergOptions
from basalt_analytics.iceberg.tables import ICEBERG_EXECUTIONS, ICEBERGS

if TYPE_CHECKING:
    from basalt_analytics.iceberg.detection import Detected

KEY = "ListingId"
ON = [KEY, "TimeBucket"]
ID = [KEY, "IcebergId"]
OF_ICEBERG = pl.col("IcebergKind").is_not_null()
_TRANCHES = pl.when(pl.col("Peak").is_not_null()).then(1).cast(pl.Int64)
_EXECUTIONS = pl.when(pl.col("Executed").is_not_null()).then(1).cast(pl.Int64)


def happenings(found: "Detected", config: IcebergOptions, rule: BucketRule, day: date) -> pl.DataFrame:
    """(ListingId, TimeBucket, IcebergKind, IcebergSide) with Executed, Executions, HiddenSize, Tranches, Peak of rows,
    Confirmed of confirmations, and with VolumeShare All, of every execution there is."""
    own = found.rows.filter(OF_ICEBERG, COUNTS)
    known = pl.col("EventTimestamp")
    if not config.in_hindsight:
        known = pl.max_horizontal(known, "Confirmed")
    names = (KEY, "IcebergKind", "IcebergSide")
    rows = own.select(*names, "Executed", "HiddenSize", "Peak", At=known, Executions=_EXECUTIONS, Tranches=_TRANCHES)
    confirmed = found.chains.select(
        KEY, "IcebergKind", IcebergSide="Side", At="EventTimestamp", Confirmed=pl.lit(1, pl.Int64)
    )
    executed = found.rows.filter(COUNTS, pl.col("Executed").is_not_null())
    if "VolumeShare" not in config.measures:
        executed = executed.clear()
    # orders that are no icebergs have none of their own sides, and the side of the event is the same
    every = executed.select(
        KEY,
        IcebergSide=pl.coalesce("IcebergSide", pl.col("Side").cast(confirmed.schema["IcebergSide"])),
        At="EventTimestamp",
        All="Executed",
    )
    both = pl.concat([rows, confirmed, every], how="diagonal")
    return both.with_columns(TimeBucket=rule.bucket(pl.col("At"), day))


def executions(found: "Detected") -> pl.DataFrame:
    """Rows of `iceberg_executions`."""
    own = found.rows.filter(OF_ICEBERG, COUNTS, pl.col("Executed").is_not_null())
    renamed = own.with_columns(
        Side="IcebergSide",
        Price=pl.when(pl.col("ExecutionPrice").is_finite()).then("ExecutionPrice"),
        Size="Executed",
        KnownTimestamp=pl.max_horizontal("EventTimestamp", "Confirmed"),
    )
    return renamed.select(c.name for c in ICEBERG_EXECUTIONS.columns if c.name in renamed.columns)


def icebergs(found: "Detected") -> pl.DataFrame:
    """Rows of `icebergs`."""
    own = found.rows.filter(OF_ICEBERG)
    counted = own.filter(COUNTS)
    sums = counted.group_by(ID).agg(
        ExecutedVolume=pl.col("Executed").sum(),
        ExecutedCount=_EXECUTIONS.sum(),
        HiddenVolume=pl.col("HiddenSize").sum(),
        TrancheCount=_TRANCHES.sum(),
        MeanPeak=pl.col("Peak").mean(),
    )
    sizes = own.group_by(ID).agg(Size=pl.col("Executed").sum())
    joined = found.chains.join(sums, on=ID, how="left").join(sizes, on=ID, how="left", maintain_order="left")
    zeros = [pl.col(name).fill_null(0) for name in ("ExecutedVolume", "ExecutedCount", "HiddenVolume", "TrancheCount")]
    return joined.with_columns(zeros).select(c.name for c in ICEBERGS.columns).sort(KEY, "EventTimestamp", "IcebergId")
