"""Progress of a run on stderr: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from basalt.cli.output import counted, narrate
from basalt.running.events import Event, Noted, Observer, PartitionFailed, PassComputed, PassPublished, RunStarted


@contextmanager
def progress() -> Iterator[Observer]:
    """An observer that shows what a run does, until the context ends."""
    if sys.stderr.isatty():
        with _bar() as observer:
            yield observer
    else:
        yield _lines


def _lines(event: Event) -> None:
    match event:
        case RunStarted():
            narrate(f"{event.pipeline}: {counted(event.partitions, 'partition')}, passes {', '.join(event.passes)}")
        case PassPublished() if event.places:
            narrate(f"{event.date} {event.name}: {counted(event.rows, 'row')} -> {', '.join(event.places)}")
        case PassPublished():
            narrate(f"{event.date} {event.name}: {counted(event.rows, 'row')}, no output")
        case Noted():
            narrate(f"{event.date} note: {event.what}")
        case PartitionFailed():
            narrate(f"{event.date} failed: {event.error}")


@contextmanager
def _bar() -> Iterator[Observer]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("planning", total=None)

        def observe(event: Event) -> None:
            match event:
                case RunStarted():
                    total = event.partitions * len(event.passes)
                    bar.update(task, total=total, description=event.pipeline)
                case PassComputed():
                    bar.update(task, description=f"{event.date} {event.name}: {counted(event.rows, 'row')}")
                case PassPublished():
                    bar.advance(task)
                case Noted():
                    bar.console.print(f"{event.date} note: {event.what}", markup=False)
                case PartitionFailed():
                    bar.console.print(f"{event.date} failed: {event.error}", markup=False)

        yield observe
