"""The rows of a pass: sparse, dense or daily, made from the buckets that its tables touch and from stretches.

*Touched*: (keys, TimeBucket) in which a table of the pass has an admissible row; of a daily pass, the keys that have a
row at all, and `_Last`, when the last one was.
"""

from collections.abc import Mapping, Sequence

import attrs
import polars as pl

from basalt.buckets import MICROSECOND, as_label, midnight
from basalt.durations import DAY
from basalt.planning.program import Program
from basalt.running.fill import Contribution
from basalt.running.frames import Day
from basalt.running.fuse import buckets, makers, uncovered
from basalt.running.stretches import ended, runs, session_stretches
from basalt.tables import US_UTC

Frames = Mapping[str, pl.LazyFrame]


def with_time(program: Program, day: Day) -> Day:
    """The day with what pieces of time are cut by: its tables of events, and the buckets that a sparse pass has."""
    if not _reads_tables(program):
        return day
    made = [*makers(program.aggregations, program.timeline.states), *program.touching]
    events = dict.fromkeys(frame.table for frame, _ in made)
    touched = pl.concat([buckets(f, valid, day) for f, valid in made]).unique()
    return attrs.evolve(day, events=tuple(events), touched=touched if program.timeline.kind == "sparse" else None)


def touched(program: Program, day: Day, earlier: Frames) -> list[pl.LazyFrame]:
    """The buckets that the pass's whole aggregations do not show by their own rows."""
    keys, kind = program.result.keys, program.timeline.kind
    if kind == "returned":
        return []
    if kind == "daily":
        last = pl.col("EventTimestamp").to_physical().max()
        return [f.group_by(keys).agg(_Last=last) for f in _tables(program, day, earlier)]
    if not _reads_tables(program):
        rows = zip(program.sources, _sources(program, day, earlier), strict=True)
        return [f.select(*keys, TimeBucket=_coarse(program, name, day)).unique() for name, f in rows]
    wanted = uncovered(program.aggregations, program.timeline.states)
    return [buckets(f, valid, day) for f, valid in [*wanted, *program.touching]]


def _coarse(program: Program, source: str, day: Day) -> pl.Expr:
    """The pass's label of the bucket of an earlier pass, which may be named by its other edge."""
    label, fine = pl.col("TimeBucket"), program.rule_of(source)
    if fine is None or fine.label == day.rule.label:
        return day.rule.coarse_label(label, day.date)
    inside = fine.interval_end(label) - 1 if fine.label == "end" else fine.interval_start(label) + 1
    return day.rule.bucket(inside, day.date)


def open_stretches(program: Program, day: Day, earlier: Frames) -> list[pl.LazyFrame]:
    """(key, Start, End) of the stretches that dense and daily rows come from; End null where there is none yet."""
    timeline, key = program.timeline, program.key
    if timeline.kind not in ("dense", "daily"):
        return []
    if timeline.state_tables:
        found = [runs(day.tables[t], key, timeline.open_states) for t in timeline.state_tables]
    elif day.sessions is not None:
        listings = pl.concat([f.select(key) for f in _tables(program, day, earlier)])
        found = [session_stretches(listings, key, day.sessions)]
    else:
        found = []
    return [f.select(key, "Start", "End") for f in found]


def _reads_tables(program: Program) -> bool:
    return bool(program.aggregations or program.touching)


def _tables(program: Program, day: Day, earlier: Frames) -> list[pl.LazyFrame]:
    """Every table whose rows make buckets, all of its rows; without any, the passes it reads."""
    made = [a.frame for a in program.aggregations if a.makes_buckets]
    names = dict.fromkeys(frame.table for frame in (*made, *(frame for frame, _ in program.touching)))
    if not _reads_tables(program):
        return [f.with_columns(EventTimestamp=pl.lit(None, pl.Int64)) for f in _sources(program, day, earlier)]
    return [day.tables[name] for name in names]


