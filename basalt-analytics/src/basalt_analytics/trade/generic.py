"""Group `generic`: volumes, counts, prices and bars."""

from collections.abc import Iterator
from typing import Literal

import attrs
import polars as pl

from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.bars import EDGES, OpenMode, bar, value_before
from basalt_analytics.groups import Emission, Template, required
from basalt_analytics.trade.measures import MEASURES
from basalt_analytics.trade.populations import PAID, Population
from basalt_analytics.trade.selection import NAME_DOC, Group, SidedSelection, populations

GenericMeasure = Literal[
    "Volume",
    "Count",
    "Notional",
    "NotionalEUR",
    "NotionalUSD",
    "VWAP",
    "AvgPrice",
    "MedianPrice",
    "AvgSize",
    "MedianSize",
    "MaxSize",
    "Open",
    "High",
    "Low",
    "Close",
    "OHLC",
]


@attrs.frozen
class GenericGroup(SidedSelection):
    """A group of `generic`: every measure for every side."""

    measures: list[GenericMeasure] = option("what is measured; 'OHLC' is Open, High, Low and Close")
    open_mode: OpenMode = option("whether bars open at their first trade or at the close before", default="event")
    name: str = option(NAME_DOC, default="Trade{side}{measure}")


def generic(group: Group[GenericGroup]) -> Iterator[Emission]:
    """Every measure for every side."""
    options = group.options
    required({"measures": options.measures, "sides": options.sides}, group.label)
    measures = [m for measure in options.measures for m in (EDGES if measure == "OHLC" else (measure,))]
    if options.open_mode == "prev_close" and "Close" not in measures and set(EDGES) & set(measures):
        raise UserError(
            f"{group.label}: open_mode = 'prev_close' carries closes into empty buckets: add 'Close' or 'OHLC'"
        )
    template = group.template("side", "measure")
    for side, population in populations(group):
        bars = _bars(group, side, population, template)
        for measure in measures:
            if measure in EDGES:
                yield bars[measure]
            else:
                name = template.filled(side=side, measure=measure)
                yield Emission(group.label, MEASURES[measure].metric(name, population))


def _bars(group: Group[GenericGroup], side: str, population: Population, template: Template) -> dict[str, Emission]:
    """Open, High, Low and Close of the population, by edge."""
    before = f"{side} price before the row, {group.label}"
    metrics = bar(
        group.options.open_mode,
        population.price,
        pl.col(before),
        lambda edge: template.filled(side=side, measure=edge),
        f"price of {population.words}",
        "P",
    )
    derive = {before: value_before(population.price)} if group.options.open_mode == "prev_close" else {}
    return {edge: Emission(group.label, attrs.evolve(m, sign=PAID), derive) for edge, m in metrics.items()}
