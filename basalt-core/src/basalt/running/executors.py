"""Executors: how the partitions of a run are spread. Content and order of results never depend on which one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from basalt.errors import BasaltError
from basalt.planning.plan import Partition

Work = Callable[[Partition], None]


class Executor(Protocol):
    """Runs `work` for each partition and yields it with the error it stopped with, or None."""

    def run(self, work: Work, partitions: Sequence[Partition]) -> Iterator[tuple[Partition, BasaltError | None]]:
        """Yield each partition once, when it is done."""
        ...


class Inline:
    """One partition after another in this process; a failed one does not stop the next."""

    name = "inline"

    def run(self, work: Work, partitions: Sequence[Partition]) -> Iterator[tuple[Partition, BasaltError | None]]:
        """Partitions in order."""
        for partition in partitions:
            try:
                work(partition)
            except BasaltError as error:
                yield partition, error
            else:
                yield partition, None