def _sources(program: Program, day: Day, earlier: Frames) -> list[pl.LazyFrame]:
    """The passes it reads, without the previous dates in front."""
    found = [earlier[name] for name in program.sources]
    return [f.filter(Date=day.date) if "Date" in f.collect_schema() else f for f in found]


def rows_of(
    program: Program,
    day: Day,
    contributions: Sequence[Contribution],
    seen: Sequence[pl.DataFrame],
    opened: Sequence[pl.DataFrame],
) -> pl.DataFrame:
    """Keys and TimeBucket of every row of the pass, sorted; `seen` and `opened`: what `touched` and `open_stretches`
    found."""
    keys = dict(zip(program.result.keys, program.result.key_dtypes, strict=True))
    edges = {program.key: keys[program.key], "Start": pl.Int64, "End": pl.Int64}
    stretches = pl.concat([pl.DataFrame(schema=edges), *opened])
    if program.timeline.kind == "daily":
        return _daily(pl.concat([pl.DataFrame(schema={**keys, "_Last": pl.Int64}), *seen]), stretches, program, day)
    shown = [c.rows.select(*keys, "TimeBucket") for c in contributions if c.whole]
    buckets = pl.concat([pl.DataFrame(schema={**keys, "TimeBucket": US_UTC}), *shown, *seen]).unique()
    found = _dense(buckets, stretches, program, day) if program.timeline.kind == "dense" else buckets
    return found.sort(*keys, "TimeBucket")


def _dense(found: pl.DataFrame, stretches: pl.DataFrame, program: Program, day: Day) -> pl.DataFrame:
    """Every bucket a stretch overlaps by more than an instant, and the touched ones of tables.

    A stretch without an end lasts to that of the session, or of the listing's last touched bucket.
    """
    key, rule = program.key, day.rule
    last = found.lazy().group_by(key).agg(_Last=rule.interval_end(pl.col("TimeBucket")).max())
    ended = stretches.lazy().join(last, on=key, how="left").with_columns(End=pl.coalesce(_end(program, day), "_Last"))
    labels = ended.filter(pl.col("End") > pl.col("Start")).select(
        key, TimeBucket=rule.overlapped(pl.col("Start"), pl.col("End"), day.date)
    )
    overlapped = labels.explode("TimeBucket").with_columns(as_label(pl.col("TimeBucket")))
    both = [overlapped, found.lazy()] if _reads_tables(program) else [overlapped]
    return pl.concat(both).unique().collect(engine="in-memory")


def _daily(found: pl.DataFrame, stretches: pl.DataFrame, program: Program, day: Day) -> pl.DataFrame:
    """One row for each key that has a row or a stretch, labelled with the end of its last stretch.

    Where no end is known, with the first UTC midnight behind the date and behind its last row.
    """
    key, keys = program.key, program.result.keys
    if day.sessions == [] and not program.timeline.state_tables:
        found = found.clear()
    known = pl.when(pl.col("_End").is_null().any()).then(None).otherwise(pl.col("_End").max())
    ends = stretches.lazy().with_columns(_End=_end(program, day)).group_by(key).agg(_End=known)
    last = found.lazy().group_by(keys).agg(pl.col("_Last").max())
    joined = last.join(ends, on=key, how="full" if len(keys) == 1 else "left", coalesce=True)
    late = _ceil(pl.max_horizontal("_Last", pl.lit(midnight(day.date) + DAY)), DAY)
    label = as_label(_ceil(pl.coalesce("_End", late), MICROSECOND))
    return joined.select(*keys, TimeBucket=label).sort(keys).collect(engine="in-memory")


def _ceil(nanoseconds: pl.Expr, step: int) -> pl.Expr:
    return -((-nanoseconds).floordiv(step)) * step


def _end(program: Program, day: Day) -> pl.Expr:
    """A stretch's end, or that of the session behind its start; a state table has been closed there already."""
    return pl.col("End") if "marketstate" in program.timeline.state_tables else ended(day.sessions)
