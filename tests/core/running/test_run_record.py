"""Run records: what is written, that a torn one is read as far as it goes, and what is told of a run."""

import json
import os
import subprocess
import sys
from datetime import date

import attrs
import pytest

from basalt.running.events import (
    BatchComputed,
    Checked,
    Committed,
    Noted,
    Observers,
    PartitionFailed,
    PartitionFinished,
    PassComputed,
    PassPublished,
    PassSkipped,
    RunFinished,
    RunStarted,
    Staged,
)
from basalt.running.record import RunRecord, lines, recorded
from basalt.running.recorded import PassSeen, detail, glance

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
RUN = "20260105T090000.000000"
STARTED = RunStarted(RUN, "desk", "2026-01-05T09:00:00+00:00", ["bars", "hours"], 2, "inline", {"basalt-core": "0.1.0"})


def computed(name, day=MONDAY, rows=3, peak=100):
    """What a pass of one batch tells up to its publishing."""
    return [
        BatchComputed(name, day, "all", 0, 2, rows, 5, 10, 0.5, peak),
        PassComputed(name, day, "all", 1, 10, rows, 0.5, peak),
    ]


def published(name, day=MONDAY, rows=3, peak=100):
    place = f"out/{name}/{day}.parquet"
    return [
        *computed(name, day, rows, peak),
        Checked(name, day, "all", "keys", True, "keys are unique"),
        Staged(name, day, "all", place),
        Committed(name, day, "all", place),
        PassPublished(name, day, "all", rows, [place], {"compute": 0.5, "publish": 0.25}),
    ]


WHOLE = [
    STARTED,
    PassSkipped("bars", MONDAY, "all"),
    PassSkipped("hours", MONDAY, "all"),
    PartitionFinished(MONDAY, "all", 0.0),
    Noted(TUESDAY, "all", "2 listings have no state", "bars", "trade", 2, "7"),
    *published("bars", TUESDAY, peak=300),
    *computed("hours", TUESDAY, peak=200),
    Checked("hours", TUESDAY, "all", "coverage", False, "1 of 2 listings has a row"),
    PartitionFailed(TUESDAY, "all", "passes.hours on 2026-01-06: coverage is 0.5", 4),
    RunFinished(RUN, 1, 1, 1, 2.5),
]


def written(state, events=WHOLE):
    """The record's file."""
    record = RunRecord(state)
    for event in events:
        record(event)
    return recorded(state)[RUN]


def test_every_event_is_one_line_and_reads_back_as_it_was(tmp_path):
    file = written(tmp_path)
    assert file == tmp_path / f"runs/{RUN}.jsonl"
    assert len(file.read_bytes().splitlines()) == len(WHOLE)
    assert [line.event for line in lines(file)] == WHOLE
    first, *_, last = [json.loads(line) for line in file.read_text().splitlines()]
    assert (first["event"], first["run"], first["at"][-6:]) == ("RunStarted", RUN, "+00:00")
    assert (last["event"], last["failed"], last["peak"]) == ("RunFinished", 1, 300)


def test_a_line_is_there_as_soon_as_its_event_was_told(tmp_path):
    record = RunRecord(tmp_path)
    for n, event in enumerate(WHOLE, 1):
        record(event)
        assert (tmp_path / f"runs/{RUN}.jsonl").read_bytes().count(b"\n") == n


