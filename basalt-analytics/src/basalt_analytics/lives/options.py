"""The groups of module `l3` that follow the lives of orders."""

from typing import Literal

import attrs

from basalt.config.spellings import Duration
from basalt.options import option
from basalt_analytics.execution.options import RESTING_DOC, RestingSide
from basalt_analytics.trade.selection import NAME_DOC


@attrs.frozen
class RestingGroup:
    """A group of `resting`: how long orders rest until their first execution, their cancel, or their end."""

    ends: list[Literal["FirstFill", "Cancel", "Life"]] = option(
        "what ends the time: the first execution, a cancel of an order that never executed, or whatever removes it",
        factory=lambda: ["FirstFill", "Cancel"],
    )
    sides: list[RestingSide] = option(RESTING_DOC, factory=lambda: ["Bid", "Ask"])
    aggs: list[Literal["Mean", "Median", "Min", "Max"]] = option("of the times", factory=lambda: ["Mean"])
    name: str = option(
        f"{NAME_DOC}, which end with the aggregation and Seconds, or with Count", default="{side}RestingTo{end}"
    )


@attrs.frozen
class FleetingGroup:
    """A group of `fleeting`: orders cancelled within a threshold without an execution."""

    thresholds: list[Duration] = option("longest lives that are fleeting, as '50ms'", factory=lambda: ["100ms"])
    sides: list[RestingSide] = option(RESTING_DOC, factory=lambda: ["Bid", "Ask"])
    name: str = option(NAME_DOC, default="{side}Fleeting{measure}{threshold}")


@attrs.frozen
class FillProbabilityGroup:
    """A group of `fill_probability`: how likely an order executes up to an age."""

    horizons: list[Duration] = option("ages, as '1s'", factory=lambda: ["1s", "10s"])
    estimators: list[Literal["AJ", "KM"]] = option(
        "AJ (Aalen and Johansen) takes cancels as a risk that competes, KM (Kaplan and Meier) as censored",
        factory=lambda: ["AJ"],
    )
    sides: list[RestingSide] = option(RESTING_DOC, factory=lambda: ["Bid", "Ask"])
    fill: Literal["first", "full"] = option("any execution fills an order, or one that removes it", default="first")
    name: str = option(f"{NAME_DOC}; those at risk end with AtRisk", default="{side}FillProb{estimator}{horizon}")


@attrs.frozen
class ReplacementGroup:
    """A group of `replacement`: how soon an executed price is offered anew."""

    sides: list[RestingSide] = option(RESTING_DOC, factory=lambda: ["Bid", "Ask"])
    max_latency: Duration = option("how long is waited for it", default="60s")
    name: str = option(f"{NAME_DOC}, which end with MeanSeconds, Count and ExpiredCount", default="{side}Replacement")


@attrs.frozen
class DepthAgeGroup:
    """A group of `depth_age`: how old what rests is at the bucket's end, by size."""

    sides: list[RestingSide] = option(RESTING_DOC, factory=lambda: ["Bid", "Ask"])
    levels: int | None = option("how many of the best prices of a side count; default: all", default=None)
    age_from: Literal["insert", "priority"] = option(
        "age counts from the insert, or from when the order took its place in the queue", default="insert"
    )
    name: str = option(f"{NAME_DOC}, which end with Seconds", default="{side}DepthAge")
