"""The bars of a run on a terminal: one of all its passes, and one of each partition that is at work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from basalt.planning.partitions import Partition
from basalt.running.events import (
    BatchComputed,
    Event,
    Observer,
    PartitionFailed,
    PartitionFinished,
    PassComputed,
    PassPublished,
    PassSkipped,
    RunStarted,
)


@contextmanager
def bars() -> Iterator[tuple[Observer, Callable[[str], None]]]:
    """An observer that moves the bars, and how to say something above them. They are gone when the context ends."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        yield _Bars(shown), lambda said: console.print(said, markup=False, highlight=False, soft_wrap=True)


@attrs.define(eq=False)
class _Bars:
    """`over`: passes and partitions that need no more. `at`: the bar of each partition at work."""

    shown: Progress
    whole: TaskID | None = None
    passes: list[str] = attrs.field(factory=list)
    total: int = 0
    over: set[tuple[Partition, str]] = attrs.field(factory=set)
    at: dict[Partition, TaskID] = attrs.field(factory=dict)

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self.passes, self.total = list(event.passes), event.partitions * len(event.passes)
                self.whole = self.shown.add_task(event.pipeline, total=self.total, said=self._said())
            case BatchComputed():
                self._move(event)
            case PassComputed():
                self._rename(event, "checking and publishing")
            case PassPublished() | PassSkipped():
                self._end(Partition(event.date, event.universe), [event.name])
            case PartitionFinished() | PartitionFailed():
                partition = Partition(event.date, event.universe)
                self._end(partition, self.passes)
                if partition in self.at:
                    self.shown.remove_task(self.at.pop(partition))

    def _move(self, event: BatchComputed) -> None:
        bar = self._bar(Partition(event.date, event.universe))
        said = f"{event.done:,} of {event.of:,} rows"
        self.shown.update(bar, description=self._name(event), completed=event.done, total=event.of, said=said)

    def _rename(self, event: PassComputed, said: str) -> None:
        bar = self._bar(Partition(event.date, event.universe))
        self.shown.update(bar, description=self._name(event), said=said)

    def _bar(self, partition: Partition) -> TaskID:
        if partition not in self.at:
            self.at[partition] = self.shown.add_task(str(partition), total=None, said="")
        return self.at[partition]

    def _name(self, event: BatchComputed | PassComputed) -> str:
        return f"  {Partition(event.date, event.universe)} {event.name}"

    def _end(self, partition: Partition, names: list[str]) -> None:
        self.over.update((partition, name) for name in names)
        if self.whole is not None:
            self.shown.update(self.whole, completed=len(self.over), said=self._said())

    def _said(self) -> str:
        return f"{len(self.over):,} of {self.total:,} passes"
