"""Liquidity on one listing: bucket (09:00:00, 09:00:20], sub-intervals of 5 s, seven trades, mids that move four times.

Mids at 0, 5, 10, 15, 20 s: 20.01, 20.02, 20.005, 20.04, 20.025, so Δp = .01, −.015, .035, −.015. Signed volume by
sub-interval: 300 + 200 = 500 (100 of unknown side left out), −400, 500 − 100 = 400, −100.
"""

import polars as pl
import pytest

import basalt
from basalt_analytics.trade import estimators

MEASURES = ["KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned"]


def close(value):
    return pytest.approx(value, rel=1e-11)


@pytest.fixture
def trades(table):
    rows = [
        (1, 20.02, 300, "Buy"),
        (3, 20.01, 100, None),
        (5, 20.03, 200, "Buy"),
        (8, 20.00, 400, "Sell"),
        (12, 20.01, 500, "Buy"),
        (15, 20.00, 100, "Sell"),
        (18, 20.04, 100, "Sell"),
    ]
    return table("Price Size AggressorSide", rows)


@pytest.fixture
def quotes(table):
    bests = [(0, 20.00, 20.02), (4, 20.01, 20.03), (7, 20.00, 20.01), (15, 20.03, 20.05), (19, 20.02, 20.03)]
    return table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", [(t, b, 100, a, 100) for t, b, a in bests])


@pytest.fixture(name="found")
def found_(trades, quotes):
    bars = basalt.compute([{"module": "liquidity", "measures": MEASURES}], every="20s", trades=trades, l2=quotes)
    return bars.row(-1, named=True)


@pytest.fixture
def vpin(trades, quotes, bars):
    """Vpin by seconds of the bucket's end, in buckets of 5 s."""

    def of(buckets):
        module = {"module": "liquidity", "measures": ["Vpin"], "vpin": {"bucket_volume": 400, "buckets": buckets}}
        found = bars(basalt.compute([module], every="5s", trades=trades, l2=quotes))
        return {label: row["Vpin"] for label, row in found.items()}

    return of


def test_kyle_s_lambda(found):
    """x̄ = 100, Δp̄ = .00375: Σ(x − x̄)(Δp − Δp̄) = 400·.00625 + 500·.01875 + 300·.03125 + 200·.01875 = 25,
    Σ(x − x̄)² = 540000: 25 / 540000 = 4.62962962963e-5."""
    assert found["KyleLambda"] == close(25 / 540000)
    assert found["KyleLambda"] == pytest.approx(4.62962962963e-5, rel=1e-11)


def test_kyle_s_lambda_through_the_origin(found):
    """Σ xΔp = 5 + 6 + 14 + 1.5 = 26.5, Σ x² = 250000 + 160000 + 160000 + 10000 = 580000: 4.56896551724e-5."""
    assert found["KyleLambdaOrigin"] == close(26.5 / 580000)


def test_hasbrouck_s_lambda(found):
    """S = √6006 + √4006, −√8000, √10005 − √2000, −√2004; r = Δ ln of the mids: Σ S·r / Σ S² = 8.13678660608e-6."""
    assert found["HasbrouckLambda"] == close(8.13678660608e-6)


def test_amihud_counts_all_trades_whoever_started_them(found):
    """N = 6006 + 2001 + 4006 = 12013, 8000, 10005 + 2000 = 12005, 2004: 1e6 · mean |r| / N = .163633749080."""
    assert found["Amihud"] == close(0.163633749080)
    assert found["AmihudCount"] == 4


def test_roll(found):
    """Δ of trades −.01 .02 −.03 .01 −.01 .04: products −.0002 −.0006 −.0003 −.0001 −.0004, mean −.00032:
    2·√.00032 = .0357770876400."""
    assert found["Roll"] == close(0.0357770876400)


def test_roll_demeaned(found):
    """The sample covariance of the five pairs is −.00037: 2·√.00037 = .0384707681233."""
    assert found["RollDemeaned"] == close(0.0384707681233)


def test_unsigned_volume_share(found):
    """100 of 1700 shares are of unknown side."""
    assert found["UnsignedVolumeShare"] == close(100 / 1700)


