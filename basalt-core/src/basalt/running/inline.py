"""Executor `inline`: one partition after another, in this process."""

from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from basalt.errors import UserError
from basalt.options import NoOptions
from basalt.running.attempts import attempted
from basalt.running.executors import Done, Task, Tell, Work
from basalt.running.schedule import Schedule


class Inline:
    """One partition after another in this process; a failed one does not stop the next, unless asked to."""

    name: ClassVar[str] = "inline"
    Config: ClassVar[type] = NoOptions

    def __init__(self, _: Any, workers: int | None, retries: int, fail_fast: bool) -> None:
        if workers is not None and workers > 1:
            raise UserError(
                f"executor 'inline' runs one partition at a time and workers is {workers}: "
                'set executor = "processes", or leave workers out'
            )
        self._retries = retries
        self._fail_fast = fail_fast

    def at_once(self, tasks: Sequence[Task]) -> int:
        """One."""
        return 1

    def run(self, work: Work, tasks: Sequence[Task], tell: Tell) -> Generator[Done, None, None]:
        """Partitions in the order of the tasks."""
        schedule = Schedule(tasks, self._retries, self._fail_fast, tell)
        while (attempt := schedule.take()) is not None:
            yield from schedule.finish(attempt, attempted(work, attempt, tell))
        yield from schedule.rest()
