"""The two tables that `basalt` keeps beside the results of a schema, and the claim that orders writers.

`basalt_columns` holds the column document of each partition and the dtypes it was published with, `basalt_ledger` who
published it last and under which run key. Whoever publishes a partition first holds its row of the ledger, so that two
writers of one partition follow each other and two of different ones do not.
"""

import datetime as dt
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import attrs
import polars as pl
import sqlalchemy as sa

from basalt.columns import DType
from basalt.documents import dtype_from_json, dtype_to_json
from basalt.outputs import Target
from basalt_io.outputs.sql_types import LONG, NAME

RESERVED = "basalt_"
"""What names of these tables and of staging tables begin with; results and sources have none such."""
_LOCK = 7_165_912_604_133_081  # any number that no other program locks


@attrs.frozen(eq=False)
class Books:
    """Both tables of one schema."""

    columns: sa.Table
    ledger: sa.Table

    @property
    def tables(self) -> list[sa.Table]:
        """Both, to be created."""
        return [self.columns, self.ledger]


@lru_cache
def books(schema: str | None) -> Books:
    """The tables of that schema, whether they are there or not."""
    data = sa.MetaData()

    def partition() -> list[sa.Column[Any]]:
        return [
            sa.Column("table_name", NAME, primary_key=True, quote=True),
            sa.Column("date", sa.Date, primary_key=True, quote=True),
            sa.Column("universe", NAME, primary_key=True, quote=True),
        ]

    columns = sa.Table(
        f"{RESERVED}columns",
        data,
        *partition(),
        sa.Column("document", LONG, nullable=False),
        sa.Column("dtypes", LONG, nullable=False),
        schema=schema,
        quote=True,
    )
    ledger = sa.Table(
        f"{RESERVED}ledger",
        data,
        *partition(),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("pass", sa.Text, nullable=False, quote=True),
        sa.Column("run_key", sa.Text, nullable=False),
        sa.Column("staged", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False, quote=True),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        schema=schema,
        quote=True,
    )
    return Books(columns, ledger)


@attrs.frozen
class Entry:
    """Who published a partition last. `staged`: the staging table it came from; `rows`: what the partition then had."""

    run_key: str
    staged: str
    rows: int


def is_there(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether the database has that table now."""
    return sa.inspect(connection).has_table(table.name, schema=table.schema)


def create(connection: sa.Connection, *tables: sa.Table) -> None:
    """Those of the tables that are not there; of two who would create them at a time, one waits."""
    missing = [table for table in tables if not is_there(connection, table)]
    if missing and connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    for table in missing:
        table.create(connection, checkfirst=True)


def claim(connection: sa.Connection, ledger: sa.Table, name: str, target: Target) -> Entry | None:
    """The partition's entry, held until the transaction ends; None where it has none and one is made.

    sa.exc.IntegrityError where another writer made it in the meantime: ask again in a new transaction.
    """
    wanted = sa.select(ledger.c.run_key, ledger.c.staged, ledger.c.rows).where(*of_partition(ledger, name, target))
    found = connection.execute(wanted.with_for_update()).first()
    if found is not None:
        return Entry(*found)
    facts = {"pipeline": target.pipeline, "pass": target.pass_name, "run_key": "", "staged": "", "rows": 0}
    connection.execute(sa.insert(ledger).values({**_partition(name, target), **facts, "committed_at": _now()}))
    return None


def record(connection: sa.Connection, ledger: sa.Table, name: str, target: Target, entry: Entry) -> None:
    """Put the entry in the place of the claimed one."""
    facts = {"pipeline": target.pipeline, "pass": target.pass_name, **attrs.asdict(entry), "committed_at": _now()}
    connection.execute(sa.update(ledger).where(*of_partition(ledger, name, target)).values(facts))


def describe(
    connection: sa.Connection, columns: sa.Table, name: str, target: Target, document: str, dtypes: str
) -> None:
    """Replace the partition's document."""
    connection.execute(sa.delete(columns).where(*of_partition(columns, name, target)))
    row = {**_partition(name, target), "document": document, "dtypes": dtypes}
    connection.execute(sa.insert(columns).values(row))


def of_partition(table: sa.Table, name: str, target: Target) -> list[sa.ColumnElement[bool]]:
    """What is true of the partition's row."""
    return [table.c[column] == value for column, value in _partition(name, target).items()]


def dtypes_to_json(schema: Mapping[str, pl.DataType]) -> str:
    """Dtypes by column, in order."""
    return json.dumps({name: dtype_to_json(dtype) for name, dtype in schema.items()}, ensure_ascii=False)


def dtypes_from_json(text: str) -> dict[str, DType]:
    """The same dtypes again; DataError for one this version does not know."""
    return {name: dtype_from_json(dtype) for name, dtype in json.loads(text).items()}


def _partition(name: str, target: Target) -> dict[str, Any]:
    return {"table_name": name, "date": target.date, "universe": target.universe}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
