"""`basalt data convert`: any source as canonical Parquet, sorted so that a listing's rows are read alone."""

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
@format_option
@click.pass_context
def convert(ctx: click.Context, chosen: Chosen, out: Path, format: str) -> None:
    """Convert WHAT to OUT/{table}/date=YYYY-MM-DD/{table}.parquet, which the parquet source reads.

    Columns and dtypes are those of the contract, rows are sorted by listing, time and sequence. Tables that hold for
    every date go to OUT/{table}.parquet. A file appears whole; converting again replaces it.

    Example: basalt data convert samples --source lobster --out lake
    """
    readable = opened(ctx, chosen)
    _check(readable, out)
    rows: list[dict[str, Any]] = []
    for table in readable.tables:
        for day, frame in readable.frames(table):
            narrate(f"converting {table}{'' if day is None else f' of {day}'}")
            rows.append(_write(readable, table, day, frame, out))
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


def _write(readable: Readable, table: str, day: date | None, frame: "pl.LazyFrame", out: Path) -> dict[str, Any]:
    import polars as pl

    from basalt.errors import PublishError
    from basalt_io.files import publish, stage

    schema, place = readable.schemas.get(table), _place(out, table, day)
    found = frame.collect_schema().names()
    by = [name for name in ([] if schema is None else [schema.key, *schema.order]) if name in found]
    rows = frame.sort(by, maintain_order=True) if by else frame
    try:
        publish(stage(rows, place, {}, row_group_size=ROW_GROUP))
    except PublishError as error:
        if isinstance(error.__cause__, pl.exceptions.PolarsError):
            raise readable.unread(table, day, error.__cause__) from error
        raise
    count = pl.scan_parquet(place, glob=False, hive_partitioning=False).select(pl.len()).collect().item()
    return {"date": day, "table": table, "rows": count, "path": str(place)}
