"""Selection: which columns of the source, and which methods for each."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import polars as pl

from basalt.config.words import did_you_mean, listed
from basalt.documents import PassResult, ResultColumn
from basalt.errors import UserError
from basalt_analytics.series.methods import KINDS, WEIGHTED, Method

ROLLUP = "rollup"


def selected(source: PassResult, patterns: Sequence[str] | None, named: Iterable[str]) -> list[ResultColumn]:
    """The columns that `patterns` match, in their order; by default those `named`, every numeric one, and flags that
    have a rollup."""
    if patterns is None:
        wanted = set(named)
        return [c for c in source.visible if c.name in wanted or _is_number(c) or _rolls_up(c)]
    found = {column.name: column for pattern in patterns for column in _matching(source, pattern, "columns")}
    return list(found.values())


def methods(
    source: PassResult, columns: Sequence[ResultColumn], aggregations: Mapping[str, str | list[str]]
) -> list[list[Method]]:
    """The methods of each column: as configured, else its own rollup; none where it has no rollup over time."""
    configured: dict[str, list[str]] = {}
    for pattern in sorted(aggregations, key=lambda p: (_is_glob(p), len(p))):
        names = aggregations[pattern]
        for column in _matching(source, pattern, "aggregations", columns):
            configured.setdefault(column.name, [names] if isinstance(names, str) else names)
    return [_methods(source, column, configured.get(column.name, [ROLLUP])) for column in columns]


def _methods(source: PassResult, column: ResultColumn, names: Sequence[str]) -> list[Method]:
    found = [_method(source, column, name) for name in names]
    return [method for method in found if method is not None]


def _method(source: PassResult, column: ResultColumn, name: str) -> Method | None:
    if name == ROLLUP:
        rollup = column.over_time
        if rollup.kind == "none":
            return None
        weight = _weight(source, column, str(rollup.weight)) if rollup.kind == "mean" else None
        return Method("wmean" if weight else rollup.kind, column, weight, own=True)
    if name.startswith(WEIGHTED):
        return Method("wmean", _number(column, name), _weight(source, column, name.removeprefix(WEIGHTED)))
    if name not in KINDS:
        known = [*KINDS, f"{WEIGHTED}Column", ROLLUP]
        raise UserError(
            f"generic: {name!r} is no method of column {column.name}{did_you_mean(name, known)}: use {listed(known)}"
        )
    return Method(name, column if KINDS[name].labels else _number(column, name))


def _weight(source: PassResult, column: ResultColumn, name: str) -> ResultColumn:
    weight = source.column(name)
    if weight is None:
        raise UserError(
            f"generic: the mean of {column.name} is weighted by {name!r}, which pass {source.name!r} does not have"
            f"{_known(name, source.columns)}: weigh by a column it has, or give another method"
        )
    return _number(weight, "weight")


def _number(column: ResultColumn, use: str) -> ResultColumn:
    if not _is_number(column):
        raise UserError(f"generic: {column.name} is {column.dtype}, and {use} needs numbers: use first, last or count")
    return column


def _matching(
    source: PassResult, pattern: str, option: str, among: Sequence[ResultColumn] | None = None
) -> list[ResultColumn]:
    columns = source.visible if among is None else among
    found = [c for c in columns if c.name == pattern or (_is_glob(pattern) and fnmatchcase(c.name, pattern))]
    if not found:
        where = f"pass {source.name!r} has" if among is None else "`columns` and the defaults select"
        raise UserError(f"generic: {option} names {pattern!r}, which is none of what {where}{_known(pattern, columns)}")
    return found


def _known(name: str, columns: Sequence[ResultColumn]) -> str:
    names = [c.name for c in columns]
    return did_you_mean(name, names) + f"; it has {listed(names, last='and')}"


def _is_glob(pattern: str) -> bool:
    return any(sign in pattern for sign in "*?[")


def _rolls_up(column: ResultColumn) -> bool:
    return column.dtype == pl.Boolean and column.over_time.kind != "none"


def _is_number(column: ResultColumn) -> bool:
    return bool(column.dtype.is_numeric())
