"""Two processes that write to one store at once.

Those of different partitions both succeed, and of one partition the rows of one of them stand, whole.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from forked import Told
from polars.testing import assert_frame_equal
from trials import MONDAY, WEDNESDAY, Trial, told_of
from writers import Writers, request

from basalt.testing.partitions import KEYS, rows, spooled, target

ROUNDS = 24 if int(os.environ.get("BASALT_KILLS", "30")) >= 600 else 4

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two() -> Iterator[list[Writers]]:
    """Two processes that write."""
    both = [Writers(), Writers()]
    yield both
    for writers in both:
        writers.close()


def at_once(two: list[Writers], asked: list[dict[str, Any]], phase: str) -> list[list[Told]]:
    """What both told, who went on from that phase together."""
    together = Barrier(2, timeout=60)

    def written(one: Writers, what: dict[str, Any]) -> list[Told]:
        told = []
        for event in one.events({**what, "watched": False}):
            told.append(event)
            if event["kind"] == phase:
                together.wait()
        return told

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(written, two, asked))


@pytest.mark.parametrize("phase", ["Begun", "Staged"])
def test_writers_of_different_partitions_both_succeed(six, two, phase):
    """Every other round in a table that is new, whose making they race."""
    for turn in range(ROUNDS // 2):
        result, asked = f"bars{turn - turn % 2}", []
        frames = {day: rows(day, listings=range(turn, turn + 40)) for day in (MONDAY, WEDNESDAY)}
        for day, frame in frames.items():
            batches = spooled(six.folder / "spool" / f"{day} {turn}", frame)
            asked.append(request(six, result, day, told_of(f"{turn}"), batches))
        for told in at_once(two, asked, phase):
            assert told[-1]["code"] == 0, told
        for day, frame in frames.items():
            assert_frame_equal(six.output().scan(target(day, result=result)).collect().sort(KEYS), frame)
        assert not six.is_swept or six.rest(result) == []


@pytest.mark.parametrize("phase", ["Begun", "Staged"])
def test_of_two_writers_of_one_partition_one_stands_whole(six, two, phase):
    """Every other round in a table that is new, whose making they race. Who loses says so; where both succeed, the one
    that came later stands."""
    ended = Counter()
    for turn in range(ROUNDS // 2):
        if turn % 2 == 0:
            trial = Trial(six, two[0], f"bars{turn}")
        told = at_once(two, [trial.asked("old"), trial.asked("new")], phase)
        refused = [each[-2]["why"] for each in told if each[-1]["code"]]
        won = [version for version, each in zip(("old", "new"), told, strict=True) if not each[-1]["code"]]
        assert trial.version() in won
        assert len(won) == 1 or (six.kind, phase) != ("delta", "Staged")
        assert all("by another writer" in why for why in refused), refused
        assert not six.is_swept or six.rest(trial.result) == []
        ended[len(won)] += 1
    trial.assert_mended("new")
    trial.assert_tidy()
    print(f"{six.name}, from {phase}: {ended[1]} of {ended.total()} rounds with a loser")


def test_what_a_living_writer_staged_is_left_to_it(six, two):
    trial = Trial.begun(six, two[0])
    events = two[0].events(trial.asked("new", watched=False))
    while next(events)["kind"] != "Staged":
        pass
    six.output().sweep(trial.target)
    assert trial.version() == "old"
    assert list(events)[-1]["code"] == 0
    assert trial.version() == "new"
