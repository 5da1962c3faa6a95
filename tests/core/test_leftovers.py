"""Files that appear in one step, and which leftovers are swept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from basalt.leftovers import beside, is_gone, owner, replace, sweep

TELL = "from basalt.leftovers import owner; print(owner(), flush=True)"


@pytest.fixture
def gone():
    """A process that has ended, as an owner."""
    done = subprocess.run([sys.executable, "-c", TELL], capture_output=True, check=True, text=True)
    return done.stdout.strip()


def test_a_file_is_put_in_folders_that_are_made_for_it(tmp_path):
    place = tmp_path / "a/b/c.json"
    replace(place, b"1")
    replace(place, b"2")
    assert place.read_bytes() == b"2"
    assert [p.name for p in place.parent.iterdir()] == ["c.json"]


def test_the_name_beside_is_hidden_and_of_this_process(tmp_path):
    name = beside(tmp_path / "c.json").name
    assert name.startswith(".c.json.")
    assert name.endswith(f".{owner()}.staged")
    assert owner().split("-")[1] == str(os.getpid())
    assert beside(tmp_path / "c.json").name != name


def test_only_leftovers_of_dead_processes_of_this_host_and_this_place_are_swept(tmp_path, gone):
    unique = "0" * 32
    dead = f".c.json.{unique}.{gone}.staged"
    kept = [
        f".c.json.{unique}.{owner()}.staged",
        f".c.json.{unique}.{elsewhere(gone)}.staged",
        f".d.json.{unique}.{gone}.staged",
        "c.json",
    ]
    for name in [dead, *kept]:
        (tmp_path / name).touch()
    sweep(tmp_path / "c.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)


def elsewhere(told: str) -> str:
    """The same numbers, on another host."""
    return f"00000000-{told.partition('-')[2]}"


def test_a_process_is_gone_when_it_has_ended(gone):
    assert (is_gone(gone), is_gone(owner()), is_gone(elsewhere(gone))) == (True, False, False)


def test_a_name_that_tells_no_process_is_not_gone():
    host = owner().partition("-")[0]
    assert not any(map(is_gone, ["", "c.json", host, f"{host}-12", f"{host}-x-0", f"{host}-{10**30}-0"]))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not tell when a process began")
def test_a_process_is_gone_whose_number_another_has_now():
    """As in a container, where each run may be process 1: same number, another start."""
    host, number, start = owner().split("-")
    assert int(start) > 0
    assert is_gone(f"{host}-{number}-{int(start) - 1}")
    assert not is_gone(f"{host}-{number}-0")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not tell a process's state")
def test_a_killed_process_is_gone_though_its_parent_has_not_asked_for_its_end():
    with subprocess.Popen([sys.executable, "-c", f"{TELL}; input()"], stdin=-1, stdout=-1, text=True) as child:
        told = child.stdout.readline().strip()
        assert not is_gone(told)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(told)
