"""Spellings: strings that mean something, as annotations of options: `horizon: Duration`.

Apart from `structure`, so that a Config can be written without importing cattrs.
"""

import re
from collections.abc import Callable
from typing import Annotated

import attrs

from basalt.buckets import MICROSECOND
from basalt.durations import NANOSECONDS, parse_duration
from basalt.errors import UserError
from basalt.sizes import BYTES, parse_size
from basalt.tables import MARKET_STATES


@attrs.frozen
class Spelling:
    """How a string must be written; for `Annotated[str, Spelling(…)]`.

    `one` and `many` name it in messages. `pattern` must match the whole string; `allowed` are all there is, if given;
    `check` raises UserError for what a pattern cannot tell.
    """

    one: str
    many: str
    pattern: str | None = None
    allowed: tuple[str, ...] = ()
    check: Callable[[str], object] | None = None


def time_of_day(text: str) -> int:
    """Nanoseconds after midnight of `09:30`, `09:30:15` or `09:30:00.5`; UserError unless a whole microsecond."""
    match = re.fullmatch(_TIME, text)
    if not match:
        raise UserError(f"{text!r} is no UTC time of day: write it as '09:30' or '09:30:00.5'")
    hours, minutes, seconds = match[1], match[2], match[3] or "0s"
    parts = (parse_duration(f"{hours}h"), parse_duration(f"{minutes}m"), parse_duration(f"{seconds.rstrip('s')}s"))
    if sum(parts) % MICROSECOND:
        raise UserError(f"{text!r} is not a whole number of microseconds: use fewer decimals")
    return sum(parts)


_TIME = r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d{1,9})?))?"
_SIZE = rf"\d+(\.\d+)? ?({'|'.join(BYTES)})"
_DURATION = rf"-?\d+(\.\d+)?({'|'.join(NANOSECONDS)})"

Name = Annotated[str, Spelling("a name of letters, digits, _ and -", "names", r"[A-Za-z0-9_-]+")]
Duration = Annotated[str, Spelling("a duration, as '5m'", "durations", _DURATION, check=parse_duration)]
TimeOfDay = Annotated[str, Spelling("a UTC time of day, as '09:30'", "times of day", _TIME, check=time_of_day)]
State = Annotated[str, Spelling("a market state", "market states", allowed=(*MARKET_STATES, "all", "null"))]
Size = Annotated[str, Spelling("an amount of memory, as '4GB'", "amounts of memory", _SIZE, check=parse_size)]
