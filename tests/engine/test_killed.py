"""A run killed at any moment loses, doubles and tears nothing, and what it published is not computed again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import cycle
from pathlib import Path
from random import Random

import market
import pytest
from conftest import PASSES, Desk, assert_same
from killing import (
    Done,
    Runs,
    Told,
    by_partition,
    inodes,
    published,
    records,
    resumed,
    visible,
)

KILLS = int(os.environ.get("BASALT_KILLS", "30"))
STEPS = ("BatchComputed", "PassComputed", "Staged", "Committed", "PassPublished")
DATES = market.DATES[:2]
MIDDLE = str(market.DATES[1])
TWO_OUTPUTS = '[[outputs]]\ntype = "parquet"\nroot = "twin"\nname = "twin"'
PROCESSES = 'executor = "processes"\nworkers = 2'
BATCHES = 'memory = "1 B"'
CUTS = [("", True), (BATCHES, False), (TWO_OUTPUTS, True)]
if KILLS > 100:
    CUTS = [*CUTS * 3, (f"{PROCESSES}\n{BATCHES}", False)]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="needs to fork, and to see processes under /proc"
)


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """Runs that can be killed."""
    made = Runs()
    yield made
    made.close()


def assert_whole(desk: Desk, expected, root: str = "out") -> None:
    """Whatever a reader finds is a whole partition, and whatever the ledger has is there."""
    there, wanted = visible(desk, root), by_partition(expected)
    assert_same(there, {done: wanted[done] for done in there})
    found = records(desk)
    assert found.keys() <= there.keys()
    assert {done: record.rows for done, record in found.items()} == {done: there[done].height for done in found}


def assert_ended(desk: Desk, expected, dates=market.DATES, root: str = "out") -> None:
    """Every partition is there, recorded, whole, and nothing else."""
    assert_whole(desk, expected, root)
    everything = {(name, str(day)) for name in PASSES for day in dates}
    assert visible(desk, root).keys() == records(desk).keys() == everything
    assert desk.rest() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("top", "is_sorted", "names"),
    [("", True, list(PASSES)), (BATCHES, False, ["bars", "usual", "share"])],
    ids=["one batch", "many batches, unsorted"],
)
def test_a_run_killed_at_each_step_of_a_pass_goes_on_where_it_stopped(desk_in, expected, runs, top, is_sorted, names):
    """Each run is killed one step after the one before, from the middle date's first batch to its last record."""
    desk = desk_in(is_sorted, top)
    done: list[Done] = []
    for name in names:
        for step in STEPS:
            kept = inodes(desk)
            done += published(runs.killed(desk, counting(step, name, 1)))
            assert_whole(desk, expected)
            assert sorted(done) == sorted(records(desk))
            assert kept.items() <= inodes(desk).items()
            assert (step == "Committed") == (visible(desk).keys() != records(desk).keys())
    done += resumed(desk)
    assert sorted(done) == sorted(by_partition(expected))
    assert_ended(desk, expected)


@pytest.mark.slow
def test_a_run_killed_between_two_outputs_publishes_both_again(desk_in, expected, runs):
    """The first output has the pass, the second does not; then both have it, and the ledger does not."""
    desk = desk_in(top=TWO_OUTPUTS)
    for count in (1, 2):
        at = counting("Committed", "usual", count)
        told = runs.killed(desk, at)
        assert_whole(desk, expected)
        assert_whole(desk, expected, "twin")
        assert ("usual", MIDDLE) in visible(desk, "twin")
        assert (("usual", MIDDLE) in visible(desk)) == (count == 2)
        assert ("usual", MIDDLE) not in [*published(told), *records(desk)]
    kept = inodes(desk)
    assert ("usual", MIDDLE) in resumed(desk)
    assert kept.items() <= inodes(desk).items()
    assert_ended(desk, expected)
    assert_ended(desk, expected, root="twin")


def counting(kind: str, name: str, count: int) -> Callable[[Told], bool]:
    """Whether an event is the so-manieth of that kind of the pass on the middle date."""
    left = [count]

    def at(event: Told) -> bool:
        left[0] -= (event["kind"], event.get("name"), event.get("date")) == (kind, name, MIDDLE)
        return not left[0]

    return at


@pytest.mark.slow
def test_workers_go_with_a_killed_run_and_the_next_run_does_the_rest(desk_in, expected, runs):
    """Killed in the midst of a worker's batches; the next run is of one process."""
    desk = desk_in(top=f"{PROCESSES}\n{BATCHES}", is_sorted=False)
    runs.killed(desk, counting("BatchComputed", "share", 2))
    runs.wait_until_alone()
    assert_whole(desk, expected)
    kept, done = inodes(desk), sorted(records(desk))
    again = resumed(desk, overrides=["executor=inline", "workers=1"])
    assert sorted([*done, *again]) == sorted(by_partition(expected))
    assert kept.items() <= inodes(desk).items()
    assert_ended(desk, expected)


@pytest.mark.slow
def test_the_partition_of_a_killed_worker_is_done_by_another(desk_in, expected, runs):
    """A worker is killed in the midst of its batches, sorted tables and spooled batches left behind."""
    desk = desk_in(top=f"{PROCESSES}\n{BATCHES}", is_sorted=False)
    told, after = [], 10
    for event in runs.events(desk):
        told.append(event)
        if event["kind"] == "BatchComputed" and len(told) > after and not lost_of(told):
            for worker in runs.workers()[:1]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    after = len(told) + 10  # events that were under way, and a worker that had nothing to do
    assert told[-1] == {"kind": "Ended", "code": 0}
    assert [event["kind"] for event in told].count("PartitionFailed") == 0
    assert len(lost_of(told)) >= 1
    assert_ended(desk, expected)


def lost_of(told: list[Told]) -> list[str]:
    """What was said of workers that were lost."""
    return [event["what"] for event in told if "lost its worker" in event.get("what", "")]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_a_run_killed_at_random_moments_goes_on_where_it_stopped(desk_in, expected, runs, part):
    """Two dates, killed again and again until a run gets to its end; then anew, cut in another way, until half of all
    kills are done. The moments are drawn anew each time; `nox -s kills` draws a thousand and more."""
    random, killed = Random(), 0
    seconds = cache(lambda top, is_sorted: seconds_of(runs, desk_in(is_sorted, top)))
    for cut in cycle(CUTS):
        if killed >= KILLS / 2:
            break
        desk, kept = desk_in(*reversed(cut)), dict[str, int]()
        while kill(runs, desk, random, seconds(*cut)):
            killed += 1
            runs.wait_until_alone()
            assert_whole(desk, expected)
            assert kept.items() <= (kept := inodes(desk)).items()
        assert kept.items() <= inodes(desk).items()
        assert_ended(desk, expected, DATES)


def kill(runs: Runs, desk: Desk, random: Random, seconds: float) -> bool:
    """Run, and kill it at some moment, or in the midst of publishing; whether it did not end before."""
    if random.random() < 0.5:
        return runs.killed_after(desk, random.uniform(0, seconds / 2), dates=DATES)
    step, count = random.choice(["Checked", "Staged", "Committed"]), random.randrange(1, 5)
    return runs.killed_amid(desk, step, count, random.uniform(0, 0.008), dates=DATES)


def seconds_of(runs: Runs, desk: Desk) -> float:
    """How long a run of two dates takes."""
    began = time.monotonic()
    assert not runs.killed_after(desk, 60, dates=DATES)
    return time.monotonic() - began
