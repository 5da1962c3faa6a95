"""Adjustments of the microprice: the linear algebra, and a chain small enough to count by hand."""

import sys
from collections import Counter
from itertools import pairwise
from math import ceil
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reference.microprice import adjustments as slow

from basalt.testing import market
from basalt_analytics.l2.microprice import Step, fit, fitted
from basalt_analytics.l2.microprice_chain import adjustments

Q, R, K, T = [[0.5, 0.2], [0.2, 0.5]], [[0.2, 0.1], [0.1, 0.2]], [-0.5, 0.5], [[0.1, 0.2], [0.2, 0.1]]


def test_adjustments_of_two_states():
    """RK = ∓.05. On (−1, 1) Q acts as .3 and T as −.1: G¹ = .05 / .7 = .0714285714286, G* = .05 / (.7 + .1) = .0625."""
    first, every = adjustments(Q, [-0.05, 0.05], T)
    assert first == pytest.approx([-0.0714285714286, 0.0714285714286], rel=1e-11)
    assert every == pytest.approx([-0.0625, 0.0625], rel=1e-11)


def test_adjustments_of_six_states_agree_with_the_slow_reference():
    """A chain made symmetric by averaging it with its mirror image: the series of the reference gives the same."""
    weights = [[1 + (7 * i + 3 * j) % 5 for j in range(6)] for i in range(6)]
    parts = [[[(3 + i * j) % 4 + 1 for j in range(6)] for i in range(6)], weights]
    total = [sum(parts[0][i] + parts[1][i]) for i in range(6)]
    chances = [[[x / total[i] for x in part[i]] for i in range(6)] for part in parts]
    q, t = ([[(c[i][j] + c[5 - i][5 - j]) / 2 for j in range(6)] for i in range(6)] for c in chances)
    up = [sum(row) * (0.2 + 0.1 * i) for i, row in enumerate(t)]
    r = [[sum(t[i]) - (up[i] + sum(t[i]) - up[5 - i]) / 2, (up[i] + sum(t[i]) - up[5 - i]) / 2] for i in range(6)]
    jump = [(b - a) / 2 for a, b in r]
    first, every = adjustments(q, jump, t)
    assert [first, every] == [pytest.approx(x, rel=1e-11) for x in slow(q, r, K, t)]


def test_counted_steps_make_the_chances():
    """Two classes (cells 0 and 2, balance is 1) of spread 1, the exchanged steps beside each as it was. Bid-heavy stays
    so 5 times and turns ask-heavy 2 times with the mid unchanged; of the other 5 of 12 steps the mid rises by ½ twice
    to ask-heavy and once to bid-heavy, and falls by ½ once to each. RK = (3 − 2)·½ / 12, Q acts as (5 − 2) / 12, T as
    (1 + 1 − 2 − 1) / 12: G* = .5/12 / (1 − 3/12 + 1/12) = .05."""
    heavy, light = (1, 2), (1, 0)
    steps = [
        Step(heavy, heavy, 0.0, 5),
        Step(heavy, light, 0.0, 2),
        Step(heavy, light, 0.5, 2),
        Step(heavy, heavy, 0.5, 1),
        Step(heavy, heavy, -0.5, 1),
        Step(heavy, light, -0.5, 1),
    ]
    assert fitted(steps, 3) == pytest.approx({light: -0.05, heavy: 0.05}, rel=1e-11)


TICK, SPREADS = 0.02, (1, 2, 3, 4, 5)


def state(row, classes):
    """(spread, class) of a row, "even" for a balanced book; None where it has none."""
    _, market_state, bid, bid_size, ask, ask_size = row
    if market_state != "CONTINUOUS_TRADING" or None in row:
        return None
    spread, share = round((ask - bid) / TICK), bid_size / (bid_size + ask_size)
    if abs(spread * TICK - (ask - bid)) > 1e-9 * ask or spread not in SPREADS:
        return None
    if bid_size == ask_size:
        return spread, "even" if classes % 2 == 0 else classes // 2
    return spread, ceil(classes * share) - 1 if share > 0.5 else int(classes * share)


def mirrored(of, classes):
    spread, cell = of
    return spread, cell if cell == "even" else classes - 1 - cell


def steps_of(rows, classes):
    """How often (state, next state, change of the mid) was seen, each exchanged as well."""
    counts = Counter()
    for row, after in pairwise(rows):
        here, there = state(row, classes), state(after, classes)
        if here and there:
            change = round((after[2] + after[4] - row[2] - row[4]) / TICK) / 2
            counts[here, there, change] += 1
            counts[mirrored(here, classes), mirrored(there, classes), -change] += 1
    return counts


@pytest.mark.parametrize("classes", [3, 4, 10])
def test_fit_of_a_simulated_day_agrees_with_a_count_row_by_row(classes):
    """Every state of that day leads to its mirror image; all 200 terms of the series are summed by the reference."""
    columns = ["ListingId", "MarketState", "BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"]
    books = market.simulate(listings=1, seed=1)["l2"]
    counts = steps_of(books.select(columns).rows(), classes)
    states = sorted({here for here, _, _ in counts}, key=str)
    changes = sorted({change for *_, change in counts if change})
    at, totals = {s: i for i, s in enumerate(states)}, Counter()
    for (here, _, _), n in counts.items():
        totals[here] += n
    q, t = ([[0.0] * len(states) for _ in states] for _ in range(2))
    r = [[0.0] * len(changes) for _ in states]
    for (here, there, change), n in counts.items():
        (t if change else q)[at[here]][at[there]] += n / totals[here]
        if change:
            r[at[here]][changes.index(change)] += n / totals[here]
    _, expected = slow(q, r, changes, t)
    for one in fit(books.lazy(), TICK, classes, SPREADS).adjustments:
        of_spread = [expected[at[one.spread, c]] for c in range(classes)]
        assert one.ticks == pytest.approx(of_spread, rel=1e-9, abs=1e-12)