def test_a_killed_run_is_recorded_up_to_its_last_event(tmp_path):
    code = """
import os, signal, sys
from datetime import date
from pathlib import Path
from basalt.running.events import PassSkipped, RunStarted
from basalt.running.record import RunRecord
record = RunRecord(Path(sys.argv[1]))
record(RunStarted("r", "desk", "2026-01-05T09:00:00+00:00", ["bars"], 1, "inline", {}))
record(PassSkipped("bars", date(2026, 1, 5), "all"))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    seen = detail("r", recorded(tmp_path)["r"])
    assert (seen.run.state, seen.run.partitions, [p.status for p in seen.passes]) == ("unfinished", 1, ["skipped"])


def test_a_run_at_a_glance(tmp_path):
    file = written(tmp_path)
    seen = glance(RUN, file)
    assert (seen.run, seen.pipeline, seen.state, seen.executor) == (RUN, "desk", "failed", "inline")
    assert (seen.partitions, seen.done, seen.skipped, seen.failed) == (2, 1, 1, 1)
    assert (seen.started, seen.seconds, seen.peak) == ("2026-01-05T09:00:00+00:00", 2.5, 300)
    assert seen.finished[-6:] == "+00:00"
    assert seen.versions == {"basalt-core": "0.1.0"}
    assert detail(RUN, file).run == seen


def test_a_run_without_failures_is_done(tmp_path):
    events = [STARTED, *published("bars"), PartitionFinished(MONDAY, "all", 1.0), RunFinished(RUN, 1, 0, 0, 1.5)]
    assert glance(RUN, written(tmp_path, events)).state == "done"


def test_each_pass_of_each_partition_is_told_in_the_order_of_dates_and_of_the_pipeline(tmp_path):
    """Tuesday's hours failed a check after it was computed: nothing of it was published."""
    seen = detail(RUN, written(tmp_path))
    assert [(p.date, p.name, p.status) for p in seen.passes] == [
        (MONDAY, "bars", "skipped"),
        (MONDAY, "hours", "skipped"),
        (TUESDAY, "bars", "done"),
        (TUESDAY, "hours", "failed"),
    ]
    bars, hours = seen.passes[2:]
    assert (bars.rows_in, bars.rows, bars.batches, bars.peak) == (10, 3, 1, 300)
    assert (bars.seconds, bars.places) == ({"compute": 0.5, "publish": 0.25}, ["out/bars/2026-01-06.parquet"])
    assert [(c.check, c.passed) for c in bars.checks] == [("keys", True)]
    assert (hours.seconds, hours.places) == ({"compute": 0.5}, ())
    assert [(c.check, c.passed) for c in hours.checks] == [("coverage", False)]
    assert hours.error == "passes.hours on 2026-01-06: coverage is 0.5"
    assert [(n.what, n.count) for n in seen.notes] == [("2 listings have no state", 2)]
    assert [(e.date, e.code) for e in seen.errors] == [(TUESDAY, 4)]


def test_a_partition_that_failed_before_any_event_of_its_own_is_told_by_its_first_pass(tmp_path):
    """No table could be opened."""
    seen = detail(RUN, written(tmp_path, [STARTED, PartitionFailed(MONDAY, "all", "no table"), *WHOLE[-1:]]))
    assert list(seen.passes) == [PassSeen(MONDAY, "all", "bars", "failed", error="no table")]


def test_a_partition_that_was_run_again_counts_by_how_it_ended(tmp_path):
    """The second attempt's checks stand alone."""
    failed = [
        *computed("bars"),
        Checked("bars", MONDAY, "all", "keys", False, "twice"),
        PartitionFailed(MONDAY, "all", "x"),
    ]
    again = [*published("bars"), *published("hours"), PartitionFinished(MONDAY, "all", 1.0)]
    seen = detail(RUN, written(tmp_path, [STARTED, *failed, *again]))
    assert [(p.name, p.status, p.error) for p in seen.passes] == [("bars", "done", None), ("hours", "done", None)]
    assert [check.passed for check in seen.passes[0].checks] == [True]
    assert (seen.errors, seen.run.failed, seen.run.done) == ([], 0, 1)


def test_universes_of_one_date_are_different_partitions(tmp_path):
    events = [
        STARTED,
        *(attrs.evolve(e, universe="xlon") for e in published("bars")),
        PartitionFailed(MONDAY, "all", "x"),
    ]
    seen = detail(RUN, written(tmp_path, events))
    assert [(p.universe, p.status) for p in seen.passes] == [("all", "failed"), ("xlon", "done")]


