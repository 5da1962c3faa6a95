"""One table in its order, in bounded memory: as it is where its rows ascend, else sorted on disk."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import polars as pl

from basalt.errors import DataError
from basalt.planning.widths import row_bytes
from basalt.running.order import TIME, Survey, surveyed
from basalt.running.spill import run_rows, sort_to_disk
from basalt.tables import TableSchema


def in_order(frame: pl.LazyFrame, schema: TableSchema, folder: Path, memory: int) -> pl.LazyFrame:
    """The rows of an event table, ascending. `frame` is read several times; `folder` is new, and is to be kept as long
    as the result is read. DataError for an event without a key or a stamp."""
    order, dtypes = order_of(frame, schema), frame.collect_schema()
    survey = checked(frame, schema, order)
    if survey.in_order:
        return frame
    width = row_bytes(dict(dtypes), dtypes)
    files = sort_to_disk(slices(frame, run_rows(memory, width)), survey.rows, order, folder, memory, width)
    return pl.scan_parquet(files, glob=False)


def order_of(frame: pl.LazyFrame, schema: TableSchema) -> list[str]:
    """The columns that order its rows, those that are there."""
    present = frame.collect_schema()
    return [name for name in schema.order if name in present]


def checked(frame: pl.LazyFrame, schema: TableSchema, order: Sequence[str], promised: bool = False) -> Survey:
    """The survey; DataError for an event without a key or a stamp, which belongs nowhere."""
    survey = surveyed(frame, schema.key, order, promised)
    keyless = survey.rows.filter(pl.col(schema.key).is_null())["Rows"].sum()
    for column, missing in ((schema.key, keyless), (TIME, survey.timeless)):
        if missing:
            raise DataError(
                f"table {schema.name!r} has {missing} rows without {column}: mend the data, or drop these rows"
            )
    return survey


def slices(frame: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    """The frame in file order, so many rows at a time; of a file, each slice reads its own part."""
    for i in count():
        part = frame.slice(i * rows, rows).collect(engine="streaming")
        yield part
        if part.height < rows:
            return
