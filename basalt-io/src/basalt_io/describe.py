"""`basalt data describe`: what a source has, or what the columns of a published file are."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import attrs
import click

from basalt.cli.output import emit, format_option, narrate
from basalt_io.read_by_command import Chosen, Readable, opened, reading

TABLE_COLUMNS = (
    "table", "dates", "from", "to", "rows", "listings", "first_event", "last_event", "columns", "contract",
)  # fmt: skip


@click.command("describe")
@reading
@click.option("--columns", is_flag=True, help="One line a column, against the contract of its table.")
@click.option("--history", is_flag=True, help="Of a Delta table: its versions, the newest first.")
@format_option
@click.pass_context
def describe(ctx: click.Context, chosen: Chosen, columns: bool, history: bool, format: str) -> None:
    """Describe WHAT: a pipeline's source, a folder of data (--source names the layout), one file, or a Delta table.

    One line a table: dates, rows, listings, times, and how it stands to the contract. Exit code 1 where a table is not
    as it is declared. Of a Parquet file or a Delta table that basalt published: what its columns are. Files and tables
    may be in an object store, as s3://bucket/lake.

    Example: basalt data describe lake --columns
    """
    from basalt_io.named_by_command import is_delta, place_of
    from basalt_io.published import columns_of, document_of, spoken, versions

    place = place_of(chosen)
    delta = place is not None and is_delta(place)
    if history and (place is None or not delta):
        raise click.UsageError("--history is of a Delta table: name its folder, the one with _delta_log in it")
    if place is not None and history:
        emit(versions(place), format)
        return
    document = document_of(place) if place is not None and (delta or place.is_parquet) else None
    if place is not None and document is not None:
        narrate(f"{place.uri}: {spoken(place, document)}")
        emit(columns_of(document), format)
        return
    readable = opened(ctx, chosen)
    if columns:
        emit([row for name in readable.tables for row in _columns(readable, name)], format)
        return
    rows = [_table(readable, name) for name in readable.tables]
    emit(rows, format, TABLE_COLUMNS)
    if any(row["contract"] == "broken" for row in rows):
        ctx.exit(1)


@attrs.define
class _Seen:
    """What a table has, date by date."""

    rows: int = 0
    listings: set[Any] = attrs.field(factory=set)
    first: datetime | None = None
    last: datetime | None = None
    columns: int = 0


def _table(readable: Readable, name: str) -> dict[str, Any]:
    """One line; `contract`: ok, broken, which is told on stderr, published by a pipeline, or undeclared."""
    from basalt.errors import BasaltError

    days = readable.days(name)
    line: dict[str, Any] = {"table": name, "dates": len(days), **_span(days)}
    seen = _Seen()
    try:
        for day, frame in readable.frames(name):
            _look(frame, readable, name, day, seen)
    except BasaltError as error:
        narrate(f"{name}: {error}")
        return {**line, "contract": "broken"}
    return {
        **line,
        "rows": seen.rows,
        "listings": len(seen.listings) or None,
        "first_event": seen.first,
        "last_event": seen.last,
        "columns": seen.columns,
        "contract": _contract(readable, name, days),
    }


def _contract(readable: Readable, name: str, days: list[date]) -> str:
    if name in readable.schemas:
        return "ok"
    return "published" if days and readable.source.document(name, days[0]) is not None else "undeclared"


def _span(days: list[date]) -> dict[str, date | None]:
    return {"from": days[0] if days else None, "to": days[-1] if days else None}


def _look(frame: Any, readable: Readable, name: str, day: date | None, seen: _Seen) -> None:
    """One query a date, of the key and the stamps alone. DataError where the rows cannot be read."""
    import polars as pl

    from basalt_io.parquet_errors import UNREAD

    found = frame.collect_schema().names()
    key = readable.schemas[name].key if name in readable.schemas else "ListingId"
    asked = [pl.len().alias("rows")]
    asked += [pl.col(key).drop_nulls().unique().implode().alias("keys")] if key in found else []
    at = pl.col("EventTimestamp")
    asked += [at.min().alias("first"), at.max().alias("last")] if "EventTimestamp" in found else []
    try:
        row = frame.select(asked).collect().row(0, named=True)
    except UNREAD as error:
        raise readable.unread(name, day, error) from error
    seen.rows += row["rows"]
    seen.listings.update(row.get("keys") or ())
    seen.columns = max(seen.columns, len(found))
    for stamp in (row.get("first"), row.get("last")):
        if stamp is not None:
            seen.first = stamp if seen.first is None else min(seen.first, stamp)
            seen.last = stamp if seen.last is None else max(seen.last, stamp)


def _columns(readable: Readable, name: str) -> Iterator[dict[str, Any]]:
    """Every column the table has on its first date, then those that the contract knows and it lacks."""
    from basalt.documents import dtype_to_json, spelt
    from basalt_io.published import FEW

    schema = readable.schemas.get(name)
    found = next((frame.collect_schema() for _, frame in readable.frames(name)), {})
    for column, dtype in found.items():
        known = schema.column(column) if schema is not None else None
        stands = "not declared" if known is None else "required" if known.required else "optional"
        yield _line(name, column, spelt(dtype_to_json(dtype), FEW), stands, known)
    for known in schema.columns if schema is not None and found else ():
        if known.name.replace("{i}", "1") not in found:
            yield _line(name, known.name, None, "not there", known)


def _line(table: str, column: str, dtype: str | None, stands: str, known: Any) -> dict[str, Any]:
    unit = None if known is None or known.unit is None else known.unit.value
    doc = None if known is None else known.doc
    return {"table": table, "column": column, "dtype": dtype, "contract": stands, "unit": unit, "what": doc}
