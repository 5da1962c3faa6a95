"""Writers of each store, killed at every step and at random moments: readers find the old partition or the new one."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random, choice, uniform
from statistics import median

import polars as pl
import pytest
from forked import Told
from polars.testing import assert_frame_equal
from stores import Parquet
from trials import TUESDAY, Trial

from basalt.testing.partitions import rows, spooled

KILLS = int(os.environ.get("BASALT_KILLS", "30")) // 6
PHASES = ["Begun", "Staged", "Committed", "Recorded"]
SQL = {"INSERT INTO", "load", "DELETE FROM", "UPDATE", "before COMMIT", "DROP TABLE"}
STEPS = {
    "parquet": {"sink_parquet", "replace"},
    "delta": {"touch", "sink_parquet", "set_table_properties", "create_write_transaction", "unlink"},
    "sqlite": {"CREATE TABLE", *SQL},
    "postgresql": {"CREATE UNLOGGED", *SQL},
    "parquet-s3": {"PUT data"},
    "delta-s3": {"PUT data", "PUT log"},
}
"""What a writer changes at least, by store."""
FIRST_STEPS = {
    "parquet": ["mkdir"],
    "delta": ["mkdir", "create"],
    "sqlite": ["CREATE INDEX", "INSERT INTO"],
    "postgresql": ["CREATE INDEX", "INSERT INTO"],
    "parquet-s3": ["PUT data"],
    "delta-s3": ["PUT log"],
}
SWEPT = {"parquet": "unlink", "delta": "unlink", "sql": "DROP TABLE"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs to fork, and to see processes under /proc"),
]


def test_killed_at_each_step_it_leaves_the_old_partition_or_the_new_one(six, writers):
    """Each writer is killed at the first step at which none was before, until one ends by itself; each time the next
    one repairs, and what that published is replaced next. Now and then a log has more steps than else."""
    trial, met, left = Trial.begun(six, writers), set(), Counter()
    there, wanted = "old", "new"
    while told := writers.killed_if(trial.asked(wanted), new_to(met)):
        found = trial.version()
        assert "Staged" in map(named, told) or found == there
        assert "Committed" not in map(named, told) or found == wanted
        trial.assert_mended(wanted)
        left[found == wanted] += 1
        there, wanted = wanted, there
    trial.assert_tidy()
    assert {name for name, _ in met} >= {*PHASES, *STEPS[six.name]}
    assert min(left[True], left[False]) >= 2


def test_killed_at_the_steps_of_a_first_publication_it_leaves_nothing_or_the_partition(six, writers):
    """The store is empty at first; later its table is new, as for a pass that is added."""
    for number, step in enumerate((*FIRST_STEPS[six.name], "Committed")):
        trial = Trial(six, writers, f"bars{number}")
        writers.killed(trial.asked("new"), lambda told, step=step: named(told) == step)
        assert trial.version() == ("new" if step in ("PUT data", "Committed") else None)
        trial.assert_mended("new")
        trial.assert_tidy()


@pytest.mark.parametrize("six", ["parquet", "delta", "sqlite", "postgresql"], indirect=True)
def test_killed_while_it_sweeps_what_another_left_it_leaves_the_old_partition(six, writers):
    """Killed after its first change and after its second."""
    trial = Trial.begun(six, writers)
    for number in (1, 2):
        writers.killed(trial.asked(), lambda told: named(told) == "Staged")
        told = writers.killed(trial.asked(), counted(number))
        assert named(told[1]) == SWEPT[six.kind]
        assert trial.version() == "old"
        trial.assert_mended("new")
        trial.publish("old")
    trial.assert_tidy()


@pytest.mark.parametrize("six", ["delta", "sqlite", "postgresql", "delta-s3"], indirect=True)
@pytest.mark.parametrize("adds", ["all", "new keys"])
def test_what_a_killed_writer_added_is_there_once_when_it_is_repeated(six, writers, adds):
    """Listings 0 to 99 are there and 50 to 169 are added, of four rows each: 880 rows, or 680 of different keys."""
    mode = "append" if adds == "all" else {"delta": "merge", "sql": "upsert"}[six.kind]
    trial = Trial(six, writers)
    trial.publish("old")
    asked = trial.asked("new", options={**six.options, "mode": mode})
    writers.killed(asked, lambda told: named(told) == "Committed")
    six.settled()
    for _ in range(2):
        assert six.output().scan(trial.target).collect().height == (880 if adds == "all" else 680)
        writers.published({**asked, "watched": False})
    six.tidy(trial.result)
    assert six.rest(trial.result) == []


def test_killed_between_the_parts_of_an_object_it_leaves_the_old_one(s3, proxy, writers, tmp_path):
    """17 MiB of noise are put in parts of 16, which become the object in a request of their own."""
    store = Parquet("parquet-s3", tmp_path, proxy.quiet, s3.root, s3.storage)
    noise = rows(TUESDAY, listings=(1,))[:1].with_columns(Noise=pl.lit(Random(2).randbytes(17 * 2**20)))
    trial = Trial.begun(store, writers)
    asked = {**trial.asked(), "batches": [str(file) for file in spooled(tmp_path / "spool" / "noise", noise)]}
    asked["options"] = {**asked["options"], "compression": "uncompressed"}
    for step in ("POST data uploads", "PUT data partNumber", "POST data uploadId"):
        assert trial.version() == "old"
        writers.killed(asked, lambda told, step=step: named(told) == step)
    store.settled()
    assert_frame_equal(store.output().scan(trial.target).collect(), noise)
    writers.published({**asked, "watched": False})
    assert_frame_equal(store.output().scan(trial.target).collect(), noise)
    assert store.rest("bars") == []


def named(step: Told) -> str:
    return step.get("name", step["kind"])


def new_to(met: set[tuple[str, int]]) -> Callable[[Told], bool]:
    """Whether a step, told by its name and how often that was there before, is new; then it is no more."""
    before = Counter()

    def is_new(told: Told) -> bool:
        step = (named(told), before[named(told)])
        before[step[0]] += 1
        if step in met:
            return False
        met.add(step)
        return True

    return is_new


def counted(number: int) -> Callable[[Told], bool]:
    """Whether it is the step of that number, from 0."""
    left = iter(range(number, -1, -1))
    return lambda _: next(left, -1) == 0


def test_killed_at_random_moments_it_leaves_the_old_partition_or_the_new_one(six, writers):
    """The moments are drawn anew each time; `nox -s kills` draws more than a hundred for each store."""
    told = Counter()
    while (left := KILLS - told.total() + told["Ended", "new"]) > 0:
        told += drawn(Trial.begun(six, writers, f"bars{told.total()}"), min(left, 25))
    found = ", ".join(f"{n} {phase} {version}" for (phase, version), n in sorted(told.items()))
    print(f"{six.name}: {told.total() - told['Ended', 'new']} kills, by what was told last and what was found: {found}")
    if KILLS >= 100:
        assert min(sum(n for at, n in told.items() if which in at) for which in ("Begun", "Staged", "old", "new")) >= 10


def drawn(trial: Trial, count: int) -> Counter:
    """So many writers, of a table whose log is short still, by the phase that each told last and the version it left.

    Half of the moments are drawn from a whole publication, as long as one takes here, the others from its commit.
    """
    told, there, wanted = Counter(), "old", "new"
    times = [trial.writers.timed(trial.asked(version)) for version in ("new", "old")]
    staged, committed, ended = (median(one[phase] for one in times) for phase in PHASES[1:])
    for _ in range(count):
        phase, seconds = choice([("Begun", ended), ("Staged", committed - staged)])
        phase = trial.writers.killed_in(trial.asked(wanted), phase, uniform(0, seconds))
        found = trial.version()
        assert phase != "Begun" or found == there
        assert phase in ("Begun", "Staged") or found == wanted
        trial.assert_mended(wanted)
        told[phase, "new" if found == wanted else "old"] += 1
        there, wanted = wanted, there
    trial.assert_tidy()
    return told
