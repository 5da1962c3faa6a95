"""From metrics to described columns: names with prefix, weights, lineage, clashes.

A mean's weight that equals a visible metric of its part is that metric; otherwise it is a hidden column
`{metric}Weight`, computed only where a later pass rolls the metric up or the pass asks for weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.errors import PluginError, UserError
from basalt.expressions import derived_columns, identity, roots, shown, table_columns
from basalt.metrics import SUM, Empty, Known, Metric, Rollup
from basalt.modules import BucketModule, Grid, Intervals, Lag, Part, Reads, Rows
from basalt.planning.uses import Use
from basalt.running.frames import Frame
from basalt.running.fuse import SECONDS, SESSION, Emitted
from basalt.running.grids import BEFORE

_ADDED: Mapping[type, str] = {Rows: SECONDS, Intervals: "Seconds", Grid: "Step"}


def frame_columns(reads: Reads) -> tuple[str, ...]:
    """What the engine adds in that frame to the columns of the table."""
    return ("TimeBucket", "StretchId", SESSION, _ADDED[type(reads)])


@attrs.frozen(eq=False)
class Planned:
    """One column of a bucket module: what computes it, in which frame and part, and its description."""

    use: Use
    part: Part
    frame: Frame
    emitted: Emitted
    column: ResultColumn

    @property
    def derived_in_order(self) -> list[tuple[str, pl.Expr]]:
        """The part's derived columns, each after those it reads; PluginError where they go round in a circle."""
        waiting, found = dict(self.part.derive), dict[str, pl.Expr]()
        while waiting:
            ready = [name for name, expr in waiting.items() if not set(roots(expr)) & (waiting.keys() - {name})]
            if not ready:
                circle = ", ".join(waiting)
                raise PluginError(f"{self.use.place}: {self.use.title}: derived columns {circle} read each other")
            found |= {name: waiting.pop(name) for name in ready}
        return list(found.items())

    @property
    def definition(self) -> tuple[object, ...]:
        """Equal for two columns that are computed alike."""
        part, made = self.part, behind_names(self.part)
        behind = sorted((n, identity(made[n])) for n in derived_columns(roots(self.emitted.expr), made))
        states = None if self.frame.states is None else tuple(sorted(self.frame.states))
        return (
            self.frame.table,
            states,
            self.frame.view,
            self.frame.cancelled,
            identity(part.valid),
            identity(part.where),
            identity(self.emitted.expr),
            identity(self.emitted.carried),
            self.emitted.max_age,
            tuple(behind),
        )


def planned_columns(use: Use, part: Part, frame: Frame, weights: bool) -> Iterator[Planned]:
    """The part's columns in order, each with the hidden weights it needs right behind it."""
    prefix = use.entry.prefix
    names = {identity(m.expr): prefix + m.name for m in part.metrics}
    known = {m.name for m in part.metrics}
    for metric in part.metrics:
        name = prefix + metric.name
        over_time = _weighted(metric.over_time, f"{name}Weight", names, prefix)
        over_listings = _weighted(
            metric.over_listings, f"{name}ListingsWeight", {**names, **_hidden(over_time, metric)}, prefix
        )
        if metric.carries is not None and metric.carries not in known:
            raise PluginError(f"{use.title}: metric {metric.name} carries {metric.carries!r}, which it does not emit")
        if metric.max_age is not None and not isinstance(part.reads, Rows):
            raise PluginError(f"{use.title}: metric {metric.name} has a max_age, which is of rows: give its frame one")
        carries = prefix + metric.carries if metric.carries else None
        emitted = Emitted(
            name, metric.expr, metric.empty, carries, metric.carried, metric.idle, metric.max_age, metric.note
        )
        yield Planned(use, part, frame, emitted, _described(use, part, metric, name, over_time, over_listings, carries))
        if weights:
            yield from _hidden_columns(
                use, part, frame, metric, {over_time.weight, over_listings.weight} - set(names.values())
            )


