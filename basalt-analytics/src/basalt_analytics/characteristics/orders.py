"""The module `l3_characteristics`."""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import Literal, get_args

import attrs
import polars as pl

from basalt.config.spellings import Name
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.expressions import roots
from basalt.modules import FrameModule, PassContext
from basalt.options import option
from basalt.running.frames import Day, Frame, rows
from basalt_analytics.characteristics import of_books, of_orders
from basalt_analytics.characteristics.facts import Fact, chosen
from basalt_analytics.l3.inputs import Columns, each, events_and, need, with_stood
from basalt_analytics.l3.listings import of_listings
from basalt_analytics.trade.admissible import KEY, check_keys

WHO = "l3_characteristics"
OrderFact = Literal[
    "L3EventCount",
    "L3ExecutionCount",
    "L3InsertCount",
    "L3UpdateCount",
    "L3RemoveCount",
    "L3HasExecution",
    "L3HasUpdates",
    "L3HasTradeId",
    "L3HasContinuousTrading",
    "L3HasOpeningAuction",
    "L3HasIntradayAuction",
    "L3HasClosingAuction",
    "L3HasHalted",
    "L3HasPreOpenExecution",
    "L3HasPostTradeExecution",
    "L3HasMultiRowEvent",
    "L3HasNoOpUpdate",
    "L3NoOpUpdateCount",
    "L3HasNegativeSize",
    "L3HasNullOrderId",
    "L3HasDuplicateInsert",
    "L3HasUnknownOrder",
    "L3HasExecutionAboveDisplay",
    "L3ExecutedWithOrdersAhead",
    "L3ExecutedNotAtTouch",
    "L3SizeOrdersAheadConsistent",
    "L3HasLockedBook",
    "L3HasLockedBookContinuous",
    "L3HasLockedBookNonContinuous",
    "L3HasCrossedBook",
    "L3HasCrossedBookContinuous",
    "L3HasCrossedBookNonContinuous",
    "L3TimestampNonDecreasing",
    "L3TimestampStrictlyIncreasing",
    "L3SequenceNonDecreasing",
    "L3SequenceStrictlyIncreasing",
    "L3SequenceGapCount",
    "L3MaxTimestampTies",
]
REPLAYED = ("OrderId", "Side", "Action", "Price", "Size", "ExecutionSize", "MarketState", "EndOfEvent")
"""What a replay reads of an event, where it is there."""


@attrs.frozen
class L3CharacteristicsOptions:
    """Options of `l3_characteristics`."""

    columns: list[OrderFact] | None = option("the facts; default: all that the table can tell", default=None)
    sequence_contiguous: bool = option("whether a step of SequenceNo above 1 means missing events", default=False)
    snapshot: Name | None = option(
        "table of snapshots that replace the book, as 'l3_snapshot'; default: the book begins empty", default=None
    )


def facts(columns: Columns, contiguous: bool) -> dict[str, Fact]:
    """The facts by name, in order, of a table with these columns."""
    kinds = [of_orders.counted(), of_orders.told(), of_orders.odd(), of_orders.queued(), of_orders.ordered(columns)]
    found = [fact for kind in (*kinds, of_books.misfits(), of_books.books()) for fact in kind]
    found += [of_orders.tied(), *([of_orders.missing()] if contiguous else [])]
    by_name = {fact.metric.name: fact for fact in found}
    return {name: by_name[name] for name in get_args(OrderFact) if name in by_name}


class L3Characteristics(FrameModule):
    """What the order events of a bucket are like, in every market state: what is missing, odd, late or does not fit.

    Orders are followed over the whole date, so that a bucket is told what does not fit those before it.
    """

    name = WHO
    inputs = ("l3",)
    Config = L3CharacteristicsOptions
    config: L3CharacteristicsOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        self._check()
        if self.config.snapshot:  # a snapshot is no event
            self.valid = MappingProxyType({self.config.snapshot: pl.lit(False)})

    @classmethod
    def reads(cls, config: L3CharacteristicsOptions) -> tuple[Sequence[str], Sequence[str]]:
        """Order events, and snapshots where they are named."""
        return events_and(config.snapshot), ()

    def columns(self) -> list[ResultColumn]:
        """The facts asked for, in order."""
        return [_described(fact, self._read(fact)) for fact in self._facts]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """One row a listing and bucket with an event."""
        check_keys(pass_, WHO)
        assert self.rule is not None
        events = self._events(inputs)
        derived = {name: expr.over(KEY) for fact in self._facts for name, expr in fact.derive(self._own).items()}
        frame = Frame("l3", (KEY,), None, "MarketState" not in self._own and pass_.sessions is not None)
        day = Day({"l3": events.with_columns(**derived)}, self.rule, pass_.date, pass_.sessions)
        values = {fact.metric.name: fact.metric.expr for fact in self._facts}
        return rows(frame, day, stretch=False).group_by(KEY, "TimeBucket").agg(**values)

    def _events(self, inputs: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        """What is read of each event, and with it what a replay says where that is asked for."""
        read = {KEY, "EventTimestamp", *(name for fact in self._facts for name in self._read(fact))}
        read |= {*REPLAYED} if self._replays else set()
        own = {name: dtype for name, dtype in self._own.items() if name in read}
        events = inputs["l3"].select(list(own))
        if not self._replays:
            return events
        columns = {**own, **dict.fromkeys(of_books.AGAINST, pl.Boolean())}
        made = partial(of_listings, made=of_books.against_book, empty=columns)
        return each(with_stood(events, inputs, self.config.snapshot), made, columns)

    @property
    def _own(self) -> Columns:
        return self.columns_of["l3"]

    @cached_property
    def _facts(self) -> list[Fact]:
        known = facts(self._own, self.config.sequence_contiguous)
        return chosen(known, self.config.columns, self._own, WHO, "l3")

    @property
    def _replays(self) -> bool:
        return any(map(_of_replay, self._facts))

    def _read(self, fact: Fact) -> list[str]:
        """The columns of events that the fact reads, the stamp where it counts rows alone."""
        derived = [name for expr in fact.derive(self._own).values() for name in roots(expr)]
        named = [*roots(fact.metric.expr), *derived, *(REPLAYED if _of_replay(fact) else ())]
        return [name for name in dict.fromkeys(named) if name in self._own] or ["EventTimestamp"]

    def _check(self) -> None:
        """UserError for options that cannot be, or would do nothing."""
        asked, own = self.config.columns, self.config
        if own.sequence_contiguous:
            need("SequenceNo", self._own, "sequence_contiguous")
        if asked is not None and (of_orders.GAPS in asked) != own.sequence_contiguous:
            raise UserError(
                f"{WHO}: {of_orders.GAPS} and sequence_contiguous = true go together, for a step over numbers is a gap "
                "in a contiguous feed alone: set both, or neither"
            )
        if own.snapshot and not self._replays:
            raise UserError(
                f"{WHO}: snapshot = {own.snapshot!r} is of the book, which none of the columns asked for reads: leave "
                "it out"
            )


def _of_replay(fact: Fact) -> bool:
    return bool(set(roots(fact.metric.expr)) & set(of_books.AGAINST))


def _described(fact: Fact, read: Sequence[str]) -> ResultColumn:
    metric = fact.metric
    return ResultColumn(
        metric.name,
        metric.unit,
        metric.doc,
        metric.dtype,
        metric.over_time,
        metric.over_listings,
        metric.empty,
        metric.known_after,
        metric.formula,
        reads=tuple(f"l3.{name}" for name in read),
    )
