"""Averages by time: each value counts for as long as it was in force. `Weighed`: (value, nanoseconds) pairs."""

from collections.abc import Sequence
from math import fsum, sqrt
from typing import Any

Weighed = Sequence[tuple[Any, int]]
SECOND = 10**9


def there(pairs: Weighed) -> Weighed:
    """Pieces on which the value is known."""
    return [(x, dt) for x, dt in pairs if x is not None]


def seconds(pairs: Weighed) -> float:
    """How long the value was known."""
    return sum(dt for _, dt in there(pairs)) / SECOND


def average(pairs: Weighed) -> float | None:
    """Σ xΔt / Σ Δt, of what exceeds the first value: of a constant it is that constant."""
    known = there(pairs)
    if not known:
        return None
    base = known[0][0]
    return base + fsum((x - base) * dt for x, dt in known) / sum(dt for _, dt in known)


def deviation(pairs: Weighed) -> float | None:
    """√(Σ Δt(x − x̄)² / Σ Δt)."""
    known, centre = there(pairs), average(pairs)
    if centre is None:
        return None
    return sqrt(fsum(dt * (x - centre) ** 2 for x, dt in known) / sum(dt for _, dt in known))


def lowest(pairs: Weighed) -> Any:
    """The least value in force."""
    return min((x for x, _ in there(pairs)), default=None)


def highest(pairs: Weighed) -> Any:
    """The greatest value in force."""
    return max((x for x, _ in there(pairs)), default=None)


def median(pairs: Weighed) -> float | None:
    """The first value, in order, whose cumulative time exceeds half of all; at exactly half, the mean with the next."""
    total: dict[Any, int] = {}
    for x, dt in there(pairs):
        total[x] = total.get(x, 0) + dt
    values, so_far = sorted(total), 0
    for place, x in enumerate(values):
        so_far += total[x]
        if 2 * so_far == sum(total.values()):
            return (x + values[place + 1]) / 2
        if 2 * so_far > sum(total.values()):
            return x
    return None


AGGREGATIONS = {"TWA": average, "TWStd": deviation, "TWMin": lowest, "TWMax": highest, "TWMedian": median}
ROLLUPS = {"TWA": "mean", "TWMin": "min", "TWMax": "max"}
