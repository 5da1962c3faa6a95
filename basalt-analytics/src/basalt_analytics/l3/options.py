"""What the module `l3` takes."""

from typing import Literal

import attrs

from basalt.config.spellings import Name, State
from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.execution.options import RESTING_DOC, RestingSide
from basalt_analytics.lives.options import (
    DepthAgeGroup,
    FillProbabilityGroup,
    FleetingGroup,
    ReplacementGroup,
    RestingGroup,
)
from basalt_analytics.trade.selection import NAME_DOC

Action = Literal[
    "Insert",
    "Remove",
    "Cancel",
    "Fill",
    "FullFill",
    "PartialFill",
    "Update",
    "Amend",
    "UpdateIncrease",
    "UpdateDecrease",
    "Reprice",
    "RepriceIn",
    "RepriceOut",
    "Refill",
    "NoOp",
    "Added",
    "Withdrawn",
]
Ratio = Literal[
    "ArrivalFlowImbalance",
    "ArrivalFlowImbalanceCount",
    "NetFlowImbalance",
    "CancelToTrade",
    "QuoteToTrade",
    "OrderToTradeCount",
    "OrderToTradeVolume",
    "CancelRateVolume",
    "{side}CancelToTrade",
    "{side}QuoteToTrade",
    "{side}OrderToTradeCount",
    "{side}OrderToTradeVolume",
    "{side}CancelRateVolume",
]


@attrs.frozen
class FlowGroup:
    """A group of `flow`: every measure of every action of every side."""

    sides: list[RestingSide] = option(RESTING_DOC, factory=lambda: ["Bid", "Ask"])
    actions: list[Action] = option("what becomes of orders", factory=lambda: ["Insert", "Cancel", "Fill"])
    measures: list[Literal["Count", "Volume"]] = option(
        "events, or shares that they move", factory=lambda: ["Count", "Volume"]
    )
    name: str = option(NAME_DOC, default="{side}{action}{measure}")


@attrs.frozen
class QueueGroup:
    """A group of `queue`: what stands in front of orders at their events, as a mean and the count that it is over."""

    at: list[Literal["Insert", "Fill", "Cancel"]] = option(
        "events at which it is looked up", factory=lambda: ["Insert"]
    )
    measures: list[Literal["Size", "Orders"]] = option("shares or orders in front", factory=lambda: ["Size", "Orders"])
    sides: list[RestingSide] = option(RESTING_DOC, factory=lambda: ["Bid", "Ask"])
    name: str = option(f"{NAME_DOC}, which end with Mean and Count", default="{side}Queue{measure}At{at}")


@attrs.frozen
class MessageWeights:
    """What a message counts as in OrderToTradeCount."""

    Insert: float = option("an insert", default=1.0)
    Amend: float = option("an update that is no execution", default=1.0)
    Cancel: float = option("a remove that is no execution", default=1.0)

    def __attrs_post_init__(self) -> None:
        given = attrs.asdict(self)
        for message, weight in given.items():
            if weight < 0:
                raise UserError(f"message_weights.{message} = {weight} is no weight: give 0 or above")
        if not any(given.values()):
            raise UserError("message_weights are all 0, so that no message counts: give one of them a weight above 0")


@attrs.frozen
class L3Options:
    """Options of `l3`."""

    flow: list[FlowGroup] = option("what is placed, changed, withdrawn, executed", factory=lambda: [FlowGroup()])
    ratios: list[Ratio] = option(
        "ratios of flows; those with '{side}' in front are of bids and of asks, others of both sides together",
        factory=lambda: ["ArrivalFlowImbalance", "CancelToTrade"],
    )
    message_weights: MessageWeights | None = option(
        "what each message counts as in OrderToTradeCount; default: 1", default=None
    )
    queue: list[QueueGroup] = option("what stands in front of orders, as the transform l3_queue tells", factory=list)
    resting: list[RestingGroup] = option("how long orders rest", factory=list)
    fleeting: list[FleetingGroup] = option("orders that are cancelled at once", factory=list)
    fill_probability: list[FillProbabilityGroup] = option("how likely orders execute up to an age", factory=list)
    replacement: list[ReplacementGroup] = option("how soon executed prices are offered anew", factory=list)
    depth_age: list[DepthAgeGroup] = option("how old resting orders are at each bucket's end", factory=list)
    attribution: Literal["end", "insert"] = option(
        "whether a life counts in the bucket in which it executes or ends, or in that of its insert, which is known "
        "later",
        default="end",
    )
    life: Literal["order", "priority"] = option(
        "whether a life lasts from insert to remove, or ends where the order loses its place in the queue",
        default="order",
    )
    at_touch: bool = option(
        "whether only lives count that begin at the best price of their side or better", default=False
    )
    snapshot: Name | None = option(
        "table of snapshots that replace the book, as 'l3_snapshot', which lives read; default: the book begins empty",
        default=None,
    )
    market_states: State | list[State] | None = option(
        "states whose order events count: a state, a list, or 'all'", default=None
    )

    @property
    def follows_lives(self) -> bool:
        """Whether a group needs the lives of orders."""
        return bool(self.resting or self.fleeting or self.fill_probability or self.replacement or self.depth_age)
