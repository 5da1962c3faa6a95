"""What columns are in a database: for each dtype a type, the value that is *stored*, and the way back.

Whatever a database has no type for is stored as one that loses nothing: Enum as text, nanosecond stamps as BIGINT
nanoseconds since 1970 UTC, Duration and Time as BIGINT in their own unit, unsigned integers as the next wider type,
UInt64 as NUMERIC(20). Zoned stamps are TIMESTAMP WITH TIME ZONE in UTC. SQLite has no such types: there stamps and
dates are ISO text in UTC, Booleans 0 and 1, UInt64 and Decimal text.
"""

from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle

from basalt.columns import DType

_INTEGERS: dict[DType, tuple[type[sa.types.TypeEngine[int]], DType]] = {
    pl.Int8: (sa.SmallInteger, pl.Int16),
    pl.UInt8: (sa.SmallInteger, pl.Int16),
    pl.Int16: (sa.SmallInteger, pl.Int16),
    pl.UInt16: (sa.Integer, pl.Int32),
    pl.Int32: (sa.Integer, pl.Int32),
    pl.UInt32: (sa.BigInteger, pl.Int64),
    pl.Int64: (sa.BigInteger, pl.Int64),
}
NAME = (
    sa.String(255)
    .with_variant(mysql.VARCHAR(255, collation="utf8mb4_bin"), "mysql", "mariadb")
    .with_variant(mssql.NVARCHAR(255, collation="Latin1_General_100_BIN2"), "mssql")
)
"""A name that an index takes, `a` and `A` two names: not everywhere does an index hold text of any length."""
LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
"""Text of any length: MySQL's own holds 64 KB."""
SQLITE_STAMP = "%Y-%m-%d %H:%M:%S%.6f"


def sql_type(dtype: pl.DataType) -> sa.types.TypeEngine[Any] | None:
    """The column type; None for a dtype that no table holds."""
    match dtype:
        case pl.Datetime(time_unit="ns") | pl.Duration() | pl.Time():
            return sa.BigInteger()
        case pl.Datetime():
            return _stamp(zoned=dtype.time_zone is not None)
        case pl.Date():
            return sa.Date()
        case pl.String() | pl.Enum() | pl.Categorical():
            return sa.Text()
        case pl.Boolean():
            return sa.Boolean(create_constraint=False)
        case pl.Float32():
            return sa.REAL()
        case pl.Float64():
            return sa.Double()
        case pl.UInt64():
            return sa.Numeric(20, 0).with_variant(sa.Text(), "sqlite")
        case pl.Decimal():
            return sa.Numeric(dtype.precision, dtype.scale).with_variant(sa.Text(), "sqlite")
    return next((made() for known, (made, _) in _INTEGERS.items() if dtype == known), None)


def _stamp(zoned: bool) -> sa.types.TypeEngine[Any]:
    """A stamp of microseconds: SQLAlchemy's DateTime has whole seconds in MySQL and Oracle, steps of 3 ms in SQL
    Server."""
    mysql_stamp, sql_server_stamp = mysql.DATETIME(fsp=6), mssql.DATETIMEOFFSET(6) if zoned else mssql.DATETIME2(6)
    made = sa.DateTime(timezone=zoned).with_variant(mysql_stamp, "mysql", "mariadb")
    return made.with_variant(sql_server_stamp, "mssql").with_variant(oracle.TIMESTAMP(timezone=zoned), "oracle")


def stored(frame: pl.DataFrame) -> pl.DataFrame:
    """The values as the table holds them: integers, floats, text, Boolean, Date, Decimal, UTC or naive microseconds."""
    return frame.select(_stored(pl.col(name), dtype) for name, dtype in frame.schema.items())


def _stored(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    match dtype:
        case pl.Datetime(time_unit="ns") | pl.Duration() | pl.Time():
            return column.to_physical()
        case pl.Datetime(time_zone=None):
            return column.dt.cast_time_unit("us")
        case pl.Datetime():
            return column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
        case pl.Enum() | pl.Categorical():
            return column.cast(pl.String)
        case pl.UInt64():
            return column.cast(pl.Decimal(20, 0))
    return next((column.cast(width) for known, (_, width) in _INTEGERS.items() if dtype == known), column)


def for_sqlite(frame: pl.DataFrame) -> pl.DataFrame:
    """Stored values as SQLite holds them."""
    return frame.select(_for_sqlite(pl.col(name), dtype) for name, dtype in frame.schema.items())


def _for_sqlite(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    match dtype:
        case pl.Datetime():
            return column.dt.replace_time_zone(None).dt.to_string(SQLITE_STAMP)
        case pl.Date() | pl.Decimal():
            return column.cast(pl.String)
        case pl.Boolean():
            return column.cast(pl.Int8)
    return column


def wire(dtype: DType) -> DType | None:
    """The dtype a fetched value can be read as at once; None where it comes as text or as the driver's own type."""
    if dtype.is_float():
        return pl.Float64
    if dtype in (pl.String, pl.Enum, pl.Categorical):
        return pl.String
    nanoseconds = isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns"
    whole = dtype.is_integer() and dtype not in (pl.UInt64, pl.Int128)
    return pl.Int64 if whole or nanoseconds or dtype in (pl.Duration, pl.Time) else None


def restored(name: str, found: pl.DataType, wanted: DType) -> pl.Expr:
    """A fetched column, text or the driver's own type, as `wanted`; the query fails on a value that is none."""
    column = pl.col(name)
    if found.is_float() and not wanted.is_float():
        raise pl.exceptions.SchemaError(f"column {name} has fractions, and is {wanted}")
    if isinstance(wanted, pl.Datetime) and found != pl.Null:
        return _stamps(column, found, wanted)
    if found == pl.String and wanted == pl.Boolean:
        return column.replace_strict({"t": True, "f": False}, return_dtype=pl.Boolean)
    if found == pl.String and wanted == pl.Date:
        return column.str.to_date("%Y-%m-%d")
    return column.cast(wanted)


def _stamps(column: pl.Expr, found: pl.DataType, wanted: pl.Datetime) -> pl.Expr:
    zone = wanted.time_zone
    if found == pl.String:
        column = _stamp_text(column, wanted)
    elif found.is_integer():
        column = column.cast(pl.Datetime("ns", zone and "UTC"))
    elif isinstance(found, pl.Datetime) and found.time_zone is None and zone:
        column = column.dt.replace_time_zone("UTC")
    converted = column.dt.convert_time_zone(zone) if zone else column
    return converted.cast(wanted)


def _stamp_text(column: pl.Expr, wanted: pl.Datetime) -> pl.Expr:
    """`2026-01-05 09:00:00.000001`, followed by +00 where the database says the zone too."""
    text = column.str.replace("T", " ", literal=True).str.replace(r"(Z|\+00(:?00)?)$", "")
    read = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit=wanted.time_unit)
    return read.dt.replace_time_zone("UTC") if wanted.time_zone else read
