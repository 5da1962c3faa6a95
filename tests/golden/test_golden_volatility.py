"""Fixture F, module l2_volatility on dense bars of 10 s, and the estimators on short series of returns (l2 §7, §11).

Mids of F on a grid of 2 s: :10 has 100.02 .025 .025 .035 .035 .015, :20 100.015 .015 .02 .02 .04 .04, :30 100.04 five
times, as its stretch ends at 28.
"""

from itertools import pairwise
from math import log, sqrt

import polars as pl
import pytest

import basalt
from basalt_analytics.volatility import estimators
from basalt_analytics.volatility.returns import Returns
from basalt_analytics.volatility.yang_zhang import yang_zhang


@pytest.fixture(name="f")
def f_(f_quotes, f_states, bars):
    def computed(**options):
        module = {"module": "l2_volatility", **options}
        found = basalt.compute([module], every="10s", timeline="dense", l2=f_quotes, marketstate=f_states)
        return bars(found)

    return computed


def column(found, name):
    return [found[label][name] for label in (0, 10, 20, 30)]


def close(*values):
    return [None if v is None else pytest.approx(v, rel=1e-10, abs=1e-18) for v in values]


def returns(*mids):
    return [log(b / a) for a, b in pairwise(mids)]


TEN = returns(100.02, 100.025, 100.025, 100.035, 100.035, 100.015)
TWENTY = returns(100.015, 100.015, 100.02, 100.02, 100.04, 100.04)


def rv(rs):
    return sum(r * r for r in rs)


def test_f_return_counts(f):
    """:00 ends with the first quote, at which no step ends; :30 has steps to 22, 24, 26 and 28."""
    assert column(f(sampling=["2s"], measures=["ReturnCount"]), "MidReturnCount2s") == [0, 5, 5, 4]


def test_f_realised_variance(f):
    """:10 (ln 100.025/100.02)² + 0 + (ln 100.035/100.025)² + 0 + (ln 100.015/100.035)² = 5.24728858601e-8."""
    found = column(f(sampling=["2s"], measures=["RV"]), "MidRV2s")
    assert found == close(None, 5.24728858601e-8, 4.24751362927e-8, 0)
    assert found == close(None, rv(TEN), rv(TWENTY), 0)


def test_f_standard_deviation_and_its_year(f):
    """std of the five returns, ddof 1; times √(30600/2 · 252)."""
    found = f(sampling=["2s"], measures=["Std", "AnnStd"])
    assert column(found, "MidStd2s") == close(None, 1.13988004647e-4, 8.65765677417e-5, 0)
    assert column(found, "MidAnnStd2s") == close(None, 0.223823218900, 0.169998993606, 0)


def test_f_volatility_of_a_year(f):
    """√(RV · 30600/10 · 252); :30 has 8 seconds of returns, all 0."""
    found = f(sampling=["2s"], measures=["Vol", "AnnVol"])
    assert column(found, "MidAnnVol2s") == close(None, 0.201153900644, 0.180979079172, 0)
    assert column(found, "MidVol2s") == close(None, sqrt(rv(TEN)), sqrt(rv(TWENTY)), 0)


def test_f_variance_without_jumps(f):
    """Returns of :10 are a 0 b 0 c: no two neighbours, so BV 0 and all of it jump; the middle ones of |a 0 b|, |0 b 0|
    and |b 0 c| are |a|, 0 and |b|."""
    found = f(sampling=["2s"], measures=["BV", "MedRV", "JumpShare"])
    assert column(found, "MidBV2s") == close(None, 0, 0, 0)
    assert column(found, "MidMedRV2s") == close(None, 2.95531170699e-8, 5.91192357325e-9, 0)
    assert column(found, "MidJumpShare2s") == close(None, 1, 1, None)


