"""`basalt data convert`: any source as canonical Parquet, sorted so that a listing's rows are read alone."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.output import emit, format_option, narrate
from basalt_io.read_by_command import Chosen, Readable, opened, reading

if TYPE_CHECKING:
    import polars as pl

ROW_GROUP = 131_072
"""Rows of a row group: few enough that those of one listing are read without those of many others."""


@click.command("convert")
@reading
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that the tables go to.")
@click.option("--memory", metavar="SIZE", help="What sorting may take, as 2GB; else 60 % of what is free.")
@format_option
@click.pass_context
def convert(ctx: click.Context, chosen: Chosen, out: Path, memory: str | None, format: str) -> None:
    """Convert WHAT to OUT/{table}/date=YYYY-MM-DD/{table}.parquet, which the parquet source reads.

    Columns and dtypes are those of the contract, rows are sorted by listing, time and sequence. Tables that hold for
    every date go to OUT/{table}.parquet. A file appears whole; converting again replaces it.

    Example: basalt data convert samples --source lobster --out lake
    """
    from basalt.running.peak import budget

    readable, limit = opened(ctx, chosen), budget(memory)
    _check(readable, out)
    rows: list[dict[str, Any]] = []
    for table in readable.tables:
        for day, frame in readable.frames(table):
            narrate(f"converting {table}{'' if day is None else f' of {day}'}")
            rows.append(_write(readable, table, day, frame, out, limit))
    emit(rows, format, ["date", "table", "rows", "path"])


def _check(readable: Readable, out: Path) -> None:
    """UserError where OUT is what is read, cannot be written, or holds other files of the same dates."""
    from basalt.errors import UserError
    from basalt_io.files import refuse_mixed

    root = readable.source.root
    if isinstance(root, Path) and out.resolve().is_relative_to(root.resolve()):
        raise UserError(f"--out {out} is inside {root}, which is read: name another folder")
    for table in readable.tables:
        for day in readable.days(table) or [None]:
            refuse_mixed(_place(out, table, day))


def _place(out: Path, table: str, day: date | None) -> Path:
    return out / f"{table}.parquet" if day is None else out / table / f"date={day}" / f"{table}.parquet"


def _write(
    readable: Readable, table: str, day: date | None, frame: "pl.LazyFrame", out: Path, memory: int
) -> dict[str, Any]:
    import polars as pl

    from basalt_io.files import publish, stage

    place = _place(out, table, day)
    with _telling(readable, table, day), _beside(out) as work:
        publish(stage(_sorted(readable, table, frame, work, memory), place, {}, row_group_size=ROW_GROUP))
    count = pl.scan_parquet(place, glob=False, hive_partitioning=False).select(pl.len()).collect().item()
    return {"date": day, "table": table, "rows": count, "path": str(place)}


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A folder where a date can be sorted that memory does not hold: as there is room for the result, there is here.
    What a killed conversion left is removed."""
    from basalt.leftovers import is_gone, owner

    for left in out.glob(".converting.*"):
        if is_gone(left.name.removeprefix(".converting.")):
            shutil.rmtree(left, ignore_errors=True)
    work = out / f".converting.{owner()}"
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _telling(readable: Readable, table: str, day: date | None) -> Iterator[None]:
    """A query that failed says which rows it could not read."""
    import polars as pl

    from basalt.errors import PublishError

    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise readable.unread(table, day, error) from error
    except PublishError as error:
        if isinstance(error.__cause__, pl.exceptions.PolarsError):
            raise readable.unread(table, day, error.__cause__) from error
        raise


def _sorted(readable: Readable, table: str, frame: "pl.LazyFrame", work: Path, memory: int) -> "pl.LazyFrame":
    """The rows in the table's order; as they are where no order is declared. `memory`: bytes that sorting may take."""
    from basalt.planning.widths import row_bytes
    from basalt.running.in_order import in_order
    from basalt.running.kept import keep

    schema, columns = readable.schemas.get(table), frame.collect_schema()
    if schema is None:
        return frame
    if not schema.events:
        return frame.sort(schema.key, maintain_order=True)
    if not readable.source.prunes:
        frame = keep(frame, work / "kept", memory, row_bytes(dict(columns), columns))
    return in_order(frame, schema, work / "sorted", memory)
