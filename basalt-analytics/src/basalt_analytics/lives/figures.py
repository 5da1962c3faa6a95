"""Figures: described columns of lives, each with the expression that makes it."""

from datetime import timedelta

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.documents import ResultColumn
from basalt.metrics import SUM, Empty, Known
from basalt_analytics.lives.codes import SIDES

ORDERS = ("l3.EventTimestamp", "l3.OrderId", "l3.Side", "l3.Action")
EXECUTIONS = (*ORDERS, "l3.ExecutionSize")
SIZES = (*EXECUTIONS, "l3.Size")
PRICES = (*SIZES, "l3.Price")
NOW = timedelta(0)
Later = timedelta | Known


@attrs.frozen(eq=False)
class Figure:
    """A column, and its value: an aggregation of the facts of a bucket, or an expression over what stands at its
    end."""

    column: ResultColumn
    value: pl.Expr


def whole_microseconds(nanoseconds: int) -> timedelta:
    """At least as long."""
    return timedelta(microseconds=-(-nanoseconds // 1_000))


def mask(fact: str, side: str, group: int | None = None) -> pl.Expr:
    """Facts of that kind and side, and of one group of options."""
    found = pl.col("Fact") == fact
    if group is not None:
        found &= pl.col("Group") == group
    return found if side == "Total" else found & (pl.col("Side") == SIDES.index(side))


def counted(name: str, rows: pl.Expr, doc: str, formula: str, citation: str, later: Later) -> Figure:
    """A number of facts, which adds up."""
    column = ResultColumn(name, Unit.COUNT, doc, pl.Int64, formula=formula, citation=citation, reads=EXECUTIONS)
    return _added(column, rows.sum().cast(pl.Int64), later)


def summed(name: str, rows: pl.Expr, doc: str, formula: str, citation: str, later: Later) -> Figure:
    """The shares of facts, which add up."""
    column = ResultColumn(name, Unit.SHARES, doc, formula=formula, citation=citation, reads=SIZES)
    return _added(column, pl.when(rows).then("Shares").sum(), later)


def _added(column: ResultColumn, value: pl.Expr, later: Later) -> Figure:
    return Figure(attrs.evolve(column, over_time=SUM, over_listings=SUM, empty=Empty.ZERO, known_after=later), value)
