"""The workers of a dask cluster as a crew: tasks that are out, what is heard of them, and how each ended."""

# mypy: allow-untyped-calls
# distributed is typed in part

import pickle
import queue
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import attrs

from basalt.errors import BasaltError, PluginError, one_line
from basalt.running.attempts import Attempt, Packed, lost
from basalt.running.dask_worker import Ended, task
from basalt.running.events import BatchComputed, Event, Noted, PassComputed
from basalt.running.executors import Tell

if TYPE_CHECKING:
    from distributed import Client, Future

LOST = "the cluster lost sight of it"
PATIENCE = 5  # seconds between looks at a cluster that is silent


class SchedulerGone(BasaltError):
    """The scheduler of the cluster does not answer any more, and with it all that was submitted."""


def unfinished(attempt: Attempt, gone: SchedulerGone) -> BasaltError:
    """The error of a partition that was being worked at."""
    return BasaltError(f"{attempt.partition} was not finished: {gone}; run it again")


@attrs.define(eq=False)
class Submitted:
    """A task of the cluster. `told`: how many of its events were told; `last`: the last of a batch or a pass."""

    attempt: Attempt
    future: "Future[Ended]"
    told: int = 0
    last: Event | None = None


@attrs.define(eq=False)
class DaskCrew:
    """The workers of a cluster. `size`: partitions at a time; None: as many as there are workers."""

    client: "Client"
    work: Packed
    tell: Tell
    size: int | None
    topic: str = attrs.field(factory=lambda: f"basalt-{uuid.uuid4().hex}")
    submitted: dict[str, Submitted] = attrs.field(factory=dict)
    heard: "queue.Queue[Any]" = attrs.field(factory=queue.Queue)
    warned: bool = False

    def __attrs_post_init__(self) -> None:
        self.client.subscribe_topic(self.topic, lambda stamped: self.heard.put(stamped[1]))

    def free(self) -> bool:
        """Fewer partitions run than there may be."""
        return len(self.submitted) < (self.size or max(1, self._workers()))

    def busy(self) -> bool:
        """A task is out."""
        return bool(self.submitted)

    def running(self) -> list[Attempt]:
        """What is out."""
        return [one.attempt for one in self.submitted.values()]

    def start(self, attempt: Attempt) -> None:
        """Submit it; the cluster chooses the worker."""
        key = f"{self.topic}-{attempt.partition.date}-{attempt.partition.universe}-{attempt.number}"
        with _reached():
            future = self.client.submit(task, self.work, attempt, self.topic, key, key=key, pure=False, retries=0)
            future.add_done_callback(lambda _: self.heard.put(key))
        self.submitted[key] = Submitted(attempt, future)

    def wait(self) -> list[tuple[Attempt, BasaltError | None]]:
        """Hear one event or one end."""
        said = self._next()
        if isinstance(said, str):
            return [self._ended(said)] if said in self.submitted else []
        one = self.submitted.get(said["key"])
        if one is not None and said["number"] == one.told:
            self._tell(one, said["event"])
        return []

    def stop(self) -> None:
        """Take back what is out: a worker at it leaves it at its next event."""
        with suppress(SchedulerGone), _reached():
            self.client.cancel([one.future for one in self.submitted.values()])
            self.client.unsubscribe_topic(self.topic)

    def _workers(self) -> int:
        with _reached():
            return len(self.client.nthreads())

    def _next(self) -> Any:
        """The key of a task that ended, or an event; says so where nothing can come, for the cluster has no workers."""
        while True:
            try:
                return self.heard.get(timeout=PATIENCE)
            except queue.Empty:
                self._look()

    def _look(self) -> None:
        if self.warned or self._workers():
            return
        self.warned = True
        for one in self.submitted.values():
            partition = one.attempt.partition
            self.tell(Noted(partition.date, partition.universe, "waits: the dask cluster has no workers"))

    def _ended(self, key: str) -> tuple[Attempt, BasaltError | None]:
        from distributed import Event as Flag

        one = self.submitted[key]
        with _reached():
            if one.future.status not in ("finished", "error"):
                raise ConnectionError("it let go of a task")
            error = self._outcome(one)
            Flag(key, client=self.client).clear()
        del self.submitted[key]
        return one.attempt, error

    def _outcome(self, one: Submitted) -> BasaltError | None:
        from distributed import KilledWorker

        if one.future.status == "error":
            error = one.future.exception()
            return lost(one.attempt, LOST, one.last) if isinstance(error, KilledWorker) else _unstarted(one, error)
        ended = one.future.result()
        for event in ended.events[one.told :]:
            self._tell(one, event)
        if ended.started_before:
            return lost(one.attempt, LOST, one.last)
        return None if ended.failure is None else ended.failure.error()

    def _tell(self, one: Submitted, event: bytes) -> None:
        told: Event = pickle.loads(event)
        one.told += 1
        one.last = told if isinstance(told, BatchComputed | PassComputed) else one.last
        self.tell(told)


def _unstarted(one: Submitted, error: BaseException) -> PluginError:
    return PluginError(
        f"{one.attempt.partition} could not be started by a dask worker ({one_line(error)}): install "
        "basalt-core and the pipeline's plugins, as they are here, on every worker"
    )


@contextmanager
def _reached() -> Iterator[None]:
    """Around what asks the scheduler."""
    from distributed.client import ClosedClientError

    try:
        yield
    except (OSError, ClosedClientError) as error:
        raise SchedulerGone(f"the dask scheduler let go of the run ({one_line(error)})") from error