@pytest.mark.slow
def test_a_record_cut_short_at_any_byte_is_read_as_far_as_it_goes(tmp_path):
    """Whole lines are read, the torn one is not, and only with its last line the run is finished."""
    events = [*WHOLE[:2], *WHOLE[-4:]]
    file = written(tmp_path, events)
    whole = file.read_bytes()
    ends = [n + 1 for n, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        file.write_bytes(whole[:cut])
        told = sum(end - 1 <= cut for end in ends)
        assert sum(1 for _ in lines(file)) == told
        seen = glance(RUN, file)
        assert seen.state == ("failed" if told == len(events) else "unfinished")
        assert seen.pipeline == ("desk" if told else "")


def test_lines_that_are_no_events_and_events_of_another_version_are_left_out(tmp_path):
    file = written(tmp_path)
    good = file.read_bytes().splitlines()
    later = json.loads(good[-2]) | {"mood": "good"}
    bad = [
        b"",
        b"\x00\xff",
        b"[1]",
        b'"x"',
        b"{}",
        b'{"event": "Sung", "at": "x"}',
        b'{"event": "PassSkipped", "at": "x"}',
    ]
    bad += [b'{"event": "PassSkipped", "at": "x", "name": "bars", "date": "monday", "universe": "all"}', b"[" * 100_000]
    file.write_bytes(b"\n".join([good[0], *bad, *good[1:-2], json.dumps(later).encode(), good[-1]]) + b"\n")
    assert [line.event for line in lines(file)] == WHOLE


def test_an_unfinished_run_counts_what_it_did(tmp_path):
    seen = glance(RUN, written(tmp_path, WHOLE[:-2]))
    assert (seen.state, seen.finished, seen.done, seen.skipped, seen.failed, seen.peak) == (
        "unfinished",
        None,
        1,
        1,
        0,
        300,
    )
    assert 0 <= seen.seconds < 5


def test_a_finished_run_is_known_by_its_first_and_last_lines_however_many_are_between(tmp_path):
    """2,000 lines between, made unreadable afterwards, are not missed at a glance."""
    between = [PassSkipped(f"pass{n}", MONDAY, "all") for n in range(2000)]
    file = written(tmp_path, [STARTED, *between, RunFinished(RUN, 2, 2, 0, 1.0)])
    before = glance(RUN, file)
    first, *middle, last = file.read_bytes().splitlines(keepends=True)
    assert len(b"".join(middle)) > 65_536
    file.write_bytes(first + b"".join(b" " * (len(line) - 1) + b"\n" for line in middle) + last)
    assert glance(RUN, file) == before
    assert (before.state, before.done, before.skipped) == ("done", 2, 2)


def test_runs_are_listed_from_the_newest(tmp_path):
    for run in (RUN, "20260106T090000.000000", "20251231T235959.999999"):
        RunRecord(tmp_path)(attrs.evolve(STARTED, run=run))
    assert list(recorded(tmp_path)) == [
        "20260106T090000.000000",
        RUN,
        "20251231T235959.999999",
    ]
    assert recorded(tmp_path / "nowhere") == {}


def test_one_observer_records_run_after_run_each_in_a_file_of_its_own(tmp_path):
    record = RunRecord(tmp_path)
    record(PassSkipped("bars", MONDAY, "all"))
    for run, peak in (("a", 300), ("b", 100)):
        for event in [attrs.evolve(STARTED, run=run), *published("bars", peak=peak), RunFinished(run, 1, 0, 0, 1.0)]:
            record(event)
        record(PassSkipped("bars", TUESDAY, "all"))
    assert [glance(run, file).peak for run, file in recorded(tmp_path).items()] == [100, 300]
    assert {sum(1 for _ in lines(file)) for file in recorded(tmp_path).values()} == {8}


def test_a_record_that_cannot_be_written_is_one_complaint_and_harms_no_run(tmp_path):
    """A file stands where the folder of records should be."""
    (tmp_path / "runs").touch()
    said, told = [], []
    watching = Observers([RunRecord(tmp_path), told.append], said.append)
    for event in WHOLE:
        watching.emit(event)
    assert told == WHOLE
    assert len(said) == 1
    assert "runs" in said[0]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_one_complaint_and_harms_no_run(tmp_path):
    (tmp_path / "runs").mkdir()
    record, said = RunRecord(tmp_path), []
    record(STARTED)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, record._file)
    os.close(full)
    watching = Observers([record], said.append)
    for event in WHOLE[1:]:
        watching.emit(event)
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert glance(RUN, recorded(tmp_path)[RUN]).state == "unfinished"
