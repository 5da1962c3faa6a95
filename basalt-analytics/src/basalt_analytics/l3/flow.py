"""Group `flow`: events and shares by what becomes of orders.

An execution is an event with a size executed above 0, on whatever action; a cancel is a remove without one.
"""

from collections.abc import Iterator, Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import SUM, Empty, Metric
from basalt_analytics.execution.book import EXECUTED
from basalt_analytics.groups import Emission, Template, count_metric, required
from basalt_analytics.l3.effects import (
    ADDED,
    AFTER,
    AMEND,
    BEFORE,
    CHANGED,
    FILL,
    INSERT,
    LEFT,
    REMOVE,
    REPRICE,
    UPDATE,
    WITHDRAWN,
    emission,
    positive,
    rows_of,
)
from basalt_analytics.l3.options import FlowGroup
from basalt_analytics.trade.prices import price_key

CITATION = "Biais, Hillion & Spatt 1995"
_S, _O, _X = pl.col(AFTER), pl.col(BEFORE), pl.col(EXECUTED)
_WITHIN = UPDATE & ~REPRICE
_DECREASE = positive(pl.when(FILL).then(pl.col(WITHDRAWN)).otherwise(_O - _S))
_INCREASE = positive(_S - _O)
_SAME_PRICE = (price_key(pl.col("Price")) == price_key(pl.col("OldPrice"))).fill_null(False)


@attrs.frozen(eq=False)
class Flow:
    """What becomes of orders: the `rows` that are counted, and the `volume` of those of `moves` (default: of the same).

    `counted` and `summed` are the sentences of both, `{of}` where the side is named.
    """

    rows: pl.Expr
    volume: pl.Expr
    formula: str
    counted: str
    summed: str
    moves: pl.Expr | None = None

    def count(self, side: str) -> pl.Expr:
        """Rows of the side."""
        return rows_of(self.rows, side).sum().cast(pl.Int64)

    def total(self, side: str) -> pl.Expr:
        """Shares of the side."""
        moves = self.rows if self.moves is None else self.moves
        return pl.when(rows_of(moves, side)).then(self.volume).sum()


