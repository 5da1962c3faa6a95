"""Durations as every configuration writes them: `"[-]<number><ns|us|ms|s|m|h|d>"`, held as whole nanoseconds.

Apart from `datetime.timedelta`, which stops at microseconds: event time is in nanoseconds.
"""

import re

from basalt.errors import UserError

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
SECOND = NANOSECONDS["s"]
DAY = NANOSECONDS["d"]
_WRITTEN = re.compile(r"(-?)(\d+)(?:\.(\d+))?(ns|us|ms|s|m|h|d)")


def parse_duration(text: str) -> int:
    """Nanoseconds of `text`; UserError unless it is written as conventions ask and is a whole number of ns."""
    match = _WRITTEN.fullmatch(text)
    if not match:
        raise UserError(f"{text!r} is not a duration: write a number and one of {', '.join(NANOSECONDS)}, as in '5m'")
    sign, whole, fraction, unit = match.groups()
    digits = fraction or ""
    scale: int = 10 ** len(digits)
    scaled, rest = divmod(int(whole + digits) * NANOSECONDS[unit], scale)
    if rest:
        raise UserError(f"{text!r} is not a whole number of nanoseconds: use fewer decimals or a smaller unit")
    return -scaled if sign else scaled


def format_duration(nanoseconds: int) -> str:
    """The shortest spelling that parses back: 300 s is `5m`."""
    if nanoseconds == 0:
        return "0s"
    sign, size = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    unit = next(u for u in reversed(NANOSECONDS) if size % NANOSECONDS[u] == 0)
    return f"{sign}{size // NANOSECONDS[unit]}{unit}"
