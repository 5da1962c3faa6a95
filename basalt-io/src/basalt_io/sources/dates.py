"""Dates in messages: which ones a source has."""

import datetime as dt
from collections.abc import Iterable


def span(dates: Iterable[dt.date]) -> str:
    """`no date`, `2024-03-08 alone` or `3 dates from 2024-03-08 to 2024-03-12`."""
    days = sorted(dates)
    if not days:
        return "no date"
    return f"{days[0]} alone" if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"
