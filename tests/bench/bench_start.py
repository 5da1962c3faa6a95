"""How long the command line takes to start, against an interpreter that does nothing."""

import subprocess
import sys
from pathlib import Path

BASALT = Path(sys.executable).parent / "basalt"


def call(*command):
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def test_help_takes_less_than_four_times_an_empty_interpreter(paired, report):
    ratio, ours, empty = paired(call(BASALT, "--help"), call(sys.executable, "-c", "pass"), runs=21)
    report(f"basalt --help / python -c pass: {ratio:.2f} ({ours * 1e3:.0f} ms / {empty * 1e3:.0f} ms), limit 4")
    assert ratio < 4


def test_listing_plugins(paired, report):
    ratio, ours, empty = paired(call(BASALT, "plugins", "list"), call(sys.executable, "-c", "pass"), runs=11)
    report(f"basalt plugins list / python -c pass: {ratio:.2f} ({ours * 1e3:.0f} ms / {empty * 1e3:.0f} ms)")


def test_listing_analytics(paired, report):
    ratio, ours, empty = paired(call(BASALT, "analytics", "list"), call(sys.executable, "-c", "pass"), runs=5)
    report(f"basalt analytics list / python -c pass: {ratio:.2f} ({ours * 1e3:.0f} ms / {empty * 1e3:.0f} ms)")
