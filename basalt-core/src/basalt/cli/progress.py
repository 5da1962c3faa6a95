"""Progress of a run on stderr: a bar on a terminal, plain lines elsewhere.

Notes, failed checks and failures are told in either. A run that finds nothing to do tells nothing here.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs

from basalt.cli.output import counted, narrate
from basalt.planning.partitions import Partition
from basalt.running.events import (
    Checked,
    Event,
    Noted,
    Observer,
    PartitionFailed,
    PartitionFinished,
    PassPublished,
    PassSkipped,
    RunFinished,
    RunStarted,
)


@contextmanager
def progress(notes: Sequence[str] = ()) -> Iterator["Told"]:
    """An observer that shows what a run does, until the context ends. `notes`: of the plan, told once it does any."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from basalt.cli.bars import bars

        with bars() as (moving, say):
            yield Told(notes, say, moving)
    else:
        yield Told(notes, narrate)


@attrs.define
class Told:
    """Tells what happens, a line each. `moving`: the bars; without them each pass that is published is told, too.

    `buried`: whether other lines came behind that of a failure.
    """

    notes: Sequence[str]
    say: Callable[[str], None]
    moving: Observer | None = None
    buried: bool = False
    _started: RunStarted | None = None
    _before: dict[Partition, set[str]] = attrs.field(factory=dict)
    _failed: bool = False
    _checks: dict[tuple[str, Partition], list[str]] = attrs.field(factory=dict)

    def __call__(self, event: Event) -> None:
        """One more event."""
        match event:
            case RunStarted():
                self._started = event
            case PassSkipped() if self._started:
                self._before.setdefault(_at(event), set()).add(event.name)
            case PassSkipped() | PartitionFinished() | RunFinished():
                pass
            case _:
                self._begin()
                self._tell(event)
        if self.moving:
            self.moving(event)

    def _begin(self) -> None:
        started, self._started = self._started, None
        if started is None:
            return
        for note in self.notes:
            self._line(f"note: {note}")
        if not self.moving:
            before = sum(len(names) == len(started.passes) for names in self._before.values())
            whole = counted(started.partitions, "partition")
            count = f"{started.partitions - before} of {whole} to do" if before else whole
            self._line(f"{started.pipeline}: {count}, passes {', '.join(started.passes)}")

    def _tell(self, event: Event) -> None:
        match event:
            case Noted():
                self._line(f"{_at(event)} note: {noted(event)}")
            case PartitionFailed() if event.tried:
                self.say(failure(_at(event), event.error))
                self._failed = True
            case Checked() if not event.passed:
                self._of_pass(event).append(f"{_at(event)} {event.name}, {event.check}: {event.said}")
            case PassPublished():
                for said in self._of_pass(event):
                    self._line(f"{said}; published all the same")
                if not self.moving:
                    places = f" -> {', '.join(event.places)}" if event.places else ", no output"
                    self._line(f"{_at(event)} {event.name}: {counted(event.rows, 'row')}{places}")

    def _line(self, said: str) -> None:
        self.buried = self._failed
        self.say(said)

    def _of_pass(self, event: Checked | PassPublished) -> list[str]:
        """Failed checks that only warn; one that raises is in the failure of its partition."""
        return self._checks.setdefault((event.name, _at(event)), [])


def failure(partition: Partition, said: str) -> str:
    """A partition's failure in a line."""
    return said if said.startswith(f"{partition} ") else f"{partition} failed: {said}"


def noted(note: Noted) -> str:
    """The note in a line: whose it is, what, of how many, and one of them."""
    whose = f"passes.{note.name}: " if note.name else ""
    facts = [str(note.count)] if note.count is not None else []
    facts += [f"as {note.example}"] if note.example is not None else []
    behind = f" ({', '.join(facts)})" if facts else ""
    return f"{whose}{note.what}{behind}"


def _at(event: Checked | Noted | PartitionFailed | PassPublished | PassSkipped) -> Partition:
    return Partition(event.date, event.universe)
