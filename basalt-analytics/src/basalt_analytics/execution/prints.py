"""Group `trades`: what was executed, by the type and aggressor of its prints."""

from collections.abc import Iterator, Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import SUM, Empty, Metric
from basalt_analytics.execution.book import IMBALANCE
from basalt_analytics.execution.options import PrintsGroup
from basalt_analytics.groups import Emission, Template, required
from basalt_analytics.trade.filters import all_of
from basalt_analytics.trade.imbalance import one_sided
from basalt_analytics.trade.measures import MEASURES
from basalt_analytics.trade.placement import Placing
from basalt_analytics.trade.populations import SIDES, Population, volume

PLACING = Placing(clip=True, allow_nonpositive=False)
TYPE_WORDS: Mapping[str, str] = {
    "Lit": "lit ",
    "Dark": "dark ",
    "Auction": "auction ",
    "OffBook": "off-book ",
    "SystematicInternaliser": "systematic internalisers' ",
    "Total": "",
}


def prints(group: PrintsGroup, label: str) -> Iterator[Emission]:
    """Every measure for every type and side."""
    required({"types": group.types, "sides": group.sides, "measures": group.measures}, label)
    template = Template.checked(group.name, label, ("type", "side", "measure"))
    for type_ in group.types:
        for side in group.sides:
            population = _population(type_, side)
            for measure in group.measures:
                name = template.filled(type=type_, side=side, measure=measure)
                yield _emission(label, name, measure, population)


def imbalance() -> Emission:
    """What was bought less what was sold, over both; of every type."""
    doc = "Shares bought less shares sold, over both, of trades of every type; those of unknown side are in neither."
    buys, sells = (volume(_population("Total", side)) for side in ("Buy", "Sell"))
    metric = one_sided("TradeImbalance", buys, sells, doc)
    return Emission("execution.imbalance", attrs.evolve(metric, citation=IMBALANCE))


def _population(type_: str, side: str) -> Population:
    of_side, words = SIDES[side]
    if type_ == "Unknown":
        return Population(all_of(pl.col("TradeType").is_null(), of_side), f"{words}, of unknown type")
    of_type = None if type_ == "Total" else pl.col("TradeType") == type_
    return Population(all_of(of_type, of_side), f"{TYPE_WORDS[type_]}{words}")


def _emission(label: str, name: str, measure: str, p: Population) -> Emission:
    match measure:
        case "PricePlacement":
            metric = attrs.evolve(PLACING.metric(name, p), citation="Lee & Ready 1991")
            return Emission(label, metric, PLACING.derive)
        case "PlacedVolume":
            return Emission(label, _placed(name, p), PLACING.derive)
    return Emission(label, MEASURES[measure].metric(name, p))


def _placed(name: str, p: Population) -> Metric:
    return Metric(
        name,
        PLACING.weight(p),
        Unit.SHARES,
        doc=f"Shares of {p.words} that had a bid below an ask; what PricePlacement is weighted by.",
        over_time=SUM,
        over_listings=SUM,
        empty=Empty.ZERO,
        formula="Σ q of trades with A > B",
    )
