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
from basalt.modules import Part
from basalt.planning.emitted import Planned
from basalt.running.fuse import Aggregation, Emitted


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
    names_of: dict[int, Mapping[str, str]] = {}
    emitted = []
    for one in members:
        if id(one.part) not in names_of:
            names_of[id(one.part)] = _add_derived(derive, one)
        emitted.append(_renamed(one.emitted, names_of[id(one.part)]))
    first = members[0]
    return Aggregation(first.frame, emitted, derive, first.part.valid, first.part.where, first.part.makes_buckets)


def _renamed(emitted: Emitted, names: Mapping[str, str]) -> Emitted:
    return attrs.evolve(emitted, expr=renamed(emitted.expr, names)) if names else emitted


def _add_derived(derive: dict[str, pl.Expr], one: Planned) -> dict[str, str]:
    """Put the part's derived columns into `derive`; the names that had to change."""
    names: dict[str, str] = {}
    table = getattr(one.use.module, "columns", {})
    for name, expr in one.derived_in_order:
        inside = inside_listing(renamed(expr, names), name, one)
        free = name
        while free in table or (free in derive and identity(derive[free]) != identity(inside)):
            free += "_"
        derive[free] = inside
        if free != name:
            names[name] = free
    return names


def inside_listing(expr: pl.Expr, name: str, one: Planned) -> pl.Expr:
    """A window expression put inside the group, so that a bare shift cannot read the neighbour's row.

    PluginError where the author wrote an `.over` and something else still reads other rows: it cannot be put inside.
    """
    key, keys = one.frame.key, one.frame.keys
    if is_row_wise(expr) or windows_stay_inside(expr, (key, "StretchId")):
        return expr
    if holds_over(expr):
        raise PluginError(
            f"{one.use.place}: {one.use.title} derives {name!r} by windows that leave the listing: put each in "
            f"previous(), or in .over() by {key} or StretchId"
        )
    return expr.over(*keys)


def check_row_wise(part: Part, title: str, taken: Collection[str]) -> None:
    """Filters must decide by the row alone; derived columns have names of their own, none of `taken`."""
    for role, filter_ in (("valid", part.valid), ("where", part.where)):
        if filter_ is not None and not is_row_wise(filter_):
            raise PluginError(f"{title}: {role} must decide by the row alone, without aggregation, shift or window")
    for name, expr in part.derive.items():
        if name in roots(expr):
            raise PluginError(f"{title}: derived column {name} reads itself: give it another name")
        if name in taken:
            raise PluginError(f"{title}: derived column {name} is a column of the frame: give it another name")
