"""Estimators of volatility, as formulas over a bucket's returns.

`Segments`: lists of returns in order of time; within one list None keeps the place of a return that does not exist, so
that neighbours in the list are neighbours in time. `n` counts the returns that exist.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, log, pi, sqrt

from .values import mean, ratio, std

Segments = Sequence[Sequence[float | None]]


def known(segments: Segments) -> list[float]:
    """The returns that exist."""
    return [r for s in segments for r in s if r is not None]


def variance(segments: Segments) -> float | None:
    """RV: Σ r²."""
    returns = known(segments)
    return fsum(r * r for r in returns) if returns else None


def zero_share(segments: Segments) -> float | None:
    """Share of returns between equal prices."""
    return mean([float(r == 0) for r in known(segments)])


def neighbours(segments: Segments, count: int) -> list[tuple[float, ...]]:
    """Absolute values of so many returns in a row."""
    rows = [s[i : i + count] for s in segments for i in range(len(s) - count + 1)]
    return [tuple(abs(r) for r in row if r is not None) for row in rows if None not in row]


def bipower(segments: Segments, corrected: bool = False) -> float | None:
    """BV: (π/2) Σ |r_k||r_{k−1}|; corrected × n/(n−1)."""
    n = len(known(segments))
    if n < 2:
        return None
    return pi / 2 * fsum(x * y for x, y in neighbours(segments, 2)) * (n / (n - 1) if corrected else 1)


def min_variance(segments: Segments) -> float | None:
    """MinRV."""
    n = len(known(segments))
    total = fsum(min(pair) ** 2 for pair in neighbours(segments, 2))
    return pi / (pi - 2) * n / (n - 1) * total if n >= 2 else None


def median_variance(segments: Segments) -> float | None:
    """MedRV."""
    n = len(known(segments))
    total = fsum(sorted(three)[1] ** 2 for three in neighbours(segments, 3))
    return pi / (6 - 4 * sqrt(3) + pi) * n / (n - 2) * total if n >= 3 else None


def jump_share(segments: Segments, corrected: bool = False) -> float | None:
    """max(RV − BV, 0) / RV."""
    rv, bv = variance(segments), bipower(segments, corrected)
    return None if rv is None or bv is None else ratio(max(rv - bv, 0.0), rv)


def subsampled(segments: Segments, strides: Sequence[float | None], k: int) -> float | None:
    """RVSub: (1/K) Σ (ln p_k − ln p_{k−K})²; `strides` are those differences."""
    if len(known(segments)) < k:
        return None
    return fsum(d * d for d in strides if d is not None) / k


def two_scales(segments: Segments, strides: Sequence[float | None], k: int) -> tuple[float | None, float | None]:
    """TSRV and TSRVAdj."""
    sub, rv, n = subsampled(segments, strides, k), variance(segments), len(known(segments))
    if sub is None or rv is None:
        return None, None
    bar = (n - k + 1) / k
    found = sub - bar / n * rv
    return found, ratio(found, 1 - bar / n)


def autocovariance(segments: Segments, h: int) -> float:
    """γ_h: Σ r_j r_{j−h}."""
    pairs = [(s[j], s[j - h]) for s in segments for j in range(h, len(s))]
    return fsum(x * y for x, y in pairs if x is not None and y is not None)


def kernel(segments: Segments, bandwidth: int) -> float | None:
    """RK with Parzen weights."""
    if len(known(segments)) <= bandwidth:
        return None
    weights = [parzen(h / (bandwidth + 1)) for h in range(bandwidth + 1)]
    return fsum((1 if h == 0 else 2) * w * autocovariance(segments, h) for h, w in enumerate(weights))


def parzen(x: float) -> float:
    """Parzen's weight function on [0, 1]."""
    return 1 - 6 * x**2 + 6 * x**3 if x <= 0.5 else 2 * (1 - x) ** 3


def noise_variance(segments: Segments) -> float | None:
    """−γ₁ / n, None where γ₁ ≥ 0."""
    first, n = autocovariance(segments, 1), len(known(segments))
    return -first / n if n and first < 0 else None


def parkinson(o: float, h: float, low: float, c: float) -> float:
    """From high and low."""
    return log(h / low) ** 2 / (4 * log(2))


def garman_klass(o: float, h: float, low: float, c: float) -> float:
    """From all four edges."""
    return 0.5 * log(h / low) ** 2 - (2 * log(2) - 1) * log(c / o) ** 2


def rogers_satchell(o: float, h: float, low: float, c: float) -> float:
    """Free of drift."""
    return log(h / c) * log(h / o) + log(low / c) * log(low / o)


def yang_zhang(bars: Sequence[tuple[float, float, float, float]], prior_close: float) -> float | None:
    """Over all of `bars`, each O H L C; at least two."""
    n = len(bars)
    closes = [prior_close, *(bar[3] for bar in bars)]
    opened = std([log(bar[0] / c) for bar, c in zip(bars, closes, strict=False)])
    moved = std([log(bar[3] / bar[0]) for bar in bars])
    within = mean([rogers_satchell(*bar) for bar in bars])
    if opened is None or moved is None or within is None:
        return None
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    return opened**2 + k * moved**2 + (1 - k) * within


def windows(returns: Sequence[float | None], size: int) -> list[tuple[float, int]]:
    """(√RV, n) of each window of so many grid steps that has a return."""
    cut = [known([returns[i : i + size]]) for i in range(0, len(returns), size)]
    return [(sqrt(fsum(r * r for r in rs)), len(rs)) for rs in cut if rs]


def chain(prices: Sequence[float]) -> list[float]:
    """Log returns of prices in a row."""
    return [log(q) - log(p) for p, q in pairwise(prices)]
