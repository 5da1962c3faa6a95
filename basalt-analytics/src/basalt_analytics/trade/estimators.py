"""Estimators of liquidity: each an aggregation over columns of per-interval values, on any frame in order.

A row on which one of an estimator's columns is null leaves all of its sums.
"""

from math import pi, sqrt

import polars as pl

from basalt.metrics import ratio

MILLION = 1e6
"""Amihud's ratio is quoted for a million of traded value."""


def kyle_lambda(dp: pl.Expr, x: pl.Expr) -> pl.Expr:
    """Slope, with intercept, of price changes on signed volume; null for fewer than 3 intervals or one value of x."""
    dp, x = _paired(dp, x)
    slope = ratio(((x - x.mean()) * (dp - dp.mean())).sum(), ((x - x.mean()) ** 2).sum())
    return pl.when((x.count() > 2) & (x.max() > x.min())).then(slope)


def kyle_lambda_origin(dp: pl.Expr, x: pl.Expr) -> pl.Expr:
    """Slope through the origin of price changes on signed volume; null where nothing was signed."""
    return _through_origin(dp, x)


def hasbrouck_lambda(r: pl.Expr, s: pl.Expr) -> pl.Expr:
    """Slope through the origin of log returns on signed square roots of value; null where nothing was signed."""
    return _through_origin(r, s)


def amihud(r: pl.Expr, n: pl.Expr) -> pl.Expr:
    """Mean of |r| / n for a million of value, over `amihud_count` intervals; null for none."""
    r, n = _paired(r, n)
    return MILLION * ratio(r.abs(), n).mean()


def amihud_count(r: pl.Expr, n: pl.Expr) -> pl.Expr:
    """Intervals with a return and with value traded."""
    return (r.is_not_null() & (n > 0)).sum()


def roll(dp: pl.Expr) -> pl.Expr:
    """2√(−γ), γ the mean product of successive changes; null for none, and where prices did not bounce (γ ≥ 0)."""
    gamma = (dp * dp.shift(1)).mean()
    return pl.when(gamma < 0).then(2 * (-gamma).sqrt())


def roll_demeaned(dp: pl.Expr) -> pl.Expr:
    """2√(−γ), γ the sample covariance of successive changes; null for fewer than 2 pairs, and where γ ≥ 0."""
    one, other = _paired(dp, dp.shift(1))
    gamma = ratio(((one - one.mean()) * (other - other.mean())).sum(), one.count() - 1)
    return pl.when((one.count() > 1) & (gamma < 0)).then(2 * (-gamma).sqrt())


def bulk_buy_share(dp: pl.Expr, window: int) -> pl.Expr:
    """Share of a volume bucket that bulk classification takes for bought: Φ(Δp / σ), σ over `window` earlier buckets.

    A row expression; null until there are that many, and where they have one price.
    """
    earlier = dp.shift(1)
    moved = earlier.rolling_max(window, min_samples=window) > earlier.rolling_min(window, min_samples=window)
    return normal_cdf(ratio(dp, pl.when(moved).then(earlier.rolling_std(window, min_samples=window, ddof=1))))


def vpin(imbalance: pl.Expr, buckets: int) -> pl.Expr:
    """Mean of |V_b − V_s| / V over the last `buckets` volume buckets; a row expression, null for fewer."""
    return imbalance.abs().rolling_mean(buckets, min_samples=buckets)


def normal_cdf(z: pl.Expr) -> pl.Expr:
    """Φ(z) to 15 digits, by the rational functions of Hart et al. 1968 and, beyond 7, a continued fraction."""
    size = z.abs()
    density = (-(size**2) / 2).exp()
    near = density * _polynomial(size, _ABOVE) / _polynomial(size, _BELOW)
    fraction = size + 0.65
    for numerator in (4, 3, 2, 1):
        fraction = size + numerator / fraction
    tail = pl.when(size < 5 * sqrt(2)).then(near).otherwise(density / fraction / sqrt(2 * pi))
    return pl.when(z > 0).then(1 - tail).otherwise(tail)


_ABOVE = (
    3.52624965998911e-02,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
_BELOW = (
    8.83883476483184e-02,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)


def _polynomial(x: pl.Expr, coefficients: tuple[float, ...]) -> pl.Expr:
    """By Horner, highest power first."""
    found = pl.lit(coefficients[0])
    for coefficient in coefficients[1:]:
        found = found * x + coefficient
    return found


def _paired(one: pl.Expr, other: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    both = one.is_not_null() & other.is_not_null()
    return pl.when(both).then(one), pl.when(both).then(other)


def _through_origin(y: pl.Expr, x: pl.Expr) -> pl.Expr:
    y, x = _paired(y, x)
    return ratio((x * y).sum(), (x * x).sum())
