"""Loading rows into a table: by COPY where psycopg is the driver, by the driver's own call in SQLite, else by inserts.

All three leave equal rows. Each row is a statement of its own to the driver, so that no number of columns meets its
limit of variables.
"""

from io import BytesIO
from typing import Any, cast
from uuid import uuid4

import polars as pl
import sqlalchemy as sa
from polars import selectors

from basalt_io.outputs.sql_types import for_sqlite, stored

_STAMP = "%Y-%m-%d %H:%M:%S%.6f"  # in UTC, which the connection speaks
_ROWS = 20_000  # rows that are text or Python objects at a time


def load(connection: sa.Connection, table: sa.Table, frame: pl.DataFrame, bulk: bool) -> None:
    """Append the frame's rows to a table of its columns; `bulk` False takes the inserts."""
    rows = stored(frame)
    if rows.is_empty():
        return
    if bulk and connection.dialect.driver == "psycopg":
        _copy(connection, table, rows)
    elif bulk and connection.dialect.name == "sqlite":
        _hand_over(connection, table, rows)
    else:
        insert_rows(connection, table, rows)


def insert_rows(connection: sa.Connection, table: sa.Table, rows: pl.DataFrame) -> None:
    """What works everywhere: SQLAlchemy's inserts of dictionaries, of stored values."""
    if connection.dialect.name == "sqlite":
        rows = rows.with_columns(selectors.decimal().cast(pl.String))
    for part in rows.iter_slices(_ROWS):
        connection.execute(sa.insert(table), part.to_dicts())


def _hand_over(connection: sa.Connection, table: sa.Table, rows: pl.DataFrame) -> None:
    statement = str(sa.insert(table).compile(dialect=connection.dialect))
    for part in for_sqlite(rows).iter_slices(_ROWS):
        connection.exec_driver_sql(statement, part.rows())


def _copy(connection: sa.Connection, table: sa.Table, rows: pl.DataFrame) -> None:
    """Null is a text that nobody can have written, so that every other text is itself, the empty one too."""
    from psycopg import sql

    null = uuid4().hex
    names = [*((table.schema,) if table.schema else ()), table.name]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL {})").format(
        sql.Identifier(*names), sql.SQL(", ").join(map(sql.Identifier, rows.columns)), sql.Literal(null)
    )
    raw = cast(Any, connection.connection.driver_connection)
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for part in rows.iter_slices(_ROWS):
            text = BytesIO()
            part.write_csv(text, include_header=False, null_value=null, datetime_format=_STAMP)
            copy.write(text.getbuffer())
