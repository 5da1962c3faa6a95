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

    `words` call the rows, and `shares` what is summed.
    """

    rows: pl.Expr
    volume: pl.Expr
    words: str
    shares: str
    formula: str
    moves: pl.Expr | None = None

    def count(self, side: str) -> pl.Expr:
        """Rows of the side."""
        return rows_of(self.rows, side).sum().cast(pl.Int64)

    def total(self, side: str) -> pl.Expr:
        """Shares of the side."""
        moves = self.rows if self.moves is None else self.moves
        return pl.when(rows_of(moves, side)).then(self.volume).sum()


FLOWS: Mapping[str, Flow] = {
    "Insert": Flow(INSERT, _S, "orders inserted", "shares they display", "Σ S of inserts"),
    "Remove": Flow(REMOVE, _O, "orders removed, cancelled or filled", "shares they displayed before", "Σ O of removes"),
    "Cancel": Flow(
        REMOVE & ~FILL,
        pl.col(LEFT),
        "orders removed without an execution",
        "shares that removes withdraw, what a last fill left included",
        "Σ max(O − x, 0) of removes",
        moves=REMOVE,
    ),
    "Fill": Flow(FILL, _X, "executions", "shares executed, hidden ones too where the feed tells them", "Σ x"),
    "FullFill": Flow(REMOVE & FILL, _X, "executions that remove their order", "shares executed so", "Σ x of removes"),
    "PartialFill": Flow(UPDATE & FILL, _X, "executions that leave their order", "shares executed so", "Σ x of updates"),
    "Update": Flow(
        UPDATE, (_S - _O).abs(), "updates, executions among them", "change of the size they display", "Σ |S − O|"
    ),
    "Amend": Flow(
        AMEND, (_S - _O).abs(), "updates that are no execution", "change of the size they display", "Σ |S − O|"
    ),
    "UpdateIncrease": Flow(
        AMEND & ~pl.col(CHANGED) & (_INCREASE > 0),
        _INCREASE,
        "amends to a larger size at the same price",
        "shares added so",
        "Σ max(S − O, 0)",
    ),
    "UpdateDecrease": Flow(
        _WITHIN & (_DECREASE > 0),
        _DECREASE,
        "updates that withdraw size at the same price, executions that leave less than is left among them",
        "shares withdrawn so",
        "Σ max(O − S, 0), with x: Σ max(O − x − S, 0)",
    ),
    "Reprice": Flow(
        REPRICE, (_S - _O).abs(), "amends to another price", "change of the size they display", "Σ |S − O|"
    ),
    "RepriceIn": Flow(REPRICE, _S, "amends to another price", "shares displayed at the new price", "Σ S"),
    "RepriceOut": Flow(REPRICE, _O, "amends to another price", "shares displayed at the old price", "Σ O"),
    "Refill": Flow(
        UPDATE & FILL & (pl.col(ADDED) > 0),
        pl.col(ADDED),
        "executions after which more is displayed than they left",
        "shares displayed anew",
        "Σ max(S − max(O − x, 0), 0)",
    ),
    "NoOp": Flow(
        AMEND & _SAME_PRICE & (_S == _O),
        pl.lit(0.0),
        "amends that change neither price nor size",
        "change of the size they display, always 0",
        "0",
    ),
    "Added": Flow(
        pl.col(ADDED) > 0,
        pl.col(ADDED),
        "events that add size",
        "shares inserted, refilled, amended up or to a new price",
        "Σ added",
    ),
    "Withdrawn": Flow(
        pl.col(WITHDRAWN) > 0,
        pl.col(WITHDRAWN),
        "events that withdraw size",
        "shares cancelled, amended down or away from an old price",
        "Σ withdrawn",
    ),
}
"""By the action's name; an amend to another price is not also one to another size."""
OF_SIDE = {"Bid": ", of bids", "Ask": ", of asks", "Total": ""}


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
    doc = f"Number of {one.words}{OF_SIDE[side]}; whatever their size."
    return attrs.evolve(count_metric(name, one.count(side), doc, "n of events"), citation=CITATION)


def _volume(name: str, one: Flow, side: str) -> Metric:
    return Metric(
        name,
        one.total(side),
        Unit.SHARES,
        doc=f"Of {one.words}{OF_SIDE[side]}: {one.shares}; displayed sizes say nothing of hidden ones.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        formula=one.formula,
        citation=CITATION,
    )
