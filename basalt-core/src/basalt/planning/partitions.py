"""Partitions: one trading date × one universe, the unit of work that is planned, run, retried and published."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import attrs

from basalt.errors import UserError
from basalt.planning.inputs import has_date
from basalt.planning.program import Program
from basalt.planning.universe import EVERYTHING
from basalt.sources import Source
from basalt.tables import TableSchema


@attrs.frozen(order=True)
class Partition:
    """One trading date × one universe."""

    date: date
    universe: str = EVERYTHING

    def __str__(self) -> str:
        return str(self.date) if self.universe == EVERYTHING else f"{self.date} {self.universe}"


def partitions(days: Sequence[date], universes: Iterable[str]) -> list[Partition]:
    """Each date with each universe: dates ascending, universes as the pipeline has them."""
    names = list(universes)
    return [Partition(day, name) for day in days for name in names]


def check_dates(tables: Iterable[str], source: Source, days: Sequence[date]) -> None:
    """UserError for a table, of those that are read, which the source does not have on one of the dates."""
    for table in dict.fromkeys(tables):
        missing = [str(day) for day in days if not has_date(source, table, day)]
        if missing:
            available = source.dates(table)
            raise UserError(
                f"source {source.name!r} has no {table} for {', '.join(missing)}; "
                f"it has {len(available)} dates from {available[0]} to {available[-1]}"
            )


def check_states(
    programs: Sequence[Program], schemas: Mapping[str, TableSchema], source: Source, days: Sequence[date]
) -> None:
    """UserError where marketstate, which is read wherever it is there, is there on later dates than the first alone:
    by the first one it would be read on none."""
    state = "marketstate"
    read = [schemas[table] for program in programs for table in program.reads if ":" not in table]
    if not any(table.events and table.key == "ListingId" for table in read) or state not in source.tables():
        return
    known = [day for day in days if has_date(source, state, day)]
    if known and not has_date(source, state, days[0]):
        raise UserError(
            f"source {source.name!r} has {state} for {known[0]} and not for {days[0]}, and a run knows states on all "
            f"of its dates or on none: run them apart, the first with --to {max(d for d in days if d < known[0])}"
        )
