"""Executors: how the partitions of a run are spread. Content and order of results never depend on which one.

*Work* is what is done for one partition; the same object is the task of every executor, so it pickles. A *task* is a
partition and the earlier ones whose results it reads. What is ready, run again or given up is decided in one place for
all executors, `schedule.py`.
"""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import attrs

from basalt.config.model import ExecutorEntry, PipelineConfig
from basalt.config.structure import check_reserved, structure
from basalt.errors import BasaltError, UserError
from basalt.options import NoOptions
from basalt.planning.partitions import Partition
from basalt.plugins.registry import Registry
from basalt.running.events import Event

Tell = Callable[[Event], None]


@attrs.frozen
class Task:
    """One partition to run. `after`: the partitions of this run that must be done first, for it reads them."""

    partition: Partition
    after: frozenset[Partition] = frozenset()


@attrs.frozen(eq=False)
class Done:
    """What became of one partition. `error`: None where it is published, or nothing was to do.

    `attempts`: how often it was started; 0 for one that was given up without.
    """

    partition: Partition
    error: BasaltError | None
    attempts: int = 1


class Work(Protocol):
    """Computes and publishes one partition. Pickles; kept for the whole run in each process that has it."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Distributions whose code makes the results, with their versions: other machines must have the same."""
        ...

    def __call__(self, partition: Partition, tell: Tell, share: float = 1.0) -> None:
        """Raises BasaltError. `tell` takes run events; `share`: of the memory that the whole run may take."""
        ...


class Executor(Protocol):
    """A way to run partitions. Making one starts nothing; it raises UserError for options that cannot be."""

    name: ClassVar[str]
    Config: ClassVar[type]

    def __init__(self, config: Any, workers: int | None, retries: int, fail_fast: bool) -> None:
        """`config`: the options of `executor = { type = "…", … }`. `workers`: partitions at a time, where it is set."""
        ...

    def at_once(self, tasks: Sequence[Task]) -> int:
        """How many of these partitions share the memory of the run at a time; 1 where each has as much."""
        ...

    def run(self, work: Work, tasks: Sequence[Task], tell: Tell) -> Generator[Done, None, None]:
        """Yield each partition once, when it is decided. `tell` is called in this process; closing stops what runs."""
        ...


def open_executor(config: PipelineConfig, registry: Registry, fail_fast: bool = False) -> Executor:
    """The configured executor; UserError for an unknown type, an unknown option, or numbers that cannot be."""
    entry = config.executor if isinstance(config.executor, ExecutorEntry) else ExecutorEntry(type=config.executor)
    component = registry.get("executors", entry.type)
    made = component.load()
    options = getattr(made, "Config", NoOptions)
    check_reserved(options, "executors", f"executor {component.name} ({component.owner.named})")
    if config.workers is not None and config.workers < 1:
        raise UserError(f"workers is {config.workers}: give 1 or more, or leave it to the executor")
    if config.retries < 0:
        raise UserError(f"retries is {config.retries}: give 0 or more")
    executor: Executor = made(structure(options, entry.options, "executor"), config.workers, config.retries, fail_fast)
    return executor


def processes_for(workers: int | None, tasks: Sequence[Task]) -> int:
    """How many processes of this machine to run the tasks on: `workers`, or one a core, and no more than tasks."""
    return max(1, min(workers or cores(), len(tasks)))


def threads_each(processes: int) -> int:
    """Threads of Polars in each of so many processes: the cores, shared."""
    return max(1, cores() // processes)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
