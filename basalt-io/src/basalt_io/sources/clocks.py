"""Local clocks: the time zone of stamps that have none, and the midnight that a feed counts from."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from basalt.errors import UserError
from basalt.options import option


def zone(source: str, name: str, example: str = "America/New_York") -> str:
    """`name`, checked; UserError where there is no such time zone."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise UserError(f"source {source}: time_zone = {name!r} is unknown: write it as {example!r}") from None


def time_zone_option() -> Any:
    """The option `time_zone` of a source of tables."""
    return option("zone of stamps that have none, as `Europe/London`; not set: refused", default=None)


def zoned(frame: pl.LazyFrame, zone: str | None) -> pl.LazyFrame:
    """Stamps without zone as those of that one; a stamp that its clock passes twice, or never, stops the query."""
    found = frame.collect_schema() if zone is not None else {}
    naive = [name for name, dtype in found.items() if isinstance(dtype, pl.Datetime) and dtype.time_zone is None]
    return frame.with_columns(pl.col(naive).dt.replace_time_zone(zone)) if naive else frame


def midnight(day: dt.date, zone: str) -> int:
    """Nanoseconds since the epoch from which the day's stamps count.

    From noon, not from midnight itself: where the clock changes in the night, the session has the offset of noon.
    """
    noon = dt.datetime.combine(day, dt.time(12), ZoneInfo(zone))
    return (int(noon.timestamp()) - 12 * 3600) * 1_000_000_000
