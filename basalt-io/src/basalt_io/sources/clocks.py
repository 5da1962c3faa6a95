"""The local clock of a feed: its time zone, and the midnight that its stamps count from."""

import datetime as dt
from zoneinfo import ZoneInfo

from basalt.errors import UserError


def zone(source: str, name: str, example: str = "America/New_York") -> str:
    """`name`, checked; UserError where there is no such time zone."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise UserError(f"source {source}: time_zone = {name!r} is unknown: write it as {example!r}") from None


def midnight(day: dt.date, zone: str) -> int:
    """Nanoseconds since the epoch from which the day's stamps count.

    From noon, not from midnight itself: where the clock changes in the night, the session has the offset of noon.
    """
    noon = dt.datetime.combine(day, dt.time(12), ZoneInfo(zone))
    return (int(noon.timestamp()) - 12 * 3600) * 1_000_000_000
