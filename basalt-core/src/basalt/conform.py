"""Conforming: a frame as a source or a user delivers it becomes canonical, or is refused in one sentence.

Everything is decided from the schema alone, so a frame that is canonical already comes back untouched. A dtype is
changed only where no value can change its meaning: integers become Float64, any integer width becomes the wanted one,
labels become Enum or String, zoned stamps become UTC nanoseconds. Where that depends on the values (a label outside the
Enum, be it by letter case, a number too large, an integer that no Float64 is) the query fails on such a value, which
`unfit` tells in words; nothing is rounded, cut short or turned into null.
"""

import re

import polars as pl

from basalt.columns import Column, DType
from basalt.documents import dtype_to_json, spelt
from basalt.errors import DataError, one_line
from basalt.tables import TableSchema

REFUSED = "refused: "
"""How the name of a column begins that is there to stop the query; the rest of it says what its values lack."""
_EXACT_DIGITS = 15  # decimal digits that a Float64 always gives back
_EXACT = 2**53  # integers up to here, either way, are Float64
_WIDE = (pl.Int64, pl.UInt64, pl.Int128, pl.UInt128)
_FAILED = re.compile(r"conversion from `[^`]*` to `[^`]*` failed in column '(.*?)' for .*? values: (\[.*\])")


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


def unfit(error: BaseException, table: TableSchema | None, place: str = "") -> str:
    """What a query over a conformed frame says of a value that cannot become canonical: column, values, what is wanted
    and the fix, in one phrase; of any other error its own line. `table`: None where it is not declared. `place`: where
    the rows lie."""
    within = place and f" in {place}"
    found = _FAILED.search(str(error).partition("\n\n")[0])
    if found and found[1].startswith(REFUSED):
        return f"{found[1].removeprefix(REFUSED)}{within}: {found[2]}"
    column = table.column(found[1]) if found and table else None
    if found is None or column is None:
        return one_line(error) + within
    return f"column {found[1]}{within} has values that are no {_names(column)}, {found[2]}: {_remedy(column.dtype)}"


def _remedy(wanted: DType) -> str:
    if isinstance(wanted, pl.Enum):
        return "write these words, in this letter case, or leave the value null"
    if wanted.is_float():
        return "integers that large are not held exactly, so see that the column is the right one"
    return "write values that this dtype holds"


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
    return " or ".join(spelt(dtype_to_json(dtype)) for dtype in (column.dtype, *column.also))


def _cast(name: str, found: pl.DataType, column: Column, whose: str) -> pl.Expr:
    for wanted in sorted((column.dtype, *column.also), key=lambda dtype: dtype.is_integer() != found.is_integer()):
        if _keeps_values(found, wanted):
            return _converted(pl.col(name), found, wanted)
    what = f"column {name} is {spelt(dtype_to_json(found))}, and {_names(column)} is wanted"
    raise DataError(f"{whose}: {what}: {_fix(found, column.dtype)}")


def _fix(found: pl.DataType, wanted: DType) -> str:
    if wanted == pl.Datetime and isinstance(found, pl.Datetime):
        return (
            "say which time zone the stamps are in, by `time_zone` where the source has that option, or write them "
            "with one, as .dt.replace_time_zone('Europe/London') does"
        )
    if wanted == pl.Datetime and (found == pl.String or found.is_integer()):
        return "write it as a stamp with time zone, as nobody said what its text or number counts"
    return "cast it before, where that loses nothing"


def _converted(column: pl.Expr, found: pl.DataType, wanted: DType) -> pl.Expr:
    if isinstance(found, pl.Datetime):
        return column.dt.convert_time_zone("UTC").cast(wanted)
    if wanted.is_float() and found in _WIDE:
        exact = column.is_between(-_EXACT, _EXACT)
        fails = pl.when(~exact).then(column).cast(pl.Int32)  # on whatever is not exact, as that is too large for it
        return pl.when(exact).then(column.cast(wanted)).otherwise(fails)
    return column.cast(wanted)


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
