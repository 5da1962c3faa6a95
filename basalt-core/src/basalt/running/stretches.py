"""Stretches: unbroken runs of admissible market state of a listing.

Memory (previous rows, previous closes, carried values) lives inside one stretch. A stretch is [start, end) in
nanoseconds; one without an end yet has a null end. They come from the marketstate table, else from the runs of the
event table's own MarketState; where neither is known, the sessions of the date are its stretches, or the whole date.
"""

from collections.abc import Collection, Sequence

import polars as pl

from basalt.buckets import BucketRule
from basalt.modules import ALL_STATES
from basalt.running.as_of import looked_back
from basalt.tables import NS_UTC, STATE
from basalt.timelines import Session

LONG_AGO = -(2**62)


def admissible(states: Collection[str]) -> pl.Expr:
    """Whether MarketState is one of `states`; a null state only where "null" is listed."""
    named = sorted(set(states) - {"null"})
    return pl.col("MarketState").is_in(named).fill_null("null" in states)


def in_sessions(sessions: Sequence[Session]) -> pl.Expr:
    """Whether EventTimestamp lies in one of the sessions, its first and last instant included."""
    time = pl.col("EventTimestamp").to_physical()
    return pl.any_horizontal(pl.lit(False), *(time.is_between(start, end) for start, end in sessions))


def stretches(
    rows: pl.LazyFrame, key: str, states: Collection[str], before_first: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """(key, Start, End, StretchId) of each admissible run; `rows` carry MarketState and are in order.

    Of several rows at one stamp the last counts. StretchId is unique over all listings. `before_first`: rows of the
    listings whose state is admissible before their first row too, or all day where they have none.
    """
    changes = rows.select(key, Start=pl.col("EventTimestamp").to_physical(), On=admissible(states))
    if before_first is not None:
        long_ago = before_first.select(pl.col(key).unique(), Start=pl.lit(LONG_AGO), On=pl.lit(True))
        changes = pl.concat([long_ago, changes]).sort(key, "Start", maintain_order=True)
    runs = (
        changes.unique([key, "Start"], keep="last", maintain_order=True)
        .filter(pl.col("On") != pl.col("On").shift(1).over(key).fill_null(False))
        .with_columns(End=pl.col("Start").shift(-1).over(key))
    )
    return runs.filter("On").drop("On").with_row_index("StretchId")


def runs(
    rows: pl.LazyFrame, key: str, states: Collection[str], before_first: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """The same; one a listing where every state but CLOSED counts."""
    found = stretches(rows, key, states, before_first)
    return as_one(found, key) if set(ALL_STATES) <= set(states) else found


def ended(sessions: Sequence[Session] | None, over: int = 0) -> pl.Expr:
    """A stretch's End; where it has none, that of the last session if it began before, and `over` ns more."""
    if not sessions:
        return pl.col("End")
    end = pl.lit(sessions[-1][1] + over, dtype=pl.Int64)
    return pl.coalesce("End", pl.when(end > pl.col("Start")).then(end))


def session_stretches(rows: pl.LazyFrame, key: str, sessions: Sequence[Session]) -> pl.LazyFrame:
    """The sessions as stretches of every listing that has a row."""
    edges = pl.LazyFrame(sessions, schema={"Start": pl.Int64, "End": pl.Int64}, orient="row")
    crossed = rows.select(key).unique().join(edges, how="cross").sort(key, "Start")
    return crossed.with_row_index("StretchId")


def as_one(found: pl.LazyFrame, key: str) -> pl.LazyFrame:
    """One stretch a listing, from the first start to the last end; without an end where its last stretch has none."""
    ends = pl.when(pl.col("End").is_null().any()).then(None).otherwise(pl.col("End").max())
    return found.group_by(key).agg(pl.col("Start").min(), End=ends).sort(key).with_row_index("StretchId")


def closed_at(marketstate: pl.LazyFrame, end: int) -> pl.LazyFrame:
    """The state table with CLOSED from `end` on, for each listing whose last state began before it."""
    time = pl.col("EventTimestamp")
    late = marketstate.group_by("ListingId").agg(time.max()).filter(time.to_physical() < end)
    closing = late.select(
        "ListingId",
        EventTimestamp=pl.lit(end, dtype=pl.Int64).cast(NS_UTC),
        MarketState=pl.lit("CLOSED", dtype=STATE),
    )
    both = pl.concat([marketstate, closing], how="diagonal")
    return both.sort("ListingId", "EventTimestamp", maintain_order=True)


def at_rows(rows: pl.LazyFrame, key: str, found: pl.LazyFrame | None) -> pl.LazyFrame:
    """Rows with the StretchId they lie in; one id a listing where no state is known, and for rows in no stretch."""
    own = -1 - pl.col(key).rle_id().cast(pl.Int64)
    if found is None:
        return rows.with_columns(StretchId=own)
    stamped = rows.with_columns(_At=pl.col("EventTimestamp").to_physical())
    joined = looked_back(stamped, found.select(key, "Start", "StretchId"), "_At", "Start", key)
    return joined.drop("_At", "Start").with_columns(pl.col("StretchId").cast(pl.Int64).fill_null(own))


def within(rows: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """StretchId split by further group columns, so that a window of one group never sees another's rows."""
    for name in columns:
        code = pl.col(name).rank("dense").fill_null(0).cast(pl.Int64)
        rows = rows.with_columns(StretchId=pl.col("StretchId") * (code.max() + 1) + code)
    return rows


def at_times(frame: pl.LazyFrame, key: str, time: str, found: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """`name`: id of the stretch begun last at or before `time` (Int64 ns), for a frame in (key, time) order."""
    right = found.select(key, pl.col("Start").alias(f"{name}Start"), pl.col("StretchId").alias(name))
    joined = looked_back(frame, right, time, f"{name}Start", key)
    return joined.drop(f"{name}Start")


def at_buckets(frame: pl.LazyFrame, key: str, rule: BucketRule, found: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """`name`: id of the last stretch each bucket overlaps; one touched in a single instant counts where none is."""
    label = pl.col("TimeBucket")
    edges = frame.with_columns(_Open=rule.interval_start(label), _Close=rule.interval_end(label))
    right = found.select(key, _Start=pl.col("Start"), _End=pl.col("End"), _Id=pl.col("StretchId"))
    began = looked_back(edges, right, "_Close", "_Start", key, strict=True)
    overlapped = began.with_columns(
        _Id=pl.when(pl.col("_End").is_null() | (pl.col("_End") > pl.col("_Open"))).then(pl.col("_Id"))
    )
    starting = found.select(key, _Close=pl.col("Start"), _Touched=pl.col("StretchId"))
    touched = overlapped.join(starting, on=[key, "_Close"], how="left", maintain_order="left")
    return touched.with_columns(pl.coalesce("_Id", "_Touched").alias(name)).drop(
        "_Open", "_Close", "_Start", "_End", "_Id", "_Touched"
    )
