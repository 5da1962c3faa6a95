"""Which schema makes a table of a date, where files of several could: the first that `schemas` or else TABLES names.

The others are passed over only where that one covers them: every instrument that their metadata name for that date, and
all of their time. Else rows would be missing without a word.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import attrs

from basalt.errors import UserError
from basalt_io.sources.databento_files import TABLES, DbnFile
from basalt_io.sources.dates import span

_DAY = 86_400_000_000_000


@attrs.frozen
class Made:
    """The files that make a table of a date, by start, and those of other schemas that are passed over."""

    files: Sequence[DbnFile]
    passed_over: Sequence[DbnFile]


def by_table(files: Iterable[DbnFile], preferred: Sequence[str] | None) -> dict[str, dict[dt.date, Made]]:
    """What makes each table of each date; `preferred`: schemas in their order, else the fullest is first. UserError
    where the first schema does not cover another one."""
    offered: dict[str, dict[dt.date, list[DbnFile]]] = {}
    for one in files:
        for table in (table for table, schemas in TABLES.items() if one.schema in schemas):
            for day in one.dates:
                offered.setdefault(table, {}).setdefault(day, []).append(one)
    return {
        table: {day: _made(table, day, there, preferred or TABLES[table]) for day, there in dated.items()}
        for table, dated in offered.items()
    }


def passed_over(made: Mapping[str, Mapping[dt.date, Made]]) -> list[str]:
    """A sentence for each table that several schemas could make."""
    days: dict[tuple[str, str, tuple[str, ...]], list[dt.date]] = {}
    for table, dated in made.items():
        for day, one in dated.items():
            if others := tuple(sorted({other.schema for other in one.passed_over})):
                days.setdefault((table, one.files[0].schema, others), []).append(day)
    return [
        f"source databento: {table} is made of {first} on {span(dates)}, and {', '.join(others)} not read for it: name "
        "the schema to read first in `schemas` if you want another"
        for (table, first, others), dates in days.items()
    ]


def _made(table: str, day: dt.date, there: Sequence[DbnFile], order: Sequence[str]) -> Made:
    first = min((one.schema for one in there), key=order.index)
    files = [one for one in there if one.schema == first]
    others = [one for one in there if one.schema != first]
    for other in others:
        if more := _beyond(files, other, day):
            raise UserError(
                f"source databento: {other.file} ({other.schema}) gives {table} of {day} for {more}, which "
                f"{files[0].file} ({first}) does not cover: name in `schemas` which to read, the first that makes a "
                f"table coming first, as schemas = [{other.schema!r}]"
            )
    return Made(files, others)


def _beyond(files: Sequence[DbnFile], other: DbnFile, day: dt.date) -> str | None:
    """What of that date the other file has and these have not."""
    symbols, known = other.named(day), {number for one in files for number in one.named(day)}
    instruments = [name for number, name in sorted(symbols.items()) if number not in known]
    if instruments:
        return instruments[0] + (f" and {len(instruments) - 1} more" if len(instruments) > 1 else "")
    midnight = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) * 10**9
    reached, end = max(other.start, midnight), min(other.end, midnight + _DAY)
    for one in files:
        reached = max(reached, one.end) if one.start <= reached else reached
    return None if reached >= end else f"{_time(reached)} to {_time(end)}"


def _time(nanoseconds: int) -> str:
    return f"{dt.datetime.fromtimestamp(nanoseconds // 10**9, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
