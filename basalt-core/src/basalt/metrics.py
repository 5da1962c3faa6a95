"""Metrics: one output column each, declared once, as data.

Computing, listing, explaining, re-aggregating, filling and checking all read the one `Metric` record.

*Rollup*: how values of finer cells become the value of a coarser one, over time and over listings.
*Empty rule*: the value in a bucket of the timeline for which the module returned no row.
*known_after*: how long after its bucket's end a value is final.
"""

from datetime import timedelta
from enum import Enum
from typing import Literal

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.errors import PluginError

Within = Literal["instrument", "currency"]


@attrs.frozen(eq=False)
class Rollup:
    """How finer cells become a coarser one. `weight` of a mean: another metric's name or an expression over the
    same rows; `limit` restricts a rollup over listings to one instrument or one currency."""

    kind: Literal["sum", "min", "max", "first", "last", "none", "mean"]
    weight: str | pl.Expr | None = None
    limit: Within | None = None

    def within(self, limit: Within) -> "Rollup":
        """The same rollup, valid only inside one instrument or one currency."""
        return attrs.evolve(self, limit=limit)


SUM = Rollup("sum")
MIN = Rollup("min")
MAX = Rollup("max")
FIRST = Rollup("first")
LAST = Rollup("last")
NONE = Rollup("none")


def mean(weight: str | pl.Expr) -> Rollup:
    """Mean weighted by `weight`: Σxw/Σw over cells where both are there."""
    return Rollup("mean", weight)


class Empty(Enum):
    """Value in a bucket for which the module returned no row; a null that a row gave is never filled."""

    NULL = "null"
    ZERO = "zero"
    CARRY = "carry"


class Known(Enum):
    """Knowledge lags that are no fixed time."""

    END_OF_DATE = "end_of_date"


@attrs.frozen(eq=False)
class Metric:
    """One output column: `expr` is a scalar aggregation over the rows of one key and bucket.

    `doc` is one sentence: what it says, and when it misleads. `carries` names the metric of the same module whose
    last value fills this one under Empty.CARRY (default: itself), and `carried` is an aggregation of the same rows that
    fills instead, where a bucket's value is of more than its last row: nothing may be carried over a halt. `idle`: what
    fills it there instead, where there is one to carry: the 0 of a range that does not move. `max_age` (ns), of metrics
    of rows: null where the last row behind it, of its bucket or of the one it is carried from, is older at the bucket's
    end. `note`: of a count, what it counts, told of the run where there is any. `formula` None: rendered from the
    expression.
    `sign`: what a positive value means, for metrics that can be negative. `traits` are exceptions the contract kit
    must know: scale_dependent, mixed_unit, delay_0.
    """

    name: str
    expr: pl.Expr
    unit: Unit
    doc: str
    dtype: DType = pl.Float64
    over_time: Rollup = NONE
    over_listings: Rollup = NONE
    empty: Empty = Empty.NULL
    known_after: timedelta | Known = timedelta(0)
    formula: str | None = None
    citation: str | None = None
    sign: str | None = None
    traits: frozenset[str] = frozenset()
    carries: str | None = None
    carried: pl.Expr | None = None
    idle: float | None = None
    max_age: int | None = None
    note: str | None = None

    def __attrs_post_init__(self) -> None:
        for name, kind in (("expr", pl.Expr), ("unit", Unit), ("doc", str)):
            if not isinstance(getattr(self, name), kind):
                found = type(getattr(self, name)).__name__
                raise PluginError(f"metric {self.name!r}: {name} must be a {kind.__name__}, not {found}")


def ratio(num: pl.Expr, den: pl.Expr) -> pl.Expr:
    """num / den, null where the denominator is 0 or null.

    A bare `/` gives NaN where groups are fused and null where they are not, so the answer would depend on the plan.
    """
    return pl.when(den != 0).then(num / den)


def signed(side: str | pl.Expr) -> pl.Expr:
    """+1 for Buy, −1 for Sell, null for an unknown side, as Float64."""
    column = pl.col(side) if isinstance(side, str) else side
    return pl.when(column == "Buy").then(1.0).when(column == "Sell").then(-1.0)


def previous(value: pl.Expr) -> pl.Expr:
    """The value on the row before, inside the same listing and stretch; null on the stretch's first row.

    For `derive()`: among the rows that pass the module's filters, never the neighbouring listing's.
    """
    return value.shift(1).over("StretchId")
