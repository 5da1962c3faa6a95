"""Columns of tables in a database: what each is read as, by its declared type, the contract and its values."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs
import polars as pl
import sqlalchemy as sa

from basalt.columns import DType
from basalt.tables import TableSchema
from basalt_io.outputs.sql_books import books, dtypes_from_json, is_there
from basalt_io.outputs.sql_tables import column, named

_ZONED = ("Z", "+00", "+00:00", "+0000")


@attrs.frozen
class Columns:
    """By name in the database, in order, what columns are read as. `as_text`: those the server turns into text.
    `whole`: stamps that are whole numbers of nanoseconds."""

    dtypes: Mapping[str, DType]
    as_text: frozenset[str]
    whole: frozenset[str]


def columns_of(
    connection: sa.Connection, table: str, schema: str | None, contract: TableSchema | None, names: Mapping[str, str]
) -> Columns:
    """The columns of a table. `names`: canonical ones by theirs, where they differ."""
    dtypes: dict[str, DType] = {}
    as_text: set[str] = set()
    whole: set[str] = set()
    for found in sa.inspect(connection).get_columns(table, schema=schema):
        theirs = found["name"]
        declared = contract.column(names.get(theirs, theirs)) if contract else None
        stamp = declared is not None and isinstance(declared.dtype, pl.Datetime)
        if connection.dialect.name == "sqlite" and (stamp or isinstance(found["type"], sa.DateTime)):
            value = _first(connection, table, schema, theirs)
            is_whole = isinstance(value, int)
            dtype: DType | None = _sqlite_stamp(value)
        else:
            is_whole = stamp and isinstance(found["type"], sa.Integer)
            dtype = pl.Datetime("ns", "UTC") if is_whole else _dtype(found["type"], connection.dialect)
        as_text |= {theirs} if dtype is None else set()
        whole |= {theirs} if is_whole else set()
        dtypes[theirs] = dtype or pl.String()
    return Columns(dtypes, frozenset(as_text), frozenset(whole))


def as_published(
    connection: sa.Connection, table: str, schema: str | None, day: dt.date, found: Columns
) -> Mapping[str, DType]:
    """The dtypes that date's rows had when they were published; where no pipeline did, or partitions differ, those of
    the columns."""
    kept = books(schema).columns
    if not is_there(connection, kept):
        return found.dtypes
    asked = sa.select(kept.c.dtypes).where(kept.c.table_name == table, kept.c.date == day)
    published = [dtypes_from_json(text) for text in connection.execute(asked).scalars()]
    return {name: _agreed(name, published) or dtype for name, dtype in found.dtypes.items()}


def _agreed(name: str, published: list[dict[str, DType]]) -> DType | None:
    first = published[0].get(name) if published else None
    return first if all(dtypes.get(name) == first for dtypes in published) else None


def _first(connection: sa.Connection, table: str, schema: str | None, name: str) -> Any:
    """Any value of a column that is not null: SQLite's columns have no types, only its values do."""
    asked = sa.select(column(name)).select_from(named(table, schema)).where(column(name).is_not(None)).limit(1)
    return connection.execute(asked).scalar()


def _sqlite_stamp(value: Any) -> DType:
    """One that differs from the first one is refused when it is read."""
    return pl.Datetime("ns", "UTC" if isinstance(value, int) or str(value).endswith(_ZONED) else None)


def _dtype(kind: sa.types.TypeEngine[object], dialect: sa.Dialect) -> DType | None:
    """None for a type that is read as text. SQLite has no decimals, whatever is declared."""
    match kind:
        case sa.Boolean():
            return pl.Boolean()
        case sa.Integer():
            return pl.Int64()
        case sa.Float() | sa.Double():
            return pl.Float64()
        case sa.Numeric():
            exact = kind.precision and dialect.name != "sqlite"
            return pl.Decimal(kind.precision, kind.scale or 0) if exact else pl.Float64()
        case sa.Date():
            return pl.Date()
        case sa.DateTime():
            return pl.Datetime("us", "UTC" if kind.timezone else None)
        case sa.String():
            return pl.String()
    return None
