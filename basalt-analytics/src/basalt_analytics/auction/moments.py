"""Moments at which the orders of a phase are uncrossed: after each of its events, or at the bucket edges inside it.

A phase's own executions are what its uncross does: from the first of them on its orders gather no longer, and nothing
is written.
"""

from typing import Any, Literal

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.buckets import BucketRule, midnight
from basalt.modules import PassContext
from basalt_analytics.auction.phases import OPEN

Emit = Literal["bucket", "event"]
Array = NDArray[Any]


@attrs.frozen(eq=False)
class Times:
    """`after`: behind which event of the listing, from 0. `stamps`: of the row that is written, in ns. `phases`: the
    number of its phase."""

    after: Array
    stamps: Array
    phases: Array


def times(events: pl.DataFrame, phases: pl.DataFrame, emit: Emit, rule: BucketRule, pass_: PassContext) -> Times:
    """The moments of a listing's phases, in order; none before its first event."""
    stamps = events["EventTimestamp"].to_physical().to_numpy()
    executes = _executes(events)
    found = [_times(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)]
    for number, (start, end) in enumerate(phases.select("Start", "End").iter_rows()):
        first, behind = np.searchsorted(stamps, [start, end], side="left")
        uncross = first + int(executes[first:behind].argmax()) if executes[first:behind].any() else None
        if emit == "event":
            after = np.arange(first, behind if uncross is None else uncross)
            found.append(_times(after, stamps[after], number))
        else:
            over = min(end, _bucket_end(stamps[-1], rule, pass_)) if end == OPEN else end
            over = over if uncross is None else min(over, stamps[uncross])
            last = (behind if uncross is None else uncross) - 1
            found.append(_times(*_at_edges(stamps, start, over, last, rule, pass_), number))
    return Times(*(np.concatenate([getattr(one, name) for one in found]) for name in ("after", "stamps", "phases")))


def _times(after: Array, stamps: Array, phase: int) -> Times:
    return Times(after, stamps, np.full(len(after), phase, np.int64))


def _at_edges(
    stamps: Array, start: int, over: int, last: int, rule: BucketRule, pass_: PassContext
) -> tuple[Array, Array]:
    """At the edges behind `start`, up to `over`; `last`: the last event that may be behind one of them."""
    right = rule.closed == "right"
    edges = np.arange(_bucket_end(start + 1, rule, pass_), over + 1, rule.every)
    after = np.minimum(np.searchsorted(stamps, edges, side="right" if right else "left") - 1, last)
    return after[after >= 0], (edges - (not right))[after >= 0]


def _bucket_end(stamp: int, rule: BucketRule, pass_: PassContext) -> int:
    """The first edge at or behind a stamp."""
    zero = midnight(pass_.date) + rule.origin
    return zero - (zero - int(stamp)) // rule.every * rule.every


def _executes(events: pl.DataFrame) -> Array:
    """Whether each event is an execution."""
    if "ExecutionSize" not in events.columns:
        return np.zeros(events.height, np.bool_)
    return (events["ExecutionSize"].fill_nan(None) > 0).fill_null(False).to_numpy()
