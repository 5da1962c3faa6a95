"""Fill probabilities by age: what is seen of lives in a cohort or in a period, and the two product limits of it.

The age of an event is in ns. A life leaves with F (fill), C (cancelled or replaced) or O (still open); one that is
watched from its start on is watched from before age 0, so that an event at age 0 has it at risk.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from order_replay.lives import Life, Scope, Session


class Watched(NamedTuple):
    """A life between two ages."""

    entry: float
    exit: int
    kind: str

    def at_risk(self, age: int) -> bool:
        """Whether something that happens at that age could happen to it."""
        return self.entry < age <= self.exit


def leaves(life: Life, fill: str, session: Session) -> tuple[int, str]:
    """When and how, by the session's end. `fill`: "first", or "full", for which no other counts."""
    if fill == "first" and life.first_fill is not None:
        return life.first_fill, "F"
    if life.end is None:
        return session.end, "O"
    return life.end, {"Filled": "F", "Cancelled": "C", "Replaced": "C", "Lost": "O"}[life.kind]


def cohort(lives: Sequence[Life], fill: str, scope: Scope, label: int) -> list[Watched]:
    """Lives that began in the bucket, while it counts."""
    found = []
    for life in lives:
        if life.start is not None and scope.counts(life.start) and scope.rule.bucket(life.start) == label:
            at, kind = leaves(life, fill, scope.session)
            found.append(Watched(-inf, at - life.start, kind))
    return found


def period(lives: Sequence[Life], fill: str, scope: Scope, label: int) -> list[Watched]:
    """Lives in the bucket, as far as they are in it; none where it is wholly behind the session."""
    shift = 1 if scope.rule.closed == "left" else 0
    low, high = (edge - shift for edge in scope.rule.interval(label))
    high = min(high, scope.session.end)
    if not scope.session.holds(low + 1):
        return []
    found = []
    for life in lives:
        at, kind = leaves(life, fill, scope.session)
        if life.start is not None and life.start <= high and at > low:
            found.append(_between(life.start, at, kind, (low, high), scope))
    return found


def _between(start: int, at: int, kind: str, edges: tuple[int, int], scope: Scope) -> Watched:
    low, high = edges
    entry = low - start if start <= low else -inf
    if at > high:
        return Watched(entry, high - start, "O")
    return Watched(entry, at - start, kind if scope.counts(at) else "O")


def product_limit(watched: Sequence[Watched], horizon: int, estimator: str) -> float | None:
    """Share that fills by that age: AJ, where a cancel ends the chance of a fill; KM, as if nothing were cancelled."""
    if not watched:
        return None
    left, filled = 1.0, 0.0
    for age in sorted({one.exit for one in watched if one.kind != "O" and one.exit <= horizon}):
        n = sum(one.at_risk(age) for one in watched)
        d, c = (sum(one.exit == age and one.kind == kind for one in watched) for kind in "FC")
        filled += left * d / n
        left *= 1 - (d + c if estimator == "AJ" else d) / n
    return filled


def at_risk(watched: Sequence[Watched], horizon: int) -> int:
    """Lives still watched at that age."""
    return sum(one.at_risk(horizon) for one in watched)
