"""`{run_id}` in a path: each run that publishes a partition keeps its own, and the ledger knows which one counts."""

from datetime import date

import pytest

from basalt.errors import UserError
from basalt.planning.partitions import Partition
from basalt.planning.standing import statuses
from basalt.running.run import run_plan

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}
STORES = {
    "parquet": {"type": "parquet", "root": "out", "path": "{pass}/{run_id}/{date}.parquet"},
    "delta": {"type": "delta", "root": "out", "path": "{pass}/{run_id}"},
    "sql": {"type": "sql", "url": "sqlite:///results.db", "table": "{pass} {run_id}"},
}
by_store = pytest.mark.parametrize("output", STORES.values(), ids=STORES)


def volumes(result, name="minutes"):
    return result.scan(name).collect()["Volume"].to_list()


@by_store
def test_what_is_done_is_done_at_the_run_that_published_it(desk, output):
    """The second run has a path of its own, where nothing is, and leaves Monday where the first one put it."""
    first = desk.run(MINUTES, dates=[MONDAY], outputs=[output])
    again = desk.run(MINUTES, dates=[MONDAY, TUESDAY], outputs=[output])
    assert [event.date for event in again.skipped] == [MONDAY]
    assert [event.date for event in again.published] == [TUESDAY]
    assert first.run in first.published[0].places[0]
    assert again.run in again.published[0].places[0]
    assert volumes(again) == [10, 20, 5, 7]


@by_store
def test_rows_of_an_earlier_run_stay_and_those_that_count_are_read_back(desk, output):
    first = desk.run(MINUTES, dates=[MONDAY], outputs=[output])
    forced = run_plan(desk.plan(MINUTES, dates=[MONDAY], outputs=[output]), force=True)
    assert forced.published[0].places != first.published[0].places
    both = desk.run(MINUTES, HOURS, dates=[MONDAY], outputs=[output])
    assert [event.name for event in both.published] == ["hours"]
    assert volumes(both, "hours") == [30, 5]


def test_a_plan_shows_where_a_partition_is_and_where_one_will_be(desk):
    output = STORES["parquet"]
    done = desk.run(MINUTES, dates=[MONDAY], outputs=[output])
    plan = desk.plan(MINUTES, dates=[MONDAY, TUESDAY], outputs=[output])
    assert statuses(plan, Partition(MONDAY))["minutes"].kind == "done"
    assert plan.places("minutes", Partition(MONDAY), done.run) == done.published[0].places
    assert plan.places("minutes", Partition(TUESDAY)) == [
        str(desk.folder.resolve() / "out/minutes/{run_id}/2026-01-06.parquet")
    ]


def test_a_name_that_only_a_run_would_make_too_long_is_refused_while_planning(desk):
    """A name has at most 9,999 bytes in SQLite, and a run's name about 40."""
    output = {"type": "sql", "url": "sqlite:///results.db", "table": "x" * 9980 + "{run_id}"}
    with pytest.raises(UserError, match=r"x\d{8}T.* longer than the 9999 bytes"):
        desk.plan(MINUTES, dates=[MONDAY], outputs=[output])
