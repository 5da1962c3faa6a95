"""Killing runs: where they are killed, and what must hold of the folder afterwards."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from conftest import assert_same
from forked import Host, Told

from basalt.outputs import Target
from basalt.running.ledger import Ledger, Record

if TYPE_CHECKING:
    from conftest import Desk

CHILD = Path(__file__).with_name("child.py")
Done = tuple[str, str]


class Runs:
    """Runs in processes of their own, one at a time, which tell each event and wait until it was heard."""

    def __init__(self) -> None:
        self._host = Host(CHILD)

    def close(self) -> None:
        """End the process that all runs are forks of."""
        self._host.close()

    def events(self, desk: "Desk", **how: Any) -> Iterator[Told]:
        """Each event of a run; the next one happens when it is asked for. The last one tells the exit code."""
        return self._host.events(_request(desk, **how))

    def killed(self, desk: "Desk", at: Callable[[Told], bool], **how: Any) -> list[Told]:
        """Run until the first event that `at` says, and kill it there; the events up to then."""
        return self._host.killed(_request(desk, **how), at)

    def killed_amid(self, desk: "Desk", kind: str, count: int, seconds: float, **how: Any) -> bool:
        """Run until so many events of a kind were told, go on, and kill it so soon after; whether it was killed."""
        for told in self.events(desk, **how):
            count -= told["kind"] == kind
            if told["kind"] == "Ended":
                assert told["code"] == 0
                return False
            if not count:
                break
        self._host.go_on(told)
        time.sleep(seconds)
        self._host.kill()
        return bool(self._host.ended())

    def killed_after(self, desk: "Desk", seconds: float, **how: Any) -> bool:
        """Run for so long, if it takes as long; whether it was killed. It asks nobody and fails nothing."""
        return self._host.killed_after(_request(desk, **how), seconds)

    def workers(self) -> list[int]:
        """The worker processes of a run, its own or what it left."""
        members = [
            int(stat.split()[0]) for stat in _stats() if stat.rpartition(")")[2].split()[3] == str(self._host.session)
        ]
        return [process for process in members if b"spawn_main" in _command(process)]

    def wait_until_alone(self, seconds: float = 20) -> None:
        """Until no worker is left of a run that was killed."""
        latest = time.monotonic() + seconds
        while self.workers():
            assert time.monotonic() < latest, "a worker outlives the run that started it"
            time.sleep(0.02)


def _request(desk: "Desk", dates: Sequence[date] = (), overrides: Sequence[str] = ()) -> dict[str, Any]:
    return {"pipeline": str(desk.pipeline), "dates": [str(day) for day in dates], "overrides": list(overrides)}


def _stats() -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            yield file.read_text()


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def published(told: Sequence[Told]) -> list[Done]:
    """Passes and dates whose publishing was told."""
    return [(event["name"], event["date"]) for event in told if event["kind"] == "PassPublished"]


def resumed(desk: "Desk", **how: Any) -> list[Done]:
    """Run to the end in this process; the passes and dates that this published."""
    result = desk.run(**how)
    assert [failure.error for failure in result.failed] == []
    return [(each.name, str(each.date)) for each in result.published]


def without(desk: "Desk", name: str) -> "Desk":
    """The desk, its pipeline without that pass."""
    head, *passes = desk.pipeline.read_text().split("[[passes]]\n")
    kept = [one for one in passes if not one.startswith(f'name = "{name}"')]
    desk.pipeline.write_text("[[passes]]\n".join([head, *kept]))
    return desk


def assert_mended(desk: "Desk", expected: Mapping[str, pl.DataFrame], dates: Sequence[date]) -> list[Done]:
    """Run again: it does what the ledger has not, nothing else, and then all is there; what it published."""
    kept = inodes(desk)
    again = resumed(desk, dates=dates)
    wanted = {name for name in expected if f'name = "{name}"' in desk.pipeline.read_text()}
    rows = {done: rows for done, rows in by_partition(expected).items() if done[0] in wanted}
    assert_same(visible(desk), {done: rows[done] for done in rows if done[1] in map(str, dates)})
    assert records(desk).keys() == visible(desk).keys()
    assert kept.items() <= inodes(desk).items()
    assert desk.rest() == []
    return again


def records(desk: "Desk") -> dict[Done, Record]:
    """What the ledger has, every record of it whole."""
    ledger, found = Ledger(desk.folder / ".basalt"), {}
    for file in (ledger.state / "ledger").rglob("*.json"):
        name, day = file.parts[-3:-1]
        record = ledger.read(Target("cuts", name, date.fromisoformat(day), file.stem, ""))
        assert isinstance(record, Record), record
        found[name, day] = record
    return found


def inodes(desk: "Desk") -> dict[str, int]:
    """The file at each place that the ledger tells: another number says that it was written anew."""
    return {place: os.stat(place).st_ino for record in records(desk).values() for place in record.places}


def visible(desk: "Desk", root: str = "out") -> dict[Done, pl.DataFrame]:
    """What a reader finds now."""
    files = (desk.folder / root).rglob("*.parquet")
    found = {(f.parts[-3], f.parts[-2].removeprefix("date=")): f for f in files if not f.name.startswith(".")}
    return {done: pl.read_parquet(file, hive_partitioning=False) for done, file in found.items()}


def by_partition(expected: Mapping[str, pl.DataFrame]) -> dict[Done, pl.DataFrame]:
    """The expected rows of each pass and date."""
    return {
        (name, str(day)): rows.filter(pl.col("Date") == day)
        for name, rows in expected.items()
        for day in rows["Date"].unique()
    }
