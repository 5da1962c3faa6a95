"""What is in force at a moment: the last valid value of a table at or before it, inside the memory of its stretch.

A *point* is a listing and a moment, `at` in nanoseconds. Memory begins anew with each stretch, with one exception: the
very latest row before it is in force when it opens; if that row has no valid value, nothing older takes its place.
"""

from collections.abc import Mapping

import polars as pl

from basalt.modules import Memory
from basalt.running.as_of import looked_back

_STAMP = "_Stamp"


def in_stretch(points: pl.LazyFrame, key: str, at: str, found: pl.LazyFrame) -> pl.LazyFrame:
    """`StretchId` of the stretch [Start, End) that holds each point; null outside all. Points in (key, at) order.

    Where the last instant of a stretch is in, its End is a nanosecond behind it.
    """
    inside = pl.col("_End").is_null() | (pl.col(at) < pl.col("_End"))
    edges = found.select(key, "StretchId", _Start="Start", _End="End")
    joined = looked_back(points, edges, at, "_Start", key)
    held = pl.when(inside).then(pl.col("StretchId").cast(pl.Int64)).alias("StretchId")
    return joined.with_columns(held).drop("_Start", "_End")


def latest_valid(
    points: pl.LazyFrame,
    rows: pl.LazyFrame,
    key: str,
    values: Mapping[str, pl.Expr],
    found: pl.LazyFrame | None,
    at: str,
    strict: bool = False,
    memory: Memory = "date",
) -> pl.LazyFrame:
    """The points with a column for each of `values`: the last one not null at a row stamped at or before `at` (before
    it, where `strict`), and `{name}Since`, the stamp of that row.

    `values`: row expressions over `rows`, which are in (key, time) order. `found`: the stretches, with points that
    carry their `StretchId`, null outside all; None: the date is one.
    """
    own = rows.select(key, pl.col("EventTimestamp").to_physical().alias(_STAMP), **values)
    if found is None:
        known = own.with_columns(_latest(values, key))
        return _as_of(points, known.select(key, _STAMP, *_pairs(values)), key, at, strict)
    within = in_stretch(own, key, _STAMP, found).filter(pl.col("StretchId").is_not_null())
    known = within.with_columns(_latest(values, "StretchId")).select(
        key, _STAMP, _Stretch=pl.col("StretchId"), **{f"_{name}": pl.col(name) for name in _pairs(values)}
    )
    joined = _as_of(points, known, key, at, strict)
    same = pl.col("_Stretch") == pl.col("StretchId")
    of_stretch = {name: pl.when(same).then(pl.col(f"_{name}")) for name in _pairs(values)}
    joined = joined.with_columns(**of_stretch).drop("_Stretch", *(f"_{name}" for name in _pairs(values)))
    if memory == "stretch":
        return joined
    opening = _at_opening(own, key, values, found, strict)
    joined = joined.join(opening, on="StretchId", how="left", maintain_order="left")
    filled = {name: pl.coalesce(name, f"_{name}") for name in _pairs(values)}
    return joined.with_columns(**filled).drop(f"_{name}" for name in _pairs(values))


def _pairs(values: Mapping[str, pl.Expr]) -> list[str]:
    return [column for name in values for column in (name, f"{name}Since")]


def _latest(values: Mapping[str, pl.Expr], group: str) -> list[pl.Expr]:
    """The last value not null up to each row of the group, and its stamp."""
    since = {name: pl.when(pl.col(name).is_not_null()).then(pl.col(_STAMP)) for name in values}
    return [
        column
        for name in values
        for column in (
            pl.col(name).forward_fill().over(group),
            since[name].forward_fill().over(group).alias(f"{name}Since"),
        )
    ]


def _as_of(points: pl.LazyFrame, known: pl.LazyFrame, key: str, at: str, strict: bool) -> pl.LazyFrame:
    return looked_back(points, known, at, _STAMP, key, strict).drop(_STAMP)


def _at_opening(
    own: pl.LazyFrame, key: str, values: Mapping[str, pl.Expr], found: pl.LazyFrame, strict: bool
) -> pl.LazyFrame:
    """(StretchId, values, stamps) of the very latest row when each stretch opens, valid or not."""
    starts = found.select(key, "Start", StretchId=pl.col("StretchId").cast(pl.Int64)).sort(key, "Start")
    before = _as_of(starts, own.with_columns(_Row=pl.col(_STAMP)), key, "Start", strict)
    since = {f"_{name}Since": pl.when(pl.col(name).is_not_null()).then(pl.col("_Row")) for name in values}
    return before.select("StretchId", **{f"_{name}": pl.col(name) for name in values}, **since)
