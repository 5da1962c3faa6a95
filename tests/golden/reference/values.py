"""Numbers as the conventions have them: null is None, nothing is ever NaN or infinite."""

from collections.abc import Sequence
from math import isfinite
from statistics import stdev
from typing import Any

Number = float | None


def near(x: float, y: float) -> bool:
    """Equal prices: within 1e-9 of the larger."""
    return abs(x - y) <= 1e-9 * max(abs(x), abs(y))


def ratio(num: Number, den: Number) -> Number:
    """num / den, None for a denominator of 0."""
    return None if num is None or den is None or den == 0 else num / den


def finite(x: Any) -> bool:
    """Neither null, NaN nor infinite."""
    return x is not None and isfinite(x)


def mean(xs: Sequence[float]) -> Number:
    """Mean, None of nothing."""
    return sum(xs) / len(xs) if xs else None


def median(xs: Sequence[float]) -> Number:
    """Middle value, or the mean of the middle two."""
    s, n = sorted(xs), len(xs)
    return None if not n else s[n // 2] if n % 2 else (s[n // 2 - 1] + s[n // 2]) / 2


def std(xs: Sequence[float]) -> Number:
    """Sample deviation, ddof 1, without rounding on the way; None for fewer than two."""
    return stdev(xs) if len(xs) > 1 else None


def first(xs: Sequence[Any]) -> Any:
    """The first, None of nothing."""
    return xs[0] if xs else None


def last(xs: Sequence[Any]) -> Any:
    """The last, None of nothing."""
    return xs[-1] if xs else None


def lowest(xs: Sequence[Any]) -> Any:
    """The least, None of nothing."""
    return min(xs) if xs else None


def highest(xs: Sequence[Any]) -> Any:
    """The greatest, None of nothing."""
    return max(xs) if xs else None
