"""Tables of results: their columns and index, which rows are a partition's, and that a table there is still the same.

Names are quoted always, so that keywords, spaces, quotes, `%` and `:` stand in them like any letter.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import polars as pl
import sqlalchemy as sa

from basalt.errors import PublishError
from basalt.outputs import Target
from basalt_io.outputs.sql_books import RESERVED
from basalt_io.outputs.sql_types import NAME, sql_type
from basalt_io.outputs.written import same_schema

PARTITION = ("Date", "Universe")


def quoted(name: str) -> str:
    """A name that is quoted whatever it is."""
    return cast(str, sa.sql.quoted_name(name, True))


def column(name: str) -> sa.ColumnElement[Any]:
    """A column by its quoted name, whose values come and go as the driver has them."""
    return sa.column(quoted(name))


def named(table: str, schema: str | None) -> sa.TableClause:
    """A table that may or may not be there."""
    return sa.table(quoted(table), schema=quoted(schema) if schema else None)


def of_partition(target: Target) -> list[sa.ColumnElement[bool]]:
    """What is true of the partition's rows."""
    date, universe = map(column, PARTITION)
    return [date == target.date, universe == target.universe]


def keys_of(document: Mapping[str, Any], columns: Iterable[str]) -> list[str]:
    """What tells rows apart: the partition, the keys of the column document and TimeBucket, where there is one."""
    there = set(columns)
    return [name for name in (*PARTITION, *document.get("keys", ()), "TimeBucket") if name in there]


def partitioned_schema(batches: Sequence[Path], target: Target, place: str) -> pl.Schema:
    """The schema of all batches; PublishError where they differ, or name no partition."""
    schema = same_schema(batches, target, place)
    missing = [name for name in PARTITION if name not in schema]
    if missing:
        raise PublishError(f"{place}: the rows lack column {missing[0]}, by which partitions are told apart")
    return schema


def result_table(
    name: str, schema: str | None, columns: pl.Schema, dialect: sa.Dialect, place: str, staging: bool = False
) -> sa.Table:
    """The table of these columns, indexed by partition unless it is for staging, and then not logged where that is
    possible; PublishError for a column that no table holds."""
    made = sa.Table(
        quoted(name),
        sa.MetaData(),
        *(_column(each, dtype, dialect, place) for each, dtype in columns.items()),
        schema=quoted(schema) if schema else None,
        prefixes=["UNLOGGED"] if staging and dialect.name == "postgresql" else [],
    )
    if not staging:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        sa.Index(f"{RESERVED}{digest}", *(made.c[each] for each in PARTITION))
    return made


def _column(name: str, dtype: pl.DataType, dialect: sa.Dialect, place: str) -> sa.Column[Any]:
    kind = sql_type(dtype)
    if kind is None:
        raise PublishError(f"{place}: column {name} is {dtype}, which no table holds: publish it to Parquet instead")
    if len(name.encode()) > dialect.max_identifier_length or "\0" in name:
        raise PublishError(
            f"{place}: column {name} cannot be named so, as names have {dialect.max_identifier_length} bytes at most "
            "there and no NUL: give its module another `prefix`"
        )
    if name == "Universe" and dialect.name not in ("postgresql", "sqlite"):
        kind = NAME
    return sa.Column(quoted(name), kind)


def refuse_differing(connection: sa.Connection, table: sa.Table, staging: sa.Table, place: str) -> None:
    """PublishError that names the columns where the table is there and has others than the staging table."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        return
    there, wanted = _types(connection, inspector, table), _types(connection, inspector, staging)
    said = [f"lacks {name}" for name in wanted if name not in there]
    said += [f"has {name}, which the result lacks" for name in there if name not in wanted]
    said += [f"has {n} as {there[n]}, not {wanted[n]}" for n in wanted if n in there and there[n] != wanted[n]]
    if said:
        raise PublishError(
            f"{place}: the table {', '.join(said)}: nothing was changed; publish to another table, or drop it and "
            "run all its dates again"
        )


def _types(connection: sa.Connection, inspector: sa.Inspector, table: sa.Table) -> dict[str, str]:
    found = inspector.get_columns(table.name, schema=table.schema)
    return {each["name"]: each["type"].compile(connection.dialect) for each in found}
