"""Fusing: the modules of a pass as few grouped aggregations as their filters allow.

An *aggregation* is one `group_by(keys, TimeBucket)`: a frame, the rows that are `valid` and pass `where`, derived
columns, and the expressions of every module that shares all three.
"""

from collections.abc import Collection, Mapping, Sequence

import attrs
import polars as pl

from basalt.expressions import identity, roots
from basalt.metrics import Empty
from basalt.running.frames import Day, Frame, rows

LAST_TIME = "_Time"


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
    def carrying(self) -> bool:
        """Whether it has a column whose empty rule is CARRY."""
        return any(e.empty is Empty.CARRY for e in self.emitted)

    @property
    def whole(self) -> bool:
        """Whether its rows are all the buckets its frame makes."""
        return self.makes_buckets and self.where is None


def grouped(aggregation: Aggregation, day: Day) -> pl.LazyFrame:
    """(keys, TimeBucket, emitted columns), and the time of the last row behind a bucket's values where one is carried;
    unsorted."""
    expressions = [e.expr.alias(e.name) for e in aggregation.emitted]
    last = [pl.col("EventTimestamp").last().to_physical().alias(LAST_TIME)] if aggregation.carrying else []
    kept = _valid_rows(aggregation, day)
    if aggregation.where is not None:
        kept = kept.filter(aggregation.where)
    for layer in layers(aggregation.derive):
        kept = kept.with_columns(**layer)
    return kept.group_by(*aggregation.frame.keys, "TimeBucket").agg(*expressions, *last)


def _valid_rows(aggregation: Aggregation, day: Day) -> pl.LazyFrame:
    stretch = any("StretchId" in roots(e) for e in aggregation.derive.values())
    kept = rows(aggregation.frame, day, stretch)
    return kept if aggregation.valid is None else kept.filter(aggregation.valid)


def layers(derive: Mapping[str, pl.Expr]) -> list[dict[str, pl.Expr]]:
    """Derived columns in steps that can be computed side by side, each after what it reads."""
    found: list[dict[str, pl.Expr]] = []
    for name, expr in derive.items():
        if not found or set(roots(expr)) & set(found[-1]):
            found.append({})
        found[-1][name] = expr
    return found


def uncovered(aggregations: Sequence[Aggregation], states: Collection[str]) -> list[tuple[Frame, pl.Expr | None]]:
    """(frame, valid) of the buckets that no whole aggregation makes.

    A row makes a bucket in any of `states`, whichever table it is of and whichever module of the pass they are for.
    """
    makers = [a for a in aggregations if a.makes_buckets]
    covered = {(a.frame, identity(a.valid)) for a in makers if a.whole}
    wide = {(frame, identity(a.valid)): (frame, a.valid) for a in makers if (frame := a.frame.widened(states))}
    return [found for pair, found in wide.items() if pair not in covered]


def buckets(frame: Frame, valid: pl.Expr | None, day: Day) -> pl.LazyFrame:
    """(keys, TimeBucket) in which the frame has a valid row."""
    kept = rows(frame, day, stretch=False)
    kept = kept if valid is None else kept.filter(valid)
    return kept.select(*frame.keys, "TimeBucket").unique()
