"""The `delta` source: canonical tables, and what pipelines published, in Delta tables.

A table is `{root}/{table}`, or where `tables` says. Its dates are the values of the partition column Date; in a table
without that, the UTC dates of EventTimestamp; a table with neither (`reference`) holds for every date. What the `delta`
output wrote comes back with the dtypes that were published (Enums, nanoseconds). One version of each table is read, the
newest when the source first looks at it. Deletion vectors and column mappings are refused.
"""

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.conform import conform
from basalt.errors import DataError, UserError
from basalt.options import option
from basalt.sources import Size, Source
from basalt.tables import CONTRACTS
from basalt_io.object_store import Location, location, storage_option
from basalt_io.outputs.delta_table import (
    DOCUMENT,
    LiveFile,
    Table,
    document_of,
    opened,
    published,
    reading,
    refuse_unread,
)
from basalt_io.sources.clocks import time_zone_option, zone, zoned
from basalt_io.sources.dates import of_utc_date, refuse_date, utc_dates
from basalt_io.sources.handed import Document, Index, handed_over, index_option, without_index
from basalt_io.sources.minor_currency import MinorCurrency, minor_option
from basalt_io.sources.undated import RowDigests


@attrs.frozen
class DeltaSourceOptions:
    """`[source] type = "delta"`."""

    root: str = option("folder of the tables, relative to the pipeline file, or s3://bucket/prefix")
    tables: dict[str, str] = option(
        "tables to read and their paths below root, as `trades = 'bars.aggressive_orders'`; where not set, all of a "
        "folder, and of an object store those with the name of a canonical table",
        factory=dict,
    )
    time_zone: str | None = time_zone_option()
    minor_currency: dict[str, str] = minor_option()
    index: Index = index_option()
    storage: dict[str, str] = storage_option()


