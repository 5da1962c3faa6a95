"""A Delta table as its log tells it: which files make up a partition now, and what they hold.

*Live* files are those that the newest version names. They are read by name, with the partition's values put beside
them: `pl.scan_delta` takes these from folder names, and cannot read a table below a folder with a space in its name.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any
from urllib.parse import unquote

import attrs
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from basalt.columns import DType
from basalt.errors import DataError
from basalt_io.object_store import Location, said
from basalt_io.objects import trouble
from basalt_io.outputs.delta_types import declared_from_json, restored
from basalt_io.parquet_errors import UNREAD

DOCUMENT, DECLARED = "basalt", "basalt.dtypes"


@attrs.frozen
class LiveFile:
    """One file of the newest version. `path` is relative to the table, `changed` milliseconds since 1970."""

    path: str
    size: int
    changed: int
    rows: int | None
    values: Mapping[str, Any]


@attrs.frozen(eq=False)
class Table:
    """One version of a table, opened."""

    place: Location
    log: DeltaTable
    partitioned_by: tuple[str, ...]
    files: tuple[LiveFile, ...]
    written: tuple[int, int] | None = None

    @property
    def is_newest(self) -> bool:
        """Whether no later version is there; False where that is not cheap to tell, as in an object store."""
        version = self.log.version()
        return (
            self.written is not None
            and self.written == _written(self.place, version)
            and not _written(self.place, version + 1)
        )

    def of(self, day: date, universe: str) -> list[LiveFile]:
        """The live files of that partition, oldest first."""
        wanted = {"Date": day, "Universe": universe}
        return [file for file in self.files if file.values == wanted]

    @property
    def schema(self) -> pl.Schema:
        """The columns as Delta holds them, partition columns included."""
        return pl.Schema(self.log.schema().to_arrow())

    @property
    def properties(self) -> Mapping[str, str]:
        """What stands in the table's configuration."""
        found: Mapping[str, str] = self.log.metadata().configuration
        return found

    def file(self, live: LiveFile) -> str:
        """Its address."""
        return self.place.below(live.path).uri


def opened(place: Location) -> Table | None:
    """The newest version; None where no Delta table is there, DataError where it cannot be read."""
    if place.path is not None and not (place.path / "_delta_log").is_dir():
        return None
    try:
        log = DeltaTable(place.uri, storage_options=place.options)
        by = tuple(log.metadata().partition_columns)
        return Table(place, log, by, _live(log, by), _written(place, log.version()))
    except TableNotFoundError:
        return None
    except (OSError, DeltaError, ValueError) as error:
        raise DataError(
            f"the Delta table {place.uri} cannot be read ({cause(error, place)}): see that it is there and may be read"
        ) from error


def refuse_unread(table: Table) -> None:
    """DataError for a table of which the files alone do not tell the rows or columns."""
    what = ""
    if table.properties.get("delta.columnMapping.mode", "none") != "none":
        what = "a column mapping"
    elif "deletionVectors" in (table.log.protocol().reader_features or ()) and _deleted(table.log):
        what = "deletion vectors"
    if what:
        raise DataError(
            f"the Delta table {table.place.uri} has {what}, not read here: have its writer rewrite it without"
        )


def rows_of(table: Table, files: list[LiveFile]) -> pl.LazyFrame:
    """The rows of these files as Delta holds them, columns in the table's order."""
    return pl.concat([_rows(table, file) for file in files])


def footer(table: Table, file: LiveFile) -> Mapping[str, str]:
    """The key-value metadata of one file; DataError where it cannot be read."""
    with reading(table.place):
        return pl.read_parquet_metadata(table.file(file), storage_options=table.place.options)


def declared(table: Table, files: list[LiveFile]) -> dict[str, DType]:
    """The dtypes that these files were published with, of columns held as another; the table's for a file that tells
    none, as after a compaction. DataError where they differ: one frame cannot have both."""
    if DECLARED not in table.properties:
        return {}
    found = [declared_from_json(footer(table, file).get(DECLARED) or table.properties[DECLARED]) for file in files]
    for other in found[:-1]:
        if names := differing(other, found[-1]):
            raise DataError(
                f"the Delta table {table.place.uri} has rows of {files[-1].values} that were published with other "
                f"dtypes than the rest ({', '.join(names)}): publish all of them again"
            )
    return found[-1] if found else {}


