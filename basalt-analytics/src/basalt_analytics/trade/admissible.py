"""Admissible time of a module that reads whole tables: which of their rows count, and the stretches they lie in.

The engine makes the frames of bucket modules; these are the same rules for modules that put several tables together.
"""

from collections.abc import Mapping, Sequence

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.errors import UserError
from basalt.modules import DEFAULT_STATES, PassContext, states
from basalt.running.cells import cells, spans
from basalt.running.frames import Day, Frame, frame_stretches, rows
from basalt.running.in_force import in_stretch
from basalt.running.stretches import session_stretches

KEY = "ListingId"


@attrs.frozen(eq=False)
class Admissible:
    """The tables of a module on a date, under one list of market states."""

    inputs: Mapping[str, pl.LazyFrame]
    rule: BucketRule
    pass_: PassContext
    asked: str | Sequence[str] | None

    def rows(self, table: str, stretch: bool = False) -> pl.LazyFrame:
        """The table's rows in these states, with TimeBucket, and with StretchId where `stretch`."""
        return rows(self._frame(table), self._day, stretch)

    def stretches(self, table: str) -> pl.LazyFrame | None:
        """(ListingId, Start, End, StretchId) as the table's rows tell them; None where the date is one."""
        frame = self._frame(table)
        if frame.in_hours:
            edges = [(start, end + 1) for start, end in self.pass_.sessions or ()]  # the last instant is in
            return session_stretches(self.inputs[table], KEY, edges)
        return frame_stretches(frame, self._day)

    def cells(self, table: str) -> pl.LazyFrame:
        """The time that counts, cut at the edges of buckets, as the table tells it: see `basalt.running.cells`."""
        return cells(self._frame(table), self._day)

    def spans(self, table: str) -> pl.LazyFrame:
        """The stretches with both their ends, however these are known, those of an instant too: see
        `basalt.running.cells`."""
        return spans(self._frame(table), self._day, instants=True)

    @property
    def _day(self) -> Day:
        return Day(self.inputs, self.rule, self.pass_.date, self.pass_.sessions)

    def _frame(self, table: str) -> Frame:
        known = "MarketState" in self.inputs[table].collect_schema()
        kept = counted_states(self.asked, self.pass_) if known else None
        return Frame(table, (KEY,), kept, not known and self.pass_.sessions is not None)


def counted_states(asked: str | Sequence[str] | None, pass_: PassContext) -> frozenset[str] | None:
    """The states that count: those asked for, else the pass's, else continuous trading; None: every state."""
    found = states(asked)
    if found == "default":
        found = pass_.market_states
    if found == "default":
        found = DEFAULT_STATES
    return None if found == "any" else frozenset(found)


def check_states(asked: str | Sequence[str] | None, columns_of: Mapping[str, Mapping[str, object]], who: str) -> None:
    """UserError where states are asked of a table that does not tell any."""
    for table, columns in columns_of.items():
        if asked is not None and "MarketState" not in columns:
            raise UserError(
                f"{who} asks for market_states = {asked!r}, and table {table} has no MarketState, nor has the source a "
                "marketstate table: leave market_states out"
            )


def check_column(column: str, columns: Mapping[str, object], who: str, cure: str, table: str = "trades") -> None:
    """UserError that says who needs a column of the table that is not there, and the cure."""
    if column not in columns:
        raise UserError(f"{who} needs column {column}, which table {table} does not have: {cure}")


def check_keys(pass_: PassContext, who: str) -> None:
    """UserError for a pass whose rows are by more than the listing."""
    if list(pass_.keys) != [KEY]:
        raise UserError(
            f"{who} has rows by listing, and passes.{pass_.name} by {', '.join(pass_.keys)}: put it in another pass"
        )


def in_one_stretch(pieces: pl.LazyFrame, found: pl.LazyFrame | None, start: str, end: str) -> pl.LazyFrame:
    """Those of the pieces of time, in (listing, `start`) order, that lie inside one stretch, with its id and End."""
    if found is None:
        return pieces.with_columns(End=pl.lit(None, pl.Int64))
    ends = found.select("End", StretchId=pl.col("StretchId").cast(pl.Int64))
    held = in_stretch(pieces, KEY, start, found).join(ends, on="StretchId", how="inner", maintain_order="left")
    return held.filter(pl.col("End").is_null() | (pl.col(end) <= pl.col("End")))
