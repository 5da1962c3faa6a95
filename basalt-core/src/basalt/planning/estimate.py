"""Estimates: what running a plan would read and take, told before it does.

Rows are those of footers. How they spread over listings is counted in the key column of one date, the *largest* of
those to do, and cut into batches as a run would; other dates are taken to be alike, with the rows their footers tell.
Where a source does not tell its sizes nothing is estimated: unknown, never guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import ceil

import attrs
import polars as pl

from basalt.errors import BasaltError, one_line
from basalt.planning.batches import Batches, Factor, room
from basalt.planning.footers import Footers, event_tables
from basalt.planning.inputs import scan
from basalt.planning.listing_ids import LISTING
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.sizing import Input, Units, rows_made, rows_read, sizes, table_inputs
from basalt.planning.widths import row_bytes
from basalt.running.batched import SMALL
from basalt.running.executors import open_executor
from basalt.running.left import Left
from basalt.running.members import Members
from basalt.running.peak import budget, resident
from basalt.sizes import parse_size
from basalt.tables import TableSchema


@attrs.frozen
class PassEstimate:
    """What the partitions to do of one pass and universe would read and take; None: only reading would tell.

    `partitions`: how many are to do. `listings`: of the universe on its largest date; `listings_read`: with others of
    their instruments, where the pass reads those. `rows_in`: of tables of events and of earlier passes. `batches`: of
    all partitions. `memory`: bytes that the largest batch takes, beside what the process holds before; `limit`: what
    the process may take. `refused`: whether the run would refuse it for that.
    """

    name: str
    universe: str
    partitions: int
    limit: int
    listings: int | None = None
    listings_read: int | None = None
    rows_in: int | None = None
    batches: int | None = None
    memory: int | None = None
    refused: bool = False


@attrs.frozen(eq=False)
class Estimates:
    """`passes`: by universe, then in the order of the plan. `notes`: why something is not estimated."""

    passes: Sequence[PassEstimate]
    notes: Sequence[str]


def estimates(plan: Plan, left: Left, footers: Footers) -> Estimates:
    """Of each pass and universe. Counts the key column of one date a universe, and reads nothing else of events."""
    at_once = open_executor(plan.config, plan.registry).at_once(left.tasks)
    whole = budget(plan.config.memory)
    limits = {
        p.name: max(1, (whole if p.config.memory is None else parse_size(p.config.memory)) // at_once)
        for p in plan.programs
    }
    passes: list[PassEstimate] = []
    notes: list[str] = []
    for universe in plan.universes:
        todo = {name: [p.date for p in left.todo(name) if p.universe == universe] for name in plan.names}
        blank = [PassEstimate(name, universe, len(days), limits[name]) for name, days in todo.items()]
        try:
            passes += list(_Sample(plan, footers, universe, todo).filled(blank))
        except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - a source's and a function's door
            said = str(error) if isinstance(error, BasaltError) else one_line(error)
            notes.append(f"what universe {universe!r} takes cannot be estimated: {said}")
            passes += blank
    if footers.untold:
        notes.append(
            f"source {plan.source.name!r} does not tell how much it has before that is read, so rows, batches and "
            "memory are not estimated"
        )
    return Estimates(passes, notes)


@attrs.frozen(eq=False)
class _Read:
    """An input of a pass on the largest date. `table`: None for an earlier pass."""

    input: Input
    table: str | None


class _Sample:
    """One universe on its largest date to do; on the last date of the plan where none is. `todo`: dates by pass."""

    def __init__(self, plan: Plan, footers: Footers, universe: str, todo: Mapping[str, Sequence[date]]) -> None:
        self._plan = plan
        self._footers = footers
        self._todo = todo
        days = sorted({day for several in todo.values() for day in several})
        self._day = max(days, key=lambda day: footers.events(plan.programs, day) or 0, default=plan.dates.days[-1])
        membership = plan.universes[universe].membership(plan.source, plan.schemas, self._day)
        self._members = Members(plan, self._day, membership.listings)
        self._counts: dict[str, pl.DataFrame] = {}
        self._made: dict[str, pl.DataFrame | None] = {}

    def filled(self, blank: Sequence[PassEstimate]) -> Iterator[PassEstimate]:
        """The estimates of passes in order, with what is known: without anything to do, what members tell alone."""
        for one in blank:
            program = self._plan.program(one.name)
            read = self._read(program) if any(self._todo.values()) else None
            self._made[one.name] = None if read is None else self._rows_made(program, read)
            known = read is not None or self._members.listings is not None
            units = self._members.units(program, [each.input for each in read or ()]) if known else None
            told = self._with_listings(one, program, units)
            days = self._todo[one.name]
            told_of_all = all(self._footers.events(self._plan.programs, day) is not None for day in days)
            if read is None or units is None or not days or not told_of_all:
                yield told
            else:
                yield self._with_costs(told, program, read, units)

    def _with_listings(self, one: PassEstimate, program: Program, units: Units | None) -> PassEstimate:
        around = units.members.get(LISTING) if units is not None and program.scope == "instrument" else None
        listings_read = None if around is None else around[LISTING].n_unique()
        return attrs.evolve(one, listings=self._listings, listings_read=listings_read)

    def _with_costs(self, one: PassEstimate, program: Program, read: Sequence[_Read], units: Units) -> PassEstimate:
        sized, factor = sizes(program, units, [each.input for each in read]), Factor.of(program)
        cut = [batch.size for batch in Batches(units, sized, room(one.limit, resident()), factor)]
        need, days = factor.need(max(cut)), self._todo[one.name]
        rows = {each: rows_read(each.input, units) for each in read}
        return attrs.evolve(
            one,
            rows_in=sum(round(rows[each] * self._part(each, day)) for each in read for day in days),
            batches=sum(max(1, ceil(len(cut) * self._whole_part(day))) for day in days) if len(cut) > 1 else len(days),
            memory=need,
            refused=program.scope == "universe" and need > max(one.limit, SMALL),
        )

    def _read(self, program: Program) -> list[_Read] | None:
        """What the pass reads; None where it is not known how much that is."""
        tables = event_tables(self._plan, program)
        counted = {table: self._counted(table) for table in tables}
        known = {table: rows for table, rows in counted.items() if rows is not None}
        if len(known) < len(tables):
            return None
        read = zip(table_inputs(program, self._plan.columns_of, known), known, strict=True)
        found = [_Read(one, table) for one, table in read]
        for name in program.sources:
            rows, dates = self._counted_result(program, name), 1 + program.history.get(name, 0)
            if rows is None:
                return None
            dtypes = {column.name: column.dtype for column in self._plan.result_of(program, name).columns}
            found.append(_Read(Input(rows.with_columns(pl.col("Rows") * dates), row_bytes(dtypes, dtypes)), None))
        return found

    def _counted_result(self, program: Program, name: str) -> pl.DataFrame | None:
        """The key and Rows of what the program reads as a pass."""
        if name not in program.published:
            return self._made[name]
        key = program.published[name].keys[0]
        counted = self._plan.source.scan(name, self._day).group_by(key).agg(pl.len().cast(pl.Int64).alias("Rows"))
        return counted.sort(key).collect(engine="streaming")

    def _counted(self, table: str) -> pl.DataFrame | None:
        """The table's key and Rows; None where the source does not tell how much there is to count."""
        if self._footers.size(table, self._day) is None:
            return None
        if table not in self._counts:
            schema = self._plan.schemas[table]
            told = self._plan.source.rows_by_key(table, self._day, schema.key)
            self._counts[table] = self._scanned(schema) if told is None else told
        return self._counts[table]

    def _scanned(self, schema: TableSchema) -> pl.DataFrame:
        counted = scan(self._plan.source, schema, self._day).group_by(schema.key).agg(pl.len().alias("Rows"))
        return counted.sort(schema.key).collect(engine="streaming")

    @property
    def _listings(self) -> int | None:
        """Of the universe; where every listing is a member, those that tables have."""
        if self._members.listings is not None:
            return len(self._members.listings)
        found = [rows[LISTING] for rows in self._counts.values() if LISTING in rows.columns]
        return pl.concat(found).n_unique() if found else None

    def _rows_made(self, program: Program, read: Sequence[_Read]) -> pl.DataFrame:
        rows, own = rows_made(program, [each.input for each in read]), self._members.keys(program.key)
        return rows if own is None else rows.filter(pl.col(program.key).is_in(own.implode()))

    def _part(self, one: _Read, day: date) -> float:
        """Rows of that date for each row of the largest one."""
        if one.table is None:
            return self._whole_part(day)
        here, there = (self._footers.size(one.table, each) for each in (day, self._day))
        return here.rows / there.rows if here and there and there.rows else 0.0

    def _whole_part(self, day: date) -> float:
        here, there = (self._footers.events(self._plan.programs, each) for each in (day, self._day))
        return here / there if here is not None and there else 1.0
