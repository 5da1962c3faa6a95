"""Group `book`: what was executed, by the side that the executed orders rested on.

An execution is an order event with a size executed above 0; it counts with its shares, and with its price where that
is told.
"""

from collections.abc import Callable, Iterator, Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import SUM, Empty, Metric, mean, ratio
from basalt_analytics.execution.options import BookGroup
from basalt_analytics.groups import Emission, Template, count_metric, required
from basalt_analytics.trade.imbalance import one_sided
from basalt_analytics.trade.populations import PAID, Population

EXECUTED, PRICED, PAID_FOR = "shares executed", "shares executed at a known price", "value executed"
_SIZE, _PRICE = pl.col("ExecutionSize"), pl.col("ExecutionPrice")
SHARES = {EXECUTED: pl.when(_SIZE.is_finite() & (_SIZE > 0)).then(_SIZE)}
VALUES = {
    **SHARES,
    PRICED: pl.when(_PRICE.is_finite()).then(pl.col(EXECUTED)),
    PAID_FOR: pl.when(_PRICE.is_finite()).then(_PRICE * pl.col(EXECUTED)),
}
SIDES: Mapping[str, Population] = {
    "Bid": Population(pl.col("Side") == "Bid", "executions of resting bids"),
    "Ask": Population(pl.col("Side") == "Ask", "executions of resting asks"),
    "Total": Population(None, "executions"),
}


def book(group: BookGroup, label: str) -> Iterator[Emission]:
    """Every measure for every resting side."""
    required({"sides": group.sides, "measures": group.measures}, label)
    template = Template.checked(group.name, label, ("side", "measure"))
    for side in group.sides:
        for measure in group.measures:
            made, derive = MEASURES[measure]
            yield Emission(label, made(template.filled(side=side, measure=measure), SIDES[side]), derive)


def imbalance() -> Emission:
    """What met resting asks less what met resting bids, over both."""
    asks, bids = (SIDES[side].of(pl.col(EXECUTED)).sum() for side in ("Ask", "Bid"))
    metric = one_sided(
        "L3TradeImbalance",
        asks,
        bids,
        "Shares taken from asks less shares taken from bids, over both; auctions, which have no taker, count on both "
        "sides.",
    )
    formula = "(Ask executed − Bid executed) / (Ask executed + Bid executed)"
    return Emission("execution.imbalance", attrs.evolve(metric, formula=formula, citation=IMBALANCE), SHARES)


IMBALANCE = "Chordia, Roll & Subrahmanyam 2002"


def _volume(name: str, p: Population) -> Metric:
    return Metric(
        name,
        p.of(pl.col(EXECUTED)).sum(),
        Unit.SHARES,
        doc=f"Shares of {p.words}, hidden ones too where the feed tells them; in an auction both sides count.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        formula="Σ x",
    )


def _count(name: str, p: Population) -> Metric:
    executed = p.of(pl.col(EXECUTED)).is_not_null().sum().cast(pl.Int64)
    doc = f"Number of {p.words}; an aggressive order that meets several orders counts several times."
    return count_metric(name, executed, doc, "n of rows with x > 0")


def _notional(name: str, p: Population) -> Metric:
    return Metric(
        name,
        p.of(pl.col(PAID_FOR)).sum(),
        Unit.CURRENCY,
        doc=f"Value of {p.words} whose price is told, in the listing's own currency.",
        over_time=SUM,
        over_listings=SUM.within("currency"),
        empty=Empty.ZERO,
        formula="Σ x·P",
        sign=PAID,
    )


def _vwap(name: str, p: Population) -> Metric:
    priced = p.of(pl.col(PRICED)).sum()
    return Metric(
        name,
        ratio(p.of(pl.col(PAID_FOR)).sum(), priced),
        Unit.PRICE,
        doc=f"Average price of {p.words}, weighted by shares, over those whose price is told.",
        over_time=mean(priced),
        over_listings=mean(priced).within("currency"),
        formula="Σ x·P / Σ x",
        citation="Berkowitz, Logue & Noser 1988",
        sign=PAID,
    )


Made = Callable[[str, Population], Metric]
MEASURES: Mapping[str, tuple[Made, Mapping[str, pl.Expr]]] = {
    "Volume": (_volume, SHARES),
    "Count": (_count, SHARES),
    "Notional": (_notional, VALUES),
    "VWAP": (_vwap, VALUES),
}
"""By name, how the metric is made, and the derived columns it reads."""
