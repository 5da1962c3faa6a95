"""Fetching rows: streamed in chunks, the columns asked for and no others, in the dtypes they had before.

psycopg sends them as COPY text, which becomes columns without a Python object a value; other drivers' rows become
columns a chunk at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, cast
from uuid import uuid4

import attrs
import polars as pl
import sqlalchemy as sa
from polars.io.plugins import register_io_source

from basalt.columns import DType
from basalt.errors import DataError
from basalt_io.database import Database
from basalt_io.outputs.sql_tables import column, named, quoted
from basalt_io.outputs.sql_types import restored, wire

_ROWS = 50_000


@attrs.frozen(eq=False)
class Rows:
    """Rows of a table. `dtypes`: what its columns are to be read as; `where`: what the server filters by.
    `as_text`: columns that the server turns into text, as their type is none of ours."""

    database: Database
    table: str
    schema: str | None
    dtypes: Mapping[str, DType]
    where: Sequence[sa.ColumnElement[bool]] = ()
    bulk: bool = True
    as_text: frozenset[str] = frozenset()

    def lazily(self) -> pl.LazyFrame:
        """The rows as a frame that asks the server when it is collected; DataError then where they are not what was
        declared."""
        return register_io_source(partial(_chunks, self), schema=pl.Schema(self.dtypes))

    def chunks(self, names: Sequence[str], most: int | None = None) -> Iterator[pl.DataFrame]:
        """The named columns, at least one frame, of `most` rows in all."""
        statement = sa.select(*map(self._asked, names)).select_from(named(self.table, self.schema))
        statement = statement.where(*self.where).limit(most)
        where = f"table {self.table} of {self.database.place}"
        remedy = "see that its values are what the columns declare"
        reading = self.database.failing(DataError, f"{where} cannot be read", remedy)
        with reading, self.database.reading() as connection:
            yield pl.DataFrame(schema={name: self.dtypes[name] for name in names})
            _keep_order(connection)
            copies = self.bulk and connection.dialect.driver == "psycopg"
            for chunk in (_copied if copies else _fetched)(connection, statement, self._wire(names, copies)):
                yield chunk.select(restored(name, chunk.schema[name], self.dtypes[name]) for name in names)

    def _asked(self, name: str) -> sa.ColumnElement[Any]:
        return sa.cast(column(name), sa.Text).label(quoted(name)) if name in self.as_text else column(name)

    def _wire(self, names: Sequence[str], copies: bool) -> dict[str, DType | None]:
        """What columns are read as at once. Of a driver's integers the values tell: SQLite keeps any in any column."""
        known = {name: wire(self.dtypes[name]) for name in names}
        return {name: dtype if copies or dtype != pl.Int64 else None for name, dtype in known.items()}


def _keep_order(connection: sa.Connection) -> None:
    """Rows come as the table has them each time, not from where another reader is, from several workers or in the order
    of an index; what an index finds is fetched in the table's order all the same."""
    if connection.dialect.name == "postgresql":
        for setting in ("synchronize_seqscans", "enable_indexscan", "enable_indexonlyscan"):
            connection.exec_driver_sql(f"SET LOCAL {setting} TO off")
        connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather TO 0")


def _chunks(
    rows: Rows, names: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
) -> Iterator[pl.DataFrame]:
    """As Polars asks a source: the predicate is for us to apply, to the first `most` rows."""
    for chunk in rows.chunks(names or list(rows.dtypes), most):
        yield chunk if predicate is None else chunk.filter(predicate)


def _copied(
    connection: sa.Connection, statement: sa.Select[Any], dtypes: Mapping[str, DType | None]
) -> Iterator[pl.DataFrame]:
    """Null is a text that nobody can have written, so that every other text is itself, the empty one too."""
    from psycopg import ClientCursor, sql

    raw = cast(Any, connection.connection.driver_connection)
    compiled = statement.compile(dialect=connection.dialect)
    asked = ClientCursor(raw).mogrify(str(compiled), compiled.params)
    null = uuid4().hex
    copy_out = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, NULL {})").format(sql.SQL(asked), sql.Literal(null))
    schema = {name: dtype or pl.String for name, dtype in dtypes.items()}
    with raw.cursor() as cursor, cursor.copy(copy_out) as copy:
        while lines := list(islice(copy, _ROWS)):
            yield pl.read_csv(
                b"".join(lines), has_header=False, schema=schema, null_values=[null], empty_string_is_null=False
            )


def _fetched(
    connection: sa.Connection, statement: sa.Select[Any], dtypes: Mapping[str, DType | None]
) -> Iterator[pl.DataFrame]:
    known = {name: dtype for name, dtype in dtypes.items() if dtype}
    result = connection.execution_options(stream_results=True).execute(statement)
    for part in result.partitions(_ROWS):
        try:
            yield pl.DataFrame(
                list(map(tuple, part)), list(dtypes), schema_overrides=known, orient="row", infer_schema_length=None
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise pl.exceptions.SchemaError(str(error)) from None
