"""Running a plan: which partitions are left to do, who runs them, and what became of each."""

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import attrs
import polars as pl

from basalt.checks.schema_lock import locked
from basalt.documents import PassResult, to_json
from basalt.errors import BasaltError, DataError, UserError
from basalt.leftovers import is_gone, run_id
from basalt.planning.keys import pass_of
from basalt.planning.partitions import Partition
from basalt.planning.plan import Plan
from basalt.planning.standing import run_of
from basalt.running import events
from basalt.running.earlier import published_rows
from basalt.running.executors import Done, open_executor
from basalt.running.left import left_of
from basalt.running.publish import sweep_places
from basalt.running.record import RunRecord
from basalt.running.work import Work, job_of


@attrs.frozen(eq=False)
class RunResult:
    """What a run did. `published`: each pass and partition with its rows and places; `skipped`: those that were done
    before; `failed`: partitions and why; `errors`: the same as they were raised, each with its cause and trace, in
    whatever process that was."""

    plan: Plan
    run: str
    published: Sequence[events.PassPublished]
    skipped: Sequence[events.PassSkipped]
    failed: Sequence[events.PartitionFailed]
    errors: Mapping[Partition, BasaltError]
    seconds: float

    def scan(self, name: str) -> pl.LazyFrame:
        """The rows of a pass, or of its side output `pass:side`, over all partitions of this run, from the first
        output."""
        result, pass_name = self._result(name), pass_of(name)
        told: list[events.PassPublished | events.PassSkipped] = [*self.published, *self.skipped]
        done = sorted({Partition(p.date, p.universe) for p in told if p.name == pass_name})
        if not done:
            raise DataError(f"pass {pass_name!r} published nothing in run {self.run}")
        runs = [(partition, run_of(self.plan, pass_name, partition)) for partition in done]
        return pl.concat([published_rows(self.plan, result.name, partition, run) for partition, run in runs])

    def document(self, name: str) -> dict[str, Any]:
        """The column document of a pass or a side output: units, sentences, formulas, rollups, versions."""
        return to_json(self._result(name), pipeline=self.plan.config.name)

    def _result(self, name: str) -> PassResult:
        """UserError where the pass, or its side output, is not made."""
        pass_name, _, side = name.partition(":")
        main, *sides = self.plan.results(pass_name)
        if not side:
            return main
        for result in sides:
            if result.name == f"{pass_name}.{side}":
                return result
        made = ", ".join(result.name.replace(".", ":", 1) for result in sides) or "none"
        raise UserError(f"pass {pass_name!r} made no side output {side!r} in this run; made: {made}")

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
    started, run, told = time.monotonic(), run_id(), _Told()
    executor = open_executor(plan.config, plan.registry, fail_fast)
    names = tuple(plan.names if only is None else only)
    work_folder = plan.folder / plan.config.work
    _sweep(plan)
    lock = locked(plan.config, plan.folder, plan.all_results)
    if lock is not None:
        lock.write()
    watching = events.Observers([RunRecord(plan.folder / plan.config.state), *observers, told], _complain)
    work = Work(job_of(plan, run, names, force), plan)
    facts = (list(names), len(plan.partitions), executor.name, work.versions)
    watching.emit(events.RunStarted(run, plan.config.name, datetime.now(UTC).isoformat(), *facts))
    left = left_of(plan, names, force, only_missing)
    for partition in left.alone:
        for name in left.found[partition]:
            watching.emit(events.PassSkipped(name, partition.date, partition.universe))
    errors = {}
    try:
        with closing(executor.run(work, left.tasks, watching.emit)) as results:
            for done in results:
                if done.error is not None:
                    errors[done.partition] = done.error
                    _tell_failure(done, done.error, watching)
    finally:
        shutil.rmtree(work_folder / run, ignore_errors=True)
    seconds, failed = time.monotonic() - started, len(errors)
    watching.emit(events.RunFinished(run, len(plan.partitions) - failed, len(left.alone), failed, seconds))
    return RunResult(plan, run, told.published, told.skipped, told.failed, errors, seconds)


def _sweep(plan: Plan) -> None:
    """Remove what runs of this host that were killed left in the work folder, and where this one publishes."""
    folders = (plan.folder / plan.config.work).glob("*-*")
    left = [folder for folder in folders if is_gone(folder.name.partition("-")[2])]
    if left:
        sweep_places(plan, [folder.name for folder in left])
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)


def _complain(said: str) -> None:
    print(said, file=sys.stderr)  # noqa: T201


def _tell_failure(done: Done, error: BasaltError, watching: events.Observers) -> None:
    at, tried = done.partition, done.attempts > 0
    watching.emit(events.PartitionFailed(at.date, at.universe, str(error), error.exit_code, tried))
