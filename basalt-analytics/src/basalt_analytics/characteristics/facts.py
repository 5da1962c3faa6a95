"""Facts: the metric of each, the columns it needs, and what single rows have to be told for it.

*Has* is whether any row of the bucket is so; where a fact takes a value that a row lacks, that row is not so.
*Predecessor* is the row before in the file: the engine's rows stand in order of time.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.errors import UserError
from basalt.metrics import MAX, MIN, SUM, Empty, Known, Metric, Rollup

ROWS = pl.len().cast(pl.Int64)
FILE_ORDER = ("RowOrder", "SequenceNo")
"""What tells the order of the file, the better one first."""
Columns = Collection[str]
Needs = tuple[tuple[str, ...], ...]


def _nothing(columns: Columns) -> dict[str, pl.Expr]:
    return {}


@attrs.frozen(eq=False)
class Fact:
    """`needs`: columns that the metric reads and the table need not have; of each, any one of those in it will do.
    `derive`: row expressions by name, given the table's columns. `cancelled`: it is of cancelled rows too."""

    metric: Metric
    needs: Needs = ()
    derive: Callable[[Columns], Mapping[str, pl.Expr]] = _nothing
    cancelled: bool = False

    def missing(self, columns: Columns) -> str:
        """What the table lacks for it; "" where that is nothing."""
        lacking = [" or ".join(some) for some in self.needs if not set(some) & set(columns)]
        return " and ".join(lacking)


def has(name: str, mask: pl.Expr, doc: str, formula: str, *needs: str) -> Fact:
    """Whether any row is so; null in a bucket without a row."""
    return Fact(_flag(name, mask.any(), MAX, doc, formula), tuple((need,) for need in needs))


def every(name: str, holds: pl.Expr, doc: str, formula: str, *needs: str) -> Fact:
    """Whether all rows are so of which it is known; null where it is known of none."""
    known = pl.when(holds.is_not_null().any()).then(holds.all())
    return Fact(_flag(name, known, MIN, doc, formula), tuple((need,) for need in needs))


def _flag(name: str, expr: pl.Expr, rollup: Rollup, doc: str, formula: str) -> Metric:
    return Metric(
        name, expr, Unit.FLAG, doc=doc, dtype=pl.Boolean, over_time=rollup, over_listings=rollup, formula=formula
    )


def count(name: str, expr: pl.Expr, doc: str, formula: str, *needs: str, rollup: Rollup = SUM) -> Fact:
    """A number of rows, 0 in a bucket without any."""
    metric = Metric(
        name,
        expr.cast(pl.Int64),
        Unit.COUNT,
        doc=doc,
        dtype=pl.Int64,
        over_time=rollup,
        over_listings=rollup,
        empty=Empty.ZERO,
        formula=formula,
    )
    return Fact(metric, tuple((need,) for need in needs))


def late(fact: Fact) -> Fact:
    """What rows behind the bucket tell: events are cancelled later, and a predecessor may be stamped later."""
    return attrs.evolve(fact, metric=attrs.evolve(fact.metric, known_after=Known.END_OF_DATE))


def named(column: str) -> pl.Expr:
    """Whether the row has a name there."""
    return (pl.col(column).str.len_bytes() > 0).fill_null(False)


def predecessor(value: pl.Expr, order: pl.Expr) -> pl.Expr:
    """The value of the row before in the file, in whose order that column is; rows that it does not number have none
    and are none."""
    in_file = value.sort_by(order, nulls_last=True, maintain_order=True).shift(1)
    return in_file.gather(order.rank("ordinal") - 1)


def file_order(columns: Columns) -> pl.Expr:
    """The column that tells the order of the file."""
    return pl.col(next(name for name in FILE_ORDER if name in columns))


def chosen(
    facts: Mapping[str, Fact], asked: Sequence[str] | None, columns: Mapping[str, Any], who: str, table: str
) -> list[Fact]:
    """The facts asked for, in that order, or all that the table can tell; UserError for one that it cannot."""
    if asked is None:
        return [fact for fact in facts.values() if not fact.missing(columns)]
    if not asked:
        raise UserError(f"{who}.columns is empty, so that nothing would be told: name a fact or leave it out")
    if len(set(asked)) < len(asked):
        raise UserError(f"{who}.columns = {list(asked)} names one twice: list each once")
    for name in asked:
        if missing := facts[name].missing(columns):
            raise UserError(
                f"{who}: {name} needs {missing}, which table {table} does not have: drop it from columns, or take a "
                "source that tells"
            )
    return [facts[name] for name in asked]
