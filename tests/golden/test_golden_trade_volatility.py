"""Fixture F, module trade, group volatility: returns from trade to trade, and on a grid of last prices."""

import math
from itertools import pairwise

import polars as pl
import pytest

import basalt
from basalt.tables import AGGRESSOR

SIDE = pl.lit("Sell", AGGRESSOR)
MEASURES = ["RV", "Std", "AnnVol", "ReturnCount"]
EVENT = {"module": "trade", "volatility": [{"measures": MEASURES, "sides": ["Total", "Sell"]}]}


@pytest.fixture(name="f")
def f_(f_trades, f_states, bars):
    return bars(basalt.compute([EVENT], every="10s", trades=f_trades, marketstate=f_states))


def close(value):
    return pytest.approx(value, rel=1e-11)


def test_f_realised_variance_from_trade_to_trade(f):
    """:10 prices 100.04 .01 .04 .035 .02 .03, five returns: 2.14890794569e-7. :20 the first return is against trade 7,
    100.03: 100.00 .01 .04 .06, four returns: 2.29887055979e-7."""
    assert (f[10]["TradeTotalReturnCount"], f[20]["TradeTotalReturnCount"]) == (5, 4)
    assert f[10]["TradeTotalRV"] == close(2.14890794569e-7)
    assert f[20]["TradeTotalRV"] == close(2.29887055979e-7)


def test_f_standard_deviation_and_annualised_volatility(f):
    """:20 √(2.29887055979e-7 · 30600 / 10 · 252), the bucket being admissible for 10 s."""
    assert f[10]["TradeTotalStd"] == close(2.30701210352e-4)
    assert f[20]["TradeTotalStd"] == close(2.62936806084e-4)
    assert f[20]["TradeTotalAnnVol"] == pytest.approx(0.421035042017, abs=5e-13)


def test_f_variance_of_sells_is_from_sell_to_sell(f):
    """:10 sells 100.01 and 100.035, ln(100.035 / 100.01)²; a return from a buy would be another."""
    assert f[10]["TradeSellRV"] == close(6.24718851398e-8)
    assert f[10]["TradeSellRV"] == close(math.log(100.035 / 100.01) ** 2)


def test_prices_that_bounce_in_a_minute(table, bars):
    """100, 101, 100, 101, 100 in one bucket of 60 s: Std .0114896523932, AnnVol 7.13432477167 = √(4 ln(1.01)² · 30600 /
    60 · 252), the minute being admissible as a whole where no state is known."""
    trades = table("Price Size", [(n + 1, 100 + n % 2, 1) for n in range(5)])
    bar = bars(basalt.compute([EVENT], every="1m", trades=trades.with_columns(AggressorSide=SIDE)))[60]
    assert bar["TradeTotalStd"] == close(0.0114896523932)
    assert bar["TradeTotalAnnVol"] == close(7.13432477167)


def test_f_variance_on_a_grid_of_last_prices(f_trades, f_states, bars):
    """Every 2 s. :10 none yet at 0, 100.04 at 2, .01 at 4 (the cancelled 90 is no price), .04 at 6, .035 at 8, .03 at
    10: four returns. :20 .03 (carried), 100.00 at 12, .01 at 14 and 16, .04 at 18, .06 at 20: five. :30 .06 until 28,
    the session's end: four returns of 0."""
    module = {"module": "trade", "volatility": [{"sampling": "2s", "measures": ["RV", "ReturnCount"]}]}
    found = bars(basalt.compute([module], every="10s", timeline="dense", trades=f_trades, marketstate=f_states))
    prices = {10: [100.04, 100.01, 100.04, 100.035, 100.03], 20: [100.03, 100.00, 100.01, 100.01, 100.04, 100.06]}
    for label, some in prices.items():
        squares = [math.log(b / a) ** 2 for a, b in pairwise(some)]
        assert found[label]["TradeTotalRV2s"] == close(sum(squares))
        assert found[label]["TradeTotalReturnCount2s"] == len(squares)
    assert (found[30]["TradeTotalRV2s"], found[30]["TradeTotalReturnCount2s"]) == (0, 4)
