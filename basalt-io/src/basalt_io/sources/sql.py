"""The `sql` source: canonical tables in a database, filtered by date and listing on the server, fetched in chunks.

The date of a row is its column Date, else the UTC date of its EventTimestamp; a table with neither (`reference`) holds
for every date. Tables whose names begin with `basalt_` are not there. What a pipeline published comes back in the
dtypes it had. Of other tables: whole numbers where the contract has a stamp are nanoseconds since 1970 UTC; stamps
without time zone are refused there, as nobody said which zone they are in, and SQLite's text has one if it ends in `Z`
or `+00:00`; NUMERIC without precision is read as Float64; types that are not known here are read as text.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import polars as pl
import sqlalchemy as sa

from basalt.conform import conform
from basalt.errors import DataError, UserError
from basalt.options import option
from basalt.planning.widths import row_bytes
from basalt.sources import Size, Source
from basalt.tables import CONTRACTS
from basalt_io.database import Database
from basalt_io.outputs.sql_books import RESERVED, books, is_there
from basalt_io.outputs.sql_fetch import Rows
from basalt_io.outputs.sql_tables import column, named
from basalt_io.sources.dates import refuse_date
from basalt_io.sources.handed import (
    Document,
    Index,
    handed_over,
    index_option,
    parsed,
    without_index,
)
from basalt_io.sources.mapping import refuse_mapping
from basalt_io.sources.minor_currency import MinorCurrency, minor_option
from basalt_io.sources.sql_columns import Columns, as_published, columns_of
from basalt_io.sources.sql_dates import Dated, Kind, dated_by
from basalt_io.sources.sql_keys import of_keys
from basalt_io.sources.undated import RowDigests


@attrs.frozen
class SqlSourceOptions:
    """`[source] type = "sql"`."""

    url: str = option(
        "the database, as 'sqlite:///market.db' or 'postgresql://${PGUSER}:${PGPASSWORD}@host/market'; ${NAME} stands "
        "for a variable of the environment, ${keyring:SERVICE/USER} for a password in the keyring"
    )
    schema: str | None = option("schema of the tables; the database's default if unset", default=None)
    columns: dict[str, dict[str, str]] = option(
        "by table, canonical column names and what yours are called, as `trades = { Price = 'px' }`", factory=dict
    )
    minor_currency: dict[str, str] = minor_option()
    index: Index = index_option()
    bulk: bool = option("fetch by COPY where PostgreSQL has it; false for servers that lack it", default=True)


@attrs.frozen(eq=False)
class _Table:
    """A table: its columns, what dates its rows, and of each date how many there are, with the first and the last stamp
    where there are stamps; where it holds for every date, of None. `published`: by date who published it and when."""

    columns: Columns
    dated: Dated | None
    told: Mapping[dt.date | None, Sequence[Any]]
    published: Mapping[dt.date, Sequence[Any]]

    @cached_property
    def days(self) -> list[dt.date]:
        """Its dates, ascending; none where it holds for every date."""
        return sorted(day for day in self.told if day is not None)


class SqlSource(Source):
    """Tables and views of one schema.

    What a table has of each date is asked once, in one query. A fingerprint changes with the number of a date's rows
    and, of what a pipeline published, with the run keys it was published under; of other tables with the first and the
    last stamp. Rows that are changed in place by anything else are not noticed, but in tables that are not of events,
    as `reference` and `calendar`, and in those that hold for every date: of these the date's rows are read, once. What
    is added while a run lasts may be read by it, and is computed again by the next one.
    """

    name = "sql"
    Config = SqlSourceOptions

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self._database = Database(config.url, folder)
        self._known: dict[str, _Table] = {}
        self._digests = RowDigests()
        self._minor = MinorCurrency.of(self.name, config.minor_currency)

    def tables(self) -> Sequence[str]:
        """Names of the schema's tables and views."""
        return self._names

    def dates(self, table: str) -> Sequence[dt.date]:
        """Dates that have rows; empty for a table with neither Date nor EventTimestamp."""
        return self._table(table).days

    def fingerprint(self, table: str, day: dt.date) -> str:
        """From counts, stamps and the ledger; of a table that is not of events from the date's rows."""
        found, contract = self._dated(table, day), CONTRACTS.get(table)
        facts = [repr((self.config.columns.get(table), self.config.minor_currency))]
        if self._minor.parts and table != "reference" and "reference" in self._names:
            facts.append(self.fingerprint("reference", day))
        if found.dated is None or (contract is not None and not contract.events):
            facts.append(self._digests.of(self, table, day, "".join(facts)))
        else:
            facts += map(str, (*found.told[day], *found.published.get(day, ())))
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def lies(self, table: str, day: dt.date) -> str:
        """The database and schema."""
        return self._where

    def size(self, table: str, day: dt.date) -> Size | None:
        """Counted with the dates, in the one query that tells them; the bytes are those of its columns in memory."""
        found = self._dated(table, day)
        rows = int(found.told[day if found.dated else None][0])
        return Size(rows, rows * row_bytes(found.columns.dtypes, found.columns.dtypes))

    def rows_by_key(self, table: str, day: dt.date, key: str) -> pl.DataFrame | None:
        """Counted by the server."""
        found, dtype = self._dated(table, day), self.scan(table, day).collect_schema()[key]
        asked = sa.select(self._asked(table, found.columns, key).label("key")).select_from(self._named(table))
        rows = asked.where(*(found.dated.on(day) if found.dated else [])).subquery()
        with self._asking(table) as connection:
            counted = connection.execute(sa.select(rows.c.key, sa.func.count()).group_by(rows.c.key)).all()
        return pl.DataFrame(list(map(tuple, counted)), {key: dtype, "Rows": pl.Int64}, orient="row").sort(key)

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, canonical, fetched when they are collected. UserError where there is no such table, date or
        mapped column; DataError for what cannot become canonical."""
        return self._scan(table, day, None)

    def scan_of(self, table: str, day: dt.date, keys: pl.Series) -> pl.LazyFrame:
        """The same, filtered by the server."""
        return self._scan(table, day, keys)

    def _scan(self, table: str, day: dt.date, keys: pl.Series | None) -> pl.LazyFrame:
        frame = self._conformed(table, day, keys)
        if table not in CONTRACTS:
            return without_index(frame, next(iter(self._documents(table, day)), None), self.config.index)
        return self._minor.applied(frame, CONTRACTS[table], self._where, lambda: self._codes(day))

    def _codes(self, day: dt.date) -> pl.LazyFrame | None:
        """Listings and the codes of their currencies, where there is a reference."""
        return self._conformed("reference", day, None) if "reference" in self._names else None

    def _conformed(self, table: str, day: dt.date, keys: pl.Series | None) -> pl.LazyFrame:
        """Prices as the database has them."""
        found = self._dated(table, day)
        with self._asking(table) as connection:
            dtypes = as_published(connection, table, self.config.schema, day, found.columns)
        where = [*(found.dated.on(day) if found.dated else []), *self._wanted(table, found.columns, keys)]
        frame = self._rows(table, dtypes, where).lazily()
        frame = frame.rename({theirs: name for name, theirs in self._mapped(table).items()})
        return conform(frame, CONTRACTS[table], self._where) if table in CONTRACTS else frame

    def document(self, table: str, day: dt.date) -> Document | None:
        """From the table `basalt_columns`."""
        whose = f"partitions of {table} in {self._where}"
        return handed_over(self._documents(table, day), self.config.index, whose)

    def _documents(self, table: str, day: dt.date) -> list[Document | None]:
        kept = books(self.config.schema).columns
        with self._asking(table) as connection:
            if not is_there(connection, kept):
                return []
            asked = sa.select(kept.c.document).where(kept.c.table_name == table, kept.c.date == day)
            texts = connection.execute(asked.order_by(kept.c.universe)).scalars().all()
        return [parsed(text, f"table {table} of {self._where}") for text in texts]

    @cached_property
    def _names(self) -> list[str]:
        if not self._database.is_there:
            raise UserError(f"source sql: {self._database.file} is no file: set `url` to the database of the tables")
        remedy = "see that url and schema are right"
        reading = self._database.failing(UserError, f"source sql: {self._where} cannot be read", remedy)
        with reading, self._database.reading() as connection:
            inspector = sa.inspect(connection)
            names = [*inspector.get_table_names(self.config.schema), *inspector.get_view_names(self.config.schema)]
        there = sorted(name for name in names if not name.startswith(RESERVED))
        unknown = sorted(self.config.columns.keys() - {*there})
        if unknown:
            raise UserError(
                f"source sql: `columns` names table {unknown[0]}, and {self._where} has "
                f"{', '.join(there) or 'no table'}"
            )
        return there

    def _table(self, table: str) -> _Table:
        if table not in self._names:
            there = ", ".join(self._names) or "no table"
            raise UserError(f"source sql has no table {table}: {self._where} has {there}")
        if table not in self._known:
            with self._asking(table) as connection:
                self._known[table] = self._look(connection, table)
        return self._known[table]

    def _look(self, connection: sa.Connection, table: str) -> _Table:
        mapped = self._mapped(table)
        theirs = {name: canonical for canonical, name in mapped.items()}
        columns = columns_of(connection, table, self.config.schema, CONTRACTS.get(table), theirs)
        refuse_mapping(mapped, columns.dtypes, f"table {table} of {self._where}")
        date, stamp = (mapped.get(name, name) for name in ("Date", "EventTimestamp"))
        dated = dated_by(columns, date, stamp, connection.dialect.name)
        there = self._named(table)
        if dated is None:
            self._refuse_undated(table, columns, theirs)
            whole = connection.execute(sa.select(sa.func.count()).select_from(there)).one()
            return _Table(columns, None, {None: whole}, {})
        stamps = [column(stamp).label("stamp")] if stamp in columns.dtypes else []
        rows = sa.select(dated.asked.label("day"), *stamps).select_from(there).subquery()
        ends = [end(rows.c.stamp) for end in (sa.func.min, sa.func.max) if stamps]
        answers = connection.execute(sa.select(rows.c.day, sa.func.count(), *ends).group_by(rows.c.day)).all()
        told = _by_day({day: facts for day, *facts in answers}, dated, f"table {table} of {self._where}")
        return _Table(columns, dated, told, self._published(connection, table))

    def _published(self, connection: sa.Connection, table: str) -> dict[dt.date, list[Any]]:
        """By date, the universes that pipelines published, each with its run key and rows."""
        ledger = books(self.config.schema).ledger
        if not is_there(connection, ledger):
            return {}
        facts = sa.select(ledger.c.date, ledger.c.universe, ledger.c.run_key, ledger.c.rows)
        found: dict[dt.date, list[Any]] = {}
        for day, *rest in connection.execute(facts.where(ledger.c.table_name == table).order_by(ledger.c.universe)):
            found.setdefault(day, []).append(rest)
        return found

    def _refuse_undated(self, table: str, columns: Columns, names: Mapping[str, str]) -> None:
        """DataError for a table of events whose columns are not what its contract wants, and so tell no date."""
        contract = CONTRACTS.get(table)
        if contract is not None and contract.events:
            dtypes = {names.get(name, name): dtype for name, dtype in columns.dtypes.items()}
            conform(pl.LazyFrame(schema=dtypes), contract, self._where)

    def _dated(self, table: str, day: dt.date) -> _Table:
        found = self._table(table)
        if found.dated is not None:
            refuse_date(self.name, table, day, found.days, self._where)
        return found

    def _rows(self, table: str, dtypes: Mapping[str, Any], where: Sequence[sa.ColumnElement[bool]]) -> Rows:
        as_text = self._known[table].columns.as_text
        return Rows(self._database, table, self.config.schema, dtypes, where, self.config.bulk, as_text)

    def _wanted(self, table: str, columns: Columns, keys: pl.Series | None) -> Sequence[sa.ColumnElement[bool]]:
        if keys is None:
            return []
        found = of_keys(self._asked(table, columns, keys.name), keys, self._database.dialect.name)
        return [] if found is None else [found]

    def _asked(self, table: str, columns: Columns, canonical: str) -> sa.ColumnElement[Any]:
        """The column as it is read."""
        name = self._mapped(table).get(canonical, canonical)
        held: sa.ColumnElement[Any] = column(name)
        return sa.cast(held, sa.Text) if name in columns.as_text else held

    def _named(self, table: str) -> sa.TableClause:
        return named(table, self.config.schema)

    def _mapped(self, table: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self.config.columns.get(table, {})
        return found

    @property
    def _where(self) -> str:
        schema = f" schema {self.config.schema}" if self.config.schema else ""
        return f"{self._database.place}{schema}"

    @contextmanager
    def _asking(self, table: str) -> Iterator[sa.Connection]:
        what = f"table {table} of {self._where} cannot be read"
        reading = self._database.failing(DataError, what, "see that it is still there, and who may read it")
        with reading, self._database.reading() as connection:
            yield connection


def _by_day(rows: Mapping[Any, Sequence[Any]], dated: Dated, whose: str) -> dict[dt.date | None, Sequence[Any]]:
    if None in rows:
        or_none = " or one that is no time" if dated.kind is Kind.TEXT_STAMP else ""
        raise DataError(
            f"{whose} has rows without {dated.name}{or_none}, by which they are dated: fill it or remove them"
        )
    try:
        return {dated.read(answer): facts for answer, facts in rows.items()}
    except ValueError as error:
        raise DataError(f"{whose} has a {dated.name} that is no date ({error}): write it as YYYY-MM-DD") from None
