"""What the module `cbbo` takes."""

from typing import Literal

import attrs

from basalt.config.spellings import Duration, State
from basalt.durations import NANOSECONDS, parse_duration
from basalt.errors import UserError
from basalt.options import option

WHO = "cbbo"
Measure = Literal[
    "TimeAtBest",
    "ExclusiveTimeAtBest",
    "QuantityAtBest",
    "QuantityWhenAtBest",
    "QuoteShare",
    "QuoteShareMean",
    "Locked",
    "Crossed",
    "DistanceToBest",
]
Side = Literal["Bid", "Ask", "Both"]
QuantityAggregation = Literal["TWA", "Min", "Max", "Median"]
TimeUnit = Literal["Ratio", "Seconds"]
OF_TIME = ("TimeAtBest", "ExclusiveTimeAtBest")
OF_INSTRUMENTS = ("Locked", "Crossed")
LATEST = NANOSECONDS["ms"]


def _usual() -> list[Measure]:
    return ["TimeAtBest", "QuantityAtBest"]


def _each_side() -> list[Side]:
    return ["Bid", "Ask"]


def _average() -> list[QuantityAggregation]:
    return ["TWA"]


def _share() -> list[TimeUnit]:
    return ["Ratio"]


@attrs.frozen
class CbboOptions:
    """Options of `cbbo`."""

    measures: list[Measure] = option("what is measured against the best price of the instrument", factory=_usual)
    sides: list[Side] = option(
        "which side of the book; Both is at best on both at once, which measures of time alone have", factory=_each_side
    )
    quantity_aggs: list[QuantityAggregation] = option(
        "how QuantityAtBest becomes one value, each by the time it was in force", factory=_average
    )
    time_units: list[TimeUnit] = option("as what times at best, locked and crossed are given", factory=_share)
    cbbo_shift: Duration = option(
        "taken off the stamps of cbbo where the feed rounds them up: '1ms' at most, by which results are known later",
        default="0s",
    )
    invalid_cbbo: Literal["exclude", "include"] = option(
        "whether time with a locked or crossed cbbo counts, but for Locked and Crossed, which always count it",
        default="exclude",
    )
    market_states: State | list[State] | None = option(
        "states of the listing whose time counts: a state, a list, or 'all'", default=None
    )
    name: str = option("template of the columns' names", default="{measure}{side}{agg}")

    def __attrs_post_init__(self) -> None:
        for name in ("measures", "sides", "quantity_aggs", "time_units"):
            _check_list(name, getattr(self, name))
        if not 0 <= self.shift <= LATEST:
            raise UserError(
                f"{WHO}.cbbo_shift = {self.cbbo_shift!r} is no rounding of a stamp: give a duration from '0s' to '1ms'"
            )
        _check_both(self)
        if "QuantityWhenAtBest" in self.measures and "TWA" not in self.quantity_aggs:
            raise UserError(
                f"{WHO}: QuantityWhenAtBest is an average, and quantity_aggs = {self.quantity_aggs} has no 'TWA': add "
                "it, or ask for the other aggregations in an entry of their own"
            )

    @property
    def shift(self) -> int:
        """`cbbo_shift` in nanoseconds."""
        return parse_duration(self.cbbo_shift)

    @property
    def books(self) -> tuple[str, ...]:
        """The sides of the book that are looked at."""
        return ("Bid", "Ask") if "Both" in self.sides else tuple(self.sides)


def _check_list(name: str, values: list[str]) -> None:
    """UserError for a list that asks for nothing, or twice for the same."""
    if not values:
        raise UserError(f"{WHO}.{name} is empty, so that nothing would be measured: list a value or leave it out")
    if len(set(values)) < len(values):
        raise UserError(f"{WHO}.{name} = {values} names one twice: list each once")


def _check_both(options: CbboOptions) -> None:
    """UserError where sizes are asked of both sides at once."""
    sized = [m for m in options.measures if m not in (*OF_TIME, *OF_INSTRUMENTS)]
    if "Both" in options.sides and sized:
        raise UserError(
            f"{WHO}: sides has 'Both', and {', '.join(sized)} is of one side: ask for {', '.join(OF_TIME)} on both "
            "sides in an entry of its own"
        )
