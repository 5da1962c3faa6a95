"""Earlier results: what a pass reads of passes before it, wherever these rows stand.

Rows computed in this run are in the spool; a pass that was done before is read back, and so are previous dates. Read
back is what the plan would compute now, from the first output that replaces partitions: an output that adds to them
holds other rows beside.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import attrs
import polars as pl

from basalt.documents import PassResult
from basalt.errors import DataError, UserError, one_line
from basalt.modules import FrameModule
from basalt.outputs import Target
from basalt.planning.held import changed_since
from basalt.planning.keys import Key
from basalt.planning.output_rows import index_of
from basalt.planning.partitions import Partition
from basalt.planning.places import PlannedOutput, read_from, unread
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.standing import previous_of, record_of, run_of
from basalt.planning.widths import row_bytes
from basalt.running.elsewhere import as_planned, published_elsewhere
from basalt.running.kept import keep
from basalt.running.ledger import Record, Unreadable
from basalt.running.members import Members
from basalt.running.spool import Spool
from basalt.running.tables import SORTING


@attrs.frozen(eq=False)
class Earlier:
    """Results of the passes of one partition. `keys`: what each pass of it would be published under now. `members`:
    whose rows are read of what other pipelines published."""

    plan: Plan
    partition: Partition
    spool: Spool
    keys: Mapping[str, Key]
    members: Members
    _kept: dict[Path, pl.LazyFrame] = attrs.field(factory=dict, init=False)

    def inputs(self, program: Program) -> dict[str, pl.LazyFrame]:
        """Each earlier pass the program reads: the same partition, previous dates in front where it has history."""
        return {name: self._with_history(program, name) for name in program.sources}

    def today(self, name: str, reader: str) -> pl.LazyFrame:
        """The same partition of an earlier pass; DataError where it was not computed, or is not what it would be."""
        if self.spool.has(name, self.partition):
            return self.spool.scan(name, self.partition)
        self._check_current(name, f"passes.{reader} on {self.partition} reads", name)
        return self._read_back(name, self.partition)

    def _check_current(self, name: str, who_reads: str, result: str) -> None:
        """`result`: what is read of the pass, its rows or a side output."""
        record = record_of(self.plan, name, self.partition)
        if record is None:
            what = "is not published for that date"
        elif record.key != self.keys[name].digest:
            what = "was published from other code, configuration or data for that date"
        else:
            what = self._lost(record, result, self.partition)
        if what:
            raise DataError(f"{who_reads} passes.{name}, which {what}: run {name} first")

    def _lost(self, record: Record, result: str, partition: Partition) -> str:
        """Why the output that is read does not hold the rows that the record is of; empty where it does."""
        first = read_from(self.plan.outputs[result])
        if first is None:
            return ""
        target = self.plan.target(result, partition, first.name, record.run)
        if first.output.place(target) not in record.places:
            return "was published elsewhere"
        said = changed_since(first, target, record.key)
        return said and f"cannot be read back, as {said}"

    def side(self, name: str) -> pl.LazyFrame:
        """A side output of an earlier pass, by its name `pass:side`, as a table."""
        pass_name, _, side = name.partition(":")
        found = next(one for one in self.plan.sides[pass_name] if one.side == side)
        result = found.result.name
        if self.spool.has(result, self.partition):
            rows = self.spool.scan(result, self.partition)
        else:
            self._check_current(pass_name, f"{self.partition} reads side output {side} of", result)
            rows = published_rows(self.plan, result, self.partition, run_of(self.plan, pass_name, self.partition))
        return rows.select(pl.col(column).cast(dtype) for column, dtype in found.columns.items())

    def previous(self, program: Program) -> dict[str, list[date]]:
        """By place of a module that looks back, the dates it asks for that are published, oldest first."""
        found = {}
        for use in program.frame_uses:
            assert isinstance(use.module, FrameModule)
            if use.module.history:
                found[use.place] = self._published(program, str(use.entry.source), use.module.history)
        return found

    def missing(self, program: Program) -> list[date]:
        """Previous dates that some module asks for and whose rows were never published, oldest first."""
        found: set[date] = set()
        for name, dates in program.history.items():
            found |= {*self.plan.previous(self.partition.date, dates)} - {*self._published(program, name, dates)}
        return sorted(found)

    def _with_history(self, program: Program, name: str) -> pl.LazyFrame:
        days = self._published(program, name, program.history.get(name, 0))
        if name in program.published:
            result = program.published[name]
            every = [self._on(day) for day in (*days, self.partition.date)]
            whose = f"table {name} of source {self.plan.source.name!r}"
            with reading(f"passes.{program.name} on {self.partition}", whose):
                return pl.concat([self._elsewhere(result, one) for one in every])
        for day in days:
            self._check_alike(program, name, day)
        before = [self._read_back(name, self._on(day)) for day in days]
        return pl.concat([*before, self.today(name, program.name)])

    def _published(self, program: Program, name: str, dates: int) -> list[date]:
        if name in program.published:
            return previous_of(self.plan, name, self.partition.date, dates)
        return [day for day in self.plan.previous(self.partition.date, dates) if self._is_published(name, day)]

    def _is_published(self, name: str, day: date) -> bool:
        """DataError where there is a record that says nothing."""
        record = self.plan.ledger.read(self.plan.target(name, self._on(day), ""))
        if isinstance(record, Unreadable):
            raise DataError(f"{self.partition} reads passes.{name} of {day}, and {record.said}: run {day} first")
        return record is not None

    def _check_alike(self, program: Program, name: str, day: date) -> None:
        """The raw data of an old date may be gone, so its definition alone is compared."""
        record = record_of(self.plan, name, self._on(day))
        if record is None or record.definition != self.plan.definitions[name]:
            what = "was published by other code or configuration"
        else:
            what = self._lost(record, name, self._on(day))
        if what:
            raise DataError(
                f"passes.{program.name} on {self.partition} reads passes.{name} of {day}, which {what}: run {name} for "
                f"{day} first"
            )

    def _on(self, day: date) -> Partition:
        return attrs.evolve(self.partition, date=day)

    def _read_back(self, name: str, partition: Partition) -> pl.LazyFrame:
        """From an output that replaces partitions; DataError where it holds something else than was published."""
        record = record_of(self.plan, name, partition)
        run = record.run if record else None
        one, target = _output(self.plan, name, partition, run)
        rows, result = _rows(one, target), self.plan.program(name).result
        published, place = f"passes.{name} on {partition}", one.output.place(target)
        with reading(published, place):
            planned = self._near(as_planned(rows, result), name, partition, one.output.prunes)
            planned.collect_schema()
            found = planned.select(pl.len()).collect().item()
        if record is not None and record.rows != found:
            raise DataError(
                f"{published}: {place} has {found} rows, and {record.rows} were published; remove it and run it again"
            )
        return planned

    def _elsewhere(self, result: PassResult, partition: Partition) -> pl.LazyFrame:
        rows = published_elsewhere(self.plan, result, partition, self.members)
        return self._near(rows, result.name, partition, self.plan.source.prunes)

    def _near(self, rows: pl.LazyFrame, name: str, partition: Partition, prunes: bool) -> pl.LazyFrame:
        """The rows, where each batch may ask for its own: kept on disk if it would get them all each time."""
        if prunes:
            return rows
        folder, dtypes = self.spool.spill(self.partition) / f"{name}@{partition.date}.kept", rows.collect_schema()
        if folder not in self._kept:
            self._kept[folder] = keep(rows, folder, SORTING, row_bytes(dtypes, dtypes))
        return self._kept[folder]


@contextmanager
def reading(reader: str, what: str) -> Iterator[None]:
    """Where rows are read that were written before: DataError where they can be no more."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise unreadable(reader, what, one_line(error)) from error


def unreadable(reader: str, what: str, said: str) -> DataError:
    """The error for rows that were written before and cannot be read."""
    return DataError(f"{reader}: {what} cannot be read: {said}; remove what is broken and run it again")


def published_rows(plan: Plan, name: str, partition: Partition, run: str | None) -> pl.LazyFrame:
    """One partition of a pass as that run published it; UserError where the pass has no output to be read back from."""
    return _rows(*_output(plan, name, partition, run))


def _rows(one: PlannedOutput, target: Target) -> pl.LazyFrame:
    """What the output holds, without the numbers it was asked to give the rows."""
    rows, index = one.output.scan(target), index_of(one.entry)
    return rows if index is None else rows.drop(index)


def _output(plan: Plan, name: str, partition: Partition, run: str | None) -> tuple[PlannedOutput, Target]:
    """Where that partition is read back from."""
    one = read_from(plan.outputs[name])
    if one is None:
        raise UserError(
            f"what pass {name!r} published cannot be read back, as it {unread(plan.outputs[name])}: add [[outputs]], "
            "or [[passes.outputs]] to it"
        )
    return one, plan.target(name, partition, one.name, run)
