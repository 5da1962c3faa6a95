"""A whole third-party plugin: built, installed beside basalt-core alone, listed, run, broken and diagnosed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("environments")]  # made once, by one worker

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "desk-spreads"
BARS = """
import sys
import basalt
from basalt.testing import market

day = market.simulate(listings=3, seed=5, events=600)
day["trades"].write_parquet(sys.argv[1])
bars = basalt.compute("desk_spread", every="1m", trades=day["trades"])
bars.write_parquet(sys.argv[2])
"""


@pytest.fixture(scope="session")
def core(clean_environment):
    return clean_environment("basalt-core")


@pytest.fixture(scope="session")
def desk(clean_environment):
    return clean_environment("basalt-core", "examples/desk-spreads")


@pytest.fixture
def broken_desk(desk):
    """The installed plugin's file replaced by one that fails on import; put back afterwards."""
    file = Path(desk.run("import desk_spreads; print(desk_spreads.__file__)").strip())
    good = file.read_bytes()
    file.unlink()  # never written in place: an installer may have linked it to its cache
    file.write_text("import scipyy\n")
    yield desk
    file.unlink()
    file.write_bytes(good)


def listed(environment):
    found = environment.basalt("analytics", "list", "--format", "json")
    assert found.returncode == 0, found.stderr
    return {row["module"]: row["distribution"] for row in json.loads(found.stdout)}


def test_core_alone_says_that_no_analytics_are_installed_and_what_to_install(core):
    found = core.basalt("analytics", "list")
    assert found.returncode == 0
    assert listed(core) == {}
    assert "no analytics are installed" in found.stderr
    assert "pip install basalt-analytics" in found.stderr


def test_the_desks_plugin_is_listed_and_explained(desk):
    assert listed(desk) == {"desk_spread": "desk-spreads"}
    explained = desk.basalt("analytics", "explain", "DeskSpreadBps")
    assert explained.returncode == 0
    assert "Mean effective spread of the bucket's trades." in explained.stdout
    assert "desk-spreads 0.1.0" in explained.stdout


def test_analytics_of_ours_stand_beside_the_desks(clean_environment):
    ours = clean_environment("basalt-core", "basalt-analytics")
    both = clean_environment("basalt-core", "basalt-analytics", "examples/desk-spreads")
    modules = listed(ours)
    assert modules.items() >= dict.fromkeys(("generic", "l2", "trade"), "basalt-analytics").items()
    assert listed(both) == modules | {"desk_spread": "desk-spreads"}


def test_computed_on_simulated_trades_it_is_twice_the_signed_distance_from_the_mid(desk, tmp_path):
    """2·10⁴·D·(P − M)/M, averaged over the minute (T − 1 m, T], in continuous trading, where D and M are known."""
    desk.run(BARS, tmp_path / "trades", tmp_path / "bars")
    trades, bars = (pl.read_parquet(tmp_path / name) for name in ("trades", "bars"))
    time = pl.col("EventTimestamp")
    mid = (pl.col("AskPrice") + pl.col("BidPrice")) * 0.5
    sign = pl.col("AggressorSide").cast(pl.String).replace_strict({"Buy": 1, "Sell": -1}, default=None)
    expected = (
        trades.filter(pl.col("MarketState") == "CONTINUOUS_TRADING")
        .with_columns(TimeBucket=time.dt.offset_by("-1ns").dt.truncate("1m").dt.offset_by("1m").dt.cast_time_unit("us"))
        .group_by("ListingId", "TimeBucket")
        .agg(DeskSpreadBps=(20_000 * sign * (pl.col("Price") / mid - 1)).mean())
        .sort("ListingId", "TimeBucket")
    )
    assert expected.height > 100
    assert expected["DeskSpreadBps"].min() > 0
    assert_frame_equal(bars, expected, rel_tol=1e-9)


def test_it_keeps_the_laws_where_pytest_is_not_installed(desk):
    code = """
from basalt.testing import AnalyticLaws
from desk_spreads import desk_spread
class Laws(AnalyticLaws):
    analytic = desk_spread
names = [name for name in dir(Laws) if name.startswith("test_")]
for name in names:
    getattr(Laws(), name)()
import sys
print(len(names), {"pytest", "hypothesis"} & set(sys.modules))
"""
    assert desk.run(code).split() == ["8", "set()"]


def test_its_own_test_of_two_lines_passes():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE / "tests"]
    env = os.environ | {"PYTHONPATH": str(EXAMPLE / "src")}
    done = subprocess.run(command, cwd=EXAMPLE, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


def test_broken_it_costs_one_line_and_the_command_goes_on(broken_desk):
    found = broken_desk.basalt("analytics", "list")
    assert found.returncode == 0
    assert listed(broken_desk) == {}
    (line,) = [line for line in found.stderr.splitlines() if "desk-spreads" in line]
    assert "No module named 'scipyy'" in line
    assert "desk_spreads.py:1" in line
    assert "Traceback" not in found.stderr


def test_broken_the_doctor_names_plugin_version_place_and_next_step(broken_desk):
    found = broken_desk.basalt("plugins", "doctor")
    assert found.returncode == 0
    report = found.stdout + found.stderr
    for part in ("desk-spreads 0.1.0 [desk] could not be imported", "ModuleNotFoundError", "scipyy"):
        assert part in report
    assert "desk_spreads.py:1" in report
    assert "Try: " in report


def test_broken_it_stops_a_strict_command_with_exit_code_3(broken_desk):
    found = broken_desk.basalt("--strict-plugins", "analytics", "list")
    assert found.returncode == 3
    assert "desk-spreads 0.1.0" in found.stderr
