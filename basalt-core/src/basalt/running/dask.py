"""Executor `dask`: partitions on a `dask.distributed` cluster: one that runs already, or one made here for the run.

The client, in this process, submits one task an attempt; `dask_crew.py` follows what becomes of them, `dask_worker.py`
is what a worker does. Run events come through the scheduler as they happen, and once more with the result, so that none
is missing. A cluster starts a task again by itself whose worker died; such a task finds that it was started before,
does nothing, and leaves it to the schedule. `distributed` takes two seconds to import, and is an extra: only functions
import it.
"""

# mypy: allow-untyped-calls
# distributed is typed in part

import asyncio
import importlib.util
import logging
import os
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

import attrs

from basalt.errors import UserError, one_line
from basalt.options import option
from basalt.running.attempts import Packed
from basalt.running.dask_crew import DaskCrew, SchedulerGone, unfinished
from basalt.running.executors import Done, Task, Tell, Work, processes_for, threads_each
from basalt.running.processes import GUARD, leave_where_main_is_imported
from basalt.running.schedule import Schedule, driven

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 5  # seconds to wait for a scheduler to answer


@attrs.frozen
class DaskOptions:
    """Which cluster."""

    address: str | None = option(
        "scheduler of a running cluster, as `tcp://10.0.0.5:8786`; default: a cluster made here for the run",
        default=None,
    )


class Dask:
    """Partitions on a cluster. `workers`: partitions at a time; by default one a worker, or a core of this machine."""

    name: ClassVar[str] = "dask"
    Config: ClassVar[type] = DaskOptions

    def __init__(self, config: DaskOptions, workers: int | None, retries: int, fail_fast: bool) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise UserError("executor 'dask' needs the package distributed: pip install 'basalt-core[dask]'")
        self._address = config.address
        self._workers = workers
        self._retries = retries
        self._fail_fast = fail_fast

    def at_once(self, tasks: Sequence[Task]) -> int:
        """One a worker of a cluster made here; workers elsewhere have memory of their own."""
        return processes_for(self._workers, tasks) if self._address is None else 1

    def run(self, work: Work, tasks: Sequence[Task], tell: Tell) -> Generator[Done, None, None]:
        """Partitions as they are decided. UserError for a cluster that does not answer, or work that stays here."""
        if not tasks:
            return
        leave_where_main_is_imported()
        packed = Packed.of(work, self.name)
        size = processes_for(self._workers, tasks)
        with _local(size) if self._address is None else _running(self._address) as client:
            crew = DaskCrew(client, packed, tell, size if self._address is None else self._workers)
            schedule = Schedule(tasks, self._retries, self._fail_fast, tell, self.at_once(tasks))
            try:
                yield from driven(schedule, crew)
            except SchedulerGone as gone:
                schedule.stop(str(gone))
                for attempt in crew.running():
                    yield from schedule.finish(attempt, unfinished(attempt, gone))
                yield from schedule.rest()
            finally:
                crew.stop()


@contextmanager
def _local(size: int) -> "Iterator[Client]":
    """A cluster of single-threaded processes that ends with the block; it listens to this machine alone."""
    from distributed import Client, LocalCluster

    made = {"n_workers": size, "threads_per_worker": 1, "host": "127.0.0.1", "silence_logs": logging.CRITICAL}
    off = {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}  # without address: port 8787
    with _polars_threads(size):
        try:
            cluster = LocalCluster(**made, **off)
        except RuntimeError as error:
            raise UserError(
                f"executor 'dask' could not start a cluster on this machine ({one_line(error)}): {GUARD}, or set "
                "address to a cluster that runs"
            ) from error
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client
            with suppress(TimeoutError):  # a worker that takes a dead one's place complains if it is stopped at once
                client.wait_for_workers(size, timeout=PATIENCE)


@contextmanager
def _polars_threads(size: int) -> Iterator[None]:
    """The cores shared among the workers, unless the user has set it; distributed sets such variables here too."""
    import dask

    key = "distributed.nanny.pre-spawn-environ"
    with dask.config.set({f"{key}.POLARS_MAX_THREADS": threads_each(size)}):
        before = {name: os.environ.get(name) for name in dask.config.get(key)}
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({} if value is None else {name: value})


@contextmanager
def _running(address: str) -> "Iterator[Client]":
    """A client of a cluster that stays when the block is left."""
    from distributed import Client
    from distributed.utils import silence_logging_cmgr

    try:
        with ThreadPoolExecutor(1) as own_loop:  # a notebook has a loop in this thread
            own_loop.submit(asyncio.run, _greet(address)).result()
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"executor 'dask' finds no scheduler at {address!r} ({one_line(error)}): start one with `dask scheduler` "
            "and `dask worker`, mend address, or leave it out for a cluster of this machine"
        ) from error
    with silence_logging_cmgr(logging.CRITICAL), client:
        yield client


async def _greet(address: str) -> None:
    """Raises where no scheduler answers; a Client that found none would disturb the end of the process."""
    from distributed.comm.core import connect
    from distributed.security import Security

    comm = await connect(address, timeout=PATIENCE, **Security().get_connection_args("client"))
    comm.abort()