def test_f_two_scales(f):
    """On 1 s, K = 2, :10: RVSub 5.24728858601e-8; n = 10, n̄ = 4.5; TSRV = RVSub − .45·RV; ÷ .55."""
    found = f(sampling=["1s"], measures=["RVSub", "TSRV", "TSRVAdj"], subsample=2)[10]
    names = ["MidRVSub1sK2", "MidTSRV1sK2", "MidTSRVAdj1sK2"]
    assert [found[n] for n in names] == close(5.24728858601e-8, 2.88600872230e-8, 5.24728858601e-8)
    assert (found["MidTSRV1sK2Negative"], found["MidTSRVAdj1sK2Negative"]) == (False, False)


def test_f_volatility_of_windows(f):
    """Windows (0, 5] and (5, 10] of :10 on 1 s: mean 1.55860778689e-4, std 6.23515933479e-5."""
    found = f(sampling=["1s"], measures=["RV"], windows=["5s"], window_aggregations=["Mean", "Std"])[10]
    assert [found["MidVol1sWin5sMean"], found["MidVol1sWin5sStd"]] == close(1.55860778689e-4, 6.23515933479e-5)


def test_f_windows_add_up_to_the_bucket(f):
    """Σ window RV = RV: with two windows of equal length, (Mean² + (n − 1)/n·Std²)·2 = RV."""
    found = f(sampling=["1s"], measures=["RV"], windows=["5s"], window_aggregations=["Mean", "Std"])[10]
    both = 2 * (found["MidVol1sWin5sMean"] ** 2 + found["MidVol1sWin5sStd"] ** 2 / 2)
    assert both == pytest.approx(found["MidRV1s"], rel=1e-12)


def test_a_halt_inside_a_window_leaves_it_one(table, bars):
    """Windows of 10 s: 100 → 101 in the first; in the second 101 → 102, and behind a halt, which 102 is in force after,
    102 → 103 → 104."""
    rows = [(1, 100), (5, 101), (11, 101), (12, 102), (16, 103), (18, 104)]
    book = table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", [(t, m - 1, 1, m + 1, 1) for t, m in rows])
    states = [(0, "CONTINUOUS_TRADING"), (13, "HALTED"), (15, "CONTINUOUS_TRADING"), (30, "CLOSED")]
    module = {"module": "l2_volatility", "windows": ["10s"], "window_aggregations": ["Min", "Max", "Mean"]}
    [bar] = bars(basalt.compute([module], every="20s", l2=book, marketstate=table("MarketState", states))).values()
    first, second = log(101 / 100), sqrt(log(102 / 101) ** 2 + log(104 / 103) ** 2 + log(103 / 102) ** 2)
    lowest, highest = sorted((first, second))
    found = [bar[f"MidVol1sWin10s{a}"] for a in ("Min", "Max", "Mean")]
    assert found == close(lowest, highest, (first + second) / 2)


def test_f_ranges(f):
    """Bars opening at the close before: :10 100.02 100.035 100.015 100.015; :20 100.015 100.04 100.015 100.04; :30
    stays at 100.04, so that its range is 0."""
    found = f(measures=["Parkinson", "GarmanKlass", "RogersSatchell"])
    assert column(found, "MidParkinson") == close(0, 1.44197397339e-8, 2.25297172003e-8, 0)
    assert column(found, "MidGarmanKlass") == close(0, 1.90246058976e-8, 7.10269548434e-9, 0)
    assert column(found, "MidRogersSatchell") == close(0, 2.99842563602e-8, 0, 0)


def test_mids_of_events_have_no_synthetic_zero_returns(table, bars):
    """Mids 100 101 99 102 98 103 at 0 … 50 s: five returns, Std .0363734973393, RV .00546686979277."""
    rows = [(10 * i, m - 1, 1, m + 1, 1) for i, m in enumerate([100, 101, 99, 102, 98, 103])]
    book = table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", rows)
    module = {"module": "l2_volatility", "sampling": ["event"], "measures": ["Std", "RV", "ReturnCount"]}
    found = bars(basalt.compute([module], every="60s", origin="00:00:59.9", l2=book))
    [bar] = found.values()
    assert [bar["MidStd"], bar["MidRV"]] == close(0.0363734973393, 0.00546686979277)
    assert bar["MidReturnCount"] == 5