class DeltaSource(Source):
    """Tables in a folder or prefix of Delta tables."""

    name = "delta"
    Config = DeltaSourceOptions
    prunes = True

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self._days: dict[str, dict[dt.date, list[LiveFile]]] = {}
        self._digests = RowDigests()
        self._minor = MinorCurrency.of(self.name, config.minor_currency)

    @cached_property
    def root(self) -> Path | str:
        """The configured folder, absolute, or the address of the prefix."""
        return self._root.root

    def tables(self) -> Sequence[str]:
        """Names of the tables below root."""
        return sorted(self._opened)

    def dates(self, table: str) -> Sequence[dt.date]:
        """Dates that have files, or rows where dates are no partitions; empty for a table that holds for every date."""
        return list(self._dated(table))

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes and times of that date's files, not with the table's version, and with options
        that change rows; of a small table that holds for every date, with the rows that are the date's."""
        files = self._files(table, day)
        facts = [repr((self.config.time_zone, self.config.minor_currency))]
        facts += sorted(f"{file.path} {file.size} {file.changed}" for file in files)
        told = sha256("\n".join(facts).encode()).hexdigest()
        if not self._by_date(table) and not self._dated(table):
            told = self._digests.of(self, table, day, told, lambda: sum(file.size for file in files))
        if not self._minor.parts or table == "reference" or "reference" not in self._opened:
            return told
        return sha256(f"{told}\n{self.fingerprint('reference', day)}".encode()).hexdigest()

    def lies(self, table: str, day: dt.date) -> str:
        """The table's address."""
        return self._table(table).place.uri

    def size(self, table: str, day: dt.date) -> Size | None:
        """From the log; None where it does not tell rows by date."""
        files = self._files(table, day)
        rows = [file.rows for file in files if file.rows is not None]
        if len(rows) < len(files) or (not self._by_date(table) and len(self._dated(table)) > 1):
            return None
        return Size(sum(rows), sum(file.size for file in files))

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, canonical. UserError where there is no such table or date; DataError for files that cannot
        be read or become canonical."""
        frame = self._canonical(table, self._files(table, day), day)
        if self._by_date(table) or not self._dated(table):
            return frame
        return of_utc_date(frame, day)

    def document(self, table: str, day: dt.date) -> Document | None:
        """From the footers of that date's files, of a table that has one among its properties."""
        return handed_over(self._documents(table, self._files(table, day)), self.config.index, f"files of {table}")

    def _documents(self, name: str, files: list[LiveFile]) -> list[Document | None]:
        table = self._table(name)
        return [document_of(table, [file]) for file in files] if DOCUMENT in table.properties else []

    @cached_property
    def _root(self) -> Location:
        return location(self.folder, self.config.root, self.config.storage)

    @cached_property
    def _opened(self) -> dict[str, Table]:
        """The newest version of each table that is there."""
        root, path = self._root, self._root.path
        if path is not None and not path.is_dir():
            raise UserError(f"source delta: root {path} is no folder: set `root` to the folder of the tables")
        paths = self.config.tables or {name: name for name in self._names(path)}
        found = {name: table for name, below in paths.items() if (table := opened(root.below(below))) is not None}
        absent = [f"{root.uri}/{paths[name]}" for name in self.config.tables if name not in found]
        if absent:
            raise UserError(f"source delta: no Delta table is at {absent[0]}, which `tables` names: mend that option")
        for table in found.values():
            refuse_unread(table)
        return found

    @staticmethod
    def _names(root: Path | None) -> list[str]:
        """Tables to look for where none is named."""
        return sorted(CONTRACTS) if root is None else sorted(log.parent.name for log in root.glob("*/_delta_log"))

    def _table(self, name: str) -> Table:
        if name not in self._opened:
            there = ", ".join(self.tables()) or "no table"
            raise UserError(f"source delta has no table {name}: {self._root.uri} holds {there}")
        return self._opened[name]

    def _by_date(self, table: str) -> bool:
        return "Date" in self._table(table).partitioned_by

    def _dated(self, name: str) -> dict[dt.date, list[LiveFile]]:
        """Files of each date, ascending; empty for a table that holds for every date."""
        if name not in self._days:
            table = self._table(name)
            self._days[name] = _by_partition(table) if self._by_date(name) else self._by_stamp(name, table)
        return self._days[name]

    def _by_stamp(self, name: str, table: Table) -> dict[dt.date, list[LiveFile]]:
        files = list(table.files)
        if "EventTimestamp" not in table.schema or not files:
            return {}
        frame = self._conformed(name, files)
        if not isinstance(frame.collect_schema()["EventTimestamp"], pl.Datetime):
            return {}
        with reading(table.place):
            return dict.fromkeys(utc_dates(frame, f"table {name} of {table.place.uri}"), files)

    def _files(self, name: str, day: dt.date) -> list[LiveFile]:
        dated, table = self._dated(name), self._table(name)
        if not dated and not self._by_date(name):
            return list(table.files)
        refuse_date(self.name, name, day, dated, table.place.uri)
        return dated[day]

    def _canonical(self, name: str, files: list[LiveFile], day: dt.date) -> pl.LazyFrame:
        frame = self._conformed(name, files)
        if name not in CONTRACTS:
            return without_index(frame, next(iter(self._documents(name, files[:1])), None), self.config.index)
        return self._minor.applied(frame, CONTRACTS[name], self._table(name).place.uri, lambda: self._codes(day))

    def _conformed(self, name: str, files: list[LiveFile]) -> pl.LazyFrame:
        """Prices as the files have them."""
        table = self._table(name)
        frame = published(table, files) if files else pl.LazyFrame(schema=table.schema)
        contract = CONTRACTS.get(name)
        if contract is None:
            return frame
        if "Date" in table.partitioned_by and contract.column("Date") is None:
            frame = frame.drop("Date")
        return conform(zoned(frame, self._zone), contract, table.place.uri)

    def _codes(self, day: dt.date) -> pl.LazyFrame | None:
        """Listings and the codes of their currencies, where there is a reference."""
        return self._conformed("reference", self._files("reference", day)) if "reference" in self._opened else None

    @cached_property
    def _zone(self) -> str | None:
        named = self.config.time_zone
        return None if named is None else zone(self.name, named, "Europe/London")


def _by_partition(table: Table) -> dict[dt.date, list[LiveFile]]:
    dated: dict[dt.date, list[LiveFile]] = {}
    for file in table.files:
        dated.setdefault(_day(table, file.values["Date"]), []).append(file)
    return dict(sorted(dated.items()))


def _day(table: Table, value: object) -> dt.date:
    if type(value) is dt.date:
        return value
    try:
        return dt.date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise DataError(
            f"the Delta table {table.place.uri} has files for Date {value!r}, which is no date: write it as YYYY-MM-DD"
        ) from None
