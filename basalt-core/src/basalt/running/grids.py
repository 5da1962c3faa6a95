"""Grids: points of equal distance inside stretches, with the samples of a table that are in force at each.

A cell's points begin with its own start, where that is one, so that the first step of a bucket has a value before it;
what is before and at a step is looked up once for both.
"""

from collections.abc import Mapping

import polars as pl

from basalt.buckets import midnight
from basalt.running.cells import cells, spans
from basalt.running.frames import Day, Frame, Sampled
from basalt.running.in_force import latest_valid
from basalt.tables import NS_UTC

BEFORE = "Before"


def grid(frame: Frame, day: Day, rows: pl.LazyFrame, samples: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    """Points in (key, time) order: key, EventTimestamp, Step, TimeBucket, StretchId, and of each sample its value
    there and one step before. `rows`: those of the table that count, in (key, time) order."""
    assert isinstance(frame.view, Sampled)
    view, key = frame.view, frame.key
    asked = points(cells(frame, day), view.step, midnight(day.date) + day.rule.origin)
    one = frame.states is None and not frame.in_hours
    found = None if one else spans(frame, day).select(key, "StretchId", "Start", End="Told")
    strict = day.rule.closed == "left"
    held = latest_valid(asked, rows, key, samples, found, "_At", strict, view.memory)
    return _stepped(held, samples, view.max_age).select(
        key,
        "Step",
        "TimeBucket",
        "StretchId",
        *(name for sample in samples for name in (sample, sample + BEFORE)),
        EventTimestamp=pl.col("_At").cast(NS_UTC),
    )


def points(cut: pl.LazyFrame, step: int, origin: int) -> pl.LazyFrame:
    """Cells with each point they hold, both ends included: `_At` in nanoseconds, `Step`, and `_Cell`, a number."""
    first = -((origin - pl.col("From")).floordiv(step))
    behind = (pl.col("To") - origin).floordiv(step) + 1
    numbered = cut.with_row_index("_Cell").with_columns(Step=pl.int_ranges(first, behind))
    listed = numbered.filter(pl.col("Step").list.len() > 0).explode("Step")
    return listed.with_columns(_At=origin + pl.col("Step") * step)


def _stepped(held: pl.LazyFrame, samples: Mapping[str, pl.Expr], max_age: int | None) -> pl.LazyFrame:
    """Points with the values one step before; the point at a cell's start belongs to the bucket before it."""
    if max_age is not None:
        fresh = {name: pl.col("_At") - pl.col(f"{name}Since") <= max_age for name in samples}
        held = held.with_columns(pl.when(fresh[name]).then(pl.col(name)).alias(name) for name in samples)
    same = pl.col("_Cell") == pl.col("_Cell").shift(1)
    before = {name + BEFORE: pl.when(same).then(pl.col(name).shift(1)) for name in samples}
    return held.with_columns(**before).filter(pl.col("_At") > pl.col("From"))
