"""Fixture F, module trade: bars of 10 s, end-labelled and right-closed, at :10 and :20 (:30 has no valid trade)."""

import pytest

import basalt

ALL = {
    "module": "trade",
    "generic": [
        {
            "measures": ["Volume", "Count", "Notional", "VWAP", "OHLC", "AvgPrice", "MedianPrice"],
            "sides": ["Total", "Buy", "Sell", "Unknown"],
        }
    ],
}


@pytest.fixture(name="f")
def f_(f_trades, f_states, bars):
    return bars(basalt.compute([ALL], every="10s", trades=f_trades, marketstate=f_states))


def close(value):
    return pytest.approx(value, rel=1e-11)


def test_f_trades_make_the_buckets_that_hold_a_valid_trade(f):
    """Trade 12 (t = 25, size 0) is no trade, so :30 is no bucket of the sparse timeline."""
    assert list(f) == [10, 20]


def test_f_total_volume_and_count(f):
    """:10 trades 1 2 4 5 6 7: 100 + 200 + 50 + 100 + 50 + 10 = 510, n = 6 (3 is cancelled; 7 is on the edge and in).
    :20 trades 8 9 10 11: 20 + 40 + 30 + 60 = 150, n = 4."""
    assert (f[10]["TradeTotalVolume"], f[10]["TradeTotalCount"]) == (510, 6)
    assert (f[20]["TradeTotalVolume"], f[20]["TradeTotalCount"]) == (150, 4)


def test_f_volume_by_side(f):
    """:10 Buy 1 4 7: 100 + 50 + 10 = 160; Sell 2 5: 200 + 100 = 300; Unknown 6: 50.
    :20 Buy 10 11: 30 + 60 = 90; Sell 8 9: 20 + 40 = 60; Unknown 0."""
    columns = ["TradeBuyVolume", "TradeSellVolume", "TradeUnknownVolume"]
    assert [f[10][c] for c in columns] == [160, 300, 50]
    assert [f[20][c] for c in columns] == [90, 60, 0]


def test_f_sides_add_up_to_the_total(f):
    """Buy + Sell + Unknown = Total for every summed metric: 160 + 300 + 50 = 510 and so on."""
    for bar in f.values():
        for measure in ("Volume", "Count", "Notional"):
            parts = sum(bar[f"Trade{side}{measure}"] for side in ("Buy", "Sell", "Unknown"))
            assert parts == close(bar[f"TradeTotal{measure}"])


def test_f_total_notional(f):
    """:10 10004 + 20002 + 5002 + 10003.5 + 5001 + 1000.3 = 51012.8; :20 2000 + 4000.4 + 3001.2 + 6003.6 = 15005.2."""
    assert f[10]["TradeTotalNotional"] == close(51012.8)
    assert f[20]["TradeTotalNotional"] == close(15005.2)


def test_f_total_vwap(f):
    """:10 51012.8 / 510 = 100.025098039; :20 15005.2 / 150 = 100.034666667."""
    assert f[10]["TradeTotalVWAP"] == close(51012.8 / 510)
    assert f[10]["TradeTotalVWAP"] == pytest.approx(100.025098039, abs=5e-10)
    assert f[20]["TradeTotalVWAP"] == close(15005.2 / 150)
    assert f[20]["TradeTotalVWAP"] == pytest.approx(100.034666667, abs=5e-10)


def test_f_vwap_by_side(f):
    """:10 Buy (10004 + 5002 + 1000.3) / 160 = 100.039375; Sell (20002 + 10003.5) / 300 = 100.018333333; Unknown 100.02.
    :20 Buy (3001.2 + 6003.6) / 90 = 100.053333333; Sell (2000 + 4000.4) / 60 = 100.006666667; Unknown: null."""
    assert f[10]["TradeBuyVWAP"] == close(100.039375)
    assert f[10]["TradeSellVWAP"] == pytest.approx(100.018333333, abs=5e-10)
    assert f[10]["TradeUnknownVWAP"] == close(100.02)
    assert f[20]["TradeBuyVWAP"] == pytest.approx(100.053333333, abs=5e-10)
    assert f[20]["TradeSellVWAP"] == pytest.approx(100.006666667, abs=5e-10)
    assert f[20]["TradeUnknownVWAP"] is None


