"""Partitions on a dask cluster: one made for the run, one that runs already, and what goes wrong with either."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from partition_work import Scripted, Stays, day, tasks

import basalt.running.dask_crew
from basalt.errors import BasaltError, CheckError, DataError, PluginError, UserError
from basalt.running.attempts import WorkerLost
from basalt.running.dask import Dask, DaskOptions
from basalt.running.events import BatchComputed, Noted, PassComputed

HERE = Path(__file__).parent
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]
RUN = """
from partition_work import Scripted, tasks
from basalt.running.dask import Dask, DaskOptions

def main():
    work = Scripted(folder, {1: ["slow"], 2: ["slow"]})
    for done in Dask(DaskOptions(address=ADDRESS), 2, 0, False).run(work, tasks(1, 2), lambda event: None):
        print(done)
"""
GUARDED = RUN + '\nif __name__ == "__main__":\n    main()\n'


def run(work, todo, address=None, workers=2, retries=0, fail_fast=False):
    told = []
    executor = Dask(DaskOptions(address=address), workers, retries, fail_fast)
    return list(executor.run(work, todo, told.append)), told


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def started(*words):
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "dask", *words], env={**os.environ, "PYTHONPATH": path}, **quiet)


def a_scheduler():
    """A scheduler that runs, and its address."""
    port = free_port()
    process = started("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    latest = time.monotonic() + 20
    while time.monotonic() < latest:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"tcp://127.0.0.1:{port}"
        time.sleep(0.05)
    raise AssertionError("the scheduler did not start")


@pytest.fixture(scope="module")
def cluster():
    """A cluster as users have one: a scheduler and a worker of two threads, started by the command line."""
    from distributed import Client

    scheduler, address = a_scheduler()
    workers = started("worker", address, "--nthreads", "2", "--no-dashboard")
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=60)
    yield address
    for process in (workers, scheduler):
        process.terminate()
        process.wait(20)


def test_partitions_run_on_a_cluster_whose_workers_have_memory_of_their_own(cluster, tmp_path):
    """Two at a time on a worker of two threads, which does one at a time. Types, events and order come through."""
    plays = {2: ["user"], 3: ["odd"], 4: ["value"], 5: ["data", "done"], 6: ["plugin"]}
    work = Scripted(tmp_path, plays)
    done, told = run(work, [*tasks(1, 2, 3, 4, 5, 6), *tasks(7, 8, 9, chained=True)], cluster, retries=1)
    found = {one.partition.date.day: (type(one.error), one.attempts) for one in done}
    assert [found[n] for n in range(1, 7)] == [
        (type(None), 1),
        (UserError, 1),
        (CheckError, 1),
        (BasaltError, 2),
        (type(None), 2),
        (PluginError, 1),
    ]
    assert [one.partition.date.day for one in done if one.partition.date.day > 6] == [7, 8, 9]
    assert next(one.error for one in done if one.partition == day(3)).exit_code == 9
    assert "partition_work.py" in str(next(one.error for one in done if one.partition == day(4)).__cause__)
    mine = [event for event in told if event.date.day == 1]
    assert [type(event) for event in mine] == [BatchComputed, BatchComputed, PassComputed]
    assert {seen["share"] for n in range(1, 10) for seen in work.attempts(day(n))} == {1.0}
    assert len({seen["process"] for n in range(1, 10) for seen in work.attempts(day(n))}) == 1


def test_events_come_while_the_partition_runs_and_ctrl_c_takes_it_back(cluster, tmp_path):
    """Interrupted at the first event, a minute before the partition would end: the worker leaves it, and cleans up."""

    def interrupt(event):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        list(
            Dask(DaskOptions(address=cluster), 1, 0, False).run(Scripted(tmp_path, {1: ["slow"]}), tasks(1), interrupt)
        )
    latest = time.monotonic() + 15
    while not (tmp_path / "2026-01-01.cleaned").exists() and time.monotonic() < latest:
        time.sleep(0.05)
    assert (tmp_path / "2026-01-01.cleaned").exists()


def test_a_lost_worker_of_a_cluster_is_told_and_tried_once_more(cluster, tmp_path):
    """1 is killed once and done with half the memory; 2 is killed twice, and no third time by the cluster itself.

    3 waits in the worker that dies; it was not started, so nothing is lost with it.
    """
    work = Scripted(tmp_path, {1: ["kill", "done"], 2: ["kill"]})
    done, told = run(work, tasks(1, 2, 3), cluster)
    found = {one.partition.date.day: one for one in done}
    assert [(found[n].error, found[n].attempts) for n in (1, 3)] == [(None, 2), (None, 1)]
    assert [seen["share"] for seen in work.attempts(day(1))] == [1.0, 0.5]
    assert (type(found[2].error), found[2].attempts, len(work.attempts(day(2)))) == (WorkerLost, 2, 2)
    assert str(found[2].error).startswith(
        "2026-01-02 lost its worker after batch 1 of pass 'bars': the cluster lost sight of it; it was lost before"
    )
    notes = [event for event in told if isinstance(event, Noted) and "lost its worker" in event.what]
    assert sorted(event.date.day for event in notes) == [1, 2]


def test_other_code_on_a_worker_is_refused_with_both_versions(cluster, tmp_path):
    done, _ = run(Scripted(tmp_path, versions={"basalt-core": "99.0.0", "desk.py": ""}), tasks(1), cluster, retries=2)
    assert (type(done[0].error), done[0].attempts) == (PluginError, 1)
    assert "has basalt-core 0.1.0 and the run was planned with 99.0.0: install basalt-core==99.0.0" in str(
        done[0].error
    )
    done, _ = run(Scripted(tmp_path, versions={"acme-tox": "1.0"}), tasks(1), cluster)
    assert "has no acme-tox and the run was planned with 1.0" in str(done[0].error)


def test_a_cluster_made_for_the_run_shares_memory_and_is_gone_afterwards(tmp_path, monkeypatch):
    """Two workers, half of the memory each; the one killed comes back with a quarter."""
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    work = Scripted(tmp_path, {2: ["kill", "done"], 3: ["data"]})
    done, _ = run(work, tasks(1, 2, 3))
    assert {one.partition.date.day: (type(one.error), one.attempts) for one in done} == {
        1: (type(None), 1),
        2: (type(None), 2),
        3: (DataError, 1),
    }
    assert [seen["share"] for seen in work.attempts(day(2))] == [0.5, 0.25]
    seen = [attempt for n in (1, 2, 3) for attempt in work.attempts(day(n))]
    assert all(attempt["threads"] for attempt in seen)
    assert "POLARS_MAX_THREADS" not in os.environ
    for attempt in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(attempt["process"], 0)


def test_ctrl_c_leaves_nothing_of_a_cluster_made_for_the_run(script):
    one = script(f"ADDRESS = None\n{GUARDED}")
    assert one.has("2026-01-01.0", "2026-01-02.0")
    os.killpg(one.process.pid, signal.SIGINT)
    code, _, said = one.ended(30)
    assert code == -signal.SIGINT
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert one.is_gone_within(10)


def test_a_scheduler_without_workers_is_told_and_one_that_goes_ends_the_run(tmp_path, monkeypatch):
    """1 and 2 wait, 3 is not submitted yet; the wait is told once for each of the two, then the scheduler is killed."""
    monkeypatch.setattr(basalt.running.dask_crew, "PATIENCE", 0.2)
    scheduler, address = a_scheduler()
    told = []

    def tell(event):
        told.append(event)
        scheduler.kill()

    done = list(Dask(DaskOptions(address=address), 2, 3, False).run(Scripted(tmp_path), tasks(1, 2, 3), tell))
    scheduler.wait(10)
    assert [(event.date.day, event.what) for event in told] == [
        (1, "waits: the dask cluster has no workers"),
        (2, "waits: the dask cluster has no workers"),
    ]
    assert [(one.partition.date.day, one.attempts) for one in done] == [(1, 1), (2, 1), (3, 0)]
    assert str(done[0].error).startswith("2026-01-01 was not finished: the dask scheduler let go of the run (")
    assert str(done[2].error).startswith("2026-01-03 was not started: the dask scheduler let go of the run (")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1", "quic://127.0.0.1:8786"])
def test_an_address_where_no_scheduler_is_is_refused_soon(tmp_path, monkeypatch, address):
    monkeypatch.setattr("basalt.running.dask.PATIENCE", 0.5)
    begun = time.monotonic()
    with pytest.raises(UserError, match=rf"executor 'dask' finds no scheduler at '{address}' \(.*\): start one with"):
        run(Scripted(tmp_path), tasks(1), address)
    assert time.monotonic() - begun < 5


def test_a_script_without_main_guard_is_told_so(script):
    code, out, said = script(f"ADDRESS = None\n{RUN.replace('tasks(1, 2)', 'tasks(1)')}\nmain()\n").ended(40)
    assert (code, out) == (1, "")
    assert "UserError: executor 'dask' could not start a cluster on this machine" in said
    assert 'put what a script does below `if __name__ == "__main__":`' in said


def test_work_that_does_not_pickle_is_refused_before_a_cluster_is_made(tmp_path):
    with pytest.raises(UserError, match="executor 'dask' cannot send this run"):
        run(Stays(tmp_path), tasks(1))


def test_without_distributed_the_extra_is_named(tmp_path):
    """A path that has everything that is installed but distributed."""
    for place in map(Path, sys.path):
        for one in place.iterdir() if place.name == "site-packages" else ():
            if not one.name.startswith("distributed") and not (tmp_path / one.name).exists():
                (tmp_path / one.name).symlink_to(one)
    code = (
        f"import site, sys; site.addsitedir({str(tmp_path)!r})\n"
        "from basalt.errors import UserError\nfrom basalt.running.dask import Dask\n"
        "try:\n    Dask(None, None, 0, False)\nexcept UserError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "executor 'dask' needs the package distributed: pip install 'basalt-core[dask]'\n"
