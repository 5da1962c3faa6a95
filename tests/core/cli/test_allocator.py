"""What a process of the command line sets for Polars' allocator, on which the peaks of a run depend."""

import os
import subprocess
import sys

import pytest

NAME = "_RJEM_MALLOC_CONF"
OURS = "dirty_decay_ms:100,muzzy_decay_ms:0"
OF_POLARS = "dirty_decay_ms:500,muzzy_decay_ms:1000"
CODE = f"""
import atexit, os, sys
from basalt.cli.main import main
sys.argv = ["basalt", "--version"]
atexit.register(lambda: print(os.environ["{NAME}"]))
main()
"""


def set_by_basalt(**given):
    """What the variable is behind `basalt --version` in a process with these variables."""
    environment = {name: value for name, value in os.environ.items() if name != NAME}
    command = [sys.executable, "-c", CODE]
    return subprocess.check_output(command, env={**environment, **given}, text=True).splitlines()[-1]


def test_memory_is_given_back_soon_and_for_good():
    assert set_by_basalt() == OURS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (OF_POLARS, OURS),
        ("narenas:2", f"{OURS},narenas:2"),
        (f"{OF_POLARS},muzzy_decay_ms:-1", f"{OURS},muzzy_decay_ms:-1"),
    ],
    ids=["set by Polars in a parent process", "set by the user", "set by the user, Polars in a parent"],
)
def test_what_the_user_set_goes_last_and_what_polars_set_is_replaced(given, expected):
    assert set_by_basalt(**{NAME: given}) == expected


def test_polars_still_sets_what_is_replaced():
    """A version of Polars that sets something else would need a look at the figures of bench_memory."""
    environment = {name: value for name, value in os.environ.items() if name != NAME}
    command = [sys.executable, "-c", f"import os, polars; print(os.environ['{NAME}'])"]
    assert subprocess.check_output(command, env=environment, text=True).strip() == OF_POLARS
