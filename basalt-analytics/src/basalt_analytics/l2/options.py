"""What the module `l2` takes."""

from typing import Literal

import attrs

from basalt.columns import Unit
from basalt.config.spellings import Duration, State
from basalt.options import option
from basalt_analytics.bars import OpenMode
from basalt_analytics.l2.book import KeepOrDrop
from basalt_analytics.l2.shape import Amount, By, Reference

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
PriceSource = Literal["Mid", "Bid", "Ask", "WeightedMid", "Microprice"]
LiquidityMeasure = Literal[
    "Xlm",
    "XlmBuy",
    "XlmSell",
    "XlmUnfilledRatio",
    "DepthWithin",
    "DepthSlope",
    "LogDepthSlope",
    "DepthSpread",
]
FlowMeasure = Literal["OFI", "OFINorm", "OFITotal"]
CountMeasure = Literal[
    "Updates",
    "TouchUpdates",
    "MidChanges",
    "BidChanges",
    "AskChanges",
    "InvalidLevel",
    "Disordered",
    "Locked",
    "Crossed",
    "OneSided",
]
Aggregation = Literal["Last", "First", "Min", "Max", "Mean", "Median", "Std"]
AGGREGATIONS = "how rows become one value; 'Last' adds no token to the name"
LEVELS = "book levels: n for 1 … n, or a list"
NAME = "template of the column names"
SOURCE = (
    "which price: the mid, a best price, the mid weighted by the other side's size, or Microprice, the mid moved by "
    "what followed on books of such imbalance and spread; it is null where its table knows nothing of the book"
)
MICROPRICE_TABLE = (
    "file of adjustments for Microprice, which basalt_analytics.l2.microprice.fit made from earlier dates; rows no "
    "later than those have none; a relative path starts at the pipeline's folder"
)


def _last() -> list[Aggregation]:
    return ["Last"]


def _counted() -> list[CountMeasure]:
    return ["Updates", "TouchUpdates", "MidChanges", "BidChanges", "AskChanges", "Locked", "Crossed", "OneSided"]


def both_sides() -> list[Side]:
    return ["Bid", "Ask"]


@attrs.frozen
class BookLists:
    """What a group of `book` asks for, but for aggregations."""

    measures: list[BookMeasure] = option("what is measured; Cum… adds up the levels to this one")
    sides: list[Side] = option("which side of the book", factory=both_sides)
    levels: int | list[int] | None = option(f"{LEVELS}; default: the module's", default=None)
    name: str = option(NAME, default="{side}{measure}{level}{aggregation}")


@attrs.frozen
class BookGroup(BookLists):
    """A group of `book`: what rests on each side, level by level."""

    aggregations: list[Aggregation] = option(AGGREGATIONS, factory=_last)


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
class PriceLists:
    """What a group of `prices` asks for, but for aggregations."""

    sources: list[PriceSource] = option(SOURCE)
    name: str = option(NAME, default="{source}{aggregation}")


@attrs.frozen
class PriceGroup(PriceLists):
    """A group of `prices`: one price of the book."""

    aggregations: list[Aggregation] = option(AGGREGATIONS, factory=_last)


@attrs.frozen
class LiquidityLists:
    """What a group of `liquidity` asks for, but for aggregations."""

    measures: list[LiquidityMeasure] = option(
        "Xlm… what an order that walks the book pays against the mid; Depth… what rests how far away"
    )
    notionals: list[float] = option(
        "amounts that Xlm… trade, in the quote currency, or in shares where by = 'shares'",
        factory=list,
        unit=Unit.CURRENCY,
    )
    by: By = option("whether an order spends `notionals` or trades so many shares", default="notional")
    bps: list[float] = option("distances of DepthWithin, in bps", factory=list)
    reference: Reference = option("what DepthWithin measures distance from: mid, or the side's own best", default="mid")
    unit: Amount = option("whether DepthWithin adds up shares or their value", default="shares")
    levels: int | list[int] | None = option(
        f"{LEVELS}; DepthSpread has a column for each, the others read down to the deepest; default: the module's, and "
        "for Xlm… and DepthWithin the whole table",
        default=None,
    )
    name: str | None = option(
        "template of the column names over side, measure, notional, bps, level and aggregation, each empty where a "
        "measure has none; default: XlmBps{notional}, {side}DepthWithin{bps}Bps, {side}DepthSlope and the like",
        default=None,
    )


@attrs.frozen
class LiquidityGroup(LiquidityLists):
    """A group of `liquidity`: what trading at once costs, and how depth grows away from the mid."""

    aggregations: list[Aggregation] = option(AGGREGATIONS, factory=_last)


@attrs.frozen
class FlowGroup:
    """A group of `flow`: what orders added to the bid and took from the ask, level by level."""

    measures: list[FlowMeasure] = option(
        "OFI order-flow imbalance, OFINorm relative to the usual depth, OFITotal down to a level"
    )
    levels: int | list[int] | None = option(f"{LEVELS}; default: the module's", default=None)
    weights: list[float] = option("of each level in OFITotal, from the best down; default: 1 each", factory=list)
    name: str = option(NAME, default="{measure}{level}")


@attrs.frozen
class CountGroup:
    """A group of `counts`: how many rows changed the book, and the share of rows in odd states."""

    measures: list[CountMeasure] = option(
        "Updates to Disordered are counts; Locked, Crossed and OneSided are shares of the rows", factory=_counted
    )
    name: str | None = option(
        "template of the column names; default: Book{measure}Count, and Book{measure}RowShare for shares", default=None
    )


@attrs.frozen
class OhlcGroup:
    """A group of `ohlc`: bars of one price of the book."""

    sources: list[PriceSource] = option(SOURCE)
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
    max_age: Duration | None = option(
        "a last row older than this at the bucket's end has no Last value, as '30s'; other values are of rows when "
        "they came, and have no age",
        default=None,
    )
    microprice_table: str | None = option(MICROPRICE_TABLE, default=None, path=True)
    book: list[BookGroup] = option("what rests on each side, by level", factory=list)
    spreads: list[SpreadGroup] = option("best ask minus best bid", factory=list)
    imbalances: list[ImbalanceGroup] = option("bid depth against ask depth", factory=list)
    prices: list[PriceGroup] = option("mid, bests, weighted mid, microprice", factory=list)
    ohlc: list[OhlcGroup] = option("bars of a price", factory=list)
    liquidity: list[LiquidityGroup] = option("cost of trading at once, and the shape of the book", factory=list)
    flow: list[FlowGroup] = option("order-flow imbalance", factory=list)
    counts: list[CountGroup] = option("changes of the book, and odd rows", factory=list)
