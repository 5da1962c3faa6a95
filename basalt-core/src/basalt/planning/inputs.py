"""Inputs: the pipeline's source, the declared tables, and the columns each table really has."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from basalt.config.model import SourceEntry
from basalt.config.structure import structure
from basalt.conform import conform
from basalt.errors import UserError
from basalt.planning.known import Columns
from basalt.plugins.registry import Registry
from basalt.sources import Source
from basalt.tables import TableSchema


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
    frame = conform(source.scan(schema.name, day), schema, f"source {source.name!r}")
    if schema.column("IsCancelled") is None or "IsCancelled" not in frame.collect_schema():
        return frame
    return frame.filter(~pl.col("IsCancelled").fill_null(False))


def columns_of(source: Source, schemas: Mapping[str, TableSchema], day: date) -> dict[str, Columns]:
    """Dtypes of each declared table the source has on that date, read from its files' heads alone."""
    found: dict[str, Columns] = {}
    for name in source.tables():
        if name not in schemas:
            raise UserError(
                f"source {source.name!r} has a table {name!r} that nothing declares: name it as one of "
                f"{', '.join(sorted(schemas))}, or install the plugin that declares it"
            )
        dates = source.dates(name)
        if not dates or day in dates:
            found[name] = dict(scan(source, schemas[name], day).collect_schema())
    return found


def dates_of(source: Source) -> list[date]:
    """Every date some table of the source has."""
    return sorted({day for name in source.tables() for day in source.dates(name)})
