"""What rests at a bucket's end: the number of orders, and group `depth_age`, how old their size is."""

from collections.abc import Iterable, Iterator

import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.metrics import LAST, SUM, Empty, ratio
from basalt_analytics.groups import Template, required
from basalt_analytics.l3.flow import OF_SIDE
from basalt_analytics.lives.codes import SIDES
from basalt_analytics.lives.figures import ORDERS, PRICES, Figure
from basalt_analytics.lives.options import DepthAgeGroup

CITATION = "Hautsch & Huang 2012"
SINCE = {"insert": "their insert", "priority": "they took their place in the queue"}


def open_orders(sides: Iterable[str]) -> Iterator[Figure]:
    """How many orders are there, of each of these sides."""
    for side in sides:
        column = ResultColumn(
            f"{side}OpenOrderCount",
            Unit.COUNT,
            f"Number of orders that rest at the bucket's end{OF_SIDE[side]}; adopted ones are among them, and orders "
            "that show nothing.",
            dtype=pl.Int64,
            over_time=LAST,
            over_listings=SUM,
            empty=Empty.CARRY,
            formula="n at the end",
            citation=CITATION,
            reads=ORDERS,
        )
        yield Figure(column, _added(side, "Live{}"))


def question(group: DepthAgeGroup, label: str) -> tuple[int, bool]:
    """What the replay is asked: how many levels, 0 for all, and whether ages count from the place in the queue."""
    required({"sides": group.sides}, label)
    if group.levels is not None and group.levels < 1:
        raise UserError(f"{label}: levels = {group.levels} has no level: give 1 or more, or leave it out for all")
    return group.levels or 0, group.age_from == "priority"


def depth_age(group: DepthAgeGroup, number: int, label: str) -> Iterator[Figure]:
    """The age of every side."""
    template = Template.checked(group.name, label, ("side",))
    where = f"on the best {group.levels} prices" if group.levels else "on any price"
    for side in group.sides:
        column = ResultColumn(
            f"{template.filled(side=side)}Seconds",
            Unit.SECONDS,
            f"Mean time since {SINCE[group.age_from]} of the orders that rest {where} at the bucket's end, by size "
            f"displayed{OF_SIDE[side]}; a few old orders far away outweigh what is new at the best price.",
            over_time=LAST,
            formula="Σ size·age / Σ size",
            citation=CITATION,
            reads=PRICES,
        )
        yield Figure(column, ratio(_added(side, f"Age{number}{{}}"), _added(side, f"Weight{number}{{}}")))


def _added(side: str, column: str) -> pl.Expr:
    """The column of the side, or of both together."""
    return pl.sum_horizontal(column.format(one) for one in (SIDES if side == "Total" else (side,)))
