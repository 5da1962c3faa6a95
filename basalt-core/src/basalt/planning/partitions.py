"""Partitions: one trading date × one universe, the unit of work that is planned, run, retried and published."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import attrs

from basalt.errors import UserError
from basalt.planning.inputs import has_date
from basalt.planning.known import Columns
from basalt.planning.program import Program
from basalt.planning.universe import EVERYTHING
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
    programs: Sequence[Program], columns_of: Mapping[str, Columns], source: Source, days: Sequence[date]
) -> None:
    """UserError where marketstate, by which rows count wherever it is there, is there on later dates than the first
    alone: by the first one it would be read on none."""
    state = "marketstate"
    if state not in source.tables() or not any(_counts_by_state(program, columns_of) for program in programs):
        return
    known = [day for day in days if has_date(source, state, day)]
    if known and not has_date(source, state, days[0]):
        raise UserError(
            f"source {source.name!r} has {state} for {known[0]} and not for {days[0]}, and a run knows states on all "
            f"of its dates or on none: run them apart, the first with --to {max(d for d in days if d < known[0])}"
        )


def _counts_by_state(program: Program, columns_of: Mapping[str, Columns]) -> bool:
    """Whether it would read marketstate: rows of listings that carry no state, or whose stretches matter."""
    read = [columns for table in program.reads if "EventTimestamp" in (columns := columns_of[table])]
    stateless = any("ListingId" in columns and "MarketState" not in columns for columns in read)
    by_stretches = program.timeline.kind in ("dense", "daily") or any(a.carrying for a in program.aggregations)
    return stateless or (by_stretches and program.key == "ListingId")
