"""Calendars: which dates are trading dates, as the data, the week, or table `calendar` says.

The calendar of a run does not depend on which of its dates are asked for, so that a date's previous dates, and with
them its results, are the same however the run is cut.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from basalt.config.model import DatesConfig
from basalt.config.words import did_you_mean
from basalt.errors import BasaltError, DataError, UserError, one_line
from basalt.planning.inputs import scan
from basalt.sources import Source
from basalt.tables import TableSchema

WEEKDAYS = "weekdays"
_SATURDAY = 5
_FEW = 10


def dates_with_data(source: Source, schemas: Mapping[str, TableSchema]) -> list[date]:
    """Dates on which the source has events, ascending: reference data and calendars tell of days without trading too.

    Where no event table has dates, those of every other table but `calendar`.
    """
    events = [name for name in source.tables() if name in schemas and schemas[name].events]
    others = [name for name in source.tables() if name not in events and name != "calendar"]
    return _dates(source, events) or _dates(source, others)


def _dates(source: Source, tables: Sequence[str]) -> list[date]:
    return sorted({day for name in tables for day in source.dates(name)})


def calendar_dates(config: DatesConfig, source: Source, schemas: Mapping[str, TableSchema]) -> list[date]:
    """The run's trading dates, ascending: the exchange's, the weekdays from the first date with data to the last, the
    configured list, or the dates with data.

    Reads rows of table `calendar` alone, and those only for an exchange.
    """
    if config.calendar not in (None, WEEKDAYS):
        return exchange_dates(str(config.calendar), source, schemas)
    if config.calendar is None and config.list_:
        return sorted(config.list_)
    available = dates_with_data(source, schemas)
    if config.calendar is None or not available:
        return available
    return weekdays(available[0], available[-1])


def weekdays(first: date, last: date) -> list[date]:
    """Monday to Friday, from `first` to `last` inclusive."""
    days = (first + timedelta(days=i) for i in range((last - first).days + 1))
    return [day for day in days if day.weekday() < _SATURDAY]


def exchange_dates(mic: str, source: Source, schemas: Mapping[str, TableSchema]) -> list[date]:
    """Dates that table `calendar` has for that MIC, ascending; UserError where it has none."""
    if "calendar" not in source.tables():
        raise UserError(
            f"dates.calendar = {mic!r} reads table calendar (columns MIC and Date), which source {source.name!r} does "
            f"not have{did_you_mean(mic, [WEEKDAYS])}: add the table, or take {WEEKDAYS!r}"
        )
    rows = _calendar_rows(source, schemas)
    found = rows.filter(pl.col("MIC") == mic)["Date"]
    if found.is_empty():
        known = rows["MIC"].drop_nulls().unique().sort().to_list()
        raise UserError(
            f"dates.calendar = {mic!r} is no MIC of table calendar{did_you_mean(mic, [*known, WEEKDAYS])}, which has "
            f"{some(known) or 'no rows'}"
        )
    if found.has_nulls():
        raise DataError(f"table 'calendar' has {found.null_count()} rows of {mic} without Date: mend the data")
    return found.to_list()


def _calendar_rows(source: Source, schemas: Mapping[str, TableSchema]) -> pl.DataFrame:
    """MIC and Date of the whole table, each pair once; one that does not depend on the date is read by any of them."""
    days = source.dates("calendar") or dates_with_data(source, schemas)[:1] or [date.min]
    try:
        frames = [scan(source, schemas["calendar"], day).select("MIC", "Date") for day in days]
        return pl.concat(frames).unique().sort("Date").collect()
    except BasaltError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        raise DataError(f"table 'calendar' of source {source.name!r} cannot be read: {one_line(error)}") from error


def previous_dates(calendar: Sequence[date], day: date, n: int) -> list[date]:
    """The n dates of the calendar before `day`, oldest first; fewer at its start. `day` itself need not be in it."""
    end = bisect_left(calendar, day)
    return list(calendar[max(0, end - n) : end])


def some(values: Sequence[object]) -> str:
    """`a, b, c`, or the first few and how many more."""
    more = len(values) - _FEW
    return ", ".join(map(str, values[:_FEW])) + (f" and {more} more" if more > 0 else "")