def differing(one: Mapping[str, DType], other: Mapping[str, DType]) -> list[str]:
    """Columns whose declared dtypes are not the same, `None` meaning as Delta has it."""
    names = sorted(one.keys() | other.keys())
    return [f"{n}: {one.get(n)} and {other.get(n)}" for n in names if one.get(n) != other.get(n)]


def published(table: Table, files: list[LiveFile]) -> pl.LazyFrame:
    """The rows of these files with the dtypes they were published with."""
    with reading(table.place):
        frame = restored(rows_of(table, files), declared(table, files))
        frame.collect_schema()
    return frame


def document_of(table: Table, files: list[LiveFile]) -> Mapping[str, Any]:
    """The column document that the newest of these files carries; where a compaction has rewritten that, the table's,
    without provenance, as that may be another's; DataError where there is none."""
    text = footer(table, files[-1]).get(DOCUMENT)
    if text is not None:
        document: Mapping[str, Any] = json.loads(text)
        return document
    if DOCUMENT not in table.properties:
        raise DataError(
            f"the Delta table {table.place.uri} carries no column document: only those that a pipeline published do"
        )
    return {**json.loads(table.properties[DOCUMENT]), "provenance": {}}


@contextmanager
def reading(place: Location) -> Iterator[None]:
    """DataError where files of the table cannot be read."""
    try:
        yield
    except UNREAD as error:
        raise DataError(
            f"files of the Delta table {place.uri} cannot be read ({cause(error, place)}): restore the table, or "
            "publish again"
        ) from error


def cause(error: BaseException, place: Location) -> str:
    """What a client says, or what a store means by it."""
    return trouble(error, place.uri) or said(error)


def _rows(table: Table, file: LiveFile) -> pl.LazyFrame:
    whole = table.schema
    inside = pl.Schema({name: dtype for name, dtype in whole.items() if name not in table.partitioned_by})
    frame = pl.scan_parquet(
        table.file(file),
        schema=inside,
        glob=False,
        hive_partitioning=False,
        missing_columns="insert",
        extra_columns="ignore",
        storage_options=table.place.options,
    )
    values = [pl.lit(value, dtype=whole[name]).alias(name) for name, value in file.values.items()]
    return frame.with_columns(values).select(whole.names()) if values else frame


def _deleted(log: DeltaTable) -> bool:
    """Whether rows of a live file are marked as deleted."""
    return not pl.DataFrame(log.deletion_vectors()).is_empty()


def _live(log: DeltaTable, by: tuple[str, ...]) -> tuple[LiveFile, ...]:
    found = pl.DataFrame(log.get_add_actions(flatten=True))
    if found.is_empty():
        return ()
    names = {"path": "path", "size_bytes": "size", "modification_time": "changed", "num_records": "rows"}
    facts = found.select(pl.col(name).cast(pl.Int64, strict=False) if name != "path" else name for name in names)
    values = found.select(pl.col(f"partition.{name}").alias(name) for name in by).rows(named=True)
    live = (
        LiveFile(path=_decoded(path), size=size, changed=changed, rows=rows, values=value)
        for (path, size, changed, rows), value in zip(facts.rows(), values or [{}] * found.height, strict=True)
    )
    return tuple(sorted(live, key=lambda file: (file.changed, file.path)))


def _written(place: Location, version: int) -> tuple[int, int] | None:
    """The log entry of a version as a file: its inode and time."""
    if place.path is None:
        return None
    with suppress(OSError):
        entry = (place.path / "_delta_log" / f"{version:020}.json").stat()
        return entry.st_ino, entry.st_mtime_ns
    return None


def _decoded(path: str) -> str:
    """Paths stand percent-encoded in the log."""
    return unquote(path)
