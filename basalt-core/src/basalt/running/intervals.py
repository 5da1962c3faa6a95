"""Intervals: the pieces of time on which one row of a table is in force, cut at the edges of cells.

Inside pieces begin with their row. Carried ones begin with their cell, with the last row strictly before it; where
there is none yet, they have no row, so that the pieces of a cell cover it whole. An interval that spans a halt is
inside one stretch and carried into the next, which a single look back from each row would miss.
"""

import polars as pl

from basalt.running.as_of import looked_back
from basalt.running.cells import SECOND, cells, spans
from basalt.running.frames import Day, Frame, InForce
from basalt.running.stretches import at_rows


def intervals(frame: Frame, day: Day, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The pieces of `rows`, which are those of the table that count, in (key, time) order: the table's columns,
    TimeBucket, StretchId, Seconds. Pieces come in no order."""
    assert isinstance(frame.view, InForce)
    by, stamped = frame.key, rows.with_columns(_Stamp=pl.col("EventTimestamp").to_physical())
    if frame.view.memory == "stretch":
        by, stamped = "_Stretch", _by_stretch(stamped, frame.key, spans(frame, day))
    next_ = pl.when(pl.col(by) == pl.col(by).shift(-1)).then(pl.col("_Stamp").shift(-1))
    stamped = stamped.with_columns(_Next=next_)
    cut = cells(frame, day).with_columns(_Stretch="StretchId")
    names = [*rows.collect_schema(), "TimeBucket", "StretchId"]
    inside, carried = _inside(stamped, cut, by), _carried(stamped, cut, by)
    fresh = [_measured(pieces, names, frame.view.max_age) for pieces in (inside, carried)]
    stale = [] if frame.view.max_age is None else [_stale(p, frame.key, frame.view.max_age) for p in (inside, carried)]
    return pl.concat([*fresh, *stale], how="diagonal").filter(pl.col("Seconds") > 0)


def _by_stretch(stamped: pl.LazyFrame, key: str, found: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with the stretch begun last before each."""
    return at_rows(stamped, key, found).rename({"StretchId": "_Stretch"})


def _inside(stamped: pl.LazyFrame, cut: pl.LazyFrame, by: str) -> pl.LazyFrame:
    """From each row inside a cell to the next row or the cell's end."""
    found = cut if by == "_Stretch" else cut.drop("_Stretch")
    held = looked_back(stamped, found, "_Stamp", "From", by).filter(pl.col("_Stamp") < pl.col("To"))
    return held.with_columns(_Begin="_Stamp", _End=pl.min_horizontal("_Next", "To"))


def _carried(stamped: pl.LazyFrame, cut: pl.LazyFrame, by: str) -> pl.LazyFrame:
    """From the start of each cell to the first row inside it, with the row in force before."""
    first = stamped.group_by(by).agg(_First=pl.col("_Stamp").min())
    with_first = cut.join(first, on=by, how="left", maintain_order="left")
    before = looked_back(with_first, stamped, "From", "_Stamp", by, strict=True)
    next_ = pl.when(pl.col("_Stamp").is_null()).then("_First").otherwise("_Next")
    return before.with_columns(_Begin="From", _End=pl.min_horizontal(next_, "To"))


def _measured(pieces: pl.LazyFrame, names: list[str], max_age: int | None) -> pl.LazyFrame:
    end = pl.col("_End") if max_age is None else pl.min_horizontal("_End", pl.col("_Stamp") + max_age)
    return pieces.select(*names, Seconds=(end - pl.col("_Begin")) / SECOND)


def _stale(pieces: pl.LazyFrame, key: str, max_age: int) -> pl.LazyFrame:
    """What is left of pieces whose row is too old: time without a row."""
    begin = pl.max_horizontal("_Begin", pl.col("_Stamp") + max_age)
    old = pieces.filter(pl.col("_Stamp").is_not_null())
    return old.select(key, "TimeBucket", "StretchId", Seconds=(pl.col("_End") - begin) / SECOND)
