"""A pass of one partition in batches, computed one after another into the spool.

Results for neighbours of the universe's listings, which instruments bring along, are left out again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import attrs
import polars as pl

from basalt.errors import UserError
from basalt.planning.batches import Batch, Batches, Factor, room
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.program import Program, context_of
from basalt.planning.sides import Side
from basalt.planning.sizing import Input, Units, rows_read, sizes, table_inputs
from basalt.planning.widths import row_bytes
from basalt.running.compute import Computed, check_dtypes, computed
from basalt.running.earlier import reading
from basalt.running.events import BatchComputed, Event, Noted, PassComputed
from basalt.running.history import Previous
from basalt.running.members import Members
from basalt.running.peak import Peak, resident
from basalt.running.side_rows import in_order
from basalt.running.spool import Spool
from basalt.running.tables import Tables, notes
from basalt.sizes import format_size

Frames = Mapping[str, pl.LazyFrame]
SMALL = 256 * 10**6  # bytes: a pass that needs no more is never refused for its size
_factors: WeakKeyDictionary[Program, Factor] = WeakKeyDictionary()
_before: list[int] = []  # bytes resident before the first batch of this process


@attrs.frozen(eq=False)
class Total:
    """What computing a pass came to. `peak`: resident bytes at most; `seconds`: by stage; `sides`: rows of each."""

    batches: int
    rows_in: int
    rows: int
    peak: int
    seconds: Mapping[str, float]
    sides: Mapping[str, int]


@attrs.frozen(eq=False)
class Batched:
    """Computes passes of one partition. `memory`: bytes that a batch of a pass may take."""

    plan: Plan
    partition: Partition
    spool: Spool
    tables: Tables
    members: Members
    memory: Callable[[Program], int]
    tell: Callable[[Event], None]

    def compute(self, program: Program, earlier: Frames, previous: Previous) -> Total:
        """Spool the pass, whole. UserError where it cannot be cut and needs more memory than it may take."""
        started = time.monotonic()
        _before[:] = _before or [resident()]
        inputs = self._inputs(program, earlier)
        units = self.members.units(program, inputs)
        self._note_states(program, units)
        self._note_neighbours(program, units)
        sized, factor = sizes(program, units, inputs), _factors.setdefault(program, Factor.of(program))
        self._check_whole(program, factor.need(sized.whole))
        surveyed = time.monotonic()
        keys = len(next(iter(units.members.values()), ()))
        whole = sum(rows_read(one, units) for one in inputs)
        work = _Pass(self, program, earlier, previous, inputs, keys, whole)
        batches = Batches(units, sized, room(self.memory(program), _before[0]), factor)
        for batch in batches:
            work.note_alone(batch)
            batches.measured(batch, work.run(batch) - _before[0])
        work.finish()
        done = time.monotonic()
        seconds = {"survey": round(surveyed - started, 6), "compute": round(done - surveyed, 6)}
        total = Total(work.batches, work.rows_in, work.rows, work.peak, seconds, work.sides)
        facts = (total.batches, total.rows_in, total.rows, round(done - started, 6), total.peak)
        self.tell(PassComputed(program.name, self.partition.date, self.partition.universe, *facts))
        return total

    def note(self, program: Program, what: str, count: int | None = None, example: object = None) -> None:
        """Tell something that is no error."""
        shown = None if example is None else str(example)
        self.tell(Noted(self.partition.date, self.partition.universe, what, program.name, "", count, shown))

    def _inputs(self, program: Program, earlier: Frames) -> list[Input]:
        events = [name for name in program.reads if self.plan.schemas[name].events]
        rows = {name: self.tables.rows_by_key(name) for name in events}
        found = table_inputs(program, self.plan.columns_of, rows)
        for name, frame in earlier.items():
            key, dtypes = self.plan.result_of(program, name).keys[0], dict(frame.collect_schema())
            counted = frame.group_by(key).agg(pl.len().cast(pl.Int64).alias("Rows")).sort(key)
            with reading(f"passes.{program.name} on {self.partition}", f"rows of passes.{name}"):
                found.append(Input(counted.collect(engine="streaming"), row_bytes(dtypes, dtypes)))
        return found

    def _note_states(self, program: Program, units: Units) -> None:
        listings = units.members["ListingId"]["ListingId"] if "ListingId" in units.members else None
        for said in notes(program, self.tables, listings):
            self.note(program, said)

    def _note_neighbours(self, program: Program, units: Units) -> None:
        """Earlier passes hold results of the universe's own listings alone, whatever their instruments have beside."""
        own, earlier = self.members.listings, [*program.sources, *program.side_sources]
        if program.scope != "instrument" or own is None or not earlier:
            return
        read = units.members["ListingId"]["ListingId"]
        beside = read.filter(~read.is_in(own.implode()))
        if len(beside):
            lacking = "works on whole instruments, and lacks listings of them that are no members in what it reads of"
            self.note(program, f"{lacking} passes.{', passes.'.join(earlier)}", len(beside), beside[0])

    def _check_whole(self, program: Program, need: int) -> None:
        budget = self.memory(program)
        if program.scope == "universe" and need > max(budget, SMALL):
            raise UserError(
                f"passes.{program.name} on {self.partition} needs its whole universe at once, about "
                f"{format_size(need)}, and may take {format_size(budget)}: raise `memory`, or make the universe smaller"
            )


