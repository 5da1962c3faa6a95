"""Work whose attempts go as a script says: what executors are tried with. Imported by workers, so no test module.

Each attempt leaves a file `2026-01-05.0`, `.1`, … in the folder with its process, share of the memory and threads.
"""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import attrs

from basalt.errors import CheckError, DataError, PluginError, PublishError, UserError
from basalt.planning.partitions import Partition
from basalt.running.events import BatchComputed, PassComputed, PassSkipped
from basalt.running.executors import Task

ERRORS = {
    "data": DataError("a corrupt file"),
    "user": UserError("no such pass"),
    "plugin": PluginError("module trade broke"),
    "check": CheckError("too many nulls"),
    "publish": PublishError("no space left"),
    "value": ValueError("3 is no price"),
    "exit": SystemExit("leaving"),
}


class OddError(CheckError):
    """An error of a plugin's own, that does not pickle."""

    def __init__(self, column, limit):
        super().__init__(f"{column} is above {limit}")
        self.exit_code = 9


def day(n):
    """The nth of January 2026."""
    return Partition(date(2026, 1, n))


def tasks(*days, chained=False):
    """A task a day; chained: each reads the one before it."""
    found = [day(n) for n in days]
    return [Task(p, frozenset(found[max(0, i - 1) : i]) if chained else frozenset()) for i, p in enumerate(found)]


@attrs.frozen
class Scripted:
    """`plays`: by day of January, what its attempts do, the last one for all that follow; a day without one is done."""

    folder: Path
    plays: Mapping[int, Sequence[str]] = attrs.field(factory=dict)
    versions: Mapping[str, str] = attrs.field(factory=dict)

    def __call__(self, partition, tell, share=1.0):
        number = len(self.attempts(partition))
        seen = {"process": os.getpid(), "share": share, "threads": os.environ.get("POLARS_MAX_THREADS")}
        (self.folder / f"{partition.date}.{number}").write_text(json.dumps({**seen, "at": time.time()}))
        plays = self.plays.get(partition.date.day, ["done"])
        self.play(plays[min(number, len(plays) - 1)], partition, tell)

    def attempts(self, partition):
        """What the attempts at that partition saw, in order."""
        files = sorted(self.folder.glob(f"{partition.date}.*"))
        return [json.loads(file.read_text()) for file in files if file.suffix != ".cleaned"]

    def play(self, action, partition, tell):
        for batch in range(2):
            tell(BatchComputed("bars", partition.date, partition.universe, batch, 1, 10, batch + 1, 2, 0.0, 0))
        match action:
            case "done":
                tell(PassComputed("bars", partition.date, partition.universe, 2, 20, 20, 0.0, 0))
            case "kill":
                time.sleep(0.1)
                os.kill(os.getpid(), signal.SIGKILL)
            case "leave":
                os._exit(3)
            case "odd":
                raise OddError("SpreadBps", 5)
            case "slow":
                self.slow(partition, tell)
            case "beside":
                while not (self.folder / "2026-01-01.0").exists():
                    time.sleep(0.01)
                time.sleep(0.5)
            case "nap":
                time.sleep(0.3)
            case _:
                raise ERRORS[action]

    def slow(self, partition, tell):
        """A minute of work that cleans up behind itself, and tells something else now and then."""
        try:
            for _ in range(600):
                time.sleep(0.1)
                tell(PassSkipped("bars", partition.date + timedelta(0), partition.universe))
        finally:
            (self.folder / f"{partition.date}.cleaned").touch()


@attrs.frozen
class Stays(Scripted):
    """Work that does not pickle."""

    def __reduce__(self):
        raise TypeError("an open file stays here")


@attrs.frozen
class Unreadable(Scripted):
    """Work that pickles and cannot be unpacked."""

    def __reduce__(self):
        return int, ("no number",)
