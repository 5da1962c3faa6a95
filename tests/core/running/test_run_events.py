"""What observers are told, and that one that raises harms nothing."""

from datetime import date

import pytest

from basalt.running.events import PartitionFailed, PassComputed, PassPublished, RunFinished, RunStarted

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}


def test_a_run_tells_each_step_in_order(desk):
    told = []
    result = desk.run(MINUTES, HOURS, dates=[MONDAY], observers=[told.append])
    assert [type(event) for event in told] == [
        RunStarted,
        PassComputed,
        PassPublished,
        PassComputed,
        PassPublished,
        RunFinished,
    ]
    started, computed, published, *_, finished = told
    assert (started.pipeline, started.run, started.passes, started.partitions) == (
        "desk",
        result.run,
        ["minutes", "hours"],
        1,
    )
    assert (computed.name, computed.date, computed.universe, computed.rows) == ("minutes", MONDAY, "all", 3)
    assert [published, told[4]] == list(result.published)
    assert (finished.run, finished.done, finished.failed) == (result.run, 1, 0)
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
    assert [type(event) for event in told] == [RunStarted, PartitionFailed, PassComputed, PassPublished, RunFinished]
    assert told[1] == result.failed[0]
    assert (told[1].date, told[-1].done, told[-1].failed) == (MONDAY, 1, 1)


def test_an_observer_that_raises_is_reported_once_and_harms_nothing(desk, capsys):
    seen, told = [], []

    def raises(event):
        seen.append(event)
        raise RuntimeError("no disk")

    result = desk.run(MINUTES, HOURS, observers=[raises, told.append])
    assert (len(seen), len(told), result.failed) == (1, 10, [])
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.endswith("raised RuntimeError: no disk; it sees no more of this run\n")


def test_two_runs_have_different_names(desk):
    assert desk.run(MINUTES).run != desk.run(MINUTES).run
