"""Quality: what the values of columns must be, and how many rows there may be (`[[passes.quality]]`).

A value is *missing* where it is null or, in a column of floats, NaN. Bounds speak of the other values alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Literal

import attrs
import polars as pl

from basalt.checks.columns import chosen_columns
from basalt.checks.findings import first_row, named, rows_of, some
from basalt.checks.rows import Rows, Rule
from basalt.columns import DType
from basalt.config.model import QualityEntry
from basalt.config.moments import nanoseconds
from basalt.config.words import shown
from basalt.documents import PassResult
from basalt.durations import NANOSECONDS

EXACT = 2.0**100  # a bound beyond it is compared as a float: no integer column gets there


def quality_rules(entries: Sequence[QualityEntry], result: PassResult) -> Iterator[Rule]:
    """The rules of a pass's entries; UserError where one names what the pass does not have."""
    for i, entry in enumerate(entries):
        check, raises = f"quality[{i}]", entry.on_fail == "raise"
        columns = chosen_columns(entry, result, f"passes.{result.name}.{check}")
        if entry.max_null_rate is not None:
            yield NullRate(f"{check}.max_null_rate", raises, columns, entry.max_null_rate)
        if entry.min is not None:
            yield Bound(f"{check}.min", raises, columns, "min", entry.min)
        if entry.max is not None:
            yield Bound(f"{check}.max", raises, columns, "max", entry.max)
        if entry.min_rows is not None:
            yield RowCount(f"{check}.min_rows", raises, "min_rows", entry.min_rows)
        if entry.max_rows is not None:
            yield RowCount(f"{check}.max_rows", raises, "max_rows", entry.max_rows)


@attrs.frozen(eq=False)
class NullRate:
    """No column is missing in a larger share of the rows than `limit`; without rows there is no share, and it holds."""

    check: str
    raises: bool
    columns: Mapping[str, DType]
    limit: float

    def counts(self, day: date) -> list[pl.Expr]:
        """Missing values of each column."""
        return [_missing(n, dtype).sum().alias(f"{self.check} {n}") for n, dtype in self.columns.items()]

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Passed, and the column with the most missing values."""
        if not rows.count:
            return True, "there are no rows, so no share of them is null"
        missing = _ranked(self.check, self.columns, rows)
        worst, count = next(iter(missing.items()))
        if not count:
            return True, f"no value of {_subject(self.columns)} is null or NaN"
        said = f"{worst} is null or NaN in {count:,} of {rows_of(rows.count)}, a share of {count / rows.count:.6g}"
        over = {n: f"{c / rows.count:.6g}" for n, c in missing.items() if c / rows.count > self.limit}
        if not over:
            most = f", the most of {len(self.columns)} columns" if len(self.columns) > 1 else ""
            return True, f"{said}{most}; max_null_rate is {self.limit:g}"
        at = first_row(rows.frame, rows.key_dtypes, _missing(worst, self.columns[worst]))
        return False, f"{said}, above max_null_rate = {self.limit:g}, first at {named(at)}{_also(over)}"


@attrs.frozen(eq=False)
class Bound:
    """No value is below (`min`) or above (`max`) the limit: a number, or a moment for timestamps."""

    check: str
    raises: bool
    columns: Mapping[str, DType]
    side: Literal["min", "max"]
    limit: float | str

    def counts(self, day: date) -> list[pl.Expr]:
        """Values of each column outside."""
        return [self._outside(n, day).sum().alias(f"{self.check} {n}") for n in self.columns]

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Passed, and the column with the most values outside."""
        outside = {n: c for n, c in _ranked(self.check, self.columns, rows).items() if c}
        beyond = f"{'below' if self.side == 'min' else 'above'} {self.side} = {shown(self.limit).removesuffix('.0')}"
        if not outside:
            return True, f"no value of {_subject(self.columns)} is {beyond}"
        worst, count = next(iter(outside.items()))
        columns = {**rows.key_dtypes, worst: self.columns[worst]}
        row = first_row(rows.frame, columns, self._outside(worst, rows.day))
        at = named({key: row[key] for key in rows.keys})
        said = f"{worst} is {beyond} in {count:,} of {rows_of(rows.count)}, first {row[worst]} at {at}"
        return False, said + _also({n: f"{c:,}" for n, c in outside.items()})

    def _outside(self, name: str, day: date) -> pl.Expr:
        dtype, column = self.columns[name], pl.col(name)
        if isinstance(self.limit, str):
            unit = dtype.time_unit if isinstance(dtype, pl.Datetime) else "ns"
            limit = Fraction(nanoseconds(self.limit, day), NANOSECONDS[unit])
            return self._beyond(column.dt.timestamp(unit), self._innermost(limit))
        if dtype.is_integer() and abs(self.limit) < EXACT:
            return self._beyond(column, self._innermost(self.limit))
        beyond = self._beyond(column, self.limit)
        return beyond & column.is_not_nan() if dtype.is_float() else beyond

    def _beyond(self, column: pl.Expr, limit: float) -> pl.Expr:
        return column < limit if self.side == "min" else column > limit

    def _innermost(self, limit: float | Fraction) -> int:
        """The first whole number inside, so that integers are compared with an integer, exactly."""
        return math.ceil(limit) if self.side == "min" else math.floor(limit)


@attrs.frozen(eq=False)
class RowCount:
    """The partition has at least (`min_rows`) or at most (`max_rows`) so many rows."""

    check: str
    raises: bool
    side: Literal["min_rows", "max_rows"]
    limit: int

    def counts(self, day: date) -> list[pl.Expr]:
        """Rows are counted anyway."""
        return []

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Passed, and how many rows there are."""
        passed = rows.count >= self.limit if self.side == "min_rows" else rows.count <= self.limit
        few = "fewer" if self.side == "min_rows" else "more"
        return passed, f"{rows_of(rows.count)}, {'not ' if passed else ''}{few} than {self.side} = {self.limit:,}"


def _missing(name: str, dtype: DType) -> pl.Expr:
    return pl.col(name).is_nan().fill_null(True) if dtype.is_float() else pl.col(name).is_null()


def _subject(columns: Mapping[str, DType]) -> str:
    return next(iter(columns)) if len(columns) == 1 else f"{len(columns)} columns"


def _ranked(check: str, columns: Mapping[str, DType], rows: Rows) -> dict[str, int]:
    """What the rule counted of each column, most first, else in the pass's order."""
    return dict(sorted(((n, int(rows.counted[f"{check} {n}"])) for n in columns), key=lambda pair: -pair[1]))


def _also(figures: Mapping[str, str]) -> str:
    """`; also A (12), B (3) and 2 more`: the failing columns after the first, with their figures."""
    rest = [f"{name} ({figure})" for name, figure in figures.items()][1:]
    return f"; also {some(rest)}" if rest else ""