def _hidden(rollup: Rollup, metric: Metric) -> dict[str, str]:
    weight = metric.over_time.weight
    return {identity(weight): str(rollup.weight)} if isinstance(weight, pl.Expr) else {}


def _weighted(rollup: Rollup, hidden: str, names: dict[str, str], prefix: str) -> Rollup:
    """The same rollup with its weight as the name of a column."""
    weight = rollup.weight
    if isinstance(weight, pl.Expr):
        return attrs.evolve(rollup, weight=names.get(identity(weight), hidden))
    return rollup if weight is None else attrs.evolve(rollup, weight=prefix + weight)


def _hidden_columns(
    use: Use, part: Part, frame: Frame, metric: Metric, wanted: set[str | pl.Expr | None]
) -> Iterator[Planned]:
    for rollup, suffix in ((metric.over_time, "Weight"), (metric.over_listings, "ListingsWeight")):
        name = use.entry.prefix + metric.name + suffix
        if name not in wanted or not isinstance(rollup.weight, pl.Expr):
            continue
        weight = Metric(
            metric.name + suffix,
            rollup.weight.cast(pl.Float64),
            Unit.WEIGHT,
            f"Weight of {metric.name} when it is rolled up.",
            over_time=SUM,
            over_listings=SUM,
            empty=Empty.ZERO,
        )
        described = _described(use, part, weight, name, SUM, SUM, None)
        yield Planned(use, part, frame, Emitted(name, weight.expr, Empty.ZERO), attrs.evolve(described, hidden=True))


def _described(
    use: Use, part: Part, metric: Metric, name: str, over_time: Rollup, over_listings: Rollup, carries: str | None
) -> ResultColumn:
    owner, added, read = use.component.owner, frame_columns(part.reads), read_columns(metric.expr, part)
    return ResultColumn(
        name,
        metric.unit,
        metric.doc,
        metric.dtype,
        over_time,
        over_listings,
        metric.empty,
        _lag(use, metric, read),
        metric.formula or shown(metric.expr),
        metric.citation,
        metric.sign,
        tuple(f"{part.reads.table}.{c}" for c in read if c not in added),
        metric.traits,
        carries,
        metric.idle,
        metric.max_age,
        module=use.entry.module,
        distribution=owner.distribution,
        version=owner.version,
    )


def _lag(use: Use, metric: Metric, read: Sequence[str]) -> Lag:
    """The largest of the metric's own and those of the columns it reads."""
    assert isinstance(use.module, BucketModule)
    late = use.module.known_after
    lags = [metric.known_after, *(late[name] for name in read if name in late)]
    fixed = [lag for lag in lags if isinstance(lag, timedelta)]
    return max(fixed) if len(fixed) == len(lags) else Known.END_OF_DATE


def read_columns(expr: pl.Expr, part: Part) -> list[str]:
    """Table columns that the expression, the part's filters and their derived columns read."""
    names = roots(expr)
    for filter_ in (part.valid, part.where):
        names += roots(filter_) if filter_ is not None else []
    return table_columns(names, behind_names(part))


def behind_names(part: Part) -> dict[str, pl.Expr]:
    """Everything that the part names itself: derived columns, samples, and these one step before."""
    before = {name + BEFORE: pl.col(name) for name in part.samples}
    return {**part.derive, **before, **part.samples}


def without_clashes(planned: Sequence[Planned]) -> list[Planned]:
    """Each column once: equal definitions share it, different ones are refused."""
    kept: dict[str, Planned] = {}
    for one in planned:
        other = kept.setdefault(one.column.name, one)
        if other is not one and other.definition != one.definition:
            raise UserError(
                f"{other.use.place} (module {other.use.entry.module}) and {one.use.place} (module "
                f"{one.use.entry.module}) both emit {one.column.name!r} with different definitions: set `prefix` on one"
            )
    return list(kept.values())
