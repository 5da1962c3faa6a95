"""Group `imbalance`: what was bought less what was sold, over both."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import Metric, mean, ratio
from basalt.options import option
from basalt_analytics.groups import Emission, required
from basalt_analytics.trade.filters import all_of
from basalt_analytics.trade.populations import Population, count, notional, volume
from basalt_analytics.trade.selection import NAME_DOC, Group, Selection

ImbalanceMeasure = Literal["Volume", "Count", "Notional"]
SIGN = "+ when more was bought than sold"


def _positive_notional(p: Population) -> pl.Expr:
    """Value at positive prices: at others a share of it would mean nothing."""
    return notional(Population(all_of(p.mask, pl.col("Price") > 0), p.words))


SUMS: Mapping[str, tuple[Callable[[Population], pl.Expr], str]] = {
    "Volume": (volume, "Shares bought less shares sold, over both"),
    "Count": (count, "Number of buys less number of sells, over both, whatever their size"),
    "Notional": (_positive_notional, "Value bought less value sold, over both, at prices above 0"),
}


@attrs.frozen
class ImbalanceGroup(Selection):
    """A group of `imbalance`: every measure, buys against sells."""

    measures: list[ImbalanceMeasure] = option("what is compared")
    name: str = option(NAME_DOC, default="Trade{measure}Imbalance")


def imbalance(group: Group[ImbalanceGroup]) -> Iterator[Emission]:
    """(Buy − Sell) / (Buy + Sell) of every measure; trades of unknown side are in neither part."""
    required({"measures": group.options.measures}, group.label)
    template = group.template("measure")
    buys, sells = group.population("Buy"), group.population("Sell")
    for measure in group.options.measures:
        total, words = SUMS[measure]
        name = template.filled(measure=measure)
        doc = f"{words}; trades of unknown side are in neither."
        yield Emission(group.label, one_sided(name, total(buys), total(sells), doc))


def one_sided(name: str, buy: pl.Expr, sell: pl.Expr, doc: str) -> Metric:
    """The metric (buy − sell) / (buy + sell), in [−1, 1]; null where there is neither."""
    both = buy + sell
    return Metric(
        name,
        ratio(buy - sell, both),
        Unit.RATIO,
        doc=doc,
        over_time=mean(both),
        over_listings=mean(both),
        formula="(Buy − Sell) / (Buy + Sell)",
        sign=SIGN,
    )
