"""Adjustments of the microprice: the linear algebra, and a chain small enough to count by hand."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reference.microprice import adjustments as slow

from basalt_analytics.l2.microprice import Step, fitted
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
