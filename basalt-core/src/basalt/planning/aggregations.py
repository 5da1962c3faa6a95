"""From planned columns to fused aggregations: one for each (frame, valid, where), whatever modules ask for it.

Derived names are private to their part: equal definitions are computed once, different ones are renamed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs
import polars as pl

from basalt.config.row_wise import holds_over, is_row_wise, windows_stay_inside
from basalt.errors import PluginError
from basalt.expressions import identity, renamed, roots
from basalt.modules import Grid, Part, Rows
from basalt.planning.beside import beside
from basalt.planning.emitted import Planned
from basalt.running.frames import InForce
from basalt.running.fuse import Aggregation, Emitted
from basalt.running.grids import BEFORE


def aggregations(planned: Sequence[Planned]) -> list[Aggregation]:
    """The aggregations of a pass, in the order their first column is emitted."""
    groups: dict[Any, list[Planned]] = {}
    for one in planned:
        part = one.part
        group = (one.frame, identity(part.valid), identity(part.where), part.makes_buckets)
        groups.setdefault(group, []).append(one)
    return [_aggregation(members) for members in groups.values()]


def _aggregation(members: Sequence[Planned]) -> Aggregation:
    derive: dict[str, pl.Expr] = {}
    samples: dict[str, pl.Expr] = {}
    names_of: dict[int, Mapping[str, str]] = {}
    emitted = []
    for one in members:
        if id(one.part) not in names_of:
            names = _add_samples(samples, one)
            names_of[id(one.part)] = _add_derived(derive, one, names)
        emitted.append(_renamed(one.emitted, names_of[id(one.part)]))
    part = members[0].part
    return Aggregation(members[0].frame, emitted, derive, part.valid, part.where, part.makes_buckets, samples)


def _renamed(emitted: Emitted, names: Mapping[str, str]) -> Emitted:
    if not names:
        return emitted
    carried = None if emitted.carried is None else renamed(emitted.carried, names)
    return attrs.evolve(emitted, expr=renamed(emitted.expr, names), carried=carried)


def _add_samples(samples: dict[str, pl.Expr], one: Planned) -> dict[str, str]:
    """Put the part's samples into `samples`; the names that had to change."""
    names: dict[str, str] = {}
    for name, expr in one.part.samples.items():
        free = _free(name, expr, samples, {})
        samples[free] = expr
        if free != name:
            names |= {name: free, name + BEFORE: free + BEFORE}
    return names


def _add_derived(derive: dict[str, pl.Expr], one: Planned, given: Mapping[str, str]) -> dict[str, str]:
    """Put the part's derived columns into `derive`; the names that had to change, those `given` among them."""
    names = dict(given)
    table = getattr(one.use.module, "columns", {})
    for name, expr in one.derived_in_order:
        inside = inside_listing(renamed(expr, names), name, one)
        free = _free(name, inside, derive, table)
        derive[free] = inside
        if free != name:
            names[name] = free
    return names


def _free(name: str, expr: pl.Expr, made: Mapping[str, pl.Expr], taken: Collection[str]) -> str:
    """The name, lengthened until it is free or that of this very expression."""
    while name in taken or (name in made and identity(made[name]) != identity(expr)):
        name += "_"
    return name


def inside_listing(expr: pl.Expr, name: str, one: Planned) -> pl.Expr:
    """A window expression put inside the group, so that a bare shift cannot read the neighbour's row.

    PluginError where the author wrote an `.over` and something else still reads other rows: it cannot be put inside.
    """
    key, keys = one.frame.key, one.frame.keys
    if is_row_wise(expr):
        return expr
    if isinstance(one.frame.view, InForce):
        raise PluginError(
            f"{one.use.place}: {one.use.title} derives {name!r} by windows, and pieces of time stand in no order: "
            "derive from one piece alone"
        )
    if windows_stay_inside(expr, (key, "StretchId")):
        return beside(expr) if len(keys) == 1 and one.frame.view is None else expr
    if holds_over(expr):
        raise PluginError(
            f"{one.use.place}: {one.use.title} derives {name!r} by windows that leave the listing: put each in "
            f"previous(), or in .over() by {key} or StretchId"
        )
    return expr.over(*keys)


def check_row_wise(part: Part, title: str, taken: Collection[str]) -> None:
    """Filters and samples must decide by the row alone; derived columns have names of their own, none of `taken`."""
    roles = {"valid": part.valid, "where": part.where, **{f"sample {n}": e for n, e in part.samples.items()}}
    for role, expr in roles.items():
        if expr is not None and not is_row_wise(expr):
            raise PluginError(f"{title}: {role} must decide by the row alone, without aggregation, shift or window")
    if part.where is not None and not isinstance(part.reads, Rows) and part.reads.memory == "date":
        raise PluginError(f"{title}: where drops rows, and what is in force has none to drop: null the values instead")
    if part.samples and not isinstance(part.reads, Grid):
        raise PluginError(f"{title}: samples are taken at the points of a Grid: derive them, or read a Grid")
    for name, expr in part.derive.items():
        if name in roots(expr):
            raise PluginError(f"{title}: derived column {name} reads itself: give it another name")
        if name in taken:
            raise PluginError(f"{title}: derived column {name} is a column of the frame: give it another name")
