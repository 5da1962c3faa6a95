"""Files that appear in one step, and which leftovers are swept."""

import os
import subprocess
import sys

import pytest

from basalt.leftovers import beside, host, is_gone, replace, sweep


@pytest.fixture
def gone():
    """The number of a process that has ended."""
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return int(done.stdout)


def test_a_file_is_put_in_folders_that_are_made_for_it(tmp_path):
    place = tmp_path / "a/b/c.json"
    replace(place, b"1")
    replace(place, b"2")
    assert place.read_bytes() == b"2"
    assert [p.name for p in place.parent.iterdir()] == ["c.json"]


def test_the_name_beside_is_hidden_and_of_this_process(tmp_path):
    name = beside(tmp_path / "c.json").name
    assert name.startswith(".c.json.")
    assert name.endswith(f".{host()}-{os.getpid()}.staged")
    assert beside(tmp_path / "c.json").name != name


def test_only_leftovers_of_dead_processes_of_this_host_and_this_place_are_swept(tmp_path, gone):
    unique = "0" * 32
    dead = f".c.json.{unique}.{host()}-{gone}.staged"
    kept = [
        f".c.json.{unique}.{host()}-{os.getpid()}.staged",
        f".c.json.{unique}.00000000-{gone}.staged",
        f".d.json.{unique}.{host()}-{gone}.staged",
        "c.json",
    ]
    for name in [dead, *kept]:
        (tmp_path / name).touch()
    sweep(tmp_path / "c.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)


def test_a_process_is_gone_when_it_has_ended(gone):
    assert (is_gone(gone), is_gone(os.getpid()), is_gone(1)) == (True, False, False)
    assert not is_gone(10**30)
