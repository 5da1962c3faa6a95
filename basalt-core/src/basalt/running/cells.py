"""Cells: stretches cut at the edges of buckets, for everything that weighs or samples time.

A *span* is a stretch with both its ends. A *cell* is what a span and a bucket share, [From, To) in nanoseconds; those
of a bucket sum up to its admissible time. Where no state is known, a span is all the buckets from a listing's first row
to its last one, in whichever table of the pass.
"""

import polars as pl

from basalt.buckets import WholeDate, as_label
from basalt.running.frames import Day, Frame
from basalt.running.stretches import LONG_AGO, ended, runs, session_stretches

SECOND = 1e9  # nanoseconds


def cells(frame: Frame, day: Day) -> pl.LazyFrame:
    """(key, StretchId, TimeBucket, From, To) of positive length, in (key, From) order; of a sparse pass those alone
    whose bucket has a row."""
    key, rule = frame.key, day.rule
    found = spans(frame, day)
    if isinstance(rule, WholeDate):
        cut = found.with_columns(TimeBucket=rule.bucket(pl.col("Start"), day.date), From="Start", To="End")
    else:
        cut = _cut(found, day, key).with_columns(
            From=pl.max_horizontal("Start", rule.interval_start(pl.col("TimeBucket"))),
            To=pl.min_horizontal("End", rule.interval_end(pl.col("TimeBucket"))),
        )
    held = cut.filter(pl.col("To") > pl.col("From"))
    return held.select(key, "StretchId", "TimeBucket", "From", "To").sort(key, "From")


def _cut(found: pl.LazyFrame, day: Day, key: str) -> pl.LazyFrame:
    """The spans with each bucket they may share: of a sparse pass the touched ones, else every one they overlap."""
    if day.touched is not None:
        return found.join(day.touched.select(key, "TimeBucket").unique(), on=key)
    labels = day.rule.overlapped(pl.col("Start"), pl.col("End"), day.date)
    return found.with_columns(TimeBucket=labels).explode("TimeBucket").with_columns(as_label(pl.col("TimeBucket")))


def admissible_seconds(frame: Frame, day: Day) -> pl.LazyFrame:
    """(key, TimeBucket, AdmissibleSeconds) of each bucket that has any."""
    length = (pl.col("To") - pl.col("From")).sum() / SECOND
    return cells(frame, day).group_by(frame.key, "TimeBucket").agg(AdmissibleSeconds=length)


def spans(frame: Frame, day: Day, instants: bool = False) -> pl.LazyFrame:
    """(key, StretchId, Start, End, Told), End > Start, in (key, Start) order. `instants`: those without length too.

    A stretch without an end lasts to the end of the session, else of the bucket of the listing's last row. `Told`: its
    end where a state or the session tells it, behind the last instant that is in.
    """
    key, edges = frame.key, _edges(frame, day)
    if frame.in_hours and day.sessions is not None:
        found = session_stretches(edges, key, day.sessions)
    elif frame.states is None:
        found = edges.select(key, Start="_First", End="_Last").sort(key).with_row_index("StretchId")
    else:
        found = _runs(frame, day, edges)
    closed = _tells(frame, day) and frame.states is not None  # by the state table, at the session's end
    told = pl.col("End") if closed else ended(day.sessions)
    bounded = found.join(edges, on=key, how="left", maintain_order="left").with_columns(
        Start=pl.when(pl.col("Start") == LONG_AGO).then(pl.col("_First")).otherwise("Start"),
        End=pl.coalesce(told, "_Last"),
        Told=(told + frame.in_hours) if frame.states is not None or frame.in_hours else pl.lit(None, pl.Int64),
        StretchId=pl.col("StretchId").cast(pl.Int64),
    )
    held = pl.col("End") >= pl.col("Start") if instants else pl.col("End") > pl.col("Start")
    return bounded.filter(held).select(key, "StretchId", "Start", "End", "Told")


def _tells(frame: Frame, day: Day) -> bool:
    """Whether a state table tells of the frame's keys."""
    return frame.key == "ListingId" and "marketstate" in day.tables


def _runs(frame: Frame, day: Day, edges: pl.LazyFrame) -> pl.LazyFrame:
    """Stretches of the frame's states; one a listing where all states count."""
    states = frame.states or frozenset()
    if not _tells(frame, day):
        return runs(day.tables[frame.table], frame.key, states)
    return runs(day.tables["marketstate"], frame.key, states, before_first=edges if "UNKNOWN" in states else None)


def _edges(frame: Frame, day: Day) -> pl.LazyFrame:
    """(key, _First, _Last): where the bucket of the listing's first row, or told state, begins, and where that of its
    last row ends."""
    key, rule, time = frame.key, day.rule, pl.col("EventTimestamp")
    tables = dict.fromkeys([frame.table, *day.events])
    first, last = time.min().to_physical(), time.max().to_physical()
    seen = [day.tables[table].group_by(key).agg(_First=first, _Last=last) for table in tables]
    if _tells(frame, day):
        seen.append(day.tables["marketstate"].group_by(key).agg(_First=first, _Last=pl.lit(None, pl.Int64)))
    both = pl.concat(seen).group_by(key).agg(pl.col("_First").min(), pl.col("_Last").max())
    first, last = (rule.bucket(pl.col(name), day.date) for name in ("_First", "_Last"))
    return both.with_columns(
        _First=pl.min_horizontal("_First", rule.interval_start(first)),
        _Last=pl.max_horizontal("_Last", rule.interval_end(last)),
    )
