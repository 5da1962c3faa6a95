"""Measures of the group `generic`: one declaration each, over a population of trades."""

from collections.abc import Callable, Mapping
from functools import partial

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.metrics import MAX, NONE, SUM, Empty, Metric, Rollup, mean, ratio
from basalt_analytics.trade.populations import PAID, Population, count, notional, volume


def _converted(p: Population, column: str) -> pl.Expr:
    value = pl.col(column)
    return p.of(pl.when(value.is_finite()).then(value)).sum()


def _vwap(p: Population) -> pl.Expr:
    return ratio(notional(p), volume(p))


@attrs.frozen(eq=False)
class Measure:
    """What a measure is for any population; the weight of a mean names another measure of this table."""

    expr: Callable[[Population], pl.Expr]
    unit: Unit
    doc: str
    formula: str
    over_time: Rollup = NONE
    over_listings: Rollup = NONE
    empty: Empty = Empty.NULL
    dtype: DType = pl.Float64
    citation: str | None = None
    sign: str | None = None

    def metric(self, name: str, p: Population) -> Metric:
        """The metric of that name over one population."""
        return Metric(
            name,
            self.expr(p),
            self.unit,
            doc=self.doc.format(trades=p.words),
            dtype=self.dtype,
            over_time=_weighted(self.over_time, p),
            over_listings=_weighted(self.over_listings, p),
            empty=self.empty,
            formula=self.formula,
            citation=self.citation,
            sign=self.sign,
        )


def _weighted(rollup: Rollup, p: Population) -> Rollup:
    if not isinstance(rollup.weight, str):
        return rollup
    return attrs.evolve(rollup, weight=MEASURES[rollup.weight].expr(p))


def _converted_notional(currency: str) -> Measure:
    return Measure(
        partial(_converted, column=f"Notional{currency}"),
        Unit.CURRENCY,
        f"Value in {currency} of {{trades}}, as converted by the source; trades it did not convert add nothing.",
        f"Σ Notional{currency}",
        SUM,
        SUM,
        Empty.ZERO,
        sign=PAID,
    )


MEASURES: Mapping[str, Measure] = {
    "Volume": Measure(
        volume,
        Unit.SHARES,
        "Shares of {trades}; one block can be most of it.",
        "Σ q",
        SUM,
        SUM,
        Empty.ZERO,
    ),
    "Count": Measure(
        count,
        Unit.COUNT,
        "Number of {trades}; one order that meets several prints as several.",
        "n",
        SUM,
        SUM,
        Empty.ZERO,
        pl.Int64,
    ),
    "Notional": Measure(
        notional,
        Unit.CURRENCY,
        "Value of {trades} in the listing's own currency, so it does not add up across currencies.",
        "Σ P·q",
        SUM,
        SUM.within("currency"),
        Empty.ZERO,
        sign=PAID,
    ),
    "NotionalEUR": _converted_notional("EUR"),
    "NotionalUSD": _converted_notional("USD"),
    "VWAP": Measure(
        _vwap,
        Unit.PRICE,
        "Volume-weighted average price of {trades}; one block far from the market moves it.",
        "Σ P·q / Σ q",
        mean("Volume"),
        mean("Volume").within("instrument"),
        citation="Berkowitz, Logue & Noser 1988",
        sign=PAID,
    ),
    "AvgPrice": Measure(
        lambda p: p.price.mean(),
        Unit.PRICE,
        "Plain average price of {trades}: a print of one share weighs as much as a block.",
        "mean P",
        mean("Count"),
        sign=PAID,
    ),
    "MedianPrice": Measure(
        lambda p: p.price.median(),
        Unit.PRICE,
        "Median price of {trades}, whatever their size; it cannot be rolled up.",
        "median P",
        sign=PAID,
    ),
    "AvgSize": Measure(
        lambda p: p.size.mean(),
        Unit.SHARES,
        "Average size of {trades}; a few blocks raise it far above the usual print.",
        "mean q",
        mean("Count"),
        mean("Count"),
    ),
    "MedianSize": Measure(
        lambda p: p.size.median(),
        Unit.SHARES,
        "Median size of {trades}; it cannot be rolled up.",
        "median q",
    ),
    "MaxSize": Measure(
        lambda p: p.size.max(),
        Unit.SHARES,
        "Largest of {trades}; it grows with the length of the bucket.",
        "max q",
        MAX,
        MAX,
    ),
}
