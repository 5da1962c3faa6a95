"""Estimators: from the returns of a bucket to one number. Each is null where the definition needs more returns.

r_1 … r_n are the bucket's log returns in order; a return that does not exist is null, and what needs it is left out.
Sums are of columns, so that a bucket is one pass of one aggregation; products of neighbours are row columns.
"""

from math import pi, sqrt

import polars as pl

from basalt.metrics import ratio
from basalt_analytics.volatility.returns import Returns

MIN_RV = pi / (pi - 2)
MED_RV = pi / (6 - 4 * sqrt(3) + pi)


def count(x: Returns) -> pl.Expr:
    """n."""
    return x.r.count().cast(pl.Int64)


def zero_share(x: Returns) -> pl.Expr:
    """Share of returns that are 0."""
    return ratio((x.r == 0).sum(), x.r.count())


def realised(x: Returns) -> pl.Expr:
    """Σ r²."""
    return at_least(1, x, (x.r * x.r).sum())


def deviation(x: Returns) -> pl.Expr:
    """Standard deviation, ddof 1."""
    return x.r.std()


def bipower(x: Returns, corrected: bool = False) -> pl.Expr:
    """(π/2) Σ |r_k||r_{k−1}|, times n/(n − 1) where corrected."""
    n = x.r.count()
    plain = pi / 2 * (x.r.abs() * x.lag(1).abs()).sum()
    return at_least(2, x, plain * n / (n - 1) if corrected else plain)


def min_rv(x: Returns) -> pl.Expr:
    """π/(π − 2) · n/(n − 1) · Σ min(|r_k|, |r_{k−1}|)²."""
    n, (a, b) = x.r.count(), _sizes(x, 2)
    least = _lower(a, b)
    return at_least(2, x, MIN_RV * n / (n - 1) * (least * least).sum())


def med_rv(x: Returns) -> pl.Expr:
    """π/(6 − 4√3 + π) · n/(n − 2) · Σ med(|r_k|, |r_{k−1}|, |r_{k−2}|)²."""
    n, (a, b, c) = x.r.count(), _sizes(x, 3)
    middle = _upper(_lower(a, b), _lower(_upper(a, b), c))
    return at_least(3, x, MED_RV * n / (n - 2) * (middle * middle).sum())


def jump_share(x: Returns, corrected: bool = False) -> pl.Expr:
    """max(RV − BV, 0) / RV."""
    rv = realised(x)
    return ratio((rv - bipower(x, corrected)).clip(0), rv)


def subsampled(x: Returns, k: int) -> pl.Expr:
    """(1/K) Σ (ln p_j − ln p_{j−K})²: the mean over K offset grids."""
    d = x.apart(k)
    return at_least(k, x, (d * d).sum() / k)


def two_scales(x: Returns, k: int) -> pl.Expr:
    """RVSub − (n̄/n)·RV, n̄ = (n − K + 1)/K; may be below 0."""
    return subsampled(x, k) - _scale(x, k) * realised(x)


def two_scales_adjusted(x: Returns, k: int) -> pl.Expr:
    """The same divided by 1 − n̄/n."""
    return ratio(two_scales(x, k), 1 - _scale(x, k))


def kernel(x: Returns, h: int) -> pl.Expr:
    """γ_0 + 2 Σ_{j ≤ H} k(j/(H + 1)) γ_j with the Parzen kernel k."""
    weighted = [2 * parzen(j / (h + 1)) * autocovariance(x, j) for j in range(1, h + 1)]
    return at_least(h + 1, x, sum(weighted, autocovariance(x, 0)))


def noise_variance(x: Returns) -> pl.Expr:
    """−γ_1/n, null where γ_1 ≥ 0."""
    gamma = autocovariance(x, 1)
    return pl.when(gamma < 0).then(-gamma / x.r.count())


def autocovariance(x: Returns, h: int) -> pl.Expr:
    """γ_h = Σ r_j r_{j−h}."""
    return (x.r * x.lag(h)).sum()


def parzen(at: float) -> float:
    """The Parzen kernel on [0, 1]."""
    return 1 - 6 * at**2 + 6 * at**3 if at <= 0.5 else 2 * (1 - at) ** 3


def at_least(n: int, x: Returns, value: pl.Expr) -> pl.Expr:
    """The value, null with fewer than n returns."""
    return pl.when(x.r.count() >= n).then(value)


def _sizes(x: Returns, n: int) -> list[pl.Expr]:
    """|r| of a return and the n − 1 before it."""
    return [x.lag(h).abs() for h in range(n)]


def _lower(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """The lower one, null where either is: min_horizontal would pass over a null."""
    return pl.when(a <= b).then(a).when(a > b).then(b)


def _upper(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return pl.when(a >= b).then(a).when(a < b).then(b)


def _scale(x: Returns, k: int) -> pl.Expr:
    """n̄/n."""
    n = x.r.count()
    return (n - k + 1) / (k * n)
