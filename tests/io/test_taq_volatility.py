"""Estimators of variance on two real days, against figures that the R package highfrequency has for the same trades.

Its returns: the last price by each whole 5 minutes, the day's first one in front, and a return of 0 in front of them
all, which counts in n.

What its tests give for rMedRVar and rMinRVar, .003387052289 and .001451676499, .003344205602 and .001438168861, is of
other data: sums over the days of sampleOneMinuteData, simulated minutes of a market and a stock, which are not in this
sample. Of these trades they give the fourth-power twins of both, rMedRQuar and rMinRQuar: the same middle and lower
ones of |r|, the same n/(n − 2) and n/(n − 1), behind another constant and an n. Of r² as returns our estimators are
those, so that they are held to published figures all the same.
"""

from itertools import pairwise
from math import log, pi, sqrt

import numpy as np
import polars as pl
import pytest
from taq_files import SHARED, sample

from basalt_analytics.volatility import estimators
from basalt_analytics.volatility.returns import Returns

STEP = 300_000
DAYS = (2, 3)


@pytest.fixture(scope="module", name="trades")
def trades_() -> pl.DataFrame:
    if not SHARED.is_dir():
        pytest.skip("the TAQ sample is not in the folder `shared/data/taq-sample` beside the checkout")
    return sample("sampleTData")


def ticks(trades, day):
    return trades.filter(pl.col("DT").dt.day() == day).sort("DT", maintain_order=True)


def returns_of(prices):
    return [0.0, *(log(b / a) for a, b in pairwise(prices))]


def five_minutes(trades, day):
    """The package's returns at 5 minutes: 79 a day."""
    rows = ticks(trades, day)
    at, price = rows["DT"].dt.epoch("ms").to_numpy(), rows["PRICE"].to_numpy()
    grid = np.arange(at[0] // STEP * STEP + STEP, -(-at[-1] // STEP) * STEP + 1, STEP)
    return returns_of([price[0], *price[np.searchsorted(at, grid, side="right") - 1]])


def estimate(estimator, rs, *more):
    """The estimator of one bucket whose returns are these."""
    prices = np.exp(np.cumsum([0.0, *rs]))
    frame = pl.DataFrame({"Price": prices[1:], "Before": prices[:-1]})
    x = Returns("x", pl.col("Price"), pl.col("Before"), lambda y, h: y.shift(h))
    value = estimator(x, *more)
    for name, expr in x.derive.items():
        frame = frame.with_columns(expr.alias(name))
    return frame.select(value).item()


def close(*values):
    """To the ten digits that are published."""
    return [pytest.approx(v, rel=2e-10) for v in values]


def squared(rs):
    return [r * r for r in rs]


def test_there_is_a_return_every_five_minutes_and_the_one_in_front(trades):
    assert [len(five_minutes(trades, day)) for day in DAYS] == [79, 79]


def test_bipower_variation(trades):
    """rMPVar of m = 2, p = 2: π/2 · n/(n − 1) · Σ|r_k||r_{k−1}|."""
    found = [estimate(estimators.bipower, five_minutes(trades, day), True) for day in DAYS]
    assert found == close(9.352083621e-05, 5.789397118e-05)


def test_realised_variance(trades):
    """rSVar: its two halves, of both days."""
    found = sum(estimate(estimators.realised, five_minutes(trades, day)) for day in DAYS)
    assert found == pytest.approx(0.0001657447672, rel=1e-9)


def test_autocovariances(trades):
    """rKernelCov with a flat kernel over one lag, and its correction: γ_0 + 2·n/(n − 1)·γ_1."""
    found = []
    for day in DAYS:
        rs = five_minutes(trades, day)
        first, second = (estimate(estimators.autocovariance, rs, h) for h in (0, 1))
        found.append(first + 2 * 79 / 78 * second)
    assert found == close(1.313672470e-04, 6.263569337e-05)


def test_medians_of_three(trades):
    """rMedRQuar = 3πn/(9π + 72 − 52√3) · n/(n − 2) · Σ med⁴; ours of r² has π/(6 − 4√3 + π) for the first factor."""
    scale = 3 * pi * 79 / (9 * pi + 72 - 52 * sqrt(3)) * (6 - 4 * sqrt(3) + pi) / pi
    found = [scale * estimate(estimators.med_rv, squared(five_minutes(trades, day))) for day in DAYS]
    assert found == close(0.015057721369e-6, 0.003094834848e-6)


def test_lower_ones_of_two(trades):
    """rMinRQuar = πn/(3π − 8) · n/(n − 1) · Σ min⁴; ours of r² has π/(π − 2) for the first factor."""
    scale = pi * 79 / (3 * pi - 8) * (pi - 2) / pi
    found = [scale * estimate(estimators.min_rv, squared(five_minutes(trades, day))) for day in DAYS]
    assert found == close(0.016174147040e-6, 0.002659484761e-6)


def test_lower_ones_of_two_trade_by_trade(trades):
    """rMinRVar of the first day's 3,691 trades is the middle of its interval of confidence, .93557e-4 to 1.1201e-4."""
    rs = returns_of(ticks(trades, 2)["PRICE"])
    assert len(rs) == 3691
    assert estimate(estimators.min_rv, rs) == pytest.approx((0.93557e-4 + 1.1201e-4) / 2, abs=5e-9)


def test_two_scales_trade_by_trade(trades):
    """rTSCov, K = 300: (RVSub − n̄/n·RV) / (1 − n̄/n), n̄ = (n − K + 1)/K. Its n is that of prices; with that of returns,
    as ours, it is smaller by 5e-9 of itself."""
    rs, k, published = returns_of(ticks(trades, 2)["PRICE"])[1:], 300, 0.0001157509218
    n = len(rs) + 1
    scale = (n - k + 1) / (k * n)
    found = estimate(estimators.subsampled, rs, k) - scale * estimate(estimators.realised, rs)
    assert found / (1 - scale) == pytest.approx(published, rel=5e-10)
    assert estimate(estimators.two_scales_adjusted, rs, k) == pytest.approx(published * (1 - 4.9e-9), rel=5e-10)


def test_medians_and_lower_ones_of_five_minutes(trades):
    """MedRV and MinRV themselves, beside numpy's: medians of three, and minima of two."""
    for day in DAYS:
        rs = five_minutes(trades, day)
        size = np.abs(rs)
        middle = np.median([size[2:], size[1:-1], size[:-2]], axis=0)
        lower = np.minimum(size[1:], size[:-1])
        med = pi / (6 - 4 * sqrt(3) + pi) * 79 / 77 * (middle**2).sum()
        least = pi / (pi - 2) * 79 / 78 * (lower**2).sum()
        assert [estimate(estimators.med_rv, rs), estimate(estimators.min_rv, rs)] == close(med, least)
