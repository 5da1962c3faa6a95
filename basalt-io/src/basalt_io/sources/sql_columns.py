"""Columns of tables in a database: what each is read as, by its declared type, the contract and its values."""

import datetime as dt
from collections.abc import Mapping

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
    as_text, whole = set(), set()
    for found in sa.inspect(connection).get_columns(table, schema=schema):
        theirs = found["name"]
        declared = contract.column(names.get(theirs, theirs)) if contract else None
        stamp = declared is not None and isinstance(declared.dtype, pl.Datetime)
        dtype = _stamp(connection, table, schema, found, stamp) or _dtype(found["type"])
        as_text |= {theirs} if dtype is None else set()
        whole |= {theirs} if stamp and isinstance(found["type"], sa.Integer) else set()
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


def _stamp(
    connection: sa.Connection, table: str, schema: str | None, found: sa.engine.interfaces.ReflectedColumn, known: bool
) -> DType | None:
    """What a column of stamps is read as; None for any other column. `known`: the contract has a stamp there."""
    kind = found["type"]
    if known and isinstance(kind, sa.Integer):
        return pl.Datetime("ns", "UTC")
    if connection.dialect.name == "sqlite" and (isinstance(kind, sa.DateTime) or (known and _is_text(kind))):
        return pl.Datetime("ns", "UTC" if _says_utc(connection, table, schema, found["name"]) else None)
    if isinstance(kind, sa.DateTime):
        return pl.Datetime("us", "UTC" if kind.timezone else None)
    return None


def _says_utc(connection: sa.Connection, table: str, schema: str | None, name: str) -> bool:
    """Of the first stamp there is; one of them that differs from it is refused when it is read."""
    asked = sa.select(column(name)).select_from(named(table, schema)).where(column(name).is_not(None)).limit(1)
    return str(connection.execute(asked).scalar()).endswith(_ZONED)


def _is_text(kind: sa.types.TypeEngine[object]) -> bool:
    return isinstance(kind, sa.String | sa.types.NullType)


def _dtype(kind: sa.types.TypeEngine[object]) -> DType | None:
    """None for a type that is read as text."""
    match kind:
        case sa.Boolean():
            return pl.Boolean()
        case sa.Integer():
            return pl.Int64()
        case sa.Float() | sa.Double():
            return pl.Float64()
        case sa.Numeric():
            return pl.Decimal(kind.precision, kind.scale or 0) if kind.precision else pl.Float64()
        case sa.Date():
            return pl.Date()
        case sa.String():
            return pl.String()
    return None
