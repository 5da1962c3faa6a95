"""What run records tell: of a run at a glance, and of each pass of each partition in it.

A run that did not say that it finished is *unfinished*: it was killed, or goes on still. A partition that failed and
was run again counts by how it ended.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from basalt.running.events import (
    BatchComputed,
    Checked,
    Event,
    Noted,
    PartitionFailed,
    PartitionFinished,
    PassComputed,
    PassPublished,
    PassSkipped,
    RunFinished,
    RunStarted,
)
from basalt.running.record import Line, lines, parsed

TAIL = 65_536  # bytes; more than a run's last line
Place = tuple[date, str]


@attrs.frozen
class RunSeen:
    """A run at a glance. `started`, `finished`: UTC, ISO 8601; None where the record is torn before they are told.

    `partitions`: planned; `skipped` ones had nothing left to do, and count among the `done`. `seconds`: up to the last
    event. `peak`: resident memory in bytes.
    """

    run: str
    state: Literal["done", "failed", "unfinished"] = "unfinished"
    pipeline: str = ""
    started: str | None = None
    finished: str | None = None
    seconds: float = 0.0
    executor: str = ""
    partitions: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    peak: int = 0
    versions: Mapping[str, str] = attrs.field(factory=dict)


@attrs.define
class PassSeen:
    """One pass of one partition in a run. `seconds`: by stage. `error`: what it failed with."""

    date: date
    universe: str
    name: str
    status: Literal["done", "skipped", "failed", "unfinished"] = "unfinished"
    rows_in: int | None = None
    rows: int | None = None
    batches: int = 0
    seconds: Mapping[str, float] = attrs.field(factory=dict)
    peak: int = 0
    checks: list[Checked] = attrs.field(factory=list)
    places: Sequence[str] = ()
    error: str | None = None


@attrs.frozen
class RunDetail:
    """All that a run's record tells."""

    run: RunSeen
    passes: Sequence[PassSeen]
    notes: Sequence[Noted]
    errors: Sequence[PartitionFailed]


def glance(run: str, file: Path) -> RunSeen:
    """The run by the first and the last line of its record, and by all of them only where it is unfinished."""
    with file.open("rb") as stream:
        first = parsed(stream.readline())
        stream.seek(max(0, file.stat().st_size - TAIL))
        last = parsed(stream.read().rpartition(b"\n")[0].rpartition(b"\n")[2])
    if first and last and isinstance(first.event, RunStarted) and isinstance(last.event, RunFinished):
        return _finished(first.event, last.event, last)
    return detail(run, file).run


def detail(run: str, file: Path) -> RunDetail:
    """Everything the record of that run tells."""
    seen = _Seen()
    for line in lines(file):
        seen.take(line)
    return seen.told(run)


def _finished(started: RunStarted, finished: RunFinished, line: Line) -> RunSeen:
    return RunSeen(
        started.run,
        "failed" if finished.failed else "done",
        started.pipeline,
        started.started,
        line.at,
        finished.seconds,
        started.executor,
        started.partitions,
        finished.done,
        finished.skipped,
        finished.failed,
        line.peak,
        started.versions,
    )


class _Seen:
    """What the lines have told so far."""

    def __init__(self) -> None:
        self.first: RunStarted | None = None
        self.began: str = ""
        self.last: Line | None = None
        self.passes: dict[tuple[date, str, str], PassSeen] = {}
        self.notes: list[Noted] = []
        self.errors: dict[Place, PartitionFailed] = {}
        self.ended: set[Place] = set()

    def take(self, line: Line) -> None:
        """One more line."""
        self.last = line
        event = line.event
        match event:
            case RunStarted():
                self.first, self.began = event, line.at
            case Noted():
                self.notes.append(event)
            case PartitionFailed():
                self.errors[event.date, event.universe] = event
                self._failed(event)
            case PartitionFinished():
                self.errors.pop((event.date, event.universe), None)
                self.ended.add((event.date, event.universe))
            case _:
                self._take_pass(event)

    def _take_pass(self, event: Event) -> None:
        match event:
            case PassSkipped():
                self._pass(event).status = "skipped"
            case BatchComputed():
                one = self._pass(event)
                one.status, one.error = "unfinished", None
                one.batches, one.peak = event.batch + 1, max(one.peak, event.peak)
            case PassComputed():
                one = self._pass(event)
                one.status, one.error, one.checks = "unfinished", None, []
                one.rows_in, one.rows, one.batches = event.rows_in, event.rows, event.batches
                one.seconds, one.peak = {"compute": event.seconds}, max(one.peak, event.peak)
            case Checked():
                self._pass(event).checks.append(event)
            case PassPublished():
                one = self._pass(event)
                one.status, one.rows, one.places = "done", event.rows, event.places
                one.seconds = event.seconds or one.seconds

    def _pass(self, event: Any) -> PassSeen:
        key = event.date, event.universe, event.name
        return self.passes.setdefault(key, PassSeen(*key))

    def _failed(self, event: PartitionFailed) -> None:
        """Passes run in order, so the one that failed is the first that is not done."""
        for name in self.first.passes if self.first else ():
            one = self.passes.setdefault((event.date, event.universe, name), PassSeen(event.date, event.universe, name))
            if one.status not in ("done", "skipped"):
                one.status, one.error = "failed", event.error
                return

    def told(self, run: str) -> RunDetail:
        """The whole of it; passes by date, universe and their order in the pipeline."""
        order = {name: i for i, name in enumerate(self.first.passes if self.first else ())}
        passes = sorted(self.passes.values(), key=lambda p: (p.date, p.universe, order.get(p.name, len(order))))
        return RunDetail(self._run(run), passes, self.notes, list(self.errors.values()))

    def _run(self, run: str) -> RunSeen:
        if self.first is None or self.last is None:
            return RunSeen(run)
        if isinstance(self.last.event, RunFinished):
            return _finished(self.first, self.last.event, self.last)
        started = self.first
        worked = {(p.date, p.universe) for p in self.passes.values() if p.status != "skipped"}
        seconds = datetime.fromisoformat(self.last.at) - datetime.fromisoformat(self.began)
        return RunSeen(
            run,
            pipeline=started.pipeline,
            started=started.started,
            seconds=max(0.0, seconds.total_seconds()),
            executor=started.executor,
            partitions=started.partitions,
            done=len(self.ended),
            skipped=len(self.ended - worked),
            failed=len(self.errors),
            peak=max((p.peak for p in self.passes.values()), default=0),
            versions=started.versions,
        )
