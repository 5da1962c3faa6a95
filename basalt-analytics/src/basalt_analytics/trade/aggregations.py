"""Aggregations of a value that each trade of a population has or lacks: average, spread, extremes, last.

A *value* is named by the derived column that holds it, null where it is not defined. `Last` is the value at the
population's last trade, null if that trade has none, never an older one's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.errors import UserError
from basalt.metrics import LAST, MAX, MIN, NONE, Metric, Rollup, mean, ratio
from basalt_analytics.trade.populations import Population

Aggregation = Literal["Mean", "Median", "Min", "Max", "Std", "Last"]
Weight = Literal["Equal", "Share", "Notional"]
WEIGHT_TOKENS: Mapping[str, str] = {"Equal": "", "Share": "ShareWeighted", "Notional": "NotionalWeighted"}
_WEIGHED: Mapping[str, tuple[str, str]] = {
    "Equal": ("mean x", ""),
    "Share": ("Σ q·x / Σ q", ", weighted by shares,"),
    "Notional": ("Σ P·q·x / Σ P·q", ", weighted by value,"),
}
_SAID: Mapping[str, tuple[str, str, Rollup]] = {
    "Median": ("median x", "Median", NONE),
    "Min": ("min x", "Lowest", MIN),
    "Max": ("max x", "Highest", MAX),
    "Std": ("standard deviation (ddof 1) of x", "Standard deviation", NONE),
    "Last": ("x of the last trade", "Last", LAST),
}


@attrs.frozen(eq=False)
class Value:
    """What a trade has: `column` holds it, `words` and `formula` say what it is and `warning` when it misleads.

    `over_listings`: whether averages, lowest and highest go over listings; `in_currency`: of one currency alone.
    `counted`: a derived column that is there exactly where the value is, so that values of the same trades share their
    weights; by default the value's own.
    """

    column: str
    unit: Unit
    words: str
    formula: str
    warning: str
    sign: str | None = None
    citation: str | None = None
    over_listings: bool = False
    in_currency: bool = False
    counted: str | None = None

    def listings(self, rollup: Rollup) -> Rollup:
        """How an aggregation that is rolled up so over time is rolled up over listings."""
        if not self.over_listings or rollup.kind not in ("mean", "min", "max"):
            return NONE
        return rollup.within("currency") if self.in_currency else rollup


def weights(weight: str, counted: str, p: Population) -> pl.Expr:
    """Σ of the weights of the population's trades that have a value in the column; a trade at a price of 0 or below
    has no weight by value."""
    there = pl.col(counted).is_not_null()
    if weight == "Equal":
        return p.of(there).sum().cast(pl.Int64)
    return p.of(pl.when(there).then(_weight(weight))).sum()


def _weight(weight: str) -> pl.Expr:
    return pl.col("Size") if weight == "Share" else pl.when(pl.col("Price") > 0).then(pl.col("Price") * pl.col("Size"))


def weighted_mean(weight: str, column: str, p: Population, counted: str | None = None) -> pl.Expr:
    """Mean of the column's value over the population's trades that have it."""
    if weight == "Equal":
        return p.of(pl.col(column)).mean()
    return ratio(p.of(pl.col(column) * _weight(weight)).sum(), weights(weight, counted or column, p))


def mean_metric(name: str, value: Value, weight: str, p: Population) -> Metric:
    """The value's mean in the population, rolled up by the weights behind it."""
    formula, words = _WEIGHED[weight]
    rollup = mean(weights(weight, value.counted or value.column, p))
    return Metric(
        name,
        weighted_mean(weight, value.column, p, value.counted),
        value.unit,
        doc=f"Average over {p.words}{words} of the {value.words}; {value.warning}.",
        over_time=rollup,
        over_listings=value.listings(rollup),
        formula=f"{formula}; x = {value.formula}",
        sign=value.sign,
        citation=value.citation,
    )


def metric(name: str, value: Value, aggregation: str, weight: str, p: Population) -> Metric:
    """One aggregation of the value over the population; `weight` counts in means alone."""
    if aggregation == "Mean":
        return mean_metric(name, value, weight, p)
    formula, words, rollup = _SAID[aggregation]
    warning = "null where that trade has none" if aggregation == "Last" else value.warning
    return Metric(
        name,
        _aggregated(aggregation, pl.col(value.column), p),
        value.unit,
        doc=f"{words} over {p.words} of the {value.words}; {warning}.",
        over_time=rollup,
        over_listings=value.listings(rollup),
        formula=f"{formula}; x = {value.formula}",
        sign=None if aggregation == "Std" else value.sign,
        citation=value.citation,
    )


def _aggregated(aggregation: str, x: pl.Expr, p: Population) -> pl.Expr:
    match aggregation:
        case "Median":
            return p.of(x).median()
        case "Min":
            return p.of(x).min()
        case "Max":
            return p.of(x).max()
        case "Std":
            return p.of(x).std()
    held = p.of(pl.struct(value=x))  # a trade without a value is there, as a struct that holds none
    return held.last(ignore_nulls=True).struct.field("value")


def checked_weights(weights_: Sequence[str], aggregations: Sequence[str], label: str) -> Iterator[tuple[str, str]]:
    """Each aggregation with each weight; UserError where an aggregation that weighs nothing is given a weight."""
    weighing = [w for w in weights_ if w != "Equal"]
    others = [a for a in aggregations if a != "Mean"]
    if weighing and others:
        raise UserError(
            f"{label}: weights has {weighing[0]!r}, which weighs means alone, and aggregations has {others[0]!r}: put "
            "one of them in a group of its own"
        )
    for aggregation in aggregations:
        for weight in weights_:
            yield aggregation, weight