FLOWS: Mapping[str, Flow] = {
    "Insert": Flow(
        INSERT,
        _S,
        "Σ S of inserts",
        "Number of orders inserted{of}; one that a venue cancels and inserts anew to amend it counts again.",
        "Shares that inserted orders display{of}; hidden ones are not told.",
    ),
    "Remove": Flow(
        REMOVE,
        _O,
        "Σ O of removes",
        "Number of orders removed{of}; filled and cancelled ones alike.",
        "Shares that removed orders displayed before{of}; filled and cancelled ones alike.",
    ),
    "Cancel": Flow(
        REMOVE & ~FILL,
        pl.col(LEFT),
        "Σ max(O − x, 0) of removes",
        "Number of orders removed without an execution{of}; expired ones are among them.",
        "Shares that removes withdraw{of}; what is left by an execution that removes its order is among them, though "
        "that is no cancel.",
        moves=REMOVE,
    ),
    "Fill": Flow(
        FILL,
        _X,
        "Σ x",
        "Number of executions{of}; an aggressive order that meets several orders counts several times.",
        "Shares executed{of}, hidden ones too where the feed tells them; an auction executes a bid and an ask at once.",
    ),
    "FullFill": Flow(
        REMOVE & FILL,
        _X,
        "Σ x of removes",
        "Number of executions that remove their order{of}; where an order is removed with a rest, it counts too.",
        "Shares of executions that remove their order{of}; those of its earlier executions are not among them.",
    ),
    "PartialFill": Flow(
        UPDATE & FILL,
        _X,
        "Σ x of updates",
        "Number of executions that leave their order in the book{of}; one order may have many.",
        "Shares of executions that leave their order in the book{of}, hidden ones too where the feed tells them.",
    ),
    "Update": Flow(
        UPDATE,
        (_S - _O).abs(),
        "Σ |S − O| of updates",
        "Number of updates{of}; executions that leave their order are among them.",
        "Change of displayed size by updates{of}, up or down; what executions take is among it.",
    ),
    "Amend": Flow(
        AMEND,
        (_S - _O).abs(),
        "Σ |S − O| of updates with x = 0",
        "Number of updates that are no execution{of}; those that change nothing are among them.",
        "Change of displayed size by updates that are no execution{of}, up or down; another price alone is no change.",
    ),
    "UpdateIncrease": Flow(
        AMEND & ~pl.col(CHANGED) & (_INCREASE > 0),
        _INCREASE,
        "Σ max(S − O, 0) at the same price",
        "Number of amends to a larger size at the same price{of}; such an order mostly loses its place.",
        "Shares that amends add at the same price{of}; what an execution renews is not among them.",
    ),
    "UpdateDecrease": Flow(
        _WITHIN & (_DECREASE > 0),
        _DECREASE,
        "Σ max(O − S, 0) at the same price; where x > 0: Σ max(O − x − S, 0)",
        "Number of updates that withdraw size at the same price{of}; an execution after which less is displayed than "
        "it left is one.",
        "Shares that updates withdraw at the same price{of}; what is executed is not among them.",
    ),
    "Reprice": Flow(
        REPRICE,
        (_S - _O).abs(),
        "Σ |S − O| at another price",
        "Number of amends to another price{of}; both prices must be known.",
        "Change of displayed size by amends to another price{of}, up or down; 0 where the price alone changes.",
    ),
    "RepriceIn": Flow(
        REPRICE,
        _S,
        "Σ S at another price",
        "Number of amends to another price{of}; both prices must be known.",
        "Shares that amends to another price display there{of}; they are no inserts.",
    ),
    "RepriceOut": Flow(
        REPRICE,
        _O,
        "Σ O at another price",
        "Number of amends to another price{of}; both prices must be known.",
        "Shares that amends to another price take away from the old one{of}; they are no cancels.",
    ),
    "Refill": Flow(
        UPDATE & FILL & (pl.col(ADDED) > 0),
        pl.col(ADDED),
        "Σ max(S − max(O − x, 0), 0) of executions",
        "Number of executions after which more is displayed than they left{of}; a venue that inserts a renewed size "
        "under another event shows none.",
        "Shares displayed anew by executions{of}; the size that a venue renews by another event is not among them.",
    ),
    "NoOp": Flow(
        AMEND & _SAME_PRICE & (_S == _O),
        pl.lit(0.0),
        "0",
        "Number of amends that change neither price nor displayed size{of}; what they change is not told.",
        "Change of displayed size by amends that change nothing{of}; always 0.",
    ),
    "Added": Flow(
        pl.col(ADDED) > 0,
        pl.col(ADDED),
        "Σ added",
        "Number of events that add displayed size{of}; an amend to another price adds and withdraws.",
        "Shares inserted, renewed, amended up, or amended to a new price{of}; an order that moves adds all it has.",
    ),
    "Withdrawn": Flow(
        pl.col(WITHDRAWN) > 0,
        pl.col(WITHDRAWN),
        "Σ withdrawn",
        "Number of events that withdraw displayed size{of}; an amend to another price adds and withdraws.",
        "Shares cancelled, amended down, or amended away from a price{of}; an order that moves withdraws all it had.",
    ),
}
"""By the action's name; an amend to another price is not also one to another size."""
OF_SIDE = {"Bid": ", bids alone", "Ask": ", asks alone", "Total": ""}


def flow(group: FlowGroup, label: str) -> Iterator[Emission]:
    """Every measure of every action of every side."""
    required({"sides": group.sides, "actions": group.actions, "measures": group.measures}, label)
    template = Template.checked(group.name, label, ("side", "action", "measure"))
    for side in group.sides:
        for action in group.actions:
            for measure in group.measures:
                name = template.filled(side=side, action=action, measure=measure)
                made = _count if measure == "Count" else _volume
                yield emission(label, made(name, FLOWS[action], side))


def _count(name: str, one: Flow, side: str) -> Metric:
    doc = one.counted.format(of=OF_SIDE[side])
    return attrs.evolve(count_metric(name, one.count(side), doc, "n of events"), citation=CITATION)


def _volume(name: str, one: Flow, side: str) -> Metric:
    return Metric(
        name,
        one.total(side),
        Unit.SHARES,
        doc=one.summed.format(of=OF_SIDE[side]),
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        formula=one.formula,
        citation=CITATION,
    )
