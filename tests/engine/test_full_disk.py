"""A disk that is full stops one partition, in a sentence that names it, and the next run does the rest."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import market
import pytest
from killing import assert_mended, inodes, records, resumed, without

from basalt.errors import UserError
from basalt.running.events import Committed, Event, PartitionFailed, PartitionFinished, PassComputed

MONDAY, TUESDAY, WEDNESDAY = DATES = market.DATES[:3]
SAID = {
    "spool": (".basalt/work", "rows could not be kept in "),
    "spill": (".basalt/work", "rows that came out of order could not be sorted in "),
    "outputs": ("out", "/quarter/date=2026-01-06/all.parquet could not be written ("),
    "ledger": (".basalt/ledger", "passes.quarter on 2026-01-06: its record "),
}


@attrs.frozen
class Disk:
    """A file system of four megabytes, in a folder's place."""

    folder: Path

    def fill(self) -> None:
        """Leave no room."""
        with (self.folder / "filler").open("wb", buffering=0) as stream:
            for size in (2**16, 2**12, 1):
                try:
                    while True:
                        stream.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink(missing_ok=True)

    def remount(self, how: str) -> None:
        """`ro`: nothing can be written any more; `rw`: it can."""
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.folder)], check=True)

    def put_at(self, place: Path) -> None:
        """What goes there goes to this disk."""
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(self.folder)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk; skips where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs a small disk, which only root may mount")
    yield Disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fills(disk: Disk, what: str):
    """Fills the disk when Monday is done or, for what is published, in the midst of Tuesday; to Tuesday's end."""

    def watch(event: Event) -> None:
        match event:
            case PartitionFinished() if event.date == MONDAY and what in ("spool", "spill"):
                disk.fill()
            case PassComputed() if (event.date, event.name, what) == (TUESDAY, "quarter", "outputs"):
                disk.fill()
            case Committed() if (event.date, event.name, what) == (TUESDAY, "quarter", "ledger"):
                disk.fill()
            case PartitionFailed():
                disk.free()

    return watch


@pytest.mark.parametrize("what", SAID)
def test_a_full_disk_stops_one_date_and_the_next_run_does_the_rest(desk_in, expected, disk, what):
    """Three dates that do not read each other. What Tuesday published before the disk was full stays."""
    desk = without(desk_in(is_sorted=what != "spill"), "usual")
    place, said = SAID[what]
    disk.put_at(desk.folder / place)
    result = desk.run(dates=DATES, observers=[fills(disk, what)])
    (failed,) = result.failed
    assert failed.date == TUESDAY
    assert said in failed.error
    assert " room" in failed.error or "No space left on device" in failed.error
    assert "\n" not in failed.error
    before = ["bars"] if what in ("outputs", "ledger") else []
    assert sorted(name for name, day in records(desk) if day == str(TUESDAY)) == before
    again = assert_mended(desk, expected, DATES)
    assert sorted(again) == [(n, str(TUESDAY)) for n in sorted({"bars", "quarter", "rank", "share"} - {*before})]
    assert [file.name for file in disk.folder.rglob(".*")] == []


def test_a_run_whose_record_cannot_be_written_goes_on(desk_in, expected, disk, capfd):
    """The record of a run tells what happened; nothing depends on it."""
    desk = without(desk_in(), "usual")
    disk.put_at(desk.folder / ".basalt/runs")
    disk.fill()
    assert desk.run(dates=[MONDAY]).failed == []
    assert "observer basalt.running.record raised OSError: [Errno 28] No space left on device" in capfd.readouterr().err
    assert assert_mended(desk, expected, [MONDAY]) == []


def test_outputs_that_become_read_only_stop_what_is_left_and_the_next_plan(desk_in, expected, disk):
    """After Monday."""
    desk = without(desk_in(), "usual")
    disk.put_at(desk.folder / "out")
    result = desk.run(dates=DATES, observers=[locks(disk)])
    assert [failed.date for failed in result.failed] == [TUESDAY, WEDNESDAY]
    assert all("Read-only file system" in failed.error for failed in result.failed)
    with pytest.raises(UserError, match=r"all\.parquet cannot be written "):
        desk.run(dates=DATES)
    disk.remount("rw")
    assert len(assert_mended(desk, expected, DATES)) == 8


def test_a_ledger_that_becomes_read_only_stops_what_is_left_before_it_is_visible(desk_in, expected, disk):
    """After Monday, and after a change of configuration: whatever rows are there, their record says so."""
    desk = without(desk_in(), "usual")
    disk.put_at(desk.folder / ".basalt/ledger")
    desk.run(dates=DATES[:2])
    desk.pipeline.write_text(desk.pipeline.read_text().replace('measures = ["OHLC"]', 'measures = ["Count"]'))
    before = inodes(desk)
    result = desk.run(dates=DATES[:2], observers=[locks(disk)])
    (failed,) = result.failed
    assert failed.error.startswith("passes.bars on 2026-01-06: its record ")
    assert "Read-only file system" in failed.error
    assert {p: i for p, i in before.items() if str(TUESDAY) in p}.items() <= inodes(desk).items()
    desk.pipeline.write_text(desk.pipeline.read_text().replace('measures = ["Count"]', 'measures = ["OHLC"]'))
    disk.remount("rw")
    assert {day for _, day in resumed(desk, dates=DATES[:2])} == {str(MONDAY)}
    assert assert_mended(desk, expected, DATES[:2]) == []


def test_a_state_folder_that_cannot_be_written_is_refused_by_the_plan(desk_in, disk):
    desk = desk_in()
    disk.put_at(desk.folder / ".basalt")
    disk.remount("ro")
    with pytest.raises(
        UserError, match=r"state = '\.basalt' cannot be used: .* cannot be written; name another folder"
    ):
        desk.run(dates=DATES)


def locks(disk: Disk):
    """Makes the disk read-only when a date is done."""

    def watch(event: Event) -> None:
        if isinstance(event, PartitionFinished):
            disk.remount("ro")

    return watch