def estimate(estimator, rs, *more):
    """The estimator of one bucket with these returns."""
    prices = [1.0]
    for r in rs:
        prices.append(prices[-1] * 2.718281828459045**r)
    frame = pl.DataFrame({"Price": prices[1:], "Before": prices[:-1]})
    x = Returns("x", pl.col("Price"), pl.col("Before"), lambda y, h: y.shift(h))
    value = estimator(x, *more)
    for name, expr in x.derive.items():
        frame = frame.with_columns(expr.alias(name))
    return frame.select(value).item()


BARS = {
    "Open": [99, 100, 103, 104],
    "High": [99, 104, 105, 106],
    "Low": [99, 98, 101, 103],
    "Close": [99, 102, 104, 103.5],
}


def test_three_bars_with_the_gaps_between_them():
    """Bars (O H L C) 100 104 98 102, 103 105 101 104, 104 106 103 103.5, the close before them 99: 8.95369946606e-4 at
    the third. At the others fewer than three bars have a close before."""
    frame = pl.DataFrame({"ListingId": 1, **BARS}, schema_overrides=dict.fromkeys(BARS, pl.Float64))
    found = frame.select(x=yang_zhang(*map(pl.col, BARS), 3, ["ListingId"]))["x"].to_list()
    assert found == [None, None, None, pytest.approx(8.95369946606e-4, rel=1e-10)]


FIVE = (0.001, 0.002, 0.03, -0.001, 0.001)


@pytest.mark.parametrize(
    ("estimator", "more", "value"),
    [
        (estimators.realised, (), 9.07e-4),
        (estimators.bipower, (), 1.46084058392e-4),
        (estimators.bipower, (True,), 1.82605072990e-4),
        (estimators.jump_share, (), 0.838937091078),
        (estimators.jump_share, (True,), 0.798671363848),
        (estimators.min_rv, (), 2.40794609465e-5),
        (estimators.med_rv, (), 2.12903745303e-5),
    ],
)
def test_estimators_of_five_returns(estimator, more, value):
    """r = .001 .002 .03 −.001 .001: RV 1e-6 + 4e-6 + 9e-4 + 1e-6 + 1e-6; BV = π/2·(2 + 60 + 30 + 1)e-6; MinRV =
    π/(π − 2)·5/4·(1 + 4 + 1 + 1)e-6; MedRV = π/(6 − 4√3 + π)·5/3·(4 + 4 + 1)e-6."""
    assert estimate(estimator, FIVE, *more) == pytest.approx(value, rel=1e-9)


SIX = returns(*(2.718281828459045**p for p in (0, 0.01, -0.01, 0.02, 0.01, 0.03, 0.02)))
RISING = returns(*(2.718281828459045**p for p in (0, 0.01, 0.02, 0.01, 0.02, 0.03, 0.04)))


@pytest.mark.parametrize(
    ("rs", "subsampled", "two_scales", "adjusted", "kernel", "noise"),
    [(SIX, 4e-4, -4.33333333333e-4, -7.42857142857e-4, 1.25e-3, 2.5e-4), (RISING, 6e-4, 3.5e-4, 6e-4, 6.5e-4, None)],
)
def test_estimators_that_know_noise(rs, subsampled, two_scales, adjusted, kernel, noise):
    """K = 2, H = 1. First: two-step differences −.01 .01 .02 .01 .01, so 8e-4/2; n = 6, n̄ = 2.5: 4e-4 − 2.5/6·20e-4;
    γ_0 = 20e-4, γ_1 = −15e-4, k(1/2) = .25: 20e-4 − .5·15e-4; −γ_1/6. Second: γ_1 > 0, so no noise."""
    assert estimate(estimators.subsampled, rs, 2) == pytest.approx(subsampled, rel=1e-9)
    assert estimate(estimators.two_scales, rs, 2) == pytest.approx(two_scales, rel=1e-9)
    assert estimate(estimators.two_scales_adjusted, rs, 2) == pytest.approx(adjusted, rel=1e-9)
    assert estimate(estimators.kernel, rs, 1) == pytest.approx(kernel, rel=1e-9)
    found = estimate(estimators.noise_variance, rs)
    assert found is None if noise is None else found == pytest.approx(noise, rel=1e-9)
