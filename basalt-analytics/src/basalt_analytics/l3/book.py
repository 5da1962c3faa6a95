"""The `l3_book` transform: order events to book rows, and the integrity report beside them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import attrs
import polars as pl

from basalt.config.spellings import Name, State
from basalt.errors import UserError
from basalt.modules import PassContext, states
from basalt.options import option
from basalt.tables import STATE
from basalt.transforms import Transform
from basalt_analytics.l3.book_rows import BOOK_STATE, Replay, book_rows, columns_of_books
from basalt_analytics.l3.emissions import Clock, Emit
from basalt_analytics.l3.inputs import Columns, check_events, each, events_and, need, with_states, with_stood
from basalt_analytics.l3.integrity import L3_INTEGRITY, integrity, schema
from basalt_analytics.l3.listings import of_listings


@attrs.frozen
class L3BookOptions:
    """Options of `l3_book`."""

    levels: int = option("how many levels are written", default=10)
    emit: Emit | None = option(
        "when a row is written: after each event, where EndOfEvent ends one, after the last event of each stamp, or at "
        "each edge of the pass's buckets; default: end_of_event, or timestamp where l3 has no EndOfEvent",
        default=None,
    )
    only_changes: bool = option("whether rows that show the same levels as the one before are left out", default=False)
    emit_states: State | list[State] | None = option(
        "market states in which rows are written, a state or a list, while every event is replayed; default: all",
        default=None,
    )
    snapshot: Name | None = option(
        "table of snapshots that replace the book, as 'l3_snapshot'; default: the book begins empty", default=None
    )
    unknown_order: Literal["adopt", "ignore", "error"] = option(
        "what becomes of an update of an order that was never inserted", default="adopt"
    )
    duplicate_insert: Literal["replace", "ignore", "error"] = option(
        "what becomes of an insert of an order that is there", default="replace"
    )
    crossed: Literal["emit", "null", "drop"] = option(
        "what is written of a book whose best bid is above its best ask: the book, nulls, or no row", default="emit"
    )
    sequence_contiguous: bool = option("whether a step of SequenceNo above 1 means missing events", default=False)
    flags: bool = option("adds BookState, and BookSuspect behind missing events until a snapshot", default=False)


class L3Book(Transform):
    """Books of any depth, with numbers of orders, replayed from every order event of the date.

    A snapshot replaces the book behind every event stamped up to it. What an event says of an order holds; what it says
    of the order before is compared, and what does not fit is counted in `l3_integrity`.
    """

    name = "l3_book"
    Config = L3BookOptions
    config: L3BookOptions
    optional = ("marketstate",)
    sides = (L3_INTEGRITY,)
    whole_book = True

    @property
    def inputs(self) -> Sequence[str]:
        """Order events, and snapshots where they are named."""
        return events_and(self.config.snapshot)

    @property
    def output(self) -> str:
        """Books."""
        return "l2"

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """Key, stamp and sequence of the event, the levels, its state; UserError for options that make no sense."""
        events = columns_of["l3"]
        known = "MarketState" in events or "marketstate" in columns_of
        self._check(events, known)
        state: dict[str, pl.DataType] = {"MarketState": STATE} if known else {}
        own = {name: events[name] for name in ("ListingId", "EventTimestamp", "SequenceNo") if name in events}
        flags = {"BookState": BOOK_STATE, "BookSuspect": pl.Boolean()} if self.config.flags else {}
        return {**own, **columns_of_books(self.config.levels), **state, **flags}

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The books, and the report."""
        events = with_states(inputs, pass_)
        own, rows = events.collect_schema(), with_stood(events, inputs, self.config.snapshot)
        how, clock = self._how("EndOfEvent" in own), Clock.of(pass_)
        books, reports = self.columns({"l3": own}), schema(own["ListingId"])
        written, counted = (partial(made, how=how, clock=clock) for made in (book_rows, integrity))
        return {
            "l2": each(rows, partial(of_listings, made=written, empty=books), books),
            "l3_integrity": each(rows, partial(of_listings, made=counted, empty=reports), reports),
        }

    def _how(self, told: bool) -> Replay:
        own = self.config
        wanted = None if own.emit_states is None else states(own.emit_states)
        return Replay(
            own.levels,
            own.emit or ("end_of_event" if told else "timestamp"),
            own.only_changes,
            None if wanted is None else tuple(wanted),
            own.unknown_order,
            own.duplicate_insert,
            own.crossed,
            own.sequence_contiguous,
            own.flags,
        )

    def _check(self, events: Columns, states_known: bool) -> None:
        own = self.config
        if own.levels < 1:
            raise UserError(f"levels = {own.levels} writes no level: give 1 or more")
        check_events(events, "l3_book")
        if own.emit == "end_of_event":
            need("EndOfEvent", events, "emit = 'end_of_event'")
        if own.sequence_contiguous:
            need("SequenceNo", events, "sequence_contiguous")
        if own.emit_states is not None and not states_known:
            raise UserError(
                f"emit_states = {own.emit_states!r} asks for market states, and neither has l3 a MarketState nor the "
                "source a marketstate table: leave emit_states out"
            )
