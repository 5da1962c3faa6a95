"""Executor `processes`: partitions side by side, in processes of this machine.

Each *worker* is a fresh interpreter (spawned, never forked: threads of Polars do not survive a fork) that works off
one partition at a time and tells its events through a pipe. A worker that dies takes no other with it, and one whose
parent is gone leaves. Standard pools cannot say which task a dead worker had; hence this one.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, ClassVar

import attrs

from basalt.errors import BasaltError, UserError
from basalt.options import NoOptions
from basalt.running.attempts import Attempt, Failure, Packed, attempted, lost
from basalt.running.events import BatchComputed, Event, PassComputed
from basalt.running.executors import Done, Task, Tell, Work, processes_for, threads_each
from basalt.running.schedule import Schedule, driven

GRACE = 3.0  # seconds a worker has to clean up after itself
UNGUARDED = 77  # exit code of a worker that met a run while it imported the main script
READY = "ready"
GUARD = 'put what a script does below `if __name__ == "__main__":`'
_spawning = multiprocessing.get_context("spawn")


class Processes:
    """Partitions side by side, in processes of this machine."""

    name: ClassVar[str] = "processes"
    Config: ClassVar[type] = NoOptions

    def __init__(self, _: Any, workers: int | None, retries: int, fail_fast: bool) -> None:
        self._workers = workers
        self._retries = retries
        self._fail_fast = fail_fast

    def at_once(self, tasks: Sequence[Task]) -> int:
        """One a worker: all are of this machine."""
        return processes_for(self._workers, tasks)

    def run(self, work: Work, tasks: Sequence[Task], tell: Tell) -> Generator[Done, None, None]:
        """Partitions as they are decided. UserError for a script without main guard, and for work that stays here."""
        leave_where_main_is_imported()
        size = self.at_once(tasks)
        crew = ProcessCrew(Packed.of(work, self.name), size, tell)
        try:
            yield from driven(Schedule(tasks, self._retries, self._fail_fast, tell, size), crew)
        finally:
            crew.stop()


@attrs.define(eq=False)
class Worker:
    """One process, what it is at, and what it told last of a batch or a pass."""

    process: BaseProcess
    pipe: "Connection[Any, Any]"
    attempt: Attempt | None = None
    last: Event | None = None
    ready: bool = False


@attrs.define(eq=False)
class ProcessCrew:
    """Up to `size` workers, started when there is something to do."""

    work: Packed
    size: int
    tell: Tell
    workers: list[Worker] = attrs.field(factory=list)

    def free(self) -> bool:
        """Fewer partitions run than there may be."""
        return sum(worker.attempt is not None for worker in self.workers) < self.size

    def busy(self) -> bool:
        """A worker is at it."""
        return any(worker.attempt is not None for worker in self.workers)

    def start(self, attempt: Attempt) -> None:
        """Hand it to an idle worker, or to a new one."""
        for worker in [w for w in self.workers if w.attempt is None]:
            try:
                worker.pipe.send(attempt)
            except OSError:  # it died idle: no partition is lost with it
                self._bury(worker)
            else:
                worker.attempt, worker.last = attempt, None
                return
        worker = self._spawn()
        worker.attempt = attempt
        with suppress(OSError):  # it died at once, and is heard of as lost
            worker.pipe.send(attempt)

    def wait(self) -> list[tuple[Attempt, BasaltError | None]]:
        """Hear every worker that has something to say, once."""
        busy = {worker.pipe: worker for worker in self.workers if worker.attempt is not None}
        ended = [self._hear(busy[pipe]) for pipe in wait(list(busy)) if isinstance(pipe, Connection)]
        return [one for one in ended if one is not None]

    def stop(self) -> None:
        """End every worker: kindly, and by force where that takes too long."""
        for worker in self.workers:
            worker.process.terminate()
        latest = time.monotonic() + GRACE
        for worker in list(self.workers):
            self._bury(worker, latest - time.monotonic())

    def _hear(self, worker: Worker) -> tuple[Attempt, BasaltError | None] | None:
        attempt = worker.attempt
        if attempt is None:
            return None
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            said = None
        if said is None:
            return attempt, self._gone(worker, attempt)
        if said == READY:
            worker.ready = True
        elif isinstance(said, Ended):
            worker.attempt = None
            return attempt, None if said.failure is None else said.failure.error()
        else:
            worker.last = said if isinstance(said, BatchComputed | PassComputed) else worker.last
            self.tell(said)
        return None

    def _gone(self, worker: Worker, attempt: Attempt) -> BasaltError:
        code = self._bury(worker)
        if code == UNGUARDED:
            raise UserError(f"executor 'processes' starts workers that import this script, which runs again: {GUARD}")
        if not worker.ready and code >= 0:
            raise UserError(
                f"a worker of executor 'processes' stopped with exit code {code} while it started, as printed above: "
                f'{GUARD}, or set executor = "inline"'
            )
        return lost(attempt, how_ended(code), worker.last)

    def _bury(self, worker: Worker, grace: float = GRACE) -> int:
        self.workers.remove(worker)
        worker.pipe.close()
        worker.process.join(max(0.0, grace))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        return worker.process.exitcode or 0

    def _spawn(self) -> Worker:
        ours, theirs = _spawning.Pipe()
        process = _spawning.Process(target=serve, args=(theirs, self.work), name="basalt worker", daemon=True)
        with _polars_threads(self.size), _interrupts_held():
            process.start()
        theirs.close()  # so that the pipe ends when the worker does
        worker = Worker(process, ours)
        self.workers.append(worker)
        return worker


@attrs.frozen
class Ended:
    """A worker's last word on an attempt."""

    failure: Failure | None


def serve(pipe: "Connection[Any, Any]", work: Work) -> None:
    """What a worker does: attempts from the pipe, one after another, until it is told to stop or its parent is gone."""
    try:
        signal.signal(signal.SIGTERM, _stop)
        threading.Thread(target=_leave_with_parent, daemon=True).start()
        pipe.send(READY)
        while True:
            error = attempted(work, pipe.recv(), pipe.send)
            pipe.send(Ended(None if error is None else Failure.of(error)))
    except (EOFError, OSError, KeyboardInterrupt):
        pass


def _stop(*_: object) -> None:
    raise KeyboardInterrupt  # passes whatever the work catches, and runs what it does finally


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def leave_where_main_is_imported() -> None:
    """End a worker that comes here while it imports a main script without guard, rather than let it start others."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(UNGUARDED)


def how_ended(code: int) -> str:
    """An exit code in words."""
    if code == -signal.SIGKILL:
        return "it was killed by SIGKILL, as the system does where memory runs out"
    return f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"it left with exit code {code}"


@contextmanager
def _polars_threads(processes: int) -> Iterator[None]:
    """For processes started inside: the cores shared among them; a setting of the user's stands."""
    if "POLARS_MAX_THREADS" in os.environ:
        yield
        return
    os.environ["POLARS_MAX_THREADS"] = str(threads_each(processes))
    try:
        yield
    finally:
        del os.environ["POLARS_MAX_THREADS"]


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """A process started inside never gets Ctrl-C, which the terminal sends to all; this one gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it would let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
