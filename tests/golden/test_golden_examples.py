"""Worked examples: the example day is fixture F, and what `analytics explain` shows is what its oracles say."""

import json

import pytest
from polars.testing import assert_frame_equal

from basalt.catalog import default_columns, explanation
from basalt.cli.main import run
from basalt.example_day import example_tables
from basalt.plugins.registry import open_registry

ORACLES = {
    "TradeTotalVolume": [0, 510, 150, 0],
    "TradeTotalVWAP": [None, 100.025098039, 100.034666667, None],
    "TradeTotalOpen": [None, 100.04, 100.00, None],
    "TradeInvalidCount": [0, 0, 0, 1],
    "BidPrice1": [100.00, 100.00, 100.02, 100.02],
    "SpreadBps": [3.99920015997, 2.99955006749, 3.99840063974, 3.99840063974],
    "MidRV1s": [None, 5.24728858601e-8, 4.24751362927e-8, 0],
}


BLANK = ["KyleLambda", "OrderMarkoutBps1m", "ReversionBps1m", "OrderProblem"]
BLANK += [f"{who}{what}" for who in ("LitUnknown", "DarkBuy") for what in ("VWAP", "PricePlacement")]
BLANK += [f"Iceberg{side}{what}" for side in ("Bid", "Ask", "Total") for what in ("HiddenShare", "MeanPeak")]
BLANK += ["IcebergImbalance"]
"""A bar of 10 s has two intervals of 5 s, and a slope needs three; a minute later the session is over; the orders of
the example are sound; nobody bought in the dark, and lit trades have a side; no order is an iceberg."""


@pytest.fixture(scope="module", name="entries")
def entries_():
    return {entry.column.name: entry for entry in default_columns(open_registry())}


def test_the_example_day_is_fixture_f(f_trades, f_quotes, f_states):
    day = example_tables()
    for name, frame in {"trades": f_trades, "l2": f_quotes, "marketstate": f_states}.items():
        assert_frame_equal(day[name].select(frame.columns), frame)


@pytest.mark.parametrize("name", ORACLES)
def test_an_example_shows_the_oracle(entries, name):
    """Bars of ten seconds ending 09:00:00 to 09:00:30; the arithmetic stands with the tests of each module."""
    example = explanation(entries[name])["example"]
    found = [row[name] for row in example["result"]]
    assert [row["TimeBucket"][:8] for row in example["result"]] == ["09:00:00", "09:00:10", "09:00:20", "09:00:30"]
    assert found == [None if v is None else pytest.approx(v, rel=1e-10, abs=1e-18) for v in ORACLES[name]]


def test_cancelled_prints_are_shown_where_they_are_counted(entries):
    """F's trade at 09:00:04 is busted."""
    example = explanation(entries["TradeCancelledCount"])["example"]
    assert [row["EventTimestamp"][:8] for row in example["trades"] if row["IsCancelled"]] == ["09:00:04"]
    assert [row["TradeCancelledCount"] for row in example["result"]] == [0, 1, 0, 0]
    others = explanation(entries["TradePrintedVolume"])["example"]["trades"]
    assert not any(row["IsCancelled"] for row in others)


def test_every_column_of_an_unconfigured_module_has_an_example_with_a_value(entries):
    none = {name: found for name, e in entries.items() if isinstance(found := explanation(e)["example"], str)}
    assert none == {}
    blank = [
        name
        for name, e in entries.items()
        if not any(row[name] is not None for row in explanation(e)["example"]["result"])
    ]
    assert sorted(blank) == sorted(BLANK)


PIPELINE = """
name = "costs"
[source]
type = "parquet"
root = "data"
[[passes]]
name = "bars"
every = "1m"
[[passes.preprocess]]
transform = "quotes_at_trades"
horizons = ["5s"]
[[passes.modules]]
module = "trade"
tca = [{ measures = ["EffectiveSpread", "RealizedSpread"], horizons = ["5s"], units = ["Price"], weights = ["Share"] }]
[[passes]]
name = "quarters"
every = "15m"
[[passes.modules]]
module = "generic"
source = "bars"
"""


@pytest.fixture(name="explained")
def explained_(tmp_path, capsys, f_trades, f_quotes, f_states):
    def explain(name, *more):
        for table, frame in {"trades": f_trades, "l2": f_quotes, "marketstate": f_states}.items():
            folder = tmp_path / f"data/{table}/date=2026-01-05"
            folder.mkdir(parents=True, exist_ok=True)
            frame.write_parquet(folder / "part.parquet")
        (tmp_path / "costs.toml").write_text(PIPELINE)
        assert run(["analytics", "explain", name, "--pipeline", str(tmp_path / "costs.toml"), *more]) == 0
        return capsys.readouterr().out

    return explain


def test_a_column_of_a_pipeline_is_worked_out_with_its_transforms(explained):
    """F's realised spread at 5 s, share-weighted: .0210869565217 and .04."""
    found = json.loads(explained("TradeTotalRealizedSpread5sShareWeighted", "--format", "json"))
    worked = found[0]["example"]["result"]
    values = [row["TradeTotalRealizedSpread5sShareWeighted"] for row in worked]
    assert values == [None, pytest.approx(0.0210869565217, rel=1e-10), pytest.approx(0.04, rel=1e-10), None]


def test_a_column_over_an_earlier_pass_is_worked_out_over_its_bars(explained):
    """Bars of 20 s over those of 10 s: (.0234782608696·460 + .0375·80)/540."""
    found = json.loads(explained("TradeTotalEffectiveSpreadShareWeighted", "--format", "json"))
    [quarters] = [one for one in found if one["pass"] == "quarters"]
    assert quarters["example"]["every"] == "20s"
    assert [row["TimeBucket"] for row in quarters["example"]["bars"]] == ["09:00:10", "09:00:20"]
    values = {row["TimeBucket"]: row["TradeTotalEffectiveSpreadShareWeighted"] for row in quarters["example"]["result"]}
    assert values["09:00:20"] == pytest.approx((0.0234782608696 * 460 + 0.0375 * 80) / 540, rel=1e-10)


def test_an_example_is_printed_as_tables(explained):
    text = explained("TradeTotalEffectiveSpreadShareWeighted")
    assert "09:00:10.000000001" in text
    assert "bars of 20s" in text
