"""Universes: named sets of listings, each the half of a partition that is not its date.

A universe is SQL over `reference`, a file of listings, a Python function, or everything. Its *members* on a date are
the listings whose results a partition holds. A listing that a file or a function names is a member whether or not
`reference` has it: asked for by name, it is not dropped for a gap in the reference data, but noted.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import ClassVar

import attrs
import polars as pl

from basalt.config.filters import row_filter
from basalt.config.model import PipelineConfig, UniverseConfig
from basalt.config.words import did_you_mean
from basalt.errors import BasaltError, DataError, UserError
from basalt.planning.inputs import has_date, scan, unread
from basalt.planning.known import Columns
from basalt.planning.listing_ids import LISTING, members
from basalt.planning.universe_files import read_members
from basalt.planning.universe_functions import UniverseFunction
from basalt.running.events import Noted
from basalt.sources import Source
from basalt.tables import TableSchema

EVERYTHING = "all"
Schemas = Mapping[str, TableSchema]


@attrs.frozen(eq=False)
class Membership:
    """Members on a date, each once, ascending, or None for every listing; and what the user should know of them."""

    listings: pl.Series | None
    notes: Sequence[Noted] = ()


@attrs.frozen
class Universe(ABC):
    """Plain data, so that it travels to other processes. `reads`: tables of the source that tell its members."""

    name: str
    reads: ClassVar[Sequence[str]] = ()

    def members(self, source: Source, schemas: Schemas, day: date) -> pl.Series | None:
        """ListingIds of that date, each once, ascending; None: every listing."""
        return self.membership(source, schemas, day).listings

    @abstractmethod
    def membership(self, source: Source, schemas: Schemas, day: date) -> Membership:
        """Members of that date, with notes; DataError or PluginError where they cannot be told."""

    @abstractmethod
    def fingerprint(self, source: Source, schemas: Schemas, day: date) -> str:
        """Changes when the definition, or what the members of that date are computed from, changes."""


class Everything(Universe):
    """Every listing that the tables have."""

    def membership(self, source: Source, schemas: Schemas, day: date) -> Membership:
        """No restriction."""
        return Membership(None)

    def fingerprint(self, source: Source, schemas: Schemas, day: date) -> str:
        """Always the same."""
        return ""


@attrs.frozen
class Selected(Universe):
    """Listings of which some row of `reference` passes a filter. `dtype`: of ListingId in the tables of the run."""

    sql: str
    dtype: pl.DataType
    reads = ("reference",)

    def membership(self, source: Source, schemas: Schemas, day: date) -> Membership:
        """DataError where that date's reference is not one that the filter was planned for."""
        reference = _reference(self, source, schemas, day, self.dtype)
        try:
            kept = row_filter(self.sql, dict(reference.schema), f"universes.{self.name}.where")
        except UserError as error:
            raise DataError(f"table 'reference' on {day} is not as planned: {error}") from error
        return _membership(self.name, day, reference.filter(kept)[LISTING])

    def fingerprint(self, source: Source, schemas: Schemas, day: date) -> str:
        """Of the SQL and that date's reference."""
        return _digest(self.sql, source.fingerprint("reference", day))


@attrs.frozen
class Listed(Universe):
    """Listings of a file. `text`: the file as configured. `dtype`: of ListingId in the tables of the run."""

    text: str
    path: Path
    dtype: pl.DataType

    def membership(self, source: Source, schemas: Schemas, day: date) -> Membership:
        """The file's rows for that date; UserError where the file is not what it was while planning."""
        known = None
        if "reference" in source.tables() and has_date(source, "reference", day):
            known = _reference(self, source, schemas, day, self.dtype)[LISTING]
        return _membership(self.name, day, self.rows(day), known)

    def fingerprint(self, source: Source, schemas: Schemas, day: date) -> str:
        """Of the members of that date alone: a file that grows by a date leaves the earlier ones as they are."""
        return _digest(*map(str, members(self.rows(day))))

    def rows(self, day: date) -> pl.Series:
        """ListingIds of that date as the file has them."""
        return read_members(self.path, self.dtype, f"universes.{self.name}.file = {self.text!r}").on(day)


