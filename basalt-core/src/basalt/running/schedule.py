"""The schedule of a run: what can be started, what is run again, what is given up. All executors go by it.

A partition is *ready* once those it reads are done. One that fails is run again at once, up to `retries` times, unless
it would fail alike: the user, a check or a plugin's author must act. One that lost its worker is run again once, with
half the memory. One that waits for a failed one is *given up*, unless what it reads was published before the failure;
and so is all that is left after a failure where the run is to fail fast.
"""

from collections.abc import Generator, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Protocol

import attrs

from basalt.errors import BasaltError, CheckError, PluginError, UserError
from basalt.running.attempts import Attempt, WorkerLost
from basalt.running.events import Noted
from basalt.running.executors import Done, Task, Tell

FAIL_ALIKE = (UserError, CheckError, PluginError)


class Schedule:
    """The tasks of a run and how far they are. `at_once`: how many run at a time and share the memory."""

    def __init__(self, tasks: Sequence[Task], retries: int, fail_fast: bool, tell: Tell, at_once: int = 1) -> None:
        self._partitions = [task.partition for task in tasks]
        self._retries = retries
        self._fail_fast = fail_fast
        self._tell = tell
        self._share = 1.0 / at_once
        self._again: list[tuple[Attempt, BasaltError]] = []
        self._stopped: tuple[str, int] | None = None
        place = {partition: i for i, partition in enumerate(self._partitions)}
        self._waits = [{place[earlier] for earlier in task.after if earlier in place} for task in tasks]
        self._readers: list[list[int]] = [[] for _ in tasks]
        for i, waits in enumerate(self._waits):
            for earlier in waits:
                self._readers[earlier].append(i)
        self._place = place
        self._open = set(range(len(tasks)))
        self._ready = [i for i, waits in enumerate(self._waits) if not waits]
        heapify(self._ready)

    def take(self) -> Attempt | None:
        """The next attempt to start; None while nothing is ready, or nothing will be."""
        if self._stopped is not None:
            return None
        if self._again:
            return self._again.pop(0)[0]
        return Attempt(self._partitions[heappop(self._ready)], self._share) if self._ready else None

    def finish(self, attempt: Attempt, error: BasaltError | None) -> Iterator[Done]:
        """Take in how an attempt ended; yields what is decided by it: nothing where it is run again."""
        if error is None:
            yield self._done(attempt, None)
        elif self._may_again(attempt, error):
            self._again.append((self._next(attempt, error), error))
        else:
            yield from self._failed(attempt, error)

    def stop(self, why: str, exit_code: int = 1) -> None:
        """Start nothing more."""
        self._stopped = (why, exit_code)

    def rest(self) -> Iterator[Done]:
        """What was never decided, once nothing runs any more."""
        for attempt, error in self._again:
            yield self._done(attrs.evolve(attempt, number=attempt.number - 1), error)
        for i in sorted(self._open):
            waits = ", ".join(sorted(str(self._partitions[j]) for j in self._waits[i]))
            yield self._give_up(i, *(self._stopped or (f"it waits for {waits}, which waits for it", 1)))

    def _may_again(self, attempt: Attempt, error: BasaltError) -> bool:
        if self._stopped is not None:
            return False
        if isinstance(error, WorkerLost):
            return attempt.losses == 0
        return attempt.failures < self._retries and not isinstance(error, FAIL_ALIKE)

    def _next(self, attempt: Attempt, error: BasaltError) -> Attempt:
        again = attrs.evolve(attempt, number=attempt.number + 1)
        if isinstance(error, WorkerLost):
            again = attrs.evolve(again, losses=attempt.losses + 1, share=attempt.share / 2)
            said = f"{error}; run again with half the memory"
        else:
            again = attrs.evolve(again, failures=attempt.failures + 1)
            said = f"{error}; run again, {again.failures} of {self._retries} retries"
        self._tell(Noted(attempt.partition.date, attempt.partition.universe, said))
        return again

    def _failed(self, attempt: Attempt, error: BasaltError) -> Iterator[Done]:
        if isinstance(error, WorkerLost) and attempt.losses:
            error = WorkerLost(
                f"{error}; it was lost before, with twice the memory: lower `memory` or `workers`, or find in the "
                "system's log what stops it"
            )
        if self._fail_fast and self._stopped is None:
            self.stop(f"the run stops at the first failure, and {attempt.partition} failed", error.exit_code)
        yield self._done(attempt, error)
        if not error.readable:
            yield from self._give_up_readers(self._place[attempt.partition], error.exit_code)

    def _give_up_readers(self, failed: int, exit_code: int) -> Iterator[Done]:
        """Everything that waits for it, and what waits for that; a loop, for history chains all dates of a run."""
        reading = [(failed, reader, "failed") for reader in self._readers[failed]]
        for earlier, i, became in reading:
            if i in self._open:
                yield self._give_up(i, f"it reads {self._partitions[earlier]}, which {became}", exit_code)
                reading += [(i, reader, "was not started either") for reader in self._readers[i]]

    def _give_up(self, i: int, why: str, exit_code: int) -> Done:
        """The exit code is that of what failed, so that the failed check or configuration decides the run's."""
        partition = self._partitions[i]
        error = BasaltError(f"{partition} was not started: {why}; run it again once that is mended")
        error.exit_code = exit_code
        self._open.discard(i)
        return Done(partition, error, attempts=0)

    def _done(self, attempt: Attempt, error: BasaltError | None) -> Done:
        i = self._place[attempt.partition]
        self._open.discard(i)
        for reader in self._readers[i] if error is None or error.readable else ():
            self._waits[reader].discard(i)
            if not self._waits[reader] and reader in self._open:
                heappush(self._ready, reader)
        return Done(attempt.partition, error, attempt.number)


class Crew(Protocol):
    """Processes that run attempts, seen from where the run is driven."""

    def free(self) -> bool:
        """Whether one more attempt can be started now."""
        ...

    def busy(self) -> bool:
        """Whether an attempt runs."""
        ...

    def start(self, attempt: Attempt) -> None:
        """Start one, and come back at once."""
        ...

    def wait(self) -> Sequence[tuple[Attempt, BasaltError | None]]:
        """Wait until something is heard; the attempts that ended, with the error each stopped with."""
        ...


def driven(schedule: Schedule, crew: Crew) -> Generator[Done, None, None]:
    """Keep the crew busy until everything is decided."""
    while True:
        while crew.free() and (attempt := schedule.take()) is not None:
            crew.start(attempt)
        if not crew.busy():
            break
        for attempt, error in crew.wait():
            yield from schedule.finish(attempt, error)
    yield from schedule.rest()
