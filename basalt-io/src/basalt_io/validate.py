"""`basalt data validate`: the feed-quality report, with limits that must hold."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from basalt.cli.output import emit, format_option, narrate
from basalt_io.read_by_command import Chosen, Readable, opened, reading

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("date", "table", "measure", "value", "limit", "kept", "what")


@attrs.frozen
class Limit:
    """What a measure must keep: at most `value`, or at least, where low is bad. `table`: in that one alone."""

    measure: str
    value: float
    table: str | None


@click.command("validate")
@reading
@click.option("--limit", "limits", multiple=True, metavar="[TABLE.]MEASURE=NUMBER", help="What must hold; repeatable.")
@click.option("--by-listing", is_flag=True, help="One line a listing, not one over all of them.")
@format_option
@click.pass_context
def validate(ctx: click.Context, chosen: Chosen, limits: Sequence[str], by_listing: bool, format: str) -> None:
    """Validate WHAT: order, sequence, orders, books, sizes, gaps and coverage of every event table and date.

    Shares of 1; the longest gap in seconds. Exit code 4 where a limit is passed.

    Example: basalt data validate lake --limit l2.crossed_time=0.001 --limit coverage=0.9
    """
    kept = [_limit(text) for text in limits]
    readable = opened(ctx, chosen)
    rows = [row for name in readable.tables for row in _of_table(readable, name, kept, by_listing)]
    emit(rows, format, (*COLUMNS[:2], "listing", *COLUMNS[2:]) if by_listing else COLUMNS)
    passed = [row for row in rows if row["kept"] is False]
    for row in passed:
        whose = f" of listing {row['listing']}" if by_listing else ""
        narrate(
            f"{row['table']} of {row['date']}: {row['measure']}{whose} is {row['value']:.6g}, limit {row['limit']:g}"
        )
    if passed:
        ctx.exit(4)


def _limit(text: str) -> Limit:
    from basalt.errors import UserError
    from basalt_io.feed_quality import MEASURES

    name, _, number = text.partition("=")
    table, _, measure = name.rpartition(".")
    known = [each.name for each in MEASURES]
    if measure not in known:
        raise UserError(f"--limit {text}: {measure or text!r} is no measure; measures: {', '.join(known)}")
    try:
        return Limit(measure, float(number), table or None)
    except ValueError:
        raise UserError(f"--limit {text}: {number!r} is no number: write {name}=0.01") from None


def _of_table(readable: Readable, name: str, limits: Sequence[Limit], by_listing: bool) -> Iterator[dict[str, Any]]:
    schema = readable.schemas.get(name)
    if schema is None:
        return
    for day, frame in readable.frames(name):
        _refuse_unfit(readable, name, day, frame)
        if not schema.events:
            continue
        narrate(f"validating {name} of {day}")
        for listing, measure, found in _measured(readable, name, day, frame, by_listing):
            limit = next((each for each in limits if each.measure == measure.name and each.table in (None, name)), None)
            yield {
                "date": day,
                "table": name,
                "listing": listing,
                "measure": measure.name,
                "value": found,
                "limit": None if limit is None else limit.value,
                "kept": None if limit is None else _keeps(measure, found, limit.value),
                "what": measure.what,
            }


def _refuse_unfit(readable: Readable, name: str, day: date | None, frame: "pl.LazyFrame") -> None:
    """DataError where some value is not what the contract says, of a column that nothing measures too."""
    import polars as pl

    from basalt_io.parquet_errors import UNREAD

    try:
        frame.select(pl.all().count()).collect(engine="streaming")
    except UNREAD as error:
        raise readable.unread(name, day, error) from error


def _keeps(measure: Any, found: float | None, limit: float) -> bool:
    """What could not be measured keeps no limit that is a least."""
    if measure.low_is_bad:
        return found is not None and found >= limit
    return found is None or found <= limit


def _measured(
    readable: Readable, name: str, day: date | None, frame: "pl.LazyFrame", by_listing: bool
) -> Iterator[tuple[Any, Any, float | None]]:
    """Listing (None over all), measure and value. DataError where the rows cannot be read."""
    from tempfile import TemporaryDirectory

    from basalt_io.feed_quality import Feed, measured, value
    from basalt_io.parquet_errors import UNREAD

    standing = _beside(readable, "l3_snapshot", day) if name == "l3" else None
    try:
        with TemporaryDirectory(prefix="basalt-validate-") as work:
            looked_at = _once(readable, name, frame, Path(work))
            feed = Feed.of(readable.schemas[name], looked_at, _beside(readable, "marketstate", day), standing)
            found = list(measured(feed))
    except UNREAD as error:
        raise readable.unread(name, day, error) from error
    for measure, rows in found:
        if by_listing:
            for (listing,), own in rows.sort(feed.key).group_by([feed.key], maintain_order=True):
                yield listing, measure, value(measure, own)
        else:
            yield None, measure, value(measure, rows)


def _once(readable: Readable, name: str, frame: "pl.LazyFrame", work: Path) -> "pl.LazyFrame":
    """What measures look at, kept on disk where the source would read everything anew for each of them."""
    from basalt.planning.widths import row_bytes
    from basalt.running.kept import keep
    from basalt.running.peak import budget
    from basalt_io.feed_quality import LOOKED_AT

    if readable.source.prunes:
        return frame
    wanted = {readable.schemas[name].key, *LOOKED_AT}
    rows = frame.select(column for column in frame.collect_schema() if column in wanted)
    columns = rows.collect_schema()
    return keep(rows, work / "kept", budget(None), row_bytes(dict(columns), columns))


def _beside(readable: Readable, name: str, day: date | None) -> "pl.LazyFrame | None":
    """Another table of that date, as the contract wants it, where the source has it."""
    from basalt.planning.inputs import canonical

    source = readable.source
    if day is None or name not in source.tables() or name not in readable.schemas or day not in source.dates(name):
        return None
    return canonical(source, readable.schemas[name], day)
