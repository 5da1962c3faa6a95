"""Running a plan: partitions computed pass by pass, spooled, published, recorded."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import attrs
import polars as pl

from basalt.documents import to_json
from basalt.errors import DataError, PublishError, UserError, one_line
from basalt.planning.keys import Key, content_key, definition
from basalt.planning.plan import Partition, Plan
from basalt.planning.program import Program, context_of
from basalt.running.compute import computed
from basalt.running.events import (
    Noted,
    Observer,
    Observers,
    PartitionFailed,
    PassComputed,
    PassPublished,
    RunFinished,
    RunStarted,
)
from basalt.running.executors import Task, Tell, open_executor
from basalt.running.ledger import Ledger, Record
from basalt.running.publish import publish
from basalt.running.spool import Spool
from basalt.running.tables import notes, open_tables


@attrs.frozen(eq=False)
class RunResult:
    """What a run did. `published`: each pass and partition with its rows and places; `failed`: partitions and why."""

    plan: Plan
    run: str
    published: Sequence[PassPublished]
    failed: Sequence[PartitionFailed]
    seconds: float

    def scan(self, name: str) -> pl.LazyFrame:
        """The rows of a pass, over all partitions of this run, read back from its first output."""
        program = self.plan.program(name)
        done = [Partition(p.date, p.universe) for p in self.published if p.name == name]
        if not done:
            raise DataError(f"pass {program.name!r} published nothing in run {self.run}")
        return pl.concat([published_rows(self.plan, name, partition) for partition in done])

    def document(self, name: str) -> dict[str, Any]:
        """The column document of a pass: units, sentences, formulas, rollups, versions."""
        return to_json(self.plan.program(name).result, pipeline=self.plan.config.name)


def published_rows(plan: Plan, name: str, partition: Partition) -> pl.LazyFrame:
    """One published partition of a pass, from its first output; UserError where the pass has none."""
    if not plan.outputs[name]:
        raise UserError(f"pass {name!r} has no output to read back: add [[outputs]] or [[passes.outputs]]")
    first = plan.outputs[name][0]
    return first.output.scan(plan.target(name, partition, first.name))


def run_plan(plan: Plan, observers: Sequence[Observer] = (), only: Sequence[str] | None = None) -> RunResult:
    """Run every partition of the plan. `only`: these passes; earlier ones they read come from their outputs."""
    started = time.monotonic()
    run = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    published: list[PassPublished] = []
    failed: list[PartitionFailed] = []
    watching = Observers(
        [*observers, lambda e: published.append(e) if isinstance(e, PassPublished) else None],
        lambda said: print(said, file=sys.stderr),  # noqa: T201
    )
    names = list(plan.names if only is None else only)
    watching.emit(RunStarted(run, plan.config.name, run, names, len(plan.partitions), "inline", {}))
    work = PartitionRun(plan, Spool(plan.folder / plan.config.work / run), watching, run, names)
    executor = open_executor(plan.config, plan.registry)
    try:
        with closing(executor.run(work, [Task(partition) for partition in plan.partitions], watching.emit)) as results:
            for done in results:
                if done.error is not None:
                    failed.append(PartitionFailed(done.partition.date, done.partition.universe, str(done.error)))
                    watching.emit(failed[-1])
    finally:
        work.spool.remove()
    seconds = time.monotonic() - started
    watching.emit(RunFinished(run, len(plan.partitions) - len(failed), 0, len(failed), seconds))
    return RunResult(plan, run, published, failed, seconds)


@attrs.frozen(eq=False)
class PartitionRun:
    """Runs one partition of a plan: the unit an executor spreads."""

    plan: Plan
    spool: Spool
    observers: Observers
    run: str
    only: Sequence[str]

    @property
    def ledger(self) -> Ledger:
        """Where the pipeline's records stand."""
        return Ledger(self.plan.folder / self.plan.config.state)

    @property
    def versions(self) -> Mapping[str, str]:
        """Distributions the columns come from."""
        return {name: version for program in self._programs for name, version in _versions(program).items()}

    def __call__(self, partition: Partition, tell: Tell, share: float = 1.0) -> None:
        """Compute and publish each pass in order; what was published before an error stays."""
        try:
            keys = self._keys(partition)
            tables = self._tables(partition)
            for program in self._programs:
                self._run_pass(program, partition, tables, keys)
        except OSError as error:
            raise PublishError(f"{partition.date} stopped: {one_line(error)}; run it again") from error
        finally:
            self.spool.clear(partition)

    @property
    def _programs(self) -> list[Program]:
        return [program for program in self.plan.programs if program.name in self.only]

    def _tables(self, partition: Partition) -> dict[str, pl.LazyFrame]:
        tables = open_tables(self.plan, partition.date, self._programs, self.spool.spill(partition))
        for said in dict.fromkeys(note for program in self._programs for note in notes(program, tables)):
            self.observers.emit(Noted(partition.date, partition.universe, said))
        return tables

    def _keys(self, partition: Partition) -> dict[str, Key]:
        keys: dict[str, Key] = {}
        for program in self.plan.programs:
            earlier = {name: key.digest for name, key in keys.items()}
            keys[program.name] = content_key(program, self.plan.source, partition, partition.universe, earlier)
        return keys

    def _definition(self, name: str) -> str:
        made: dict[str, str] = {}
        for program in self.plan.programs:
            made[program.name] = definition(program, made)
        return made[name]

    def _run_pass(
        self, program: Program, partition: Partition, tables: Mapping[str, pl.LazyFrame], keys: Mapping[str, Key]
    ) -> None:
        started = time.monotonic()
        earlier = self._earlier(program, partition, keys)
        rows = computed(self.plan, program, context_of(program, partition.date), tables, earlier).rows
        self.spool.put(program.name, partition, _published_form(rows, partition))
        seconds = time.monotonic() - started
        self.observers.emit(
            PassComputed(program.name, partition.date, partition.universe, 1, 0, rows.height, seconds, 0)
        )
        record = Record(
            key=keys[program.name].digest,
            parts=keys[program.name].parts,
            definition=self._definition(program.name),
            run=self.run,
            rows=rows.height,
            seconds={"compute": round(seconds, 6)},
            finished=datetime.now(UTC).isoformat(),
            versions=_versions(program),
        )
        batches = self.spool.batches(program.name, partition)
        places = publish(self.plan, program, partition, batches, self.ledger, record)
        self.observers.emit(PassPublished(program.name, partition.date, partition.universe, rows.height, places))

    def _earlier(self, program: Program, partition: Partition, keys: Mapping[str, Key]) -> dict[str, pl.LazyFrame]:
        """The same partition of each earlier pass: from the spool, or from its first output where not computed now."""
        return {
            name: self.spool.scan(name, partition)
            if name in self.only
            else self._read_back(program, name, partition, keys[name].digest)
            for name in program.sources
        }

    def _read_back(self, program: Program, name: str, partition: Partition, key: str) -> pl.LazyFrame:
        """A published pass, if it is what the plan would compute now; rows of other code or data would pass for it."""
        record = self.ledger.read(self.plan.target(name, partition, ""))
        if not isinstance(record, Record) or record.key != key:
            what = (
                "is not published"
                if not isinstance(record, Record)
                else "was published from other code, configuration or data"
            )
            raise DataError(
                f"passes.{program.name} on {partition.date} reads passes.{name}, which {what} for that date: "
                f"run {name} first"
            )
        return published_rows(self.plan, name, partition)


def _published_form(rows: pl.DataFrame, partition: Partition) -> pl.DataFrame:
    """Every published row begins with Date and Universe."""
    return rows.select(pl.lit(partition.date).alias("Date"), pl.lit(partition.universe).alias("Universe"), pl.all())


def _versions(program: Program) -> dict[str, str]:
    return {c.distribution: c.version for c in program.result.columns}
