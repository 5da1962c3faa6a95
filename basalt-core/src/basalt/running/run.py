"""Running a plan: which partitions are left to do, who runs them, and what became of each."""

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.checks.schema_lock import locked
from basalt.documents import to_json
from basalt.errors import DataError
from basalt.leftovers import is_gone, owner
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.standing import statuses
from basalt.planning.status import Status
from basalt.running import events
from basalt.running.earlier import published_rows
from basalt.running.executors import Done, Task, open_executor
from basalt.running.record import RunRecord
from basalt.running.work import Work, job_of


@attrs.frozen(eq=False)
class RunResult:
    """What a run did. `published`: each pass and partition with its rows and places; `skipped`: those that were done
    before; `failed`: partitions and why."""

    plan: Plan
    run: str
    published: Sequence[events.PassPublished]
    skipped: Sequence[events.PassSkipped]
    failed: Sequence[events.PartitionFailed]
    seconds: float

    def scan(self, name: str) -> pl.LazyFrame:
        """The rows of a pass, over all partitions of this run, read back from its first output."""
        program = self.plan.program(name)
        told: list[events.PassPublished | events.PassSkipped] = [*self.published, *self.skipped]
        done = sorted(Partition(p.date, p.universe) for p in told if p.name == name)
        if not done:
            raise DataError(f"pass {program.name!r} published nothing in run {self.run}")
        return pl.concat([published_rows(self.plan, name, partition) for partition in done])

    def document(self, name: str) -> dict[str, Any]:
        """The column document of a pass: units, sentences, formulas, rollups, versions."""
        return to_json(self.plan.program(name).result, pipeline=self.plan.config.name)

    @property
    def exit_code(self) -> int:
        """0; the code that all failures stand for; 1 where they differ."""
        codes = {failure.code for failure in self.failed}
        return 0 if not codes else codes.pop() if len(codes) == 1 else 1


@attrs.define(eq=False)
class _Told:
    """What was told of a run, kept for its result."""

    published: list[events.PassPublished] = attrs.field(factory=list)
    skipped: list[events.PassSkipped] = attrs.field(factory=list)
    failed: list[events.PartitionFailed] = attrs.field(factory=list)

    def __call__(self, event: events.Event) -> None:
        match event:
            case events.PassPublished():
                self.published.append(event)
            case events.PassSkipped():
                self.skipped.append(event)
            case events.PartitionFailed():
                self.failed.append(event)


def run_plan(
    plan: Plan,
    observers: Sequence[events.Observer] = (),
    only: Sequence[str] | None = None,
    force: bool = False,
    only_missing: bool = False,
    fail_fast: bool = False,
) -> RunResult:
    """Run what is not done of the plan.

    `only`: these passes; earlier ones they read come from their outputs. `force`: what is done too. `only_missing`:
    leave partitions alone whose every pass was published before. `fail_fast`: start nothing after a failure.
    """
    started, run, told = time.monotonic(), _name(), _Told()
    executor = open_executor(plan.config, plan.registry, fail_fast)
    names = tuple(plan.names if only is None else only)
    work_folder = plan.folder / plan.config.work
    _sweep(work_folder)
    lock = locked(plan.config, plan.folder, [program.result for program in plan.programs])
    if lock is not None:
        lock.write()
    watching = events.Observers([RunRecord(plan.folder / plan.config.state), *observers, told], _complain)
    work = Work(job_of(plan, run, names, force), plan)
    facts = (list(names), len(plan.partitions), executor.name, work.versions)
    watching.emit(events.RunStarted(run, plan.config.name, datetime.now(UTC).isoformat(), *facts))
    tasks = _tasks(plan, names, force, only_missing, watching)
    skipped = len(plan.partitions) - len(tasks)
    try:
        with closing(executor.run(work, tasks, watching.emit)) as results:
            for done in results:
                _tell_failure(done, watching)
    finally:
        shutil.rmtree(work_folder / run, ignore_errors=True)
    seconds, failed = time.monotonic() - started, len(told.failed)
    watching.emit(events.RunFinished(run, len(plan.partitions) - failed, skipped, failed, seconds))
    return RunResult(plan, run, told.published, told.skipped, told.failed, seconds)


def _name() -> str:
    """Sorts by time; tells its owner, so that what a killed run left is known as a leftover."""
    return f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%f')}-{owner()}"


def _sweep(work_folder: Path) -> None:
    """Remove the intermediate files of runs of this host that were killed."""
    for folder in work_folder.glob("*-*"):
        if is_gone(folder.name.partition("-")[2]):
            shutil.rmtree(folder, ignore_errors=True)


def _complain(said: str) -> None:
    print(said, file=sys.stderr)  # noqa: T201


def _tasks(plan: Plan, names: Sequence[str], force: bool, only_missing: bool, watching: events.Observers) -> list[Task]:
    """What is left to do. A partition that reads previous dates waits for those of them that run."""
    left: dict[Partition, Task] = {}
    reach = max((n for program in plan.programs for n in program.history.values()), default=0)
    for partition in plan.partitions:
        before = [attrs.evolve(partition, date=day) for day in plan.previous(partition.date, reach)]
        after = frozenset(each for each in before if each in left)
        found = {} if force else _statuses(plan, partition, names)
        kinds = {status.kind for status in found.values()}
        if (kinds == {"done"} and not after) or (only_missing and kinds and "missing" not in kinds):
            for name in found:
                watching.emit(events.PassSkipped(name, partition.date, partition.universe))
        else:
            left[partition] = Task(partition, after)
    return list(left.values())


def _statuses(plan: Plan, partition: Partition, names: Sequence[str]) -> dict[str, Status]:
    """Of these passes; none where it cannot be told, so that running the partition tells why."""
    try:
        return {name: status for name, status in statuses(plan, partition).items() if name in names}
    except Exception:  # noqa: BLE001 - a source's door
        return {}


def _tell_failure(done: Done, watching: events.Observers) -> None:
    if done.error is not None:
        at = done.partition
        watching.emit(events.PartitionFailed(at.date, at.universe, str(done.error), done.error.exit_code))