@attrs.define(eq=False)
class _Pass:
    """One pass while its batches are computed. `whole`: rows of input of all of them.

    `alone`: keys of batches of one unit that is too large for the budget. The first is told at once, the rest together.
    """

    of: Batched
    program: Program
    earlier: Frames
    previous: Previous
    inputs: Sequence[Input]
    keys: int
    whole: int
    batches: int = 0
    rows_in: int = 0
    rows: int = 0
    dropped: int = 0
    repeated: int = 0
    peak: int = 0
    sides: dict[str, int] = attrs.field(factory=dict)
    noted: dict[str, int] = attrs.field(factory=dict)
    alone: list[Any] = attrs.field(factory=list)
    warned: bool = False

    def note_alone(self, batch: Batch) -> None:
        """Take note of a batch that may take more than the budget."""
        if batch.alone and self.program.scope != "universe" and batch.wanted:
            self.alone += next(iter(batch.wanted.values())).to_list()
            if not self.warned:
                self._tell_alone()
                self.warned = True

    def _tell_alone(self) -> None:
        if self.alone:
            said = f"needs more than the {format_size(self.of.memory(self.program))} it may take, and runs alone"
            self.of.note(self.program, said, len(self.alone), self.alone[0])
            self.alone.clear()

    def run(self, batch: Batch) -> int:
        """Compute and spool one batch; the peak of resident memory."""
        started, of, name = time.monotonic(), self.of, self.program.name
        with Peak() as peak:
            found = self._computed(batch)
            of.spool.put(name, of.partition, batch.number, self._published(found.rows))
            for side, rows in found.sides.items():
                of.spool.put(f"{name}.{side}", of.partition, batch.number, self._published(rows))
                self.sides[side] = self.sides.get(side, 0) + rows.height
            self._count_noted(found.rows)
        self.batches += 1
        self.rows_in += sum(_rows_of(one, batch) for one in self.inputs)
        self.dropped += found.dropped
        self.repeated += found.repeated
        self.rows += found.rows.height
        self.peak = max(self.peak, peak.bytes)
        keys = len(next(iter(batch.wanted.values()), ()))
        seconds = round(time.monotonic() - started, 6)
        facts = (batch.number, keys, found.rows.height, self.rows_in, self.whole, seconds, peak.bytes)
        of.tell(BatchComputed(name, of.partition.date, of.partition.universe, *facts))
        return peak.bytes

    def _count_noted(self, rows: pl.DataFrame) -> None:
        for said, name in ((one.emitted.note, one.column.name) for one in self.program.planned):
            if said and (count := int(rows[name].sum())):
                self.noted[said] = self.noted.get(said, 0) + count

    def finish(self) -> None:
        """Whole instruments need not ascend by listing from batch to batch, nor rows by another key; what the timeline
        lacked is told."""
        name, whole = self.program.name, self.program.scope == "instrument"
        if whole and self.batches > 1:
            self.of.spool.sort(name, self.of.partition, [*self.program.result.keys, "TimeBucket"])
        for side in self.of.plan.sides[name] if self.batches > 1 else ():
            if whole or side.schema.key != self.program.key:
                self.of.spool.sort(side.result.name, self.of.partition, [side.schema.key, *_order(side)])
        self._tell_alone()
        if self.dropped:
            self.of.note(self.program, "rows of modules are outside its timeline and left out", self.dropped)
        for what, count in self.noted.items():
            self.of.note(self.program, what, count)
        if self.repeated:
            said = "rows of modules repeat the keys of a later one and are left out"
            self.of.note(self.program, said, self.repeated)

    def _computed(self, batch: Batch) -> Computed:
        plan, program = self.of.plan, self.program
        tables = self.of.tables.frames(program, batch.wanted)
        results = {name: plan.result_of(program, name) for name in self.earlier}
        earlier = {name: _cut(frame, results[name].keys[0], batch) for name, frame in self.earlier.items()}
        sides = [side.side for side in plan.sides[program.name]]
        context = context_of(program, self.of.partition.date, sides=sides)
        found = computed(plan, program, context, tables, earlier, self._where(batch), self.previous)
        check_dtypes(found.rows, program, self._where(batch))
        members = self.of.members
        own = {
            side.side: members.own(in_order(side, found.sides[side.side], self._where(batch)), side.schema.key)
            for side in plan.sides[program.name]
        }
        return attrs.evolve(found, rows=members.own(found.rows, program.key), sides=own)

    def _where(self, batch: Batch) -> str:
        """As messages name it; a batch that is not the only one with its first and last key."""
        place, whose = f"passes.{self.program.name} on {self.of.partition}", next(iter(batch.wanted.items()), None)
        if whose is None or (batch.number == 0 and len(whose[1]) == self.keys):
            return place
        return f"{place}, batch {batch.number} ({whose[0]} {whose[1][0]} to {whose[1][-1]})"

    def _published(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Every published row begins with Date and Universe."""
        partition = self.of.partition
        head = (pl.lit(partition.date).alias("Date"), pl.lit(partition.universe).alias("Universe"))
        return rows.select(*head, pl.all())


def _order(side: Side) -> list[str]:
    return [name for name in side.schema.order if name in side.columns]


def _cut(frame: pl.LazyFrame, key: str, batch: Batch) -> pl.LazyFrame:
    """An earlier pass's rows of the batch; all of them where the batch is of other keys."""
    return frame.filter(pl.col(key).is_in(batch.wanted[key].to_list())) if key in batch.wanted else frame


def _rows_of(one: Input, batch: Batch) -> int:
    if one.key not in batch.wanted:
        return 0
    return int(one.rows.filter(pl.col(one.key).is_in(batch.wanted[one.key].implode()))["Rows"].sum())
