"""`basalt data simulate`: write simulated days in the layout that the parquet source reads."""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.output import emit, format_option, narrate
from basalt.cli.planned import DATE

if TYPE_CHECKING:
    import polars as pl


@click.command("simulate")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--listings", default=4, show_default=True, help="Number of listings, two of an instrument.")
@click.option("--date", "dates", type=DATE, multiple=True, help="A trading date; may be given again.")
@click.option("--from", "first", type=DATE, help="First date; every weekday up to --to.")
@click.option("--to", "last", type=DATE, help="Last date, inclusive.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same days.")
@click.option("--events", default=2_000, show_default=True, help="Order events of a listing and day, about.")
@format_option
def simulate(
    out: Path,
    listings: int,
    dates: tuple[dt.datetime, ...],
    first: dt.datetime | None,
    last: dt.datetime | None,
    seed: int,
    events: int,
    format: str,
) -> None:
    """Simulate market days and write every table to OUT/{table}/date=YYYY-MM-DD/{table}.parquet.

    Nothing of a date appears before all its tables are written; simulating a date again replaces it.
    """
    rows: list[dict[str, Any]] = []
    for day in _days(dates, first, last):
        narrate(f"simulating {day}: {listings} listings, about {events:,} order events each")
        rows += _write(out, day, listings, seed, events)
    emit(rows, format, ["date", "table", "rows", "path"])


def _days(dates: tuple[dt.datetime, ...], first: dt.datetime | None, last: dt.datetime | None) -> list[dt.date]:
    from basalt_io.sources.simulator import FIRST_DATE, trading_dates

    if dates and (first or last):
        raise click.UsageError("--date names the dates, and so do --from and --to: use one or the other")
    if last and not first:
        raise click.UsageError("--to needs --from: add the first date")
    chosen = [day.date() for day in dates] if dates else None
    return trading_dates(chosen, first.date() if first else FIRST_DATE, last.date() if last else None)


def _write(out: Path, day: dt.date, listings: int, seed: int, events: int) -> Iterator[dict[str, Any]]:
    """Simulate and publish one date; the rows that describe its files."""
    from basalt.testing import market
    from basalt_io.files import publish, refuse_mixed, stage, withdraw

    places = {name: out / name / f"date={day}" / f"{name}.parquet" for name in market.TABLES}
    for place in places.values():
        refuse_mixed(place)
    tables: Mapping[str, pl.DataFrame] = market.simulate(listings=listings, seed=seed, date=day, events=events)
    staged = []
    try:
        for name, table in tables.items():
            staged.append(stage(table.lazy(), places[name], {}))
    except BaseException:
        for waiting in reversed(staged):
            withdraw(waiting)
        raise
    for waiting in staged:
        publish(waiting)
    for name, table in tables.items():
        yield {"date": day, "table": name, "rows": table.height, "path": str(places[name])}
