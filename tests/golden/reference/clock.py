"""When: bucket labels, market states as of a stamp, stretches. Times are integer nanoseconds since the epoch."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

Row = dict[str, Any]
States = Collection[str | None] | None
"""Admissible market states; None: no state is known, every row counts."""
ALL_STATES = ("PRE_OPEN", "OPENING_AUCTION", "CONTINUOUS_TRADING", "INTRADAY_AUCTION", "UNSCHEDULED_AUCTION")
ALL_STATES += ("AUCTION_ON_DEMAND", "CLOSING_AUCTION", "POST_TRADE", "HALTED", "CLOSED", "CONDITIONAL")
ALL_STATES += ("CONTINUOUS_TRADING_PRIMARY_CLOSED", "NOT_APPLICABLE", "UNKNOWN")
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
EVERY_OPEN = (*(s for s in ALL_STATES if s != "CLOSED"), None)
"""What "all" means, a state that is not known included; such a stretch lasts the whole date."""


def nanoseconds(duration: str) -> int:
    """ "333ms" is 333,000,000."""
    number, unit = next((duration[: -len(u)], n) for u, n in UNITS.items() if duration.endswith(u))
    return int(number) * unit


class Rule(NamedTuple):
    """Buckets of `width` from `origin`, an absolute time."""

    width: int
    closed: str
    label: str
    origin: int

    def bucket(self, t: int) -> int:
        """Label of an event, case by case as in the table of the conventions."""
        floor = self.origin + (t - self.origin) // self.width * self.width
        if self.label == "end":
            return floor if self.closed == "right" and t == floor else floor + self.width
        return floor - self.width if self.closed == "right" and t == floor else floor

    def interval(self, label: int) -> tuple[int, int]:
        """Start and end of a bucket."""
        return (label - self.width, label) if self.label == "end" else (label, label + self.width)

    def coarse(self, label: int) -> int:
        """Label of this rule's bucket that holds a finer bucket with that label."""
        floor = self.origin + (label - self.origin) // self.width * self.width
        return floor if self.label == "start" or floor == label else floor + self.width


def states_of(option: Any, known: bool) -> States:
    """Option `market_states` as a set; left out: continuous trading where states are known."""
    if option is None:
        return ("CONTINUOUS_TRADING",) if known else None
    if option in ("all", ["all"]):
        return EVERY_OPEN
    listed = [option] if isinstance(option, str) else option
    return tuple(None if state == "null" else state for state in listed)


def state_at(changes: Sequence[tuple[int, str]], t: int) -> str:
    """Latest state stamped at or before t; UNKNOWN before the first."""
    place = bisect_right([time for time, _ in changes], t)
    return changes[place - 1][1] if place else "UNKNOWN"


def stretches(changes: Sequence[tuple[int, str | None]], states: States) -> list[tuple[float, float]]:
    """Unbroken runs [start, end) in `states`; of several changes at one stamp the last counts."""
    if states is None or set(EVERY_OPEN) <= set(states):
        return [(-inf, inf)]
    found: list[tuple[float, float]] = []
    last = dict(changes)
    timeline = [(-inf, "UNKNOWN"), *last.items(), (inf, None)]
    for (start, state), (end, _) in pairwise(timeline):
        if state not in states or start == end:
            continue
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def stretch_of(runs: Sequence[tuple[float, float]], t: int) -> int | None:
    """Number of the stretch in force at t."""
    return next((i for i, (start, end) in enumerate(runs) if start <= t < end), None)


def last_overlapped(runs: Sequence[tuple[float, float]], interval: tuple[int, int]) -> int | None:
    """The last stretch that a bucket overlaps by more than an instant."""
    met = [i for i, (start, end) in enumerate(runs) if min(end, interval[1]) > max(start, interval[0])]
    return met[-1] if met else None


def changes_of(rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, Any]]:
    """(time, state) of rows in order."""
    return [(row["EventTimestamp"], row["MarketState"]) for row in rows]
