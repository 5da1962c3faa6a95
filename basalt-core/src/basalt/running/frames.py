"""Frames: the rows an aggregation sees, made from a table once for every module that reads the same ones.

A frame is a table and one `market_states` list: rows in (key, time) order with TimeBucket, and StretchId where a
derived expression needs it.
"""

from collections.abc import Collection, Mapping
from datetime import date

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.modules import ALL_STATES
from basalt.running.stretches import admissible, at_rows, stretches


@attrs.frozen
class Frame:
    """A table and its admissible states; None: no state filter, because none is asked or none is known."""

    table: str
    key: str
    states: frozenset[str] | None

    def widened(self, states: Collection[str]) -> "Frame":
        """The frame of these states too; one without a state filter stays as it is."""
        return self if self.states is None else attrs.evolve(self, states=self.states | set(states))


def rows(frame: Frame, tables: Mapping[str, pl.LazyFrame], rule: BucketRule, day: date, stretch: bool) -> pl.LazyFrame:
    """The frame's rows with TimeBucket, and with StretchId where `stretch`."""
    table = tables[frame.table]
    kept = table if frame.states is None else table.filter(admissible(frame.states))
    if stretch:
        kept = at_rows(kept, frame.key, frame_stretches(frame, tables))
    return kept.with_columns(TimeBucket=rule.bucket(pl.col("EventTimestamp"), day))


def frame_stretches(frame: Frame, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame | None:
    """Stretches of the frame's states, or None where the date is one: no state is known or asked, or all are."""
    if frame.states is None or set(ALL_STATES) <= set(frame.states):
        return None
    states = tables.get("marketstate") if frame.key == "ListingId" else None
    return stretches(tables[frame.table] if states is None else states, frame.key, frame.states)
