"""Partitions side by side in processes: results, events, deaths, interruptions, and that nothing is left behind."""

import os
import signal
import time

import pytest
from partition_work import Scripted, Stays, Unreadable, day, tasks

from basalt.errors import BasaltError, CheckError, DataError, PluginError, UserError
from basalt.running.attempts import WorkerLost
from basalt.running.events import Noted
from basalt.running.executors import cores
from basalt.running.processes import Processes

RUN = """
from partition_work import Scripted, tasks
from basalt.running.processes import Processes

def main():
    for done in Processes(None, 2, 0, False).run(Scripted(folder, {1: ["slow"], 2: ["slow"]}), tasks(1, 2), print):
        print(done)
"""
GUARDED = RUN + '\nif __name__ == "__main__":\n    main()\n'


def run(work, todo, workers=2, retries=0, fail_fast=False):
    told = []
    return list(Processes(None, workers, retries, fail_fast).run(work, todo, told.append)), told


def test_partitions_run_in_workers_that_share_cores_and_memory(tmp_path, monkeypatch):
    """Two workers: half of the memory each, and of the cores; each does more than one of six partitions.

    Events are told here, those of a partition in their order.
    """
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    work = Scripted(tmp_path, {n: ["nap"] for n in range(1, 7)})
    told, places = [], set()
    executor = Processes(None, 2, 0, False)
    done = list(executor.run(work, tasks(1, 2, 3, 4, 5, 6), lambda e: (told.append(e), places.add(os.getpid()))))
    assert sorted((one.partition.date.day, one.error, one.attempts) for one in done) == [
        (n, None, 1) for n in range(1, 7)
    ]
    seen = [attempt for n in range(1, 7) for attempt in work.attempts(day(n))]
    assert len({attempt["process"] for attempt in seen} - {os.getpid()}) == 2
    assert {attempt["share"] for attempt in seen} == {0.5}
    assert {attempt["threads"] for attempt in seen} == {str(max(1, cores() // 2))}
    assert "POLARS_MAX_THREADS" not in os.environ
    assert places == {os.getpid()}
    assert [[e.batch for e in told if e.date.day == n] for n in range(1, 7)] == [[0, 1]] * 6


def test_a_partition_waits_for_those_it_reads_though_a_worker_is_idle(tmp_path):
    work = Scripted(tmp_path, {n: ["nap"] for n in (1, 2, 3)})
    done, _ = run(work, tasks(1, 2, 3, chained=True))
    assert [one.partition.date.day for one in done] == [1, 2, 3]
    started = [work.attempts(day(n))[0]["at"] for n in (1, 2, 3)]
    assert started[1] - started[0] >= 0.3
    assert started[2] - started[1] >= 0.3


def test_errors_come_back_with_their_types_and_where_they_were_raised(tmp_path):
    plays = {1: ["user"], 2: ["data"], 3: ["plugin"], 4: ["odd"], 5: ["value"], 6: ["exit"]}
    done, _ = run(Scripted(tmp_path, plays), tasks(*plays))
    found = {one.partition.date.day: one.error for one in done}
    assert [type(found[n]) for n in range(1, 7)] == [
        UserError,
        DataError,
        PluginError,
        CheckError,
        BasaltError,
        BasaltError,
    ]
    assert (str(found[1]), str(found[4]), found[4].exit_code) == ("no such pass", "SpreadBps is above 5", 9)
    assert str(found[5]) == "2026-01-05 broke with ValueError: 3 is no price; see the trace with --debug"
    assert "partition_work.py" in str(found[5].__cause__)


@pytest.mark.slow
def test_a_killed_worker_loses_its_partition_alone_and_half_the_memory_mends_it(tmp_path):
    """1 is killed once and done with 1/4 of the memory, 2 is killed twice and fails, 3 leaves; 4 and 5 go on."""
    work = Scripted(tmp_path, {1: ["kill", "done"], 2: ["kill"], 3: ["leave", "done"]})
    done, told = run(work, tasks(1, 2, 3, 4, 5))
    found = {one.partition.date.day: one for one in done}
    assert [(found[n].attempts, found[n].error) for n in (1, 3, 4, 5)] == [(2, None), (2, None), (1, None), (1, None)]
    assert [seen["share"] for seen in work.attempts(day(1))] == [0.5, 0.25]
    assert (type(found[2].error), found[2].attempts) == (WorkerLost, 2)
    where = (
        "2026-01-02 lost its worker after batch 1 of pass 'bars': it was killed by SIGKILL, as the system does where"
    )
    assert str(found[2].error).startswith(where)
    said = {event.date.day: event.what for event in told if isinstance(event, Noted)}
    assert sorted(said) == [1, 2, 3]
    assert said[3] == (
        "2026-01-03 lost its worker after batch 1 of pass 'bars': it left with exit code 3; run again with half the "
        "memory"
    )


@pytest.mark.slow
def test_a_worker_that_dies_idle_is_replaced_by_one_like_it(tmp_path, monkeypatch):
    """One worker: all of the memory; the threads of Polars as the user has set them."""
    monkeypatch.setenv("POLARS_MAX_THREADS", "7")
    work = Scripted(tmp_path)
    running = Processes(None, 1, 0, False).run(work, tasks(1, 2), lambda _: None)
    assert next(running).error is None
    (first,) = work.attempts(day(1))
    os.kill(first["process"], signal.SIGKILL)
    time.sleep(0.2)
    assert [(one.partition, one.error, one.attempts) for one in running] == [(day(2), None, 1)]
    (second,) = work.attempts(day(2))
    assert first["process"] != second["process"]
    assert [(seen["threads"], seen["share"]) for seen in (first, second)] == [("7", 1.0)] * 2


@pytest.mark.slow
def test_failing_fast_lets_the_other_worker_end(tmp_path):
    """1 fails at once; 2, which runs beside it, is done; 3 is not started."""
    done, _ = run(Scripted(tmp_path, {1: ["user"], 2: ["beside"]}), tasks(1, 2, 3), fail_fast=True)
    found = {one.partition.date.day: (type(one.error), one.attempts) for one in done}
    assert found == {1: (UserError, 1), 2: (type(None), 1), 3: (BasaltError, 0)}
    assert not (tmp_path / "2026-01-03.0").exists()


def test_work_that_does_not_pickle_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"executor 'processes' cannot send this run .*: an open file stays here; keep"):
        run(Stays(tmp_path), tasks(1))


def test_work_that_cannot_be_unpacked_fails_each_partition(tmp_path):
    done, _ = run(Unreadable(tmp_path), tasks(1, 2), workers=1)
    assert [type(one.error) for one in done] == [BasaltError] * 2
    assert "broke with ValueError: invalid literal for int()" in str(done[0].error)


def test_whoever_stops_listening_stops_the_workers(tmp_path):
    work = Scripted(tmp_path, {2: ["slow"], 3: ["slow"]})
    running = Processes(None, 2, 0, False).run(work, tasks(1, 2, 3), lambda _: None)
    assert next(running).partition == day(1)
    started = time.monotonic()
    running.close()
    assert time.monotonic() - started < 10
    for n in (2, 3):
        for seen in work.attempts(day(n)):
            with pytest.raises(ProcessLookupError):
                os.kill(seen["process"], 0)


@pytest.mark.slow
def test_ctrl_c_stops_workers_which_clean_up_and_say_nothing(script):
    """As a terminal does: every process of the group gets the signal."""
    started = script(GUARDED)
    assert started.has("2026-01-01.0", "2026-01-02.0")
    os.killpg(started.process.pid, signal.SIGINT)
    code, _, said = started.ended(15)
    assert code == -signal.SIGINT
    assert said.count("Traceback") == 1
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert started.is_gone_within(10)
    assert started.has("2026-01-01.cleaned", "2026-01-02.cleaned", within=0)


@pytest.mark.slow
def test_workers_leave_when_the_run_is_killed(script):
    started = script(GUARDED)
    assert started.has("2026-01-01.0", "2026-01-02.0")
    os.kill(started.process.pid, signal.SIGKILL)
    assert started.is_gone_within(10)


@pytest.mark.slow
def test_a_script_without_main_guard_is_told_so_and_ends(script):
    code, out, said = script(RUN + "\nmain()\n").ended(30)
    assert (code, out) == (1, "")
    assert said.count("Traceback") == 1
    assert 'put what a script does below `if __name__ == "__main__":`' in said.splitlines()[-1]


@pytest.mark.slow
def test_a_worker_that_cannot_start_ends_the_run(script):
    """What the main script does outside its guard breaks in workers alone."""
    breaks = 'if __name__ != "__main__":\n    raise ValueError("no licence")\n'
    code, _, said = script(breaks + GUARDED).ended(30)
    assert code == 1
    assert "ValueError: no licence" in said
    assert "UserError: a worker of executor 'processes' stopped with exit code 1 while it started" in said