@pytest.mark.parametrize(
    ("label", "side", "ohlc"),
    [
        (10, "Total", [100.04, 100.04, 100.01, 100.03]),
        (20, "Total", [100.00, 100.06, 100.00, 100.06]),
        (10, "Sell", [100.01, 100.035, 100.01, 100.035]),
        (20, "Sell", [100.00, 100.01, 100.00, 100.01]),
        (20, "Unknown", [None] * 4),
    ],
)
def test_f_ohlc(f, label, side, ohlc):
    """:10 prices in order 100.04 100.01 100.04 100.035 100.02 100.03, sells 100.01 100.035;
    :20 100.00 100.01 100.04 100.06, sells 100.00 100.01. No trade of the side: all four null."""
    assert [f[label][f"Trade{side}{edge}"] for edge in ("Open", "High", "Low", "Close")] == ohlc


def test_f_average_and_median_price(f):
    """:10 sorted 100.01 100.02 100.03 100.035 100.04 100.04: mean 600.175 / 6 = 100.029166667, median 100.0325.
    :20 100.00 100.01 100.04 100.06: mean 400.11 / 4 = 100.0275, median 100.025."""
    assert f[10]["TradeTotalAvgPrice"] == pytest.approx(100.029166667, abs=5e-10)
    assert f[10]["TradeTotalMedianPrice"] == close(100.0325)
    assert f[20]["TradeTotalAvgPrice"] == close(100.0275)
    assert f[20]["TradeTotalMedianPrice"] == close(100.025)


def test_f_trade_on_the_edge_and_the_one_a_nanosecond_later_lie_in_different_buckets(f):
    """Trade 7 at 09:00:10 closes :10 at 100.03; trade 8 at 09:00:10.000000001 opens :20 at 100.00."""
    assert f[10]["TradeTotalClose"] == 100.03
    assert f[20]["TradeTotalOpen"] == 100.00


def test_f_invalid_trade_is_counted_in_its_bucket_once_something_else_makes_it(f_trades, f_states, table, bars):
    """Trade 12 (t = 25, size 0) makes no bucket; a book row at t = 26 makes :30: volume 0, count 0, invalid 1."""
    quote = table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", [(26, 100.02, 200, 100.06, 200)])
    modules = [ALL, {"module": "l2", "prices": [{"sources": ["Mid"]}]}]
    f = bars(basalt.compute(modules, every="10s", trades=f_trades, l2=quote, marketstate=f_states))
    assert [f[t]["TradeInvalidCount"] for t in (10, 20, 30)] == [0, 0, 1]
    assert (f[30]["TradeTotalVolume"], f[30]["TradeTotalCount"], f[30]["TradeTotalNotional"]) == (0, 0, 0)
    empty = ["TradeTotalVWAP", "TradeTotalOpen", "TradeTotalClose", "TradeSellHigh", "TradeTotalAvgPrice"]
    assert [f[30][c] for c in empty] == [None] * 5


def test_vwap_of_one_at_one_and_ten_at_ten(table, bars):
    """(1·1 + 10·10) / (1 + 10) = 101 / 11 = 9.18181818182."""
    trades = table("Price Size", [(1, 1, 1), (2, 10, 10)])
    bar = bars(basalt.compute(["trade"], every="10s", trades=trades))[10]
    assert bar["TradeTotalVWAP"] == pytest.approx(9.18181818182, abs=5e-12)


def test_f_trades_alone_compute_without_a_market_state(f_trades, bars):
    """Without a known state all rows count: the same bars, for all of F's valid trades lie before the auction."""
    alone = bars(basalt.compute([ALL], every="10s", trades=f_trades))
    assert [alone[t]["TradeTotalVolume"] for t in (10, 20)] == [510, 150]
