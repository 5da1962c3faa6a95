"""Product limits: how likely an order is filled by an age, from lives that were observed from one age to another.

A life is observed from age `entry` (−1: before 0) to age `exit`, in ns, and leaves filled, cancelled, or still open. At
the age of an event n lives are at risk, those with entry < age ≤ exit; d of them are filled and c cancelled.
"""

import numpy as np
from numba import njit

from basalt_analytics.kernels.book import Array

CENSORED, FILL, CANCEL = range(3)
AALEN_JOHANSEN, KAPLAN_MEIER, AT_RISK = range(3)


@njit(cache=True, nogil=True)
def of_cohorts(starts: Array, exits: Array, kinds: Array, horizons: Array) -> Array:
    """By cohort and horizon, the three figures of `_limits`. Cohort i are the lives from `starts[i]` to the next start;
    all are observed from before age 0. `horizons` (ns) ascend."""
    found = np.full((len(starts) - 1, len(horizons), 3), np.nan)
    for i in range(len(starts) - 1):
        one, next_one = starts[i], starts[i + 1]
        before = np.full(next_one - one, -1, np.int64)
        _limits(before, exits[one:next_one], kinds[one:next_one], horizons, found[i])
    return found


@njit(cache=True, nogil=True)
def of_periods(
    lows: Array, highs: Array, begun: Array, ended: Array, kinds: Array, last: int, horizons: Array
) -> Array:
    """The same by period (low, high], in ns, ascending and apart: of the lives that are there in it, observed in it.

    Lives come in the order in which they `begun`; `ended` is behind every period where they did not. Nothing is
    observed behind `last`.
    """
    found = np.full((len(lows), len(horizons), 3), np.nan)
    there, count, following = np.zeros(len(begun), np.int64), 0, 0
    for i in range(len(lows)):
        low, high = lows[i], min(highs[i], last)
        while following < len(begun) and begun[following] <= high:
            there[count] = following
            count, following = count + 1, following + 1
        left = 0
        for k in range(count):
            if ended[there[k]] > low:
                there[left] = there[k]
                left += 1
        count = left
        entries, exits, left_as = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int8)
        for k in range(count):
            life = there[k]
            entries[k] = low - begun[life] if begun[life] <= low else -1
            exits[k] = min(ended[life], high) - begun[life]
            left_as[k] = kinds[life] if ended[life] <= high else CENSORED
        _limits(entries, exits, left_as, horizons, found[i])
    return found


@njit(cache=True, nogil=True)
def _limits(entries: Array, exits: Array, kinds: Array, horizons: Array, found: Array) -> None:
    """By horizon: Aalen and Johansen's probability to be filled up to it, with cancels as a risk that competes; Kaplan
    and Meier's, with cancels as censored; and the lives at risk there. Without lives the probabilities stay NaN."""
    order, entered = np.argsort(exits), np.sort(entries)
    staying, unfilled, filled = 1.0, 1.0, 0.0
    horizon, inside, i, lives = 0, 0, 0, len(exits)
    while i < lives:
        age, fills, cancels, k = exits[order[i]], 0, 0, i
        while k < lives and exits[order[k]] == age:
            fills += kinds[order[k]] == FILL
            cancels += kinds[order[k]] == CANCEL
            k += 1
        while horizon < len(horizons) and horizons[horizon] < age:
            found[horizon, AALEN_JOHANSEN], found[horizon, KAPLAN_MEIER] = filled, 1 - unfilled
            horizon += 1
        if fills + cancels > 0:
            while inside < lives and entered[inside] < age:
                inside += 1
            risk = inside - i
            filled += staying * fills / risk
            staying *= 1 - (fills + cancels) / risk
            unfilled *= 1 - fills / risk
        i = k
    for h in range(len(horizons)):
        if h >= horizon and lives > 0:
            found[h, AALEN_JOHANSEN], found[h, KAPLAN_MEIER] = filled, 1 - unfilled
        begun, gone = 0, 0
        for k in range(lives):
            begun += entries[k] < horizons[h]
            gone += exits[k] < horizons[h]
        found[h, AT_RISK] = begun - gone
