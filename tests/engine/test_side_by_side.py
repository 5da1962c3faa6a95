"""Several runs in one folder: side by side, one of them killed, and of a clock that was set back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from random import Random

import market
import pytest
from killing import Runs, Told, assert_mended, resumed

from basalt.leftovers import owner

MONDAY, TUESDAY = DATES = market.DATES[:2]


@pytest.fixture(scope="module")
def two_runs() -> Iterator[tuple[Runs, Runs]]:
    """Two processes in which runs can go on side by side."""
    both = (Runs(), Runs())
    yield both
    for runs in both:
        runs.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_two_runs_in_one_folder_take_turns_at_any_event_and_both_end_well(desk_in, expected, two_runs, seed):
    """Now the one goes on, now the other, for as many events as the seed says."""
    desk, random = desk_in(top=["", 'memory = "1 B"', ""][seed]), Random(seed)
    going = [runs.events(desk, dates=DATES) for runs in two_runs]
    told: list[Told] = []
    while going:
        one = random.choice(going)
        told += islice(one, random.randrange(1, 12))
        if told[-1]["kind"] == "Ended":
            going.remove(one)
    assert [event["code"] for event in told if event["kind"] == "Ended"] == [0, 0]
    assert assert_mended(desk, expected, DATES) == []


@pytest.mark.slow
def test_two_runs_in_one_folder_at_once_both_end_well(desk_in, expected, two_runs):
    for _ in range(3):
        desk = desk_in()
        with ThreadPoolExecutor(2) as threads:
            ended = threads.map(lambda runs, desk=desk: runs.killed_after(desk, 60, dates=DATES), two_runs)
        assert list(ended) == [False, False]
        assert assert_mended(desk, expected, DATES) == []


@pytest.mark.slow
def test_a_run_goes_on_where_another_is_killed_beside_it(desk_in, expected, two_runs):
    """Both are at Tuesday's bars, staged and not committed, when one is killed; the next run tidies up behind it."""
    desk = desk_in()

    def staged(event) -> bool:
        return (event["kind"], event.get("name"), event.get("date")) == ("Staged", "bars", str(TUESDAY))

    going = two_runs[0].events(desk, dates=DATES)
    while not staged(next(going)):
        pass
    two_runs[1].killed(desk, staged, dates=DATES)
    assert list(going)[-1] == {"kind": "Ended", "code": 0}
    assert len([name for name in desk.rest() if name.startswith("out/bars/")]) == 1
    assert assert_mended(desk, expected, DATES) == []


def test_what_a_killed_run_staged_goes_though_nothing_is_published_there_again(desk_in, expected, two_runs):
    """It computed by a configuration that was taken back, for which all is done."""
    desk = desk_in()
    resumed(desk, dates=[MONDAY])
    text = desk.pipeline.read_text()
    desk.pipeline.write_text(text.replace('measures = ["OHLC"]', 'measures = ["Count"]'))
    two_runs[0].killed(desk, lambda event: event["kind"] == "Staged", dates=[MONDAY])
    desk.pipeline.write_text(text)
    assert len(desk.rest()) == 2
    assert assert_mended(desk, expected, [MONDAY]) == []


def test_a_clock_that_was_set_back_changes_nothing(desk_in, expected, two_runs):
    """Runs, records and leftovers of later than now: another run's, killed, and this folder's own."""
    desk = desk_in()
    two_runs[0].killed(desk, lambda event: event["kind"] == "PassComputed", dates=[MONDAY])
    work = desk.folder / ".basalt/work"
    (left,) = work.iterdir()
    left.rename(work / f"29990101T000000.000000-{left.name.partition('-')[2]}")
    runs = desk.folder / ".basalt/runs"
    (run,) = runs.iterdir()
    run.rename(runs / f"29990101T000000.000000-{left.name.partition('-')[2]}.jsonl")
    resumed(desk, dates=[MONDAY])
    for file in desk.folder.rglob("*.json"):
        file.write_text(file.read_text().replace('"finished": "2', '"finished": "9'))
    assert assert_mended(desk, expected, [MONDAY]) == []
    assert list(work.iterdir()) == []
    living = work / f"20200101T000000.000000-{owner()}"
    living.mkdir()
    resumed(desk, dates=[MONDAY])
    assert list(work.iterdir()) == [living]
