"""Fusing: the modules of a pass as few grouped aggregations as their filters allow, joined on the keys.

An *aggregation* is one `group_by(key, TimeBucket)`: a frame, the rows that are `valid` and pass `where`, derived
columns, and the expressions of every module that shares all three. Sparse timeline: the rows are the buckets in
which some aggregation that `makes_buckets` has a valid row, whether or not the row passes `where`.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.expressions import identity, roots
from basalt.metrics import Empty
from basalt.running.frames import Frame, frame_stretches, rows
from basalt.running.stretches import at_buckets, at_times


@attrs.frozen(eq=False)
class Emitted:
    """One output column: its expression, and what fills it in a bucket its aggregation has no row for."""

    name: str
    expr: pl.Expr
    empty: Empty = Empty.NULL
    carries: str | None = None


@attrs.frozen(eq=False)
class Aggregation:
    """One grouped aggregation; see the module's words."""

    frame: Frame
    emitted: Sequence[Emitted]
    derive: Mapping[str, pl.Expr]
    valid: pl.Expr | None
    where: pl.Expr | None
    makes_buckets: bool = True

    @property
    def carrying(self) -> list[Emitted]:
        """Columns whose empty rule is CARRY."""
        return [e for e in self.emitted if e.empty is Empty.CARRY]


def fused(
    aggregations: Sequence[Aggregation], tables: Mapping[str, pl.LazyFrame], rule: BucketRule, day: date
) -> pl.DataFrame:
    """(key, TimeBucket, emitted columns), sorted; the empty rules applied.

    One streaming query reads the tables for all aggregations; joining its small results is quicker in memory.
    """
    key = [aggregations[0].frame.key, "TimeBucket"]
    grouped = [_grouped(a, i, tables, rule, day) for i, a in enumerate(aggregations)]
    buckets = [_buckets(a, tables, rule, day) for a in _uncovered(aggregations)]
    known = _known_stretches(aggregations, tables) if len(grouped) + len(buckets) > 1 else {}
    collected = iter(pl.collect_all([*grouped, *buckets, *known.values()], engine="streaming"))
    grouped = [next(collected).lazy() for _ in grouped]
    spine = [g for g, a in zip(grouped, aggregations, strict=True) if _is_spine(a)]
    spine += [next(collected).lazy() for _ in buckets]
    found = {frame: next(collected).lazy() for frame in known}
    joined = spine[0]
    for other in spine[1:]:
        joined = joined.join(other, on=key, how="full", coalesce=True)
    for other in (g for g, a in zip(grouped, aggregations, strict=True) if not _is_spine(a)):
        joined = joined.join(other, on=key, how="left")
    joined = joined.sort(key)
    if len(grouped) + len(buckets) > 1:
        for i, aggregation in enumerate(aggregations):
            joined = _filled(joined, aggregation, i, found.get(aggregation.frame), rule)
    columns = [e.name for a in aggregations for e in a.emitted]
    return joined.select(*key, *columns).collect(engine="in-memory")


def _is_spine(aggregation: Aggregation) -> bool:
    """Whether its rows are all the buckets its frame makes."""
    return aggregation.makes_buckets and aggregation.where is None


def _known_stretches(
    aggregations: Sequence[Aggregation], tables: Mapping[str, pl.LazyFrame]
) -> dict[Frame, pl.LazyFrame]:
    """Stretches of the frames whose values are carried, where the state is known."""
    found = {a.frame: frame_stretches(a.frame, tables) for a in aggregations if a.carrying}
    return {frame: stretches for frame, stretches in found.items() if stretches is not None}


def _grouped(
    aggregation: Aggregation, i: int, tables: Mapping[str, pl.LazyFrame], rule: BucketRule, day: date
) -> pl.LazyFrame:
    expressions = [e.expr.alias(e.name) for e in aggregation.emitted]
    last = [pl.col("EventTimestamp").last().to_physical().alias(f"_Time{i}")] if aggregation.carrying else []
    kept = _valid_rows(aggregation, tables, rule, day)
    if aggregation.where is not None:
        kept = kept.filter(aggregation.where)
    for layer in layers(aggregation.derive):
        kept = kept.with_columns(**layer)
    return kept.group_by(aggregation.frame.key, "TimeBucket").agg(*expressions, *last, pl.len().alias(f"_Rows{i}"))


