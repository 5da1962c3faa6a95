"""Partitions: one trading date × one universe, the unit of work that is planned, run, retried and published."""

from collections.abc import Iterable, Sequence
from datetime import date

import attrs

from basalt.errors import UserError
from basalt.planning.inputs import has_date
from basalt.planning.program import Program
from basalt.planning.universe import EVERYTHING, Universe
from basalt.sources import Source


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


def check_dates(
    programs: Sequence[Program], universes: Iterable[Universe], source: Source, days: Sequence[date]
) -> None:
    """UserError for a table that some pass or universe reads and the source does not have on one of the dates."""
    read = [table for program in programs for table in program.reads if ":" not in table]
    read += [table for universe in universes for table in universe.reads]
    for table in dict.fromkeys(read):
        missing = [str(day) for day in days if not has_date(source, table, day)]
        if missing:
            available = source.dates(table)
            raise UserError(
                f"source {source.name!r} has no {table} for {', '.join(missing)}; "
                f"it has {len(available)} dates from {available[0]} to {available[-1]}"
            )
