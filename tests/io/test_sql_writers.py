"""Writers of databases that are killed, or write at a time: a reader finds one of their partitions, whole."""

import datetime as dt
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from polars.testing import assert_frame_equal
from sql_rows import DAY, document, rows

from basalt.leftovers import owner

CHILD = Path(__file__).with_name("sql_child.py")


@pytest.mark.slow
def test_a_writer_killed_at_any_statement_leaves_the_old_rows_or_the_new_ones(store, publish, spool, target):
    """Statements are counted in stage and commit; past the last one it ends by itself. Then nothing is left of those
    that were killed once the next one staged."""
    output, old, new = store.output(), rows(1, 2, 3), rows(7, 8, volume=9.0)
    publish(output, old)
    batches, killed, seen = spool(new), 0, set()
    with subprocess.Popen(
        [sys.executable, str(CHILD), json.dumps(attrs.asdict(store), default=str), *map(str, batches)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as host:
        while True:
            print(killed + 1, file=host.stdin, flush=True)
            code = int(host.stdout.readline())
            found, key = output.scan(target).collect(), output.document(target)["provenance"]["key"]
            assert_frame_equal(found, {"first": old, "second": new}[key])
            seen.add(key)
            if code == 0:
                break
            assert code == -9
            killed += 1
            publish(output, old)
            assert store.tables() == ["bars", "basalt_columns", "basalt_ledger"]
        host.stdin.close()
    assert killed > 8
    assert seen == {"first", "second"}


@pytest.mark.slow
def test_two_writers_of_one_partition_follow_each_other(store, spool, target):
    """First both create the tables, then they replace each other's rows: one of both stands, whole."""
    frames = [rows(1, 2, 3, volume=1.0), rows(4, 5, volume=2.0)]
    batches = [spool(frame) for frame in frames]
    for turn in range(6):

        def written(n: int, turn: int = turn) -> None:
            output = store.output()
            output.commit(output.stage(target, batches[n], document(f"{n} {turn}")), f"{n} {turn}")

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(written, range(2)))
        key = store.output().document(target)["provenance"]["key"]
        assert_frame_equal(store.output().scan(target).collect(), frames[int(key[0])])
        assert store.tables() == ["bars", "basalt_columns", "basalt_ledger"]


def test_writers_of_different_partitions_both_succeed(store, spool, target):
    days = [DAY + dt.timedelta(n) for n in range(4)]
    batches = {day: spool(rows(1, 2, day=day)) for day in days}

    def written(day: dt.date) -> None:
        output, to = store.output(), attrs.evolve(target, date=day)
        output.commit(output.stage(to, batches[day], document()), "first")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(written, days))
    for day in days:
        assert_frame_equal(store.output().scan(attrs.evolve(target, date=day)).collect(), rows(1, 2, day=day))


def test_sweep_drops_what_ended_processes_staged_and_leaves_the_others(store, spool, target):
    tell = "from basalt.leftovers import owner; print(owner())"
    ended = subprocess.run([sys.executable, "-c", tell], capture_output=True, check=True, text=True).stdout.strip()
    output = store.output()
    for _ in range(2):
        staged = output.stage(target, spool(rows(1)), document())
    left = staged.waiting.staging.name
    store.run(f'ALTER TABLE {{}}"{left}" RENAME TO "{left.removesuffix(owner())}{ended}"')
    assert len(store.tables()) == 2
    store.output().sweep(target)
    [living] = store.tables()
    assert living.endswith(owner())
    assert living != left