def _valid_rows(
    aggregation: Aggregation, tables: Mapping[str, pl.LazyFrame], rule: BucketRule, day: date
) -> pl.LazyFrame:
    stretch = any("StretchId" in roots(e) for e in aggregation.derive.values())
    kept = rows(aggregation.frame, tables, rule, day, stretch)
    return kept if aggregation.valid is None else kept.filter(aggregation.valid)


def layers(derive: Mapping[str, pl.Expr]) -> list[dict[str, pl.Expr]]:
    """Derived columns in steps that can be computed side by side, each after what it reads."""
    found: list[dict[str, pl.Expr]] = []
    for name, expr in derive.items():
        if not found or set(roots(expr)) & set(found[-1]):
            found.append({})
        found[-1][name] = expr
    return found


def _uncovered(aggregations: Sequence[Aggregation]) -> list[Aggregation]:
    """One aggregation for each (frame, valid) whose buckets no unfiltered aggregation makes.

    A row makes a bucket if its state is admissible for any module of the pass, whichever table that module reads.
    """
    makers = [a for a in aggregations if a.makes_buckets]
    admissible = {state for a in makers for state in a.frame.states or ()}
    covered = {(a.frame, identity(a.valid)) for a in makers if a.where is None}
    wide = [attrs.evolve(a, frame=a.frame.widened(admissible)) for a in makers]
    missing = {(a.frame, identity(a.valid)): a for a in wide}
    return [a for pair, a in missing.items() if pair not in covered]


def _buckets(aggregation: Aggregation, tables: Mapping[str, pl.LazyFrame], rule: BucketRule, day: date) -> pl.LazyFrame:
    kept = rows(aggregation.frame, tables, rule, day, stretch=False)
    kept = kept if aggregation.valid is None else kept.filter(aggregation.valid)
    return kept.select(aggregation.frame.key, "TimeBucket").unique()


def _filled(
    joined: pl.LazyFrame, aggregation: Aggregation, i: int, found: pl.LazyFrame | None, rule: BucketRule
) -> pl.LazyFrame:
    """ZERO and CARRY columns, filled in the rows their aggregation does not have."""
    there = pl.col(f"_Rows{i}").is_not_null()
    zero = [e.name for e in aggregation.emitted if e.empty is Empty.ZERO]
    if zero:
        joined = joined.with_columns(pl.when(there).then(pl.col(zero)).otherwise(0))
    if not aggregation.carrying:
        return joined
    source = pl.when(there).then(pl.col("_Place")).forward_fill().over(aggregation.frame.key)
    joined = _with_stretches(joined, aggregation.frame.key, i, found, rule)
    joined = joined.with_columns(_Place=pl.int_range(pl.len())).with_columns(_Source=source)
    same = pl.col("_Bucket").eq_missing(pl.col("_Row").gather(pl.col("_Source")))
    carried = [
        pl.when(there)
        .then(pl.col(e.name))
        .when(same)
        .then(pl.col(e.carries or e.name).gather(pl.col("_Source")))
        .alias(e.name)
        for e in aggregation.carrying
    ]
    return joined.with_columns(carried).drop("_Place", "_Source", "_Bucket", "_Row")


def _with_stretches(
    joined: pl.LazyFrame, key: str, i: int, found: pl.LazyFrame | None, rule: BucketRule
) -> pl.LazyFrame:
    """`_Bucket`: stretch of each bucket; `_Row`: stretch of the last row behind its values."""
    if found is None:
        return joined.with_columns(_Bucket=pl.lit(0), _Row=pl.lit(0))
    with_bucket = at_buckets(joined, key, rule, found, "_Bucket")
    return at_times(with_bucket, key, f"_Time{i}", found, "_Row")
