"""The `parquet` source: canonical tables in Parquet files.

A table is a folder of dates, `{root}/{table}/date=YYYY-MM-DD/*.parquet` or as `path` says, or one file,
`{root}/{table}.parquet`, not both. In one file the date of a row is the UTC date of its EventTimestamp; a file without
that column (`reference`) holds for every date. Files whose name begins with a dot are not there. Stamps without a zone
are those of `time_zone`; one that its clock passes twice, or never, stops the query. Nothing but footers is read while
planning, except the stamps of single files and the rows of those that hold for every date.

Of an S3 bucket the prefix is listed once, when the source first looks at it: what is put later is not there, and an
object that was removed since is refused by name. One that is replaced during a run is read as it is then, in the worst
case in part; the next plan sees by its entity tag that it changed, and computes again.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import attrs
import polars as pl

from basalt.conform import conform
from basalt.errors import UserError
from basalt.options import option
from basalt.sources import Size, Source
from basalt.tables import CONTRACTS
from basalt_io.object_paths import AnyPath
from basalt_io.object_store import location, storage_option
from basalt_io.parquet_errors import UNREAD
from basalt_io.sources import bmll
from basalt_io.sources.bmll import FOLDERS
from basalt_io.sources.clocks import time_zone_option, zone, zoned
from basalt_io.sources.dates import of_utc_date, refuse_date, utc_dates
from basalt_io.sources.handed import Document, Index, handed_over, index_option, without_index
from basalt_io.sources.layouts import Dates, by_template, hive_dates, hive_folders, single_files
from basalt_io.sources.mapping import refuse_mapping
from basalt_io.sources.minor_currency import MinorCurrency, minor_option
from basalt_io.sources.parquet_files import ParquetFiles, unread
from basalt_io.sources.undated import RowDigests


@attrs.frozen
class ParquetSourceOptions:
    """`[source] type = "parquet"`."""

    root: str = option("folder of the tables, relative to the pipeline file, or s3://bucket/prefix")
    path: str | None = option(
        "where files are below root, as `{table}/{year}/{month}/{day}.parquet`; variables: {table}, {date} or {year} "
        "{month} {day}, `*`; not set: `{table}/date={date}/*.parquet`",
        default=None,
    )
    columns: dict[str, dict[str, str]] = option(
        "by table, canonical column names and what your files call them, as `trades = { Price = 'px' }`", factory=dict
    )
    dialect: Literal["basalt", "bmll"] = option("whose columns the files have", default="basalt")
    time_zone: str | None = time_zone_option()
    minor_currency: dict[str, str] = minor_option()
    index: Index = index_option()
    storage: dict[str, str] = storage_option()


class ParquetSource(Source):
    """Tables in a folder of Parquet files, or a prefix of an S3 bucket, which is listed once."""

    name = "parquet"
    Config = ParquetSourceOptions
    prunes = True

    def __init__(self, config: Any, folder: Path) -> None:
        super().__init__(config, folder)
        self._days: dict[str, Dates] = {}
        self._digests = RowDigests()
        self._minor = MinorCurrency.of(self.name, config.minor_currency)
        if self._is_bmll and config.minor_currency:
            raise UserError(
                "source parquet: dialect bmll knows its minor currencies by itself: leave `minor_currency` out"
            )

    @cached_property
    def root(self) -> Path | str:
        """The configured folder, absolute, or the address of the prefix."""
        return self._parquet.where.root

    def tables(self) -> Sequence[str]:
        """Names of the folders and files below root that hold a table."""
        return sorted(self._places)

    def dates(self, table: str) -> Sequence[dt.date]:
        """Dates that have files, or rows in the one file; empty for a file that holds for every date."""
        return list(self._dated(table))

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes, and times or entity tags of that date's files, and with options that change
        rows; of a small file that holds for every date, with the rows that are the date's."""
        config, dated = self.config, self._dated(table)
        options = (config.columns.get(table), config.dialect, config.time_zone, config.minor_currency)
        files = self._files(table, day)
        facts = self._parquet.fingerprint(files, *options)
        if not dated:
            facts = self._digests.of(self, table, day, facts, lambda: self._parquet.on_disk(files))
        beside = [self.fingerprint(other, day) for other in self._beside(table)]
        return facts if not beside else sha256("\n".join([facts, *beside]).encode()).hexdigest()

    def lies(self, table: str, day: dt.date) -> str:
        """The date's file, or its first one and how many are beside it."""
        first, *others = self._files(table, day)
        beside = {0: "", 1: " or the file beside it"}.get(len(others), f" or one of {len(others)} files beside it")
        return f"{first}{beside}"

    def size(self, table: str, day: dt.date) -> Size | None:
        """From footers; None for one file of several dates, whose rows by date are not in them."""
        files = self._files(table, day)
        if self._places[table].is_file() and len(self._dated(table)) > 1:
            return None
        return self._parquet.size(files)

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, canonical. UserError where there is no such table, date or mapped column; DataError for a
        file that is no Parquet, differs from the date's first one, or cannot become canonical."""
        files = self._files(table, day)
        frame = self._canonical(table, files, day)
        if self._places[table].is_dir() or not self._dated(table):
            return frame
        return of_utc_date(frame, day)

    def document(self, table: str, day: dt.date) -> Document | None:
        """From the footers of that date's files."""
        files = self._files(table, day)
        return handed_over(map(self._parquet.document, files), self.config.index, f"{files[0]} and the files beside it")

    @cached_property
    def _parquet(self) -> ParquetFiles:
        return ParquetFiles(location(self.folder, self.config.root, self.config.storage))

    @property
    def _root(self) -> AnyPath:
        return self._parquet.root

    @cached_property
    def _places(self) -> dict[str, AnyPath]:
        """The folder or file of each table."""
        found: dict[str, AnyPath] = {}
        for name, place in self._theirs():
            table = self._ours(name)
            if found.setdefault(table, place) != place:
                raise UserError(f"source parquet: table {table} is both {found[table]} and {place}: keep one of them")
        unknown = sorted(self.config.columns.keys() - found.keys())
        if unknown:
            there = ", ".join(sorted(found)) or "no table"
            raise UserError(f"source parquet: `columns` names table {unknown[0]}, and {self._root} holds {there}")
        return found

    def _ours(self, name: str) -> str:
        """The table that the files call so."""
        return FOLDERS.get(name, name) if self._is_bmll else name

    @property
    def _is_bmll(self) -> bool:
        return bool(self.config.dialect == "bmll")

    def _beside(self, table: str) -> list[str]:
        """Tables that decide what rows of this one say."""
        by_listing = self._is_bmll and table in ("l3", "cbbo")
        needs = by_listing or (self._minor.parts and table != "reference")
        return ["reference"] if needs and "reference" in self._places else []

    def _dated(self, table: str) -> Dates:
        """Files of each date, ascending; empty for a file that holds for every date."""
        if table not in self._places:
            there = ", ".join(self.tables()) or "no table"
            raise UserError(f"source parquet has no table {table}: {self._root} holds {there}")
        if table not in self._days:
            place = self._places[table]
            self._days[table] = self._folder_dates(table, place) if place.is_dir() else self._file_dates(table, place)
        return self._days[table]

    def _theirs(self) -> Iterator[tuple[str, AnyPath]]:
        """Tables as the files call them, with what they are in: a folder, the root where `path` is set, or a file."""
        if not self.config.path:
            yield from (*hive_folders(self._root), *single_files(self._root))
            return
        taken = {file for dates in self._templated.values() for files in dates.values() for file in files}
        yield from ((name, self._root) for name in self._templated)
        yield from ((name, file) for name, file in single_files(self._root) if file not in taken)

    @cached_property
    def _templated(self) -> Mapping[str, Dates]:
        """The files of `path`, by table as the files call it."""
        return by_template(self._root, self.config.path)

    def _folder_dates(self, table: str, place: AnyPath) -> Dates:
        if not self.config.path:
            return hive_dates(place)
        return next(dates for name, dates in self._templated.items() if self._ours(name) == table)

    def _file_dates(self, table: str, file: AnyPath) -> Dates:
        frame = self._conformed(table, [file], None)
        if not isinstance(frame.collect_schema().get("EventTimestamp"), pl.Datetime):
            return {}
        try:
            return {day: [file] for day in utc_dates(frame, f"table {table} of {file}")}
        except UNREAD as error:
            raise unread(file, error) from error

    def _files(self, table: str, day: dt.date) -> list[AnyPath]:
        dated = self._dated(table)
        if self._places[table].is_file() and not dated:
            return [self._places[table]]
        refuse_date(self.name, table, day, dated, self._places[table])
        return dated[day]

    def _canonical(self, table: str, files: list[AnyPath], day: dt.date) -> pl.LazyFrame:
        frame = self._conformed(table, files, day)
        if table not in CONTRACTS:
            return without_index(frame, self._parquet.document(files[0]), self.config.index)
        return self._minor.applied(frame, CONTRACTS[table], str(files[0]), lambda: self._codes(day))

    def _conformed(self, table: str, files: list[AnyPath], day: dt.date | None) -> pl.LazyFrame:
        """Prices as the files have them. `day`: None for all dates of a file."""
        self._parquet.refuse_differing(files)
        frame, where = self._parquet.scan(files), str(files[0])
        asked = self.config.columns.get(table, {})
        if self._is_bmll:
            frame = bmll.canonical(table, frame, asked, lambda: self._reference(table, day))
        else:
            frame = _renamed(frame, asked, f"table {table} of {where}")
        return conform(zoned(frame, self._zone), CONTRACTS[table], where) if table in CONTRACTS else frame

    def _codes(self, day: dt.date) -> pl.LazyFrame | None:
        """Listings and the codes of their currencies, where there is a reference."""
        return self._conformed("reference", self._files("reference", day), day) if "reference" in self._places else None

    @cached_property
    def _zone(self) -> str | None:
        named = self.config.time_zone
        return None if named is None else zone(self.name, named, "Europe/London")

    def _reference(self, reader: str, day: dt.date | None) -> pl.LazyFrame:
        """As BMLL has it; UserError where there is none."""
        if "reference" not in self._places:
            raise UserError(
                f"source parquet: {reader} of dialect bmll takes CurrencyCode and InstrumentId from reference, which "
                f"{self._root} does not have: add it"
            )
        files = self._files("reference", day) if day is not None else [self._places["reference"]]
        return self._parquet.scan(files)


def _renamed(frame: pl.LazyFrame, names: Mapping[str, str], whose: str) -> pl.LazyFrame:
    if not names:
        return frame
    refuse_mapping(names, frame.collect_schema().names(), whose)
    return frame.rename({theirs: canonical for canonical, theirs in names.items()})
