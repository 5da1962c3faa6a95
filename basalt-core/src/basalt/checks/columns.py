"""Which columns a quality entry speaks of: names and patterns, resolved while planning against what the pass emits."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import polars as pl

from basalt.checks.findings import some
from basalt.columns import DType
from basalt.config.model import QualityEntry
from basalt.config.words import did_you_mean, shown
from basalt.documents import PassResult
from basalt.errors import UserError
from basalt.tables import US_UTC

LISTED = 12  # columns that a refusal names


def key_dtypes(result: PassResult) -> dict[str, DType]:
    """The pass's keys and TimeBucket with their dtypes."""
    return {**dict(zip(result.keys, result.key_dtypes, strict=True)), "TimeBucket": US_UTC}


def chosen_columns(entry: QualityEntry, result: PassResult, place: str) -> dict[str, DType]:
    """The entry's columns in the pass's order. A pattern leaves hidden columns out; their names do not.

    UserError, with `place` in front, where a name or pattern matches nothing or a bound cannot be compared.
    """
    columns = key_dtypes(result) | {c.name: c.dtype for c in result.columns}
    listed = {*key_dtypes(result), *(c.name for c in result.visible)}
    asked = [entry.columns] if isinstance(entry.columns, str) else entry.columns
    chosen = {name for wanted in asked for name in _matching(wanted, columns, listed, place)}
    found = {name: dtype for name, dtype in columns.items() if name in chosen}
    for key, bound in (("min", entry.min), ("max", entry.max)):
        if bound is not None:
            _check_comparable(f"{place}.{key} = {shown(bound)}", bound, found)
    return found


def _matching(wanted: str, columns: Mapping[str, DType], listed: set[str], place: str) -> Sequence[str]:
    if wanted in columns:
        return [wanted]
    found = [name for name in columns if name in listed and fnmatchcase(name, wanted)]
    if not found:
        there = some((name for name in columns if name in listed), LISTED)
        meant = did_you_mean(wanted.strip("*"), columns)
        raise UserError(f"{place}.columns = {wanted!r} matches no column of the pass{meant}: it has {there}")
    return found


def _check_comparable(place: str, bound: float | str, columns: Mapping[str, DType]) -> None:
    is_time = isinstance(bound, str)
    fits = {name: dtype == pl.Datetime if is_time else dtype.is_numeric() for name, dtype in columns.items()}
    wrong = next((name for name, fitting in fits.items() if not fitting), None)
    if wrong is not None:
        kind, other = ("a time", "timestamps") if is_time else ("a number", "numbers")
        fitting = [name for name, fitting in fits.items() if fitting]
        there = f"those among the columns are {some(fitting, LISTED)}" if fitting else "none of the columns does"
        raise UserError(
            f"{place} is {kind}, and column {wrong} is {columns[wrong]}: name columns that hold {other}; {there}"
        )