@attrs.frozen
class Computed(Universe):
    """Listings that a user's function returns. `dtype`: of ListingId in the tables of the run."""

    function: UniverseFunction
    dtype: pl.DataType
    reads = ("reference",)

    def membership(self, source: Source, schemas: Schemas, day: date) -> Membership:
        """What the function returns for that date's reference; PluginError where it fails."""
        reference = _reference(self, source, schemas, day, self.dtype)
        return _membership(self.name, day, self.function(reference, day, self.dtype), reference[LISTING])

    def fingerprint(self, source: Source, schemas: Schemas, day: date) -> str:
        """Of the function's name and code, and that date's reference; what else the function reads is not known."""
        return _digest(self.function.said, self.function.digest(), source.fingerprint("reference", day))


def open_universes(
    config: PipelineConfig,
    source: Source,
    columns_of: Mapping[str, Columns],
    folder: Path,
    asked: Sequence[str] = (),
) -> dict[str, Universe]:
    """The universes to run by name, in the pipeline's order: those asked for, else all; `all` where none is defined.

    Every one is checked: UserError or PluginError for one that could not be told. Files are read, reference is not.
    """
    names = list(config.universes) or [EVERYTHING]
    for name in asked:
        if name not in names:
            raise UserError(f"there is no universe {name!r}{did_you_mean(name, names)}; universes: {', '.join(names)}")
    if not config.universes:
        return {EVERYTHING: Everything(EVERYTHING)}
    return {
        name: _open(name, one, source, columns_of, folder)
        for name, one in config.universes.items()
        if not asked or name in asked
    }


def _open(
    name: str, config: UniverseConfig, source: Source, columns_of: Mapping[str, Columns], folder: Path
) -> Universe:
    place = f"universes.{name}"
    if config.file is not None:
        listed = Listed(name, config.file, folder / Path(config.file).expanduser(), listing_dtype(columns_of))
        listed.rows(date.min)
        return listed
    key = "python" if config.where is None else "where"
    if "reference" not in columns_of:
        raise UserError(
            f"{place}.{key} reads table reference, which source {source.name!r} does not have: add the table, or name "
            "the listings in a file"
        )
    columns = columns_of["reference"]
    if config.where is not None:
        row_filter(config.where, columns, f"{place}.where")
        return Selected(name, config.where, columns[LISTING])
    return Computed(name, UniverseFunction.named(str(config.python), folder, f"{place}.python"), columns[LISTING])


def listing_dtype(columns_of: Mapping[str, Columns]) -> pl.DataType:
    """The dtype of ListingId: that of reference, else of the first table that has the column."""
    for name in sorted(columns_of, key="reference".__ne__):
        if LISTING in columns_of[name]:
            return columns_of[name][LISTING]
    raise UserError("[universes] needs a table with a column ListingId, and the source has none")


def check_listing_dtypes(
    universes: Iterable[Universe], columns_of: Mapping[str, Columns], tables: Iterable[str]
) -> None:
    """UserError for a table, of those that are read, whose ListingId is not what the universes' members are."""
    if all(isinstance(one, Everything) for one in universes):
        return
    wanted = listing_dtype(columns_of)
    for table in tables:
        found = columns_of.get(table, {}).get(LISTING, wanted)
        if found != wanted:
            raise UserError(
                f"ListingId is {found} in table {table!r} and {wanted} in the universes: the tables of a run have one "
                "dtype of ListingId"
            )


def _reference(universe: Universe, source: Source, schemas: Schemas, day: date, dtype: pl.DataType) -> pl.DataFrame:
    try:
        found = scan(source, schemas["reference"], day).collect()
    except BasaltError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        raise DataError(
            f"universes.{universe.name}: table 'reference' of source {source.name!r} cannot be read for {day}: "
            f"{unread(error, source, schemas['reference'], day)}"
        ) from error
    if found.schema[LISTING] != dtype:
        raise DataError(
            f"table 'reference': column ListingId is {found.schema[LISTING]} on {day}, and {dtype} where universe "
            f"{universe.name!r} was planned: run that date by itself with --date {day}, or mend its data"
        )
    return found


def _membership(name: str, day: date, rows: pl.Series, known: pl.Series | None = None) -> Membership:
    found = members(rows)
    notes = []
    if rows.has_nulls():
        notes.append(Noted(day, name, "rows without a ListingId name no member", count=rows.null_count()))
    unknown = found.filter(~found.is_in(known.unique().implode())) if known is not None else found.clear()
    if len(unknown):
        what = "members that table reference does not have; they are computed all the same"
        notes.append(Noted(day, name, what, count=len(unknown), example=str(unknown[0])))
    if found.is_empty():
        notes.append(Noted(day, name, "the universe has no listing on this date, so its results are empty"))
    return Membership(found, notes)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
