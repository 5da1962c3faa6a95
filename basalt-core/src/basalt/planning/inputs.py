"""Inputs: the pipeline's source, the declared tables, and the columns each table really has."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from basalt.config.model import SourceEntry
from basalt.config.structure import structure
from basalt.conform import conform, unfit
from basalt.errors import BasaltError
from basalt.planning.known import Columns
from basalt.plugins.registry import Registry
from basalt.sources import Source
from basalt.tables import TableSchema

STANDS = ~pl.col("IsCancelled").fill_null(False)
"""Rows that are not cancelled, of a table that knows cancelled ones."""


def declared_tables(registry: Registry) -> dict[str, TableSchema]:
    """Every declared table by name: the built-in ones and those of plugins."""
    return {c.name: c.load() for c in registry.components("tables")}


def open_source(entry: SourceEntry, registry: Registry, folder: Path) -> Source:
    """The configured source; UserError for an unknown type or a wrong option."""
    component = registry.get("sources", entry.type)
    made = component.load()
    source: Source = made(structure(made.Config, entry.options, "source"), folder)
    return source


def scan(source: Source, schema: TableSchema, day: date) -> pl.LazyFrame:
    """That date's rows as the contract wants them, cancelled ones dropped."""
    return without_cancelled(canonical(source, schema, day), schema)


def canonical(source: Source, schema: TableSchema, day: date, keys: pl.Series | None = None) -> pl.LazyFrame:
    """That date's rows as the contract wants them, every one; `keys`: of these and of none, at least."""
    rows = source.scan(schema.name, day) if keys is None else source.scan_of(schema.name, day, keys)
    return conform(rows, schema, f"source {source.name!r}")


def unread(error: BaseException, source: Source, schema: TableSchema, day: date) -> str:
    """Why a query over that date's rows fails, and where they lie."""
    if ":" in schema.name:
        return unfit(error, schema)
    try:
        place = source.lies(schema.name, day)
    except BasaltError:
        place = ""
    return unfit(error, schema, place)


def without_cancelled(frame: pl.LazyFrame, schema: TableSchema) -> pl.LazyFrame:
    """The rows that stand, where the table knows cancelled ones."""
    return frame.filter(STANDS) if knows_cancelled(schema, frame.collect_schema()) else frame


def knows_cancelled(schema: TableSchema, columns: Columns) -> bool:
    """Whether rows of a table with these columns may be cancelled."""
    return schema.column("IsCancelled") is not None and "IsCancelled" in columns


class SourceColumns(Mapping[str, Columns]):
    """Dtypes of each declared table the source has on a date, read from its files' heads when first asked for."""

    def __init__(self, source: Source, schemas: Mapping[str, TableSchema], day: date) -> None:
        self._source = source
        self._schemas = schemas
        self._day = day
        self._names = [name for name in source.tables() if name in schemas and has_date(source, name, day)]
        self._found: dict[str, Columns] = {}

    def __getitem__(self, name: str) -> Columns:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._found:
            self._found[name] = dict(scan(self._source, self._schemas[name], self._day).collect_schema())
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def has_date(source: Source, table: str, day: date) -> bool:
    """Whether the source has that table on that date; one without dates is the same on all."""
    dates = source.dates(table)
    return not dates or day in dates
