"""The dense timeline: every bucket of a listing's stretches, and those its rows make."""

from collections.abc import Collection, Sequence
from math import inf

from .clock import EVERY_OPEN, Rule, States, stretches

Runs = Sequence[tuple[float, float]]


def open_runs(changes: Sequence[tuple[int, str | None]], states: States) -> Runs:
    """The stretches that make buckets, from the first state that is told on; "all" is one: first start to last end."""
    if states is not None and set(EVERY_OPEN) <= set(states):
        return all_day(changes)
    told = changes[0][0] if changes else inf
    return [(max(start, told), end) for start, end in stretches(changes, states) if end > told]


def all_day(changes: Sequence[tuple[int, str | None]]) -> Runs:
    """From the first state but CLOSED to the end of the last."""
    last = sorted(dict(changes).items())
    places = [i for i, (_, state) in enumerate(last) if state != "CLOSED"]
    if not places:
        return []
    behind = last[places[-1] + 1 :]
    return [(last[places[0]][0], behind[0][0] if behind else inf)]


def dense(labels: Collection[int], runs: Runs, rule: Rule) -> list[int]:
    """`labels`: the sparse ones. A stretch without an end lasts to the end of the last of them."""
    found = set(labels)
    last = max((rule.interval(label)[1] for label in labels), default=-inf)
    for start, end in runs:
        end = last if end == inf else end
        label = rule.bucket(int(start)) - 2 * rule.width
        while rule.interval(label)[0] < end:
            opened, closed = rule.interval(label)
            if min(closed, end) > max(opened, start):
                found.add(label)
            label += rule.width
    return sorted(found)
