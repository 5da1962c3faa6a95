"""The module iceberg in pipelines: side outputs published and read, whatever the batches; and what it imports."""

import subprocess
import sys

import attrs
import polars as pl
import pytest
from iceberg_orders import CONTEXT, EVERY_SIDE, all_four, i1, module, sides

import basalt
from basalt_analytics.iceberg import detection

PIPELINE = """
name = "icebergs"
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
root = "out"
[[passes]]
name = "bars"
every = "1s"
side_outputs = { icebergs = "always", iceberg_sizes = "always" }
[[passes.modules]]
module = "iceberg"
[[passes.modules]]
module = "l3"
[[passes]]
name = "executed"
every = "1s"
[[passes.modules]]
module = "trade"
tables = { trades = "bars:iceberg_executions" }
market_states = "CONTINUOUS_TRADING"
generic = [{ measures = ["Volume", "Count", "VWAP"], sides = ["Total"] }]
[[passes]]
name = "hours"
every = "1h"
[[passes.modules]]
module = "generic"
source = "bars"
"""


@pytest.fixture(name="ran")
def ran_(tmp_path):
    """The pipeline over two listings: all four, and I1."""
    place = tmp_path / "data/l3/date=2026-01-05"
    place.mkdir(parents=True)
    pl.concat([all_four(), i1().table(2)]).write_parquet(place / "part.parquet")
    (tmp_path / "icebergs.toml").write_text(PIPELINE)

    def run(*overrides):
        result = basalt.run(tmp_path / "icebergs.toml", overrides=overrides, force=True)
        assert result.failed == []
        return {name: result.scan(name).collect() for name in NAMES}, result

    return run


NAMES = ("bars", "executed", "hours", "bars:icebergs", "bars:iceberg_executions", "bars:iceberg_sizes")


def test_side_outputs_are_published_with_their_units_and_read_by_later_passes(ran):
    """Executions stand in the place of trades: 1160 shares of one listing and 240 of the other."""
    found, result = ran()
    assert found["bars:icebergs"].select("ListingId", "IcebergKind", "HiddenVolume").rows() == [
        (1, "REFILL", 140), (1, "EXCESS", 60), (1, "EXCESS", 60), (1, "SYNTHETIC", 400), (2, "REFILL", 140)
    ]  # fmt: skip
    volumes = found["executed"].group_by("ListingId").agg(pl.col("TradeTotalVolume").sum()).sort("ListingId")
    assert volumes.rows() == [(1, 1160), (2, 240)]
    described = {c["name"]: c["unit"] for c in result.document("bars:icebergs")["columns"]}
    assert (described["MeanPeak"], described["TrancheCount"], described["Price"]) == ("shares", "count", "price")
    survival = found["bars:iceberg_sizes"].filter(ListingId=2, Side="Total")
    assert survival.select("Size", "Filled", "Censored", "Survival").rows() == [(240, 0, 1, 1.0)]


def test_an_earlier_pass_rolls_up(ran):
    """The share hidden of an hour: 660 of 1160 and 140 of 240; peaks of 3 + 1 + 2 + 3 tranches."""
    found, _ = ran()
    hours = found["hours"].sort("ListingId")
    assert hours["IcebergTotalHiddenShare"].to_list() == pytest.approx([660 / 1160, 140 / 240])
    assert hours["IcebergTotalMeanPeak"].to_list() == pytest.approx([(300 + 100 + 200 + 600) / 9, 100])


def test_batches_do_not_matter(ran):
    whole, _ = ran()
    cut, _ = ran("memory=1kB")
    for name in NAMES:
        assert cut[name].equals(whole[name])


def test_buckets_without_icebergs_have_none(ran):
    """S1 up to 7 s: two inserts, and nothing executed; means are null there, counts 0."""
    found, _ = ran()
    last = found["bars"].filter(ListingId=1).sort("TimeBucket").row(-1, named=True)
    assert (last["IcebergAskExecutedVolume"], last["IcebergAskTrancheCount"], last["AskInsertCount"]) == (0, 0, 2)
    assert last["IcebergAskMeanPeak"] is last["IcebergImbalance"] is None


def test_nothing_is_compiled_before_it_runs():
    """Nor numbers loaded, to list what modules there are."""
    code = (
        "import sys, basalt_analytics.iceberg.module as m; print([n for n in ('numba', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def computed(events, asked):
    context = attrs.evolve(CONTEXT, sides=frozenset(asked))
    return module(events).compute({"l3": events.lazy()}, context)


def test_side_outputs_are_those_asked_for():
    assert list(computed(i1().table(), ["icebergs"]).sides) == ["icebergs"]
    assert list(computed(i1().table(), []).sides) == []


@pytest.fixture(name="heights")
def heights_(monkeypatch):
    """How many events each detection was of, those of none left out."""
    found, once = [], detection.detected

    def told(events, config):
        found.extend([events.height] if events.height else [])
        return once(events, config)

    monkeypatch.setattr(detection, "detected", told)
    return found


def test_all_outputs_of_one_query_are_of_one_detection(heights):
    made = computed(i1().table(), EVERY_SIDE)
    assert [frame.height > 0 for frame in pl.collect_all([made.rows, *made.sides.values()])] == [True] * 4
    assert heights == [i1().table().height]


def test_a_run_with_side_outputs_detects_once(ran, heights):
    found, _ = ran()
    assert found["bars:icebergs"].height == 5
    assert heights == [all_four().height + i1().table().height]


def test_side_outputs_are_of_one_detection():
    """Four icebergs, ten executions; bids of one size, asks of two, and all three."""
    found = sides(all_four())
    assert [found[name].height for name in ("icebergs", "iceberg_executions", "iceberg_sizes")] == [4, 10, 6]
