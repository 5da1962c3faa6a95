"""Fusing: the modules of a pass as few grouped aggregations as their filters allow.

An *aggregation* is one `group_by(keys, TimeBucket)`: a frame, the rows that are `valid` and pass `where`, samples and
derived columns, and the expressions of every module that shares frame and filters.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import attrs
import polars as pl

from basalt.expressions import identity, roots
from basalt.metrics import Empty
from basalt.running.cells import admissible_seconds
from basalt.running.frames import Day, Frame, InForce, Sampled, admitted, rows
from basalt.running.grids import grid
from basalt.running.intervals import intervals

LAST_TIME = "_Time"
CARRIED = "_Carried"
SECONDS = "AdmissibleSeconds"
SESSION = "SessionSeconds"


@attrs.frozen(eq=False)
class Emitted:
    """One output column: its expression, and what fills it in a bucket its aggregation has no row for."""

    name: str
    expr: pl.Expr
    empty: Empty = Empty.NULL
    carries: str | None = None
    carried: pl.Expr | None = None
    idle: float | None = None
    max_age: int | None = None
    note: str | None = None


@attrs.frozen(eq=False)
class Aggregation:
    """One grouped aggregation; see the module's words."""

    frame: Frame
    emitted: Sequence[Emitted]
    derive: Mapping[str, pl.Expr]
    valid: pl.Expr | None
    where: pl.Expr | None
    makes_buckets: bool = True
    samples: Mapping[str, pl.Expr] = attrs.field(factory=dict)

    @property
    def carrying(self) -> bool:
        """Whether it has a column whose empty rule is CARRY."""
        return any(e.empty is Empty.CARRY for e in self.emitted)

    @property
    def dated(self) -> bool:
        """Whether the time of the last row behind a bucket's values is asked for: they are carried, or grow too old."""
        return self.frame.view is None and (self.carrying or any(e.max_age is not None for e in self.emitted))

    @property
    def whole(self) -> bool:
        """Whether its rows are all the buckets its frame makes."""
        return self.makes_buckets and self.where is None and self.frame == self.frame.of_rows

    @property
    def timed(self) -> bool:
        """Whether it weighs, samples or counts time."""
        return self.frame.view is not None or self.reads(SECONDS)

    def reads(self, name: str) -> bool:
        """Whether a derived column or an emitted one reads that column of the frame."""
        return name in self._named

    @cached_property
    def _named(self) -> frozenset[str]:
        """Every column that they name: asked for each batch, and the same in all of them."""
        exprs = [*self.derive.values(), *(e.expr for e in self.emitted), *(e.carried for e in self.emitted)]
        return frozenset(name for expr in exprs if expr is not None for name in roots(expr))


def grouped(aggregation: Aggregation, day: Day) -> pl.LazyFrame:
    """(keys, TimeBucket, emitted columns), what is carried instead of them, and the time of the last row behind a
    bucket's values where it is asked for; unsorted."""
    expressions = [e.expr.alias(e.name) for e in aggregation.emitted]
    last = [pl.col("EventTimestamp").last().to_physical().alias(LAST_TIME)] if aggregation.dated else []
    carried = [e.carried.alias(e.name + CARRIED) for e in aggregation.emitted if e.carried is not None]
    kept = _viewed(aggregation, day)
    if aggregation.reads(SESSION):
        kept = kept.with_columns(pl.lit(day.session_seconds, pl.Float64).alias(SESSION))
    for layer in layers(aggregation.derive):
        kept = kept.with_columns(**layer)
    return kept.group_by(*aggregation.frame.keys, "TimeBucket").agg(*expressions, *carried, *last)


def _viewed(aggregation: Aggregation, day: Day) -> pl.LazyFrame:
    """The rows that are aggregated, without derived columns."""
    frame = aggregation.frame
    match frame.view:
        case InForce():
            return intervals(frame, day, _in_force(aggregation, day))
        case Sampled():
            return grid(frame, day, _in_force(aggregation, day), aggregation.samples)
    kept = _filtered(rows(frame, day, aggregation.reads("StretchId")), aggregation)
    if aggregation.reads(SECONDS):
        seconds = admissible_seconds(frame, day)
        kept = kept.join(seconds, on=[frame.key, "TimeBucket"], how="left", maintain_order="left")
    return kept


def _in_force(aggregation: Aggregation, day: Day) -> pl.LazyFrame:
    """The rows that can be in force: states of any kind, which end each other, but admissible events alone."""
    frame = aggregation.frame
    events = frame.view is not None and frame.view.memory == "stretch"
    return _filtered(admitted(frame, day) if events else day.tables[frame.table], aggregation)


def _filtered(kept: pl.LazyFrame, aggregation: Aggregation) -> pl.LazyFrame:
    for filter_ in (aggregation.valid, aggregation.where):
        kept = kept if filter_ is None else kept.filter(filter_)
    return kept


def layers(derive: Mapping[str, pl.Expr]) -> list[dict[str, pl.Expr]]:
    """Derived columns in steps that can be computed side by side, each after what it reads."""
    found: list[dict[str, pl.Expr]] = []
    for name, expr in derive.items():
        if not found or set(roots(expr)) & set(found[-1]):
            found.append({})
        found[-1][name] = expr
    return found


def makers(aggregations: Sequence[Aggregation], states: Collection[str]) -> list[tuple[Frame, pl.Expr | None]]:
    """(frame, valid) of the rows that make buckets: in any of `states`, whichever table they are of and whichever
    module of the pass they are for."""
    found = {}
    for one in aggregations:
        if one.makes_buckets:
            frame = one.frame.of_rows.widened(states)
            found[frame, identity(one.valid)] = frame, one.valid
    return list(found.values())


def uncovered(aggregations: Sequence[Aggregation], states: Collection[str]) -> list[tuple[Frame, pl.Expr | None]]:
    """(frame, valid) of the buckets that no whole aggregation makes."""
    covered = {(a.frame, identity(a.valid)) for a in aggregations if a.whole}
    return [(f, valid) for f, valid in makers(aggregations, states) if (f, identity(valid)) not in covered]


def buckets(frame: Frame, valid: pl.Expr | None, day: Day) -> pl.LazyFrame:
    """(keys, TimeBucket) in which the frame has a valid row."""
    kept = rows(frame, day, stretch=False)
    kept = kept if valid is None else kept.filter(valid)
    return kept.select(*frame.keys, "TimeBucket").unique()
