"""The `sql` output: a table a pass, its partitions replaced in one transaction, the column document beside them.

A partition is loaded into a *staging* table, whose name begins with `basalt_` and which no reader knows. Commit is one
transaction: the old rows out, the new ones in, the document into `basalt_columns`, and who published it under which
run key into `basalt_ledger`, both in the table's schema. Killed processes leave their staging table, which the next
one of that host drops. What databases have no type for is stored as `basalt_io.outputs.sql_types` says and read back
as it was. SQLite and PostgreSQL are tested; SQLite has one writer at a time, and others wait a minute for it.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import polars as pl
import sqlalchemy as sa

from basalt.errors import DataError, PublishError, UserError
from basalt.options import option
from basalt.outputs import Output, Staged, Target
from basalt_io.database import Database
from basalt_io.outputs.sql_books import dtypes_from_json
from basalt_io.outputs.sql_commit import Mode, Waiting, commit, refuse_held
from basalt_io.outputs.sql_fetch import Rows
from basalt_io.outputs.sql_held import Held, held
from basalt_io.outputs.sql_load import load
from basalt_io.outputs.sql_names import is_left, staging_name, table_name
from basalt_io.outputs.sql_tables import (
    PARTITION,
    keys_of,
    of_partition,
    partitioned_schema,
    refuse_differing,
    result_table,
)


@attrs.frozen
class SqlOutputOptions:
    """`[[outputs]] type = "sql"`."""

    url: str = option(
        "the database, as 'sqlite:///results.db' or 'postgresql://${PGUSER}:${PGPASSWORD}@host/results'; ${NAME} is a "
        "variable of the environment, ${keyring:SERVICE/USER} a password in the keyring"
    )
    table: str = option(
        "name of the table; variables: {pipeline} {pass} {output} {date} {year} {month} {day} {universe} {run_id}",
        default="{pass}",
    )
    schema: str | None = option(
        "schema of the table, which must be there; the database's default if unset", default=None
    )
    mode: Mode = option(
        "what becomes of rows that the partition has already: all replaced, all kept (append), those of equal keys "
        "replaced (upsert), or the new ones refused (fail)",
        default="replace",
    )
    bulk: bool = option(
        "use what the driver has for many rows (COPY in PostgreSQL); false for servers that lack it", default=True
    )


class SqlOutput(Output):
    """A table a pass, whose partitions are told apart by Date and Universe."""

    name = "sql"
    Config = SqlOutputOptions

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self._database = Database(config.url, folder)
        self._swept = False

    def place(self, target: Target) -> str:
        """The database without credentials, the table, and the partition's Date and Universe."""
        names = [*([self.config.schema] if self.config.schema else []), self._table(target)]
        table, universe = ".".join(quote(name, safe=" ") for name in names), quote(target.universe, safe=" ")
        return f"{self._database.place}#{table}/Date={target.date},Universe={universe}"

    def check(self, target: Target) -> str:
        """The place; UserError where the database does not answer, has no such schema, or lets nobody make a table."""
        place = self.place(target)
        self._database.check()
        if self._database.is_there:
            with self._database.failing(UserError, f"{place} cannot be written", "see what that user may do there"):
                self._try_to_write()
        elif self.config.schema:
            raise UserError(f"schema = {self.config.schema!r} is not in {self._database.place}: leave it out")
        return place

    def stage(self, target: Target, batches: Sequence[Path], document: Mapping[str, Any]) -> Staged:
        """Load the batches into a staging table. PublishError, and nothing left, where that fails, where rows are of
        another partition, and where the table has other columns."""
        place = self.place(target)
        self._sweep()
        with self._publishing(place):
            waiting = self._waiting(target, batches, document, place)
            with self._database.writing() as connection:
                waiting.staging.create(connection)
                refuse_differing(connection, waiting.table, waiting.staging, place)
                refuse_held(connection, waiting, target, place)
                rows = sum(self._load(connection, waiting, target, batch) for batch in batches)
        return Staged(target, place, waiting, rows)

    def commit(self, staged: Staged, run_key: str) -> None:
        """One transaction; a repetition after a lost acknowledgement finds itself in the ledger and is done."""
        with self._publishing(staged.place):
            try:
                self._commit(staged, run_key)
            except sa.exc.IntegrityError:  # another writer was first with this partition, and is done now
                self._commit(staged, run_key)
        self._drop(staged.waiting.staging.name)

    def discard(self, staged: Staged) -> None:
        """Drop the staging table."""
        self._drop(staged.waiting.staging.name)

    @property
    def replaces(self) -> bool:
        """Whether `mode` leaves no rows of the partition that were there."""
        return self.config.mode in ("replace", "fail")

    def sweep(self, target: Target) -> None:
        """Drop the staging tables that killed processes of this host left, whatever their partition: once is enough."""
        if not self._swept:
            self._sweep()
            self._swept = True

    def document(self, target: Target) -> Mapping[str, Any] | None:
        """From `basalt_columns`; None also where the rows were deleted since."""
        found = self._held(target)
        document: dict[str, Any] | None = None if found is None else json.loads(found.document)
        return document

    def scan(self, target: Target) -> pl.LazyFrame:
        """The published partition, ascending by its keys; DataError where there is none."""
        found, place = self._held(target), self.place(target)
        if found is None:
            raise DataError(f"{target.pass_name} of {target.date} is not published at {place}: run the pipeline first")
        dtypes, where = dtypes_from_json(found.dtypes), of_partition(target)
        rows = Rows(self._database, self._table(target), self.config.schema, dtypes, where, self.config.bulk).lazily()
        keys = [name for name in keys_of(json.loads(found.document), dtypes) if name not in PARTITION]
        return rows.sort(keys, maintain_order=True) if keys else rows

    def _table(self, target: Target) -> str:
        return table_name(self.config.table, target, self._database.dialect.max_identifier_length)

    def _publishing(self, place: str) -> Any:
        remedy = "the old rows stay; see what it says, and run it again"
        return self._database.failing(PublishError, f"{place} could not be published", remedy)

    def _waiting(self, target: Target, batches: Sequence[Path], document: Mapping[str, Any], place: str) -> Waiting:
        schema = partitioned_schema(batches, target, place)
        about = (self.config.schema, schema, self._database.dialect, place)
        table = result_table(self._table(target), *about)
        staging = result_table(staging_name(), *about, staging=True)
        return Waiting(table, staging, schema, keys_of(document, schema), document, self.config.mode)

    def _load(self, connection: sa.Connection, waiting: Waiting, target: Target, batch: Path) -> int:
        frame = pl.read_parquet(batch, glob=False, hive_partitioning=False)
        date, universe = pl.col("Date").ne_missing(target.date), pl.col("Universe").ne_missing(target.universe)
        strange = frame.select((date | universe).sum()).item()
        if strange:
            raise PublishError(
                f"{self.place(target)}: {strange} rows of {batch} are of another Date or Universe: nothing was changed"
            )
        load(connection, waiting.staging, frame, self.config.bulk)
        return frame.height

    def _commit(self, staged: Staged, run_key: str) -> None:
        with self._database.writing() as connection:
            commit(connection, staged, run_key)

    def _held(self, target: Target) -> Held | None:
        place = self.place(target)
        if not self._database.is_there:
            return None
        remedy = "see that the table is as it was published"
        reading = self._database.failing(DataError, f"{place} cannot be read", remedy)
        with reading, self._database.reading() as connection:
            return held(connection, self._table(target), self.config.schema, target, place)

    def _try_to_write(self) -> None:
        """A table made and taken back. UserError where there is no such schema."""
        with self._database.writing() as connection:
            schemas = sa.inspect(connection).get_schema_names()
            if self.config.schema and self.config.schema not in schemas:
                raise UserError(
                    f"schema = {self.config.schema!r} is not in {self._database.place}, which has "
                    f"{', '.join(schemas)}: create it first"
                )
            sa.Table(staging_name(), sa.MetaData(), sa.Column("n", sa.Integer), schema=self.config.schema).create(
                connection
            )
            connection.rollback()

    def _sweep(self) -> None:
        if not self._database.is_there:
            return
        with suppress(sa.exc.SQLAlchemyError):  # what is left harms no reader
            with self._database.reading() as connection:
                names = sa.inspect(connection).get_table_names(schema=self.config.schema)
            for name in filter(is_left, names):
                self._drop(name)

    def _drop(self, name: str) -> None:
        if not self._database.is_there:
            return
        with suppress(sa.exc.SQLAlchemyError), self._database.writing() as connection:
            left = sa.Table(name, sa.MetaData(), schema=self.config.schema)
            connection.execute(sa.schema.DropTable(left, if_exists=True))
