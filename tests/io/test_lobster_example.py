"""examples/lobster, run as its reader would run it, on the real AMZN day."""

import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from basalt_io.outputs.parquet import read_document

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "lobster"


@pytest.fixture(scope="module")
def published(lobster_folder, tmp_path_factory) -> Path:
    """The folder of results; the example is copied so that nothing is written into the checkout."""
    folder = tmp_path_factory.mktemp("example")
    for file in ("lobster.toml", "event_spread.py"):
        shutil.copy(EXAMPLE / file, folder)
    command = ["pipeline", "run", "lobster.toml", "--set", f"source.root={lobster_folder}"]
    ran = subprocess.run(
        [sys.executable, "-c", "from basalt.cli.main import main; main()", *command],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return folder / "out"


def read(published: Path, pass_name: str) -> pl.DataFrame:
    return pl.read_parquet(published / pass_name / "date=2012-06-21" / "all.parquet", hive_partitioning=False)


def test_there_is_a_bar_a_minute(published):
    bars = read(published, "bars")
    assert bars.height == 390
    assert bars["TimeBucket"].dt.strftime("%H:%M").to_list()[::389] == ["13:31", "20:00"]
    assert bars.columns[:4] == ["Date", "Universe", "ListingId", "TimeBucket"]


def test_the_bars_add_up_to_the_day(published):
    bars = read(published, "bars")
    assert bars["TradeTotalVolume"].sum() == 613_248
    assert bars["TradeHiddenVolume"].sum() == 197_507
    assert bars["TradeTotalCount"].sum() == 8_974


def test_the_day_says_what_the_data_is_known_for(published):
    day = read(published, "day").row(0, named=True)
    assert day["TradeTotalVolume"] == 613_248
    assert day["TradeTotalVWAP"] == pytest.approx(222.64013815, abs=5e-9)
    assert day["TradeHiddenVolume"] == 197_507
    assert day["EventSpread"] == pytest.approx(0.13591, abs=5e-6)
    assert (day["BidPrice1"], day["AskPrice1"]) == (220.51, 220.64)


def test_the_files_say_what_their_columns_are(published):
    document = read_document(published / "day" / "date=2012-06-21" / "all.parquet")
    described = {column["name"]: column for column in document["columns"]}
    assert described["EventSpread"]["unit"] == "price"
    assert described["EventSpread"]["over_time"]["weight"] == "EventSpreadCount"
