"""Emissions: after which events of a listing a row of its book is written, and how that row is stamped."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.buckets import BucketRule
from basalt.modules import PassContext
from basalt.tables import NS_UTC
from basalt_analytics.l3.encoding import ROW

Emit = Literal["event", "end_of_event", "timestamp", "bucket"]
Array = NDArray[Any]


@attrs.frozen(eq=False)
class Clock:
    """The buckets of the pass on its date, and its sessions, start and end in ns, where it has hours."""

    rule: BucketRule
    day: date
    sessions: Sequence[tuple[int, int]] | None

    @classmethod
    def of(cls, pass_: PassContext) -> "Clock":
        """Those of the pass."""
        assert pass_.rule is not None  # a pass that reads tables has one
        return cls(pass_.rule, pass_.date, pass_.sessions)

    @property
    def end(self) -> int:
        """The last instant of the sessions that a bucket holds; 0 where there are none."""
        return self.sessions[-1][1] - (self.rule.closed == "left") if self.sessions else 0


@attrs.frozen(eq=False)
class Places:
    """`after`: places in the frame behind which a row is written. `rows`: its columns but for the book's."""

    after: Array
    rows: pl.DataFrame


def places(rows: pl.DataFrame, emit: Emit, clock: Clock) -> Places:
    """Where the book of the listing is written, whose events these are, with its snapshots between them."""
    if emit == "bucket":
        return _at_edges(rows, clock)
    events = rows.with_row_index("_At").filter(pl.col(ROW).is_not_null())
    kept = events.filter(_ends(emit, "EndOfEvent" in rows.columns))
    return Places(kept["_At"].cast(pl.Int64).to_numpy(), kept.select(_described(rows)))


def _ends(emit: Emit, told: bool) -> pl.Expr:
    """Whether a row is written after the event."""
    time = pl.col("EventTimestamp")
    if emit == "event":
        return pl.lit(True)
    if emit == "end_of_event" and told:
        return pl.col("EndOfEvent").fill_null(True) | (pl.int_range(pl.len()) == pl.len() - 1)
    return time.ne_missing(time.shift(-1))


def _at_edges(rows: pl.DataFrame, clock: Clock) -> Places:
    """At each edge from the first event's bucket to that of the session's end, or of the last event if later."""
    stamps = rows["EventTimestamp"].to_physical()
    own = rows[ROW].is_not_null()
    events = stamps.filter(own)
    if not len(events):
        return Places(np.zeros(0, np.int64), rows.clear().select(_described(rows)))
    first_edge, last_edge = _edges(pl.Series([events[0], max(events[-1], clock.end)]), clock)
    edges = np.arange(first_edge, last_edge + 1, clock.rule.every)
    right = clock.rule.closed == "right"
    after = np.searchsorted(stamps.to_numpy(), edges, side="right" if right else "left") - 1
    applied = np.maximum.accumulate(np.where(own.to_numpy(), np.arange(len(stamps)), -1))[after]
    stamped = pl.Series(edges - (not right)).cast(NS_UTC).alias("EventTimestamp")
    return Places(after.astype(np.int64), rows[applied].select(_described(rows)).with_columns(stamped))


def _edges(stamps: pl.Series, clock: Clock) -> list[int]:
    """The ends of the buckets that hold these stamps."""
    at = stamps.cast(NS_UTC).to_frame("At").select(At=clock.rule.bucket(pl.col("At"), clock.day))
    return at.select(clock.rule.interval_end(pl.col("At")))["At"].to_list()


def _described(rows: pl.DataFrame) -> list[str]:
    return [name for name in ("ListingId", "EventTimestamp", "SequenceNo", "MarketState") if name in rows.columns]
