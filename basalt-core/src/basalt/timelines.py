"""Timelines: which rows a pass has.

*sparse*: the buckets in which a table of the pass has an admissible row. *dense*: every bucket of the listing's
admissible stretches. *daily*: one row a date. *returned*: the rows that the pass's modules return.
*Hours*: the sessions of a date, where no market state tells them; a *session* is [start, end] in UTC nanoseconds.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import attrs
import polars as pl

from basalt.buckets import midnight
from basalt.durations import NANOSECONDS
from basalt.errors import DataError
from basalt.tables import MARKET_STATES, NS_UTC

Kind = Literal["sparse", "dense", "daily", "returned"]
Session = tuple[int, int]
EVERY_STATE = frozenset((*MARKET_STATES, "null"))
OPEN_STATES = EVERY_STATE - {"CLOSED"}


@attrs.frozen
class LocalHours:
    """The same local hours on every date. `start`, `end`: nanoseconds after local midnight; an `end` that is not
    behind `start` is of the next day."""

    start: int
    end: int
    tz: str

    def sessions(self, day: date, tables: Mapping[str, pl.LazyFrame]) -> list[Session]:
        """The one session of that date. An hour the clock jumps over counts from before the jump."""
        last = day if self.end > self.start else day + timedelta(days=1)
        return [(self._utc(day, self.start), self._utc(last, self.end))]

    def describe(self) -> str:
        """As plans print them."""
        return f"session of {self.tz}"

    def _utc(self, day: date, offset: int) -> int:
        """The instant at which the clock shows `offset`, which on some days is not the time since midnight."""
        local = datetime(day.year, day.month, day.day) + timedelta(microseconds=offset // NANOSECONDS["us"])
        shift = local.replace(tzinfo=ZoneInfo(self.tz)).utcoffset() or timedelta(0)
        return midnight(day) + offset - shift // timedelta(microseconds=1) * NANOSECONDS["us"]


@attrs.frozen
class CalendarHours:
    """A venue's sessions from table `calendar`; a date without a row is closed."""

    mic: str

    def sessions(self, day: date, tables: Mapping[str, pl.LazyFrame]) -> list[Session]:
        """The venue's sessions of that date, in order; DataError for one that does not end behind its start."""
        rows = tables["calendar"].filter(pl.col("MIC") == self.mic, pl.col("Date") == day)
        edges = pl.col("SessionStart", "SessionEnd").cast(NS_UTC).to_physical()
        found: list[Session] = sorted(rows.select(edges).collect().rows(), key=str)
        for start, end in found:
            if start is None or end is None or end <= start:
                raise DataError(
                    f"table 'calendar' has a session of {self.mic} on {day} without a start before its end: mend it"
                )
        return sorted(found)

    def describe(self) -> str:
        """As plans print them."""
        return f"calendar of {self.mic}"


Hours = LocalHours | CalendarHours


@attrs.frozen
class Timeline:
    """Which rows a pass has.

    `states`: those in which a row of any of its tables makes a bucket. `state_tables`: the tables whose runs of state
    are the stretches, marketstate where there is one; none where no state is known. `keep_halts`: dense rows inside
    a halt stay.
    """

    kind: Kind
    states: frozenset[str] = EVERY_STATE
    state_tables: tuple[str, ...] = ()
    hours: Hours | None = None
    keep_halts: bool = False

    @property
    def open_states(self) -> frozenset[str]:
        """The states of dense rows; where rows of every state count, all but CLOSED."""
        asked = OPEN_STATES if self.states == EVERY_STATE else self.states
        return asked | {"HALTED"} if self.keep_halts else asked

    def describe(self) -> str:
        """As plans print it."""
        behind = [*self.state_tables, *([self.hours.describe()] if self.hours else [])]
        return f"{self.kind} ({', '.join(behind)})" if behind else self.kind
