"""`basalt data convert`: any source as canonical Parquet, sorted so that a listing's rows are read alone."""

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

    from basalt_io.lake import Lake


@click.command("convert")
@reading
@click.option("--out", required=True, help="Folder, or s3://bucket/prefix, that the tables go to.")
@click.option("--memory", metavar="SIZE", help="What sorting may take, as 2GB; else 60 % of what is free.")
@format_option
@click.pass_context
def convert(ctx: click.Context, chosen: Chosen, out: str, memory: str | None, format: str) -> None:
    """Convert WHAT to OUT/{table}/date=YYYY-MM-DD/{table}.parquet, which the parquet source reads.

    Columns and dtypes are those of the contract, rows are sorted by listing, time and sequence. Tables that hold for
    every date go to OUT/{table}.parquet. A file appears whole; converting again replaces it.

    Example: basalt data convert samples --source lobster --out lake
    """
    from basalt.running.peak import budget
    from basalt_io.lake import Lake

    lake, readable, limit = Lake(out), opened(ctx, chosen), budget(memory)
    _check(readable, lake)
    rows: list[dict[str, Any]] = []
    for table in readable.tables:
        for day, frame in readable.frames(table):
            narrate(f"converting {table}{'' if day is None else f' of {day}'}")
            rows.append(_write(readable, table, day, frame, lake, limit))
    emit(rows, format, ["date", "table", "rows", "path"])


def _check(readable: Readable, lake: "Lake") -> None:
    """UserError where the lake is what is read, cannot be written, or holds other files of the same dates."""
    lake.refuse_inside(readable.source.root)
    for table in readable.tables:
        for day in readable.days(table) or [None]:
            lake.check(lake.address(table, day))


def _write(
    readable: Readable, table: str, day: date | None, frame: "pl.LazyFrame", lake: "Lake", memory: int
) -> dict[str, Any]:
    address = lake.address(table, day)
    with _telling(readable, table, day), lake.work() as work:
        rows = lake.write(_sorted(readable, table, frame, work, memory), address, work)
    return {"date": day, "table": table, "rows": rows, "path": lake.shown(address)}


@contextmanager
def _telling(readable: Readable, table: str, day: date | None) -> Iterator[None]:
    """A query that failed says which rows it could not read."""
    import polars as pl

    from basalt.errors import PublishError

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
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
