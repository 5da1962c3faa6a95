"""What observers are told, and that one that raises harms nothing."""

from datetime import date

import pytest

from basalt.running.events import (
    BatchComputed,
    Checked,
    Committed,
    PartitionFailed,
    PartitionFinished,
    PassComputed,
    PassPublished,
    PassSkipped,
    RunFinished,
    RunStarted,
    Staged,
)

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}


A_PASS = [BatchComputed, PassComputed, Checked, Staged, Committed, PassPublished]


def test_a_run_tells_each_step_in_order(desk):
    told = []
    result = desk.run(MINUTES, HOURS, dates=[MONDAY], observers=[told.append])
    assert [type(event) for event in told] == [RunStarted, *A_PASS, *A_PASS, PartitionFinished, RunFinished]
    started, batch, computed, checked, staged, committed, published, *_, finished = told
    assert (started.pipeline, started.run, started.passes, started.partitions) == (
        "desk",
        result.run,
        ["minutes", "hours"],
        1,
    )
    for event in (batch, computed, checked, staged, committed, published):
        assert (event.name, event.date, event.universe) == ("minutes", MONDAY, "all")
    assert (batch.batch, batch.listings, batch.rows, batch.done, batch.of) == (0, 2, 3, 3, 3)
    assert (computed.batches, computed.rows_in, computed.rows) == (1, 3, 3)
    assert min(batch.peak, computed.peak) > 10**6
    assert (checked.check, checked.passed) == ("keys", True)
    assert [staged.place] == [committed.place] == published.places
    assert sorted(published.seconds) == ["check", "compute", "publish", "survey"]
    assert [published, told[12]] == list(result.published)
    assert (finished.run, finished.done, finished.skipped, finished.failed) == (result.run, 1, 0, 0)
    assert 0 < finished.seconds <= result.seconds


@pytest.mark.parametrize("gone", [True, False])
def test_a_failed_partition_is_told_where_it_fails(desk, gone):
    """Monday's file is gone, or garbage, after planning; Tuesday goes on."""
    from basalt.running.run import run_plan

    told = []
    plan = desk.plan(MINUTES)
    file = desk.folder / "data/trades/date=2026-01-05/part.parquet"
    file.unlink()
    if not gone:
        file.write_bytes(b"garbage")
    result = run_plan(plan, [told.append])
    assert [type(event) for event in told] == [RunStarted, PartitionFailed, *A_PASS, PartitionFinished, RunFinished]
    assert told[1] == result.failed[0]
    assert (told[1].date, told[-1].done, told[-1].failed) == (MONDAY, 1, 1)


def test_an_observer_that_raises_is_reported_once_and_harms_nothing(desk, capsys):
    seen, told = [], []

    def raises(event):
        seen.append(event)
        raise RuntimeError("no disk")

    result = desk.run(MINUTES, HOURS, observers=[raises, told.append])
    assert (len(seen), len(told), result.failed) == (1, 28, [])
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.endswith("raised RuntimeError: no disk; it sees no more of this run\n")


def test_what_is_done_is_told_as_skipped(desk):
    told = []
    desk.run(MINUTES, HOURS)
    result = desk.run(MINUTES, HOURS, observers=[told.append])
    assert [type(event) for event in told] == [RunStarted, *[PassSkipped] * 4, RunFinished]
    assert [(event.name, event.date.day) for event in told[1:5]] == [
        ("minutes", 5),
        ("hours", 5),
        ("minutes", 6),
        ("hours", 6),
    ]
    assert (told[-1].done, told[-1].skipped, told[-1].failed, result.published) == (2, 2, 0, [])
    assert result.scan("hours").collect().height == 3


def test_two_runs_have_different_names(desk):
    assert desk.run(MINUTES).run != desk.run(MINUTES).run
