"""The run record: every event of a run as one line of JSON, in `{state}/runs/{run}.jsonl`.

A line is written when its event happens, so that a run that was killed is recorded up to then; its last line may be
torn, and whoever reads leaves that out. The ledger says what is published; the run record, what happened.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from errno import ENOSPC
from pathlib import Path
from typing import Any, get_args

import attrs

from basalt.running.events import BatchComputed, Event, PassComputed, RunFinished, RunStarted

KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Event)}


@attrs.frozen
class Line:
    """One event of a record. `at`: when it was written, UTC, ISO 8601. `peak`: the run's so far, in its last line."""

    event: Event
    at: str
    peak: int = 0


class RunRecord:
    """An observer that writes the record of the runs it sees below a state folder; OSError where it cannot."""

    def __init__(self, state: Path) -> None:
        self._file: int | None = None
        self._folder = state / "runs"
        self._peak = 0

    def __call__(self, event: Event) -> None:
        """Append one line; events before a run begins belong to no record."""
        if isinstance(event, RunStarted):
            self._open(event.run)
        if isinstance(event, BatchComputed | PassComputed):
            self._peak = max(self._peak, event.peak)
        if self._file is None:
            return
        last = {"peak": self._peak} if isinstance(event, RunFinished) else {}
        tree = {"event": type(event).__name__, "at": datetime.now(UTC).isoformat(), **attrs.asdict(event), **last}
        _append(self._file, json.dumps(tree, ensure_ascii=False, default=str).encode() + b"\n")
        if isinstance(event, RunFinished):
            self._close()

    def _open(self, run: str) -> None:
        self._close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._peak = 0
        self._file = os.open(self._folder / f"{run}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __del__(self) -> None:
        self._close()


def _append(file: int, text: bytes) -> None:
    """In one call, so that lines never mix."""
    if os.write(file, text) < len(text):
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def recorded(state: Path) -> dict[str, Path]:
    """The records below a state folder by run, the newest run first."""
    return {file.stem: file for file in sorted((state / "runs").glob("*.jsonl"), reverse=True)}


def lines(file: Path) -> Iterator[Line]:
    """The record's lines in order; torn ones, and events of another version of basalt, are left out."""
    with file.open("rb") as stream:
        for text in stream:
            if (line := parsed(text)) is not None:
                yield line


def parsed(text: bytes) -> Line | None:
    """The event of one line, or None."""
    try:
        tree = json.loads(text)
        kind = KINDS[tree["event"]]
        given = {f.name: tree[f.name] for f in attrs.fields(kind) if f.name in tree}
        if "date" in given:
            given["date"] = date.fromisoformat(given["date"])
        return Line(kind(**given), tree["at"], tree.get("peak", 0) if kind is RunFinished else 0)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