def test_vpin_of_two_volume_buckets(vpin):
    """Volume buckets of 400, trades split at their edges: (400, 0), (100, 300), (300, 100), (200, 200).
    Their imbalances are 1, .5, .5, 0. The second is full at 8 s: (1 + .5)/2 = .75; the fourth at 18 s: .25."""
    found = vpin(2)
    assert found[5] is None
    assert found[10] == close(0.75)
    assert found[15] == close(0.5)
    assert found[20] == close(0.25)


def test_vpin_of_three_volume_buckets(vpin):
    """The third is full at 12 s: (1 + .5 + .5)/3 = .666666666667."""
    found = vpin(3)
    assert found[10] is None
    assert found[15] == close(2 / 3)


def test_vpin_of_more_volume_buckets_than_are_full_is_null(vpin):
    """Four are full at the end, five are asked."""
    assert set(vpin(5).values()) == {None}


def estimate(expression, **columns):
    return pl.DataFrame(columns).select(expression).item()


def test_slopes_of_a_second_set():
    """x = 100 −150 250 −50, Δp = .01 −.02 .03 0: Σ xΔp = 11.5, Σ x² = 97500, so 1.17948717949e-4 through the origin;
    x̄ = 37.5, Δp̄ = .005, so (11.5 − .75)/(97500 − 5625) = 1.17006802721e-4 with intercept."""
    x, dp = [100.0, -150.0, 250.0, -50.0], [0.01, -0.02, 0.03, 0.0]
    kyle, origin = estimators.kyle_lambda, estimators.kyle_lambda_origin
    assert estimate(kyle(pl.col("dp"), pl.col("x")), dp=dp, x=x) == close(10.75 / 91875)
    assert estimate(origin(pl.col("dp"), pl.col("x")), dp=dp, x=x) == close(11.5 / 97500)


def test_hasbrouck_of_a_second_set():
    """S = 1000 −2500 1200, r = .001 −.002 .0015: Σ S·r = 7.8, Σ S² = 8690000: 8.97583429229e-7."""
    lambda_ = estimators.hasbrouck_lambda(pl.col("r"), pl.col("s"))
    assert estimate(lambda_, r=[0.001, -0.002, 0.0015], s=[1000.0, -2500.0, 1200.0]) == close(7.8 / 8690000)


def test_roll_of_a_pure_bounce():
    """Δ = .01 −.01 .01 −.01: each product −.0001, so .02; the sample covariance of the three pairs is −.000133…,
    so .0230940107676."""
    bounce = [0.01, -0.01, 0.01, -0.01]
    assert estimate(estimators.roll(pl.col("dp")), dp=bounce) == close(0.02)
    assert estimate(estimators.roll_demeaned(pl.col("dp")), dp=bounce) == close(0.0230940107676)


def test_vpin_of_given_volume_buckets():
    """(70, 30), (40, 60), (90, 10) of 100: (.4 + .2 + .8)/3 = .466666666667."""
    found = pl.DataFrame({"i": [0.4, -0.2, 0.8]}).select(estimators.vpin(pl.col("i"), 3))
    assert found.to_series().to_list() == [None, None, close(1.4 / 3)]


def test_bulk_volume_classification():
    """V = 1000, Δp = .02, σ = .04: 1000·Φ(.5) = 691.462461274."""
    z = pl.DataFrame({"dp": [0.02], "sigma": [0.04]}).select(pl.col("dp") / pl.col("sigma"))
    assert 1000 * z.select(estimators.normal_cdf(pl.col("dp"))).item() == pytest.approx(691.462461274, abs=5e-10)


def test_bulk_buy_share_looks_at_earlier_buckets_alone():
    """Δp −.04 .04 0 then .02: the standard deviation of the three before is .04, so Φ(.5) of it was bought."""
    found = pl.DataFrame({"dp": [-0.04, 0.04, 0.0, 0.02]}).select(estimators.bulk_buy_share(pl.col("dp"), 3))
    assert found.to_series().to_list() == [None, None, None, close(0.691462461274)]
