"""A run killed at any moment loses, doubles and tears nothing, and what it published is not computed again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from conftest import Desk, assert_same

from basalt.running.events import PassPublished

CHILD = Path(__file__).with_name("child.py")
MOMENTS = int(os.environ.get("BASALT_KILLS", "20"))


def events_of(desk: Desk) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Each event of a run in a child process, which waits until the next one is asked for."""
    (heard, say), (hear, leave) = os.pipe(), os.pipe()
    command = [sys.executable, str(CHILD), str(desk.pipeline), str(say), str(hear)]
    child = subprocess.Popen(command, pass_fds=(say, hear), stderr=subprocess.DEVNULL)
    os.close(say)
    os.close(hear)
    try:
        with os.fdopen(heard) as lines, os.fdopen(leave, "wb", buffering=0) as going:
            for line in lines:
                yield line.strip(), child
                if child.poll() is None:
                    going.write(b".")
    finally:
        child.kill()
        child.wait()


def killed_at(desk: Desk, moment: str) -> list[str]:
    """Run until an event begins with `moment`, kill there; the passes that were published by then."""
    done = []
    for event, child in events_of(desk):
        if event.startswith("PassPublished"):
            done.append(" ".join(event.split()[1:3]))
        if event.startswith(moment):
            child.send_signal(signal.SIGKILL)
            child.wait()
            return done
    raise AssertionError(f"no event {moment!r}")


def resumed(desk: Desk) -> list[str]:
    """Run again to the end; the passes that this run published."""
    told: list[PassPublished] = []
    result = desk.run(observers=[lambda e: told.append(e) if isinstance(e, PassPublished) else None])
    assert result.failed == []
    return [f"{each.name} {each.date}" for each in told]


def all_of(expected) -> list[str]:
    return sorted(f"{name} {day}" for name, rows in expected.items() for day in rows["Date"].unique())


STEPS = [
    f"{kind} {name} 2026-01-06"
    for name in ("bars", "usual", "share")
    for kind in ("BatchComputed", "PassComputed", "Staged", "Committed", "PassPublished")
]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_a_step_is_resumed_where_it_stopped(desk_in, expected, step):
    desk = desk_in()
    before = killed_at(desk, step)
    after = resumed(desk)
    assert sorted([*before, *after]) == all_of(expected)
    assert_same(desk.published(), expected)
    assert desk.rest() == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_run_killed_at_random_moments_is_resumed_where_it_stopped(desk_in, expected, part):
    """Killed and resumed again and again until nothing is left to do, in new folders, from a seed of the clock."""
    random = Random(time.time_ns())
    killed = 0
    while killed < MOMENTS / 4:
        desk = desk_in()
        for _ in range(5):
            child = subprocess.Popen([sys.executable, "-m", "basalt_kill", str(desk.pipeline)])
            time.sleep(random.uniform(0.3, 3))
            child.kill()
            killed += child.wait() == -signal.SIGKILL
        resumed(desk)
        assert_same(desk.published(), expected)
        assert desk.rest() == []
