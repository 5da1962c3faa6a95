"""Dates of a run: what was asked for, out of what the source has and the calendar says.

A date is *closed* where the calendar does not have it. No date is lost without a word: one that should have data and
has none is an error, or a note where holidays are unknown; one with data that is closed is left out with a note.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import attrs

from basalt.config.model import DatesConfig
from basalt.errors import UserError
from basalt.planning.calendars import WEEKDAYS, calendar_dates, dates_with_data, previous_dates, some, weekdays
from basalt.sources import Source
from basalt.tables import TableSchema

__all__ = ["Asked", "RunDates", "asked", "calendar_dates", "chosen", "previous_dates"]


@attrs.frozen
class Asked:
    """Dates as asked: these alone, or an inclusive range; neither: all the source has."""

    these: Sequence[date] = ()
    first: date | None = None
    last: date | None = None


@attrs.frozen
class RunDates:
    """The dates to run and the run's whole calendar, both ascending, and what the user should know of them."""

    days: Sequence[date]
    calendar: Sequence[date]
    notes: Sequence[str] = ()


def asked(config: DatesConfig, override: Asked) -> Asked:
    """The command line's dates where it names any, else the configuration's."""
    if override != Asked():
        return override
    return Asked(tuple(config.list_ or ()), config.from_, config.to)


def chosen(config: DatesConfig, override: Asked, source: Source, schemas: Mapping[str, TableSchema]) -> RunDates:
    """The dates to run; UserError where the source has none of them, lacks one that was asked for or that an exchange
    calendar has, or where one asked for by name is closed."""
    available = dates_with_data(source, schemas)
    if not available:
        within = f" in {source.root}" if source.root else ""
        raise UserError(f"source {source.name!r} has no dates at all{within}: check its root and layout")
    wanted = asked(config, override)
    choice = _Choice(config.calendar, calendar_dates(config, source, schemas), available, source.name)
    if wanted.these:
        return RunDates(choice.named(wanted.these), choice.calendar)
    days, notes = choice.ranged(wanted)
    return RunDates(days, choice.calendar, notes)


@attrs.frozen
class _Choice:
    """`name`: the configured calendar. `calendar`: its dates. `available`: dates with data, of which there are some."""

    name: str | None
    calendar: Sequence[date]
    available: Sequence[date]
    source: str

    def named(self, these: Sequence[date]) -> list[date]:
        """Those dates, ascending, each checked."""
        if self._of_exchange:
            self._refuse_closed(sorted(set(these) - set(self.calendar)))
        missing = sorted(set(these) - set(self.available))
        if missing:
            raise UserError(f"{self._no_data} for {some(missing)}; {self._span}")
        return sorted(set(these))

    def ranged(self, wanted: Asked) -> tuple[list[date], list[str]]:
        """Trading dates with data from the first asked to the last, and notes on what is left out."""
        if wanted.first and wanted.last and wanted.last < wanted.first:
            raise UserError(f"the dates from {wanted.first} to {wanted.last} end before they begin: swap them")
        first, last = wanted.first or self.available[0], wanted.last or self.available[-1]
        with_data = {day for day in self.available if first <= day <= last}
        trading = set(self._trading(first, last, with_data))
        missing, closed = sorted(trading - with_data), sorted(with_data - trading)
        if self._of_exchange:
            self._refuse_unknown(closed)
            self._refuse_missing(missing)
        days = sorted(trading & with_data)
        if not days:
            raise UserError(self._nothing(wanted, closed))
        return days, self._notes(missing, closed)

    @property
    def _of_exchange(self) -> bool:
        return self.name not in (None, WEEKDAYS)

    def _trading(self, first: date, last: date, with_data: Iterable[date]) -> Iterable[date]:
        if self.name is None:
            return with_data
        if self.name == WEEKDAYS:
            return weekdays(first, last)
        return [day for day in self.calendar if first <= day <= last]

    def _refuse_closed(self, closed: Sequence[date]) -> None:
        if not closed:
            return
        at = bisect_left(self.calendar, closed[0])
        near = self.calendar[max(0, at - 1) : at + 1]
        it, are = "it" if len(closed) == 1 else "the first", "are" if len(near) > 1 else "is"
        raise UserError(
            f"calendar {self.name!r} has no {some(closed)}: next to {it} {are} {' and '.join(map(str, near))}; it runs "
            f"from {self.calendar[0]} to {self.calendar[-1]}"
        )

    def _refuse_unknown(self, closed: Sequence[date]) -> None:
        """Beyond its ends a calendar knows nothing: what is not in it there is not closed."""
        unknown = [day for day in closed if not self.calendar[0] <= day <= self.calendar[-1]]
        if unknown:
            raise UserError(
                f"calendar {self.name!r} runs from {self.calendar[0]} to {self.calendar[-1]}, and source "
                f"{self.source!r} has data beyond it, for {some(unknown)}: extend table calendar, or ask for dates "
                "within it"
            )

    def _refuse_missing(self, missing: Sequence[date]) -> None:
        if missing:
            raise UserError(
                f"{self._no_data} for {some(missing)}, on which calendar {self.name!r} is open; {self._span}: add the "
                "data, or ask for dates without these"
            )

    def _nothing(self, wanted: Asked, closed: Sequence[date]) -> str:
        since, until = wanted.first or "the first date", wanted.last or "the last"
        but = f" but for {some(closed)}, on which calendar {self.name!r} is closed" if closed else ""
        return f"{self._no_data} from {since} to {until}{but}; {self._span}"

    def _notes(self, missing: Sequence[date], closed: Sequence[date]) -> list[str]:
        found = []
        if missing:
            found.append(f"{self._no_data} for {_count(missing, 'weekday')}, taken for holidays: {some(missing)}")
        if closed:
            found.append(
                f"{_count(closed, 'date')} with data left out, as calendar {self.name!r} is closed: {some(closed)}"
            )
        return found

    @property
    def _no_data(self) -> str:
        return f"source {self.source!r} has no data"

    @property
    def _span(self) -> str:
        return f"it has {_count(self.available, 'date')} from {self.available[0]} to {self.available[-1]}"


def _count(days: Sequence[date], noun: str) -> str:
    return f"{len(days)} {noun}{'s' * (len(days) != 1)}"
