"""What the module `l2` takes."""

from typing import Literal

import attrs

from basalt.config.spellings import State
from basalt.options import option
from basalt_analytics.bars import OpenMode
from basalt_analytics.l2.book import KeepOrDrop

Side = Literal["Bid", "Ask"]
BookMeasure = Literal[
    "Price",
    "Quantity",
    "NumOrders",
    "Notional",
    "AvgOrderSize",
    "CumQuantity",
    "CumNotional",
    "CumOrders",
    "CumVWAP",
]
ImbalanceMeasure = Literal["Quantity", "CumQuantity", "CumNotional", "NumOrders", "CumOrders"]
Variant = Literal["Abs", "Bps"]
PriceSource = Literal["Mid", "Bid", "Ask", "WeightedMid"]
Aggregation = Literal["Last", "First", "Min", "Max", "Mean", "Median", "Std"]
AGGREGATIONS = "how rows become one value; 'Last' adds no token to the name"
LEVELS = "book levels: n for 1 … n, or a list"
NAME = "template of the column names"


def _last() -> list[Aggregation]:
    return ["Last"]


@attrs.frozen
class BookGroup:
    """A group of `book`: what rests on each side, level by level."""

    measures: list[BookMeasure] = option("what is measured; Cum… adds up the levels to this one")
    sides: list[Side] = option("which side of the book", factory=lambda: ["Bid", "Ask"])
    levels: int | list[int] | None = option(f"{LEVELS}; default: the module's", default=None)
    aggregations: list[Aggregation] = option(AGGREGATIONS, factory=_last)
    name: str = option(NAME, default="{side}{measure}{level}{aggregation}")


@attrs.frozen
class SpreadGroup:
    """A group of `spreads`: best ask minus best bid."""

    variants: list[Variant] = option("Abs in price, Bps relative to the mid")
    aggregations: list[Aggregation] = option(AGGREGATIONS, factory=_last)
    name: str = option(NAME, default="Spread{variant}{aggregation}")


@attrs.frozen
class ImbalanceGroup:
    """A group of `imbalances`: (bid − ask) / (bid + ask) of a depth."""

    measures: list[ImbalanceMeasure] = option("the depth compared, at a level or (Cum…) down to it")
    levels: int | list[int] | None = option(f"{LEVELS}; default: the module's", default=None)
    aggregations: list[Aggregation] = option(AGGREGATIONS, factory=_last)
    name: str = option(NAME, default="Imbalance{measure}{level}{aggregation}")


@attrs.frozen
class PriceGroup:
    """A group of `prices`: one price of the book."""

    sources: list[PriceSource] = option("which price")
    aggregations: list[Aggregation] = option(AGGREGATIONS, factory=_last)
    name: str = option(NAME, default="{source}{aggregation}")


@attrs.frozen
class OhlcGroup:
    """A group of `ohlc`: bars of one price of the book."""

    sources: list[PriceSource] = option("which price")
    open_mode: OpenMode = option("whether bars open at their first value or at the close before", default="event")
    name: str | None = option(
        "template of the column names; default: {source}{ohlc}, and {source}{ohlc}C for 'prev_close'", default=None
    )


@attrs.frozen
class L2Options:
    """Options of `l2`. Nothing configured: depth by level, cumulative imbalances and the spread in bps."""

    market_states: State | list[State] | None = option(
        "states whose rows count: a state, a list, or 'all'", default=None
    )
    where: str | None = option("SQL expression over the table's columns; rows that fail it are dropped", default=None)
    levels: int | list[int] | None = option(f"{LEVELS}; default: 10, or all where there are fewer", default=None)
    locked: KeepOrDrop = option("whether rows with best ask = best bid count", default="keep")
    crossed: KeepOrDrop = option("whether rows with best ask < best bid count", default="drop")
    empty_side: Literal["null", "zero"] = option(
        "what the depth of a missing level or side is: 'zero' allows depth 0 and imbalances of ±1", default="null"
    )
    book: list[BookGroup] = option("what rests on each side, by level", factory=list)
    spreads: list[SpreadGroup] = option("best ask minus best bid", factory=list)
    imbalances: list[ImbalanceGroup] = option("bid depth against ask depth", factory=list)
    prices: list[PriceGroup] = option("mid, bests, weighted mid", factory=list)
    ohlc: list[OhlcGroup] = option("bars of a price", factory=list)
