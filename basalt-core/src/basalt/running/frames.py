"""Frames: the rows an aggregation sees, made from a table once for every module that reads the same ones.

A frame is a table, one `market_states` list, and a *view* of it: the table's rows, what is in force, or samples of it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.modules import ALL_STATES, Memory
from basalt.running.stretches import admissible, at_rows, in_sessions, session_stretches, stretches, within
from basalt.timelines import EVERY_STATE, Session


@attrs.frozen
class InForce:
    """The view of intervals; see `basalt.modules.Intervals`."""

    max_age: int | None
    memory: Memory


@attrs.frozen
class Sampled:
    """The view of a grid; see `basalt.modules.Grid`."""

    step: int
    max_age: int | None
    memory: Memory


@attrs.frozen
class Frame:
    """A table, the keys its rows are grouped by, its own in front, and its admissible states.

    `states` None: no state filter, because none is asked or none is known. `in_hours`: no state is known and the
    hours are, so that rows outside the sessions do not count. `view` None: the table's own rows, and with `cancelled`
    those that are.
    """

    table: str
    keys: tuple[str, ...]
    states: frozenset[str] | None
    in_hours: bool = False
    view: InForce | Sampled | None = None
    cancelled: bool = False

    @property
    def key(self) -> str:
        """The table's own key: windows, stretches and order are inside it."""
        return self.keys[0]

    @property
    def of_rows(self) -> "Frame":
        """The table's own rows in the same states, those that stand: they alone make buckets."""
        return attrs.evolve(self, view=None, cancelled=False)

    def widened(self, states: Collection[str]) -> "Frame":
        """The frame of these states too; one without a state filter stays as it is."""
        if self.states is None:
            return self
        wide = self.states | set(states)
        return attrs.evolve(self, states=None if wide == EVERY_STATE else wide)


@attrs.frozen(eq=False)
class Day:
    """One date of a pass: its tables after the pass's transforms, its buckets, and its sessions where hours are
    given: none on a closed date.

    `events`: those of its tables whose rows make buckets. `touched`: keys and TimeBucket of these rows, where the pass
    has no other buckets. `with_cancelled`: tables whose cancelled rows somebody reads, with them, as the source has
    them; one that a transform makes has none.
    """

    tables: Mapping[str, pl.LazyFrame]
    rule: BucketRule
    date: date
    sessions: Sequence[Session] | None = None
    events: Sequence[str] = ()
    touched: pl.LazyFrame | None = None
    with_cancelled: Mapping[str, pl.LazyFrame] = attrs.field(factory=dict)

    @property
    def session_seconds(self) -> float | None:
        """The length of the date's sessions together, without the breaks between them; None where there are none."""
        return sum(end - start for start, end in self.sessions) / SECOND if self.sessions else None


def rows(frame: Frame, day: Day, stretch: bool) -> pl.LazyFrame:
    """The frame's rows with TimeBucket, and with StretchId where `stretch`."""
    kept = admitted(frame, day)
    if stretch:
        kept = within(at_rows(kept, frame.key, frame_stretches(frame, day)), frame.keys[1:])
    return kept.with_columns(TimeBucket=day.rule.bucket(pl.col("EventTimestamp"), day.date))


def admitted(frame: Frame, day: Day) -> pl.LazyFrame:
    """The table's rows in the frame's states and hours."""
    tables = {**day.tables, **day.with_cancelled} if frame.cancelled else day.tables
    kept = tables[frame.table]
    if frame.states is not None:
        kept = kept.filter(admissible(frame.states))
    if frame.in_hours and day.sessions is not None:
        kept = kept.filter(in_sessions(day.sessions))
    return kept


def frame_stretches(frame: Frame, day: Day) -> pl.LazyFrame | None:
    """Stretches of the frame's states, or None where the date is one: no state is known or asked, or all are."""
    if frame.in_hours and len(day.sessions or ()) > 1:
        return session_stretches(day.tables[frame.table], frame.key, day.sessions or ())
    if frame.states is None or set(ALL_STATES) <= set(frame.states):
        return None
    states = day.tables.get("marketstate") if frame.key == "ListingId" else None
    if states is None:
        return stretches(day.tables[frame.table], frame.key, frame.states)
    listings = pl.concat([table.select(frame.key) for table in (day.tables[frame.table], states)])
    return stretches(states, frame.key, frame.states, before_first=listings if "UNKNOWN" in frame.states else None)
