"""What a fresh interpreter must not import: the heavy library that a command or a name does not need."""

import subprocess
import sys

import pytest

HEAVY = ["dagster", "textual", "sqlalchemy", "numba", "pandas", "pyarrow", "numpy", "pytest", "hypothesis"]


def imported(code: str, *names: str) -> list[str]:
    """Which of these are imported once the code has run."""
    tail = f"\nimport sys\nprint('imported:', *[name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("imported:")[2].split()


def command(*args: str) -> str:
    return f"from basalt.cli.main import run\nassert run({list(args)!r}) == 0"


def test_import_basalt_imports_nothing_beyond_the_standard_library():
    assert imported("import basalt; dir(basalt)", "polars", "attrs", "click", "pluggy", "basalt.errors", *HEAVY) == []


@pytest.mark.parametrize("args", [["analytics", "list"], ["analytics", "list", "--columns"]])
def test_listing_analytics_imports_no_heavy_library(args):
    assert imported(command(*args), *HEAVY) == []


def test_computing_on_a_simulated_day_imports_no_heavy_library():
    code = """
import basalt
from basalt.testing import market
basalt.compute("trade", every="1h", trades=market.simulate(listings=1, seed=1, events=200)["trades"])
"""
    assert imported(code, *(name for name in HEAVY if name not in ("numpy", "pyarrow"))) == []


def test_the_laws_and_the_simulator_need_no_pytest():
    code = "from basalt.testing import AnalyticLaws, days, laws, market"
    assert imported(code, "pytest", "hypothesis", "basalt_analytics", "basalt_io") == []


@pytest.mark.parametrize("package", ["basalt_analytics", "basalt_io", "basalt_dagster", "basalt_ui"])
def test_importing_a_package_imports_neither_polars_nor_a_heavy_library(package):
    assert imported(f"import {package}", "polars", *HEAVY) == []


@pytest.mark.parametrize("plugin", ["basalt.plugin", "basalt_analytics.plugin", "basalt_io.plugin"])
def test_importing_a_plugins_entry_imports_no_polars(plugin):
    assert imported(f"import {plugin}", "polars", *HEAVY) == []
