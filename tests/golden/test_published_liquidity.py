"""Estimators of liquidity on 1,000 dollar bars of a future, beside the values that mlfinlab's tests publish for them.

The bars come in the wheel of mlfinpy, which has no estimators of its own; of that distribution one file is read, and
nothing imported. Each estimate is over 20 bars. Where ours says something else on purpose, the test does it their way
with the same parts, and shows the difference.
"""

from importlib.metadata import PackageNotFoundError, distribution

import polars as pl
import pytest

from basalt_analytics.trade import estimators

WINDOW = 20
DP, R, SIGN = pl.col("dp"), pl.col("r"), pl.col("sign")
VOLUME, VALUE = pl.col("cum_vol"), pl.col("cum_dollar")


@pytest.fixture(scope="module")
def bars():
    try:
        file = distribution("mlfinpy").locate_file("mlfinpy/dataset/data/dollar_bar_sample.csv")
    except PackageNotFoundError:
        pytest.skip("mlfinpy is not installed")
    close = pl.col("close")
    read = pl.read_csv(str(file)).with_columns(VOLUME.cast(pl.Float64), VALUE.cast(pl.Float64))
    changed = read.with_row_index("bar").with_columns(dp=close.diff(), r=close.log().diff())
    return changed.with_columns(sign=pl.when(DP != 0).then(DP.sign()).forward_fill())


def rolled(bars, estimator, changes=WINDOW):
    """The estimate over the last `changes` price changes up to each bar, by its number."""
    ends = pl.int_ranges(pl.col("bar").cast(pl.Int64), pl.col("bar").cast(pl.Int64) + changes)
    inside = bars.filter(DP.is_not_null()).with_columns(end=ends).explode("end").sort("end", "bar")
    found = inside.group_by("end", maintain_order=True).agg(value=estimator, there=DP.count())
    whole = found.filter((pl.col("there") == changes) & (pl.col("end") < bars.height))
    return dict(whole.select("end", "value").iter_rows())


def told(values):
    """Largest, mean, and that of bar 25."""
    there = [value for value in values.values() if value is not None]
    return max(there), sum(there) / len(there), values[25]


def test_amihud(bars):
    """Published: largest 4.057838e-11, mean 1.7213e-11, bar 25 1.8439e-11; ours is of a million of value."""
    published = [4.057838996757e-11, 1.721320968984e-11, 1.843986281464e-11]
    found = told(rolled(bars, estimators.amihud(R, VALUE)))
    assert [x / estimators.MILLION for x in found] == pytest.approx(published, rel=1e-11)


def test_roll_s_measure(bars):
    """Published, of |covariance|: largest 7.1584, mean 2.341, bar 25 1.176. Ours is null where the covariance is not
    negative, 236 times of 979: prices that trend imply no spread. Elsewhere it is theirs."""
    ours = rolled(bars, estimators.roll_demeaned(DP), WINDOW + 1)
    theirs = rolled(bars, 2 * pl.cov(DP, DP.shift(1)).abs().sqrt(), WINDOW + 1)
    assert told(theirs) == pytest.approx((7.158451023275, 2.341811487878, 1.176524766554), rel=1e-11)
    assert {k: x for k, x in ours.items() if x is not None} == pytest.approx(
        {k: x for k, x in theirs.items() if ours[k] is not None}, rel=1e-9
    )
    assert sum(x is None for x in ours.values()) == 236
    assert len(ours) == 979


def test_kyle_s_lambda(bars):
    """Published, the mean of Δp/(b·V): largest 1.63423e-4, mean 7.02e-5, bar 25 7.76e-5. Ours is a slope: bars of more
    volume weigh more."""
    theirs = told(rolled(bars, (DP / (SIGN * VOLUME)).mean()))
    assert theirs == pytest.approx((1.634237785880e-4, 7.020106492561e-5, 7.762171631100e-5), rel=1e-11)
    origin = told(rolled(bars, estimators.kyle_lambda_origin(DP, SIGN * VOLUME)))
    assert origin == pytest.approx((1.633574951939e-4, 7.019429471381e-5, 7.767112005915e-5), rel=1e-11)
    assert origin == pytest.approx(theirs, rel=1e-3)


def test_hasbrouck_s_lambda(bars):
    """Published, the mean of r/(b·√N): largest 3.39527e-7, mean 1.44037e-7, bar 25 1.5433e-7; ours is a slope too."""
    root = SIGN * VALUE.sqrt()
    theirs = told(rolled(bars, (R / root).mean()))
    assert theirs == pytest.approx((3.395275971172e-7, 1.440371651280e-7, 1.543324890574e-7), rel=1e-11)
    ours = told(rolled(bars, estimators.hasbrouck_lambda(R, root)))
    assert ours == pytest.approx((3.394636405340e-7, 1.440353499451e-7, 1.543507119512e-7), rel=1e-11)
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_vpin_of_one_bar(bars):
    """Published, volume told apart in bulk: largest .999, mean .501, bar 25 .554. Their σ has the bar itself in it."""
    share = estimators.normal_cdf(DP / DP.rolling_std(WINDOW, min_samples=WINDOW))
    found = bars.select(estimators.vpin(2 * share - 1, 1)).to_series()
    assert (found.max(), found.mean(), found[25]) == pytest.approx((0.99997451, 0.50114329, 0.55405201), abs=1e-8)


def test_vpin_of_twenty_bars(bars):
    """Published: largest .6811, mean .500, bar 45 .4638, for they divide by the last bar's volume; ours is the mean of
    shares, which stays below 1 whatever the bars hold."""
    imbalance = 2 * estimators.normal_cdf(DP / DP.rolling_std(WINDOW, min_samples=WINDOW)) - 1
    by_last = (imbalance.abs() * VOLUME).rolling_mean(WINDOW, min_samples=WINDOW) / VOLUME
    ours = estimators.vpin(imbalance, WINDOW)
    found = bars.select(theirs=by_last, ours=ours)
    for name, values in (
        ("theirs", (0.68118423, 0.50007353, 0.46381730)),
        ("ours", (0.67918458, 0.50029921, 0.46511751)),
    ):
        column = found[name]
        assert (column.max(), column.mean(), column[45]) == pytest.approx(values, abs=1e-8)
