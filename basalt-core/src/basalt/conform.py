"""Conforming: a frame as a source or a user delivers it becomes canonical, or is refused in one sentence.

Everything is decided from the schema alone, so a frame that is canonical already comes back untouched. A dtype is
changed only where no value can change its meaning: integers become Float64 (exact to 2**53), any integer width
becomes the wanted one, labels become Enum or String, zoned stamps become UTC nanoseconds. Where that depends on the
values (a label outside the Enum, a number too large) the query fails on such a value; nothing turns into null.
"""

import polars as pl

from basalt.columns import Column, DType
from basalt.errors import DataError
from basalt.tables import TableSchema

_EXACT_DIGITS = 15  # decimal digits that a Float64 always gives back


def conform(frame: pl.LazyFrame, table: TableSchema, where: str) -> pl.LazyFrame:
    """`frame` with the dtypes that `table` declares; `where` names the file or argument in errors.

    Columns that the table does not declare pass through as they are. DataError for a required column that is
    missing and for a dtype that cannot become the declared one without loss.
    """
    found = frame.collect_schema()
    _refuse_missing(found, table, where)
    casts = []
    for name, dtype in found.items():
        column = table.column(name)
        if column is not None and not column.accepts(dtype):
            casts.append(_cast(name, dtype, column, f"table {table.name} of {where}"))
    return frame.with_columns(casts) if casts else frame


def _refuse_missing(found: pl.Schema, table: TableSchema, where: str) -> None:
    missing = [name for name in table.required if name not in found]
    if missing:
        wanted = ", ".join(f"{name} ({_spelt(table, name)})" for name in missing)
        raise DataError(
            f"table {table.name} of {where} lacks {wanted}, which every {table.name} table has; it has "
            f"{', '.join(found) or 'no columns'}: add the column, or map yours to it where the source has that option"
        )


def _spelt(table: TableSchema, name: str) -> str:
    column = table.column(name)
    return "" if column is None else _names(column)


def _names(column: Column) -> str:
    return " or ".join(str(dtype) for dtype in (column.dtype, *column.also))


def _cast(name: str, found: pl.DataType, column: Column, whose: str) -> pl.Expr:
    for wanted in (column.dtype, *column.also):
        if _keeps_values(found, wanted):
            return _zoned(pl.col(name), found).cast(wanted)
    naive = isinstance(found, pl.Datetime) and found.time_zone is None and column.dtype == pl.Datetime
    fix = (
        "say which time zone the stamps are in, by `time_zone` of the source or .dt.replace_time_zone('Europe/London')"
        if naive
        else "cast it before, where that loses nothing"
    )
    raise DataError(f"{whose}: column {name} is {found}, and {_names(column)} is wanted: {fix}")


def _zoned(column: pl.Expr, found: pl.DataType) -> pl.Expr:
    return column.dt.convert_time_zone("UTC") if isinstance(found, pl.Datetime) else column


def _keeps_values(found: pl.DataType, wanted: DType) -> bool:
    """Whether every value of `found` stays itself as `wanted`, or fails the strict cast."""
    if found == pl.Null:
        return True
    if wanted == pl.Datetime:
        return isinstance(found, pl.Datetime) and found.time_zone is not None
    if wanted == pl.Enum:
        return found in (pl.String, pl.Categorical, pl.Enum)
    if wanted == pl.String:
        return found in (pl.Categorical, pl.Enum) or found.is_integer()
    if wanted.is_float():
        return found.is_integer() or found.is_float() or _short_decimal(found)
    return wanted.is_integer() and found.is_integer()


def _short_decimal(found: pl.DataType) -> bool:
    return isinstance(found, pl.Decimal) and (found.precision or _EXACT_DIGITS + 1) <= _EXACT_DIGITS
