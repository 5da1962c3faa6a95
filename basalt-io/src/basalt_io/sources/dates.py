"""Dates of a source: which there are, which rows are a date's by their stamps, and what is refused."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence

import polars as pl

from basalt.errors import DataError, UserError
from basalt.tables import NS_UTC


def span(dates: Iterable[dt.date]) -> str:
    """`no date`, `2024-03-08 alone` or `3 dates from 2024-03-08 to 2024-03-12`."""
    days = sorted(dates)
    if not days:
        return "no date"
    return f"{days[0]} alone" if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"


def refuse_table(source: str, table: str, makes: Iterable[str]) -> None:
    """UserError where the source does not make the table."""
    made = list(makes)
    if table not in made:
        raise UserError(f"source {source} has no table {table}: it makes {', '.join(made)}")


def refuse_date(source: str, table: str, day: dt.date, dates: Collection[dt.date], where: object) -> None:
    """UserError where the table does not have the date. `where`: what the source reads."""
    if day not in dates:
        raise UserError(f"source {source} has no {table} for {day}: {where} has {span(dates)}")


def utc_dates(frame: pl.LazyFrame, whose: str) -> Sequence[dt.date]:
    """UTC dates of EventTimestamp, ascending; one query. DataError for rows without one, which would be of no date."""
    found = frame.select(pl.col("EventTimestamp").dt.date().unique().sort()).collect().to_series()
    if found.has_nulls():
        raise DataError(f"{whose} has rows without EventTimestamp, by which they are dated: fill it or remove them")
    return found.to_list()


def of_utc_date(frame: pl.LazyFrame, day: dt.date) -> pl.LazyFrame:
    """Rows whose EventTimestamp is of that UTC date, as a range that row groups can be passed over by."""
    midnight = pl.lit(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC), dtype=NS_UTC)
    stamps = pl.col("EventTimestamp")
    return frame.filter(stamps >= midnight, stamps < midnight + pl.duration(days=1, time_unit="ns"))
