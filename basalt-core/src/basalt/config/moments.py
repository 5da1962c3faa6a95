"""Moments: bounds of timestamps, written as a UTC stamp or as a UTC time of day, which is one of every trading date."""

import re
from datetime import date
from typing import Annotated

from basalt.buckets import EPOCH, midnight
from basalt.config.spellings import Spelling, time_of_day
from basalt.durations import DAY
from basalt.errors import UserError


def nanoseconds(text: str, day: date = EPOCH) -> int:
    """Nanoseconds since the epoch of `2026-01-05T08:00Z`, or of `08:00` on that trading date; `24:00` ends it.

    UserError unless it is written so and is a whole number of microseconds.
    """
    match = re.fullmatch(_WRITTEN, text, re.ASCII)
    if not match:
        raise UserError(
            f"{text!r} is no UTC stamp and no UTC time of day: write it as '2026-01-05T08:00Z' or as '08:00'"
        )
    stamp, at = match[1], match[2] or match[3]
    start = midnight(_date(stamp) if stamp else day)
    return start + (DAY if at.startswith("24") else time_of_day(at))


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"{text!r} is no date of the calendar ({error})") from error


_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?|24:00"
_WRITTEN = rf"(\d{{4}}-\d\d-\d\d)T({_TIME})Z|({_TIME})"
Moment = Annotated[
    str,
    Spelling(
        "a UTC stamp or a UTC time of day, as '08:00'",
        "UTC stamps or times of day",
        _WRITTEN,
        check=nanoseconds,
    ),
]
