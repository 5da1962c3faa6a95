"""Footers: how much a source has of each table and date, each asked once."""

from collections.abc import Iterable
from datetime import date

import polars as pl

from basalt.errors import BasaltError, one_line
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.sources import Size


class Footers:
    """`unreadable`: what the source said where it failed to tell a size, by table and date; it counts as unknown.
    `untold`: whether some size was not told though nothing failed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._found: dict[tuple[str, date], Size | None] = {}
        self.unreadable: dict[tuple[str, date], str] = {}
        self.untold = False

    def size(self, table: str, day: date) -> Size | None:
        """None where only reading would tell, and for side outputs of passes."""
        if (table, day) not in self._found:
            self._found[table, day] = self._ask(table, day)
        return self._found[table, day]

    def total(self, table: str, days: Iterable[date]) -> Size | None:
        """Of the table on all of these dates; None where it is unknown of one of them."""
        sizes = [self.size(table, day) for day in dict.fromkeys(days)]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            return None
        return Size(sum(size.rows for size in known), sum(size.bytes for size in known))

    def events(self, programs: Iterable[Program], day: date) -> int | None:
        """Rows of every table of events that the passes read on that date."""
        read = dict.fromkeys(table for program in programs for table in event_tables(self._plan, program))
        sizes = [self.size(table, day) for table in read if ":" not in table]
        return None if None in sizes else sum(size.rows for size in sizes if size is not None)

    def _ask(self, table: str, day: date) -> Size | None:
        if ":" in table:
            return None
        try:
            found = self._plan.source.size(table, day)
        except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - a source's door
            self.unreadable[table, day] = str(error) if isinstance(error, BasaltError) else one_line(error)
            return None
        self.untold = self.untold or found is None
        return found


def event_tables(plan: Plan, program: Program) -> list[str]:
    """Tables whose rows the pass reads batch by batch."""
    return [table for table in program.reads if plan.schemas[table].events]
