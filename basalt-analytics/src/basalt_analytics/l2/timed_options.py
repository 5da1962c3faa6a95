"""What the module `l2tw` takes: the groups of `l2` with averages over time, and what only time can tell."""

from typing import Literal

import attrs

from basalt.columns import Unit
from basalt.config.spellings import Duration, State
from basalt.options import option
from basalt_analytics.l2.book import KeepOrDrop
from basalt_analytics.l2.options import (
    LEVELS,
    MICROPRICE_TABLE,
    NAME,
    BookLists,
    ImbalanceMeasure,
    LiquidityLists,
    PriceLists,
    Side,
    both_sides,
)

TimedAggregation = Literal["TWA", "TWStd", "TWMin", "TWMax", "TWMedian"]
TimedVariant = Literal["Abs", "Bps", "TWAOverMidTWABps"]
ImbalanceKind = Literal["Imbalance", "ImbalanceOf"]
StateName = Literal["Locked", "Crossed", "OneSided", "Empty"]
AGGREGATIONS = "how values in force become one, each weighted by how long it was"


def _average() -> list[TimedAggregation]:
    return ["TWA"]


def _all_states() -> list[StateName]:
    return ["Locked", "Crossed", "OneSided", "Empty"]


def _of_ratios() -> list[ImbalanceKind]:
    return ["Imbalance"]


@attrs.frozen
class TimedBookGroup(BookLists):
    """A group of `book`: what rests on each side, level by level."""

    aggregations: list[TimedAggregation] = option(AGGREGATIONS, factory=_average)


@attrs.frozen
class TimedSpreadGroup:
    """A group of `spreads`: best ask minus best bid."""

    variants: list[TimedVariant] = option(
        "Abs in price, Bps relative to the mid of the moment; TWAOverMidTWABps is average spread over average mid"
    )
    aggregations: list[TimedAggregation] = option(AGGREGATIONS, factory=_average)
    name: str = option(NAME, default="Spread{variant}{aggregation}")


@attrs.frozen
class TimedImbalanceGroup:
    """A group of `imbalances`: (bid − ask) / (bid + ask) of a depth."""

    measures: list[ImbalanceMeasure] = option("the depth compared, at a level or (Cum…) down to it")
    levels: int | list[int] | None = option(f"{LEVELS}; default: the module's", default=None)
    kinds: list[ImbalanceKind] = option(
        "Imbalance of the depths of each moment, ImbalanceOf the two average depths", factory=_of_ratios
    )
    aggregations: list[TimedAggregation] = option(AGGREGATIONS, factory=_average)
    name: str = option(NAME, default="{kind}{measure}{level}{aggregation}")


@attrs.frozen
class TimedPriceGroup(PriceLists):
    """A group of `prices`: one price of the book."""

    aggregations: list[TimedAggregation] = option(AGGREGATIONS, factory=_average)


@attrs.frozen
class TimedLiquidityGroup(LiquidityLists):
    """A group of `liquidity`: what trading at once costs, and how depth grows away from the mid."""

    aggregations: list[TimedAggregation] = option(AGGREGATIONS, factory=_average)


@attrs.frozen
class ShareGroup:
    """A group of `shares`: the part of the time that the book is in an odd state, dropped or not."""

    states: list[StateName] = option("the states", factory=_all_states)
    name: str = option(NAME, default="{state}Share")


@attrs.frozen
class TouchSizeGroup:
    """A group of `touch_sizes`: the part of the time that a best price has at least so much behind it."""

    above: list[float] = option("sizes, each of one column a side", unit=Unit.SHARES)
    sides: list[Side] = option("which side of the book", factory=both_sides)
    name: str = option(NAME, default="{side}TouchSizeShareAbove{above}")


@attrs.frozen
class L2TwOptions:
    """Options of `l2tw`. Nothing configured: averages of the spread, the mid, and price and quantity by level."""

    market_states: State | list[State] | None = option(
        "states whose time counts: a state, a list, or 'all'", default=None
    )
    where: str | None = option(
        "SQL expression over the table's columns; time in which the row in force fails it has no value", default=None
    )
    levels: int | list[int] | None = option(f"{LEVELS}; default: 10, or all where there are fewer", default=None)
    locked: KeepOrDrop = option("whether rows with best ask = best bid count", default="keep")
    crossed: KeepOrDrop = option("whether rows with best ask < best bid count", default="drop")
    max_age: Duration | None = option("a row older than that is in force no longer, as '30s'", default=None)
    empty_side: Literal["null", "zero"] = option(
        "what the depth of a missing level or side is: 'zero' allows depth 0 and imbalances of ±1", default="null"
    )
    coverage: Literal["total", "each"] = option(
        "'each' adds {column}Seconds to every TWA, the time behind it; Book…Seconds are always there", default="total"
    )
    microprice_table: str | None = option(MICROPRICE_TABLE, default=None, path=True)
    book: list[TimedBookGroup] = option("what rests on each side, by level", factory=list)
    spreads: list[TimedSpreadGroup] = option("best ask minus best bid", factory=list)
    imbalances: list[TimedImbalanceGroup] = option("bid depth against ask depth", factory=list)
    prices: list[TimedPriceGroup] = option("mid, bests, weighted mid, microprice", factory=list)
    liquidity: list[TimedLiquidityGroup] = option("cost of trading at once, and the shape of the book", factory=list)
    shares: list[ShareGroup] = option("part of the time in odd states", factory=list)
    touch_sizes: list[TouchSizeGroup] = option("part of the time with much at the best price", factory=list)
