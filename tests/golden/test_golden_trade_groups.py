"""Fixture F, module trade: imbalance, flags, discrepancy, change, placement; bars of 10 s at :10 and :20."""

import sys
from pathlib import Path

import polars as pl
import pytest

import basalt

sys.path.insert(0, str(Path(__file__).resolve().parent))
from quoted_trades import quoted

ALL = {
    "module": "trade",
    "imbalance": [{"measures": ["Volume", "Count", "Notional"]}],
    "discrepancy": [{"references": ["Mid", "Bid"], "aggregations": ["Mean", "Median"]}],
    "change": [{"measures": ["GapSeconds", "QuoteAgeSeconds"]}],
    "placement": [{}],
}


@pytest.fixture(scope="module")
def result(f_trades, f_states):
    return basalt.compute([ALL], every="10s", trades=quoted(f_trades), marketstate=f_states)


@pytest.fixture(name="f")
def f_(result, bars):
    return bars(result)


def close(value):
    return pytest.approx(value, rel=1e-11, abs=1e-13)


def test_f_volume_imbalance(f):
    """:10 (160 − 300) / 460 = −.304347826087; :20 (90 − 60) / 150 = .2. Trade 6, of unknown side, is in neither."""
    assert f[10]["TradeVolumeImbalance"] == pytest.approx(-0.304347826087, abs=5e-13)
    assert f[20]["TradeVolumeImbalance"] == close(0.2)


def test_f_count_and_notional_imbalance(f):
    """:10 buys 1 4 7, sells 2 5: (3 − 2) / 5; 100.04·100 + 100.04·50 + 100.03·10 = 16006.3 against
    20002 + 10003.5 = 30005.5. :20 (2 − 2) / 4."""
    assert f[10]["TradeCountImbalance"] == close(0.2)
    assert f[10]["TradeNotionalImbalance"] == close((16006.3 - 30005.5) / (16006.3 + 30005.5))
    assert f[20]["TradeCountImbalance"] == 0


def test_f_price_placement(f):
    """z = 2(P − B) / (A − B) − 1, weighted by shares. :10 z = 1, −1, 1/3, 0, 1/3, 1 for trades 1 2 4 5 6 7:
    (100 − 200 + 50/3 + 0 + 50/3 + 10) / 510 = −56.667 / 510 = −.111111. :20 trade 9 is one-sided and 10 crossed;
    8 at −1 and 11 at 1: (−20 + 60) / 80 = .5."""
    assert f[10]["TradeTotalPricePlacement"] == pytest.approx(-0.111111111111, abs=5e-13)
    assert f[20]["TradeTotalPricePlacement"] == close(0.5)


def test_f_distance_to_the_mid(f):
    """In bps of the mid, :10 trades 1 2 4 5 6 7: +.02, −.015, +.005, 0, +.005, +.015; mean .499916682080, median of the
    middle two .499875036238. :20 trades 8 and 11: −.015 and +.02, mean and median .249712643064."""
    assert f[10]["TradeTotalDiscrepancyToMidMeanBps"] == pytest.approx(0.499916682080, abs=5e-12)
    assert f[10]["TradeTotalDiscrepancyToMidMedianBps"] == pytest.approx(0.499875036238, abs=5e-12)
    assert f[20]["TradeTotalDiscrepancyToMidMeanBps"] == pytest.approx(0.249712643064, abs=5e-12)
    assert f[20]["TradeTotalDiscrepancyToMidMedianBps"] == pytest.approx(0.249712643064, abs=5e-12)


def test_f_distance_to_the_bid_counts_one_sided_and_crossed_quotes(f):
    """:10 +.04, 0, +.02, +.015, +.02, +.03 over bids near 100: 2.083216689995 bps.
    :20 trades 8 to 11: 0, 0, −.01, +.04: .749924977523 bps."""
    assert f[10]["TradeTotalDiscrepancyToBidMeanBps"] == pytest.approx(2.083216689995, abs=5e-11)
    assert f[20]["TradeTotalDiscrepancyToBidMeanBps"] == pytest.approx(0.749924977523, abs=5e-11)


def test_f_gaps_go_over_the_edge_of_buckets_and_not_over_cancelled_trades(f):
    """:10 trades at 1 3 6 8 9.5 10: gaps 2 3 2 1.5 .5, mean 9 / 5 = 1.8, the first has none.
    :20 trades at 10 + 1 ns, 13, 17, 19: 1e-9 + (3 − 1e-9) + 4 + 2 = 9 over 4 = 2.25."""
    assert f[10]["TradeTotalGapSecondsMean"] == close(1.8)
    assert f[20]["TradeTotalGapSecondsMean"] == close(2.25)


def test_f_age_of_the_quote(f):
    """:10 1, 1, 1, 3, .5, 1: 7.5 / 6 = 1.25."""
    assert f[10]["TradeTotalQuoteAgeSecondsMean"] == close(1.25)


def test_f_flags(f_trades, f_states, bars):
    """IsBlock true for trade 2, null for 6, false otherwise. :10 volume 200, count 1, share 200 / (510 − 50) =
    .434782608696, unknown 50, average value 100.01·200 = 20002. :20 nothing is flagged: 0, 0, share 0 / 150."""
    block = [number == 2 if number != 6 else None for number in range(1, 13)]
    measures = ["Volume", "Count", "VolumeShare", "CountShare", "UnknownVolume", "AvgNotional", "Notional"]
    module = {"module": "trade", "flags": [{"flags": ["Block"], "measures": measures}]}
    trades = f_trades.with_columns(IsBlock=pl.Series(block, dtype=pl.Boolean))
    found = bars(basalt.compute([module], every="10s", trades=trades, marketstate=f_states))
    assert [found[10][f"TradeTotalBlock{m}"] for m in measures] == [
        200, 1, close(200 / 460), close(1 / 5), 50, close(20002), close(20002),
    ]  # fmt: skip
    assert found[10]["TradeTotalBlockVolumeShare"] == pytest.approx(0.434782608696, abs=5e-13)
    assert [found[20][f"TradeTotalBlock{m}"] for m in measures] == [0, 0, 0, 0, 0, None, 0]


def test_f2_gap_does_not_cross_the_halt(f2, bars):
    """Trades at 5, 11 and 25, halted 12 to 20: gaps none, 6, none (not 14)."""
    module = {"module": "trade", "change": [{"measures": ["GapSeconds"]}]}
    tables = {name: f2[name] for name in ("trades", "marketstate")}
    found = bars(basalt.compute([module], every="10s", timeline="dense", **tables))
    assert {t: bar["TradeTotalGapSecondsMean"] for t, bar in found.items()} == {10: None, 20: 6, 30: None}
