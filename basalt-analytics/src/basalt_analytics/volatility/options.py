"""Options of everything that estimates volatility."""

from math import inf
from typing import Annotated, Literal

import attrs

from basalt.buckets import BucketRule
from basalt.config.spellings import Duration, Spelling, State
from basalt.durations import format_duration, parse_duration
from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.l2.book import KeepOrDrop
from basalt_analytics.l2.options import MICROPRICE_TABLE, PriceSource

Measure = Literal[
    "ReturnCount",
    "ZeroReturnShare",
    "RV",
    "Vol",
    "AnnVol",
    "Std",
    "AnnStd",
    "BV",
    "MinRV",
    "MedRV",
    "JumpShare",
    "RVSub",
    "TSRV",
    "TSRVAdj",
    "RK",
    "NoiseVar",
    "Parkinson",
    "GarmanKlass",
    "RogersSatchell",
]
WindowAggregation = Literal["Min", "Max", "Mean", "Median", "Std", "Last", "WMean"]
EVENT = "event"
USUAL_SESSION = 30600.0


def grid_step(text: str) -> int | None:
    """Nanoseconds of a grid's step, None for 'event'; UserError for a step that is not above 0."""
    step = None if text == EVENT else parse_duration(text)
    if step is not None and step <= 0:
        raise UserError(f"{text!r} is no grid step: give a duration above 0, as '1s', or 'event'")
    return step


def divided_bucket(step: int, sampling: str, rule: BucketRule | None, label: str) -> int:
    """The bucket's width in nanoseconds; UserError where the step does not divide it. No rule: a bucket of one step."""
    every = step if rule is None else rule.every
    if every % step:
        raise UserError(
            f"{label}: sampling names {sampling!r}, which does not divide the bucket of {format_duration(every)}: give "
            "a step that does, or 'event'"
        )
    return every


Sampling = Annotated[
    str, Spelling("'event' or a grid step, as '1s'", "samplings", r"event|-?\d+(\.\d+)?[a-z]+", check=grid_step)
]


def _vol() -> list[Measure]:
    return ["RV", "Vol", "AnnVol"]


@attrs.frozen
class Estimation:
    """What estimators need to know, beside the returns."""

    subsample: int = option("offset grids K of RVSub and TSRV", default=5)
    kernel_bandwidth: int = option("bandwidth H of the realised kernel RK", default=5)
    windows: list[Duration] = option(
        "windows inside the bucket, whole numbers of grid steps, each with a volatility of its own", factory=list
    )
    window_aggregations: list[WindowAggregation] = option(
        "how the windows' volatilities become one; WMean weighs by returns", factory=lambda: ["Mean"]
    )
    session_seconds: float | None = option(
        "seconds of a session, for annualised figures; default: those of the date's sessions, by the `calendar` or "
        f"`session` of the pass, else {USUAL_SESSION:g}",
        default=None,
    )
    sessions_per_year: float = option("sessions of a year, for annualised figures", default=252.0)
    bipower_correction: bool = option("whether BV, also inside JumpShare, is multiplied by n/(n − 1)", default=False)

    def __attrs_post_init__(self) -> None:
        for name in ("subsample", "kernel_bandwidth"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} = {getattr(self, name)} looks back at no return: give 1 or more")
        for name in ("session_seconds", "sessions_per_year"):
            value = getattr(self, name)
            if value is not None and not 0 < value < inf:
                raise UserError(f"{name} = {value} makes no year: give a number above 0")
        if self.windows and not self.window_aggregations:
            raise UserError("window_aggregations is empty, so windows have no effect: list one, or drop windows")


@attrs.frozen
class L2VolatilityOptions(Estimation):
    """Options of `l2_volatility`. Nothing configured: RV, Vol and AnnVol of the mid every second."""

    market_states: State | list[State] | None = option(
        "states whose time counts: a state, a list, or 'all'", default=None
    )
    where: str | None = option(
        "SQL expression over the table's columns; rows that fail it have no valid price", default=None
    )
    locked: KeepOrDrop = option("whether rows with best ask = best bid count", default="keep")
    crossed: KeepOrDrop = option("whether rows with best ask < best bid count", default="drop")
    microprice_table: str | None = option(MICROPRICE_TABLE, default=None, path=True)
    sources: list[PriceSource] = option("whose returns", factory=lambda: ["Mid"])
    sampling: list[Sampling] = option(
        "grid steps that divide the bucket, as '1s', or 'event' for every valid row", factory=lambda: ["1s"]
    )
    measures: list[Measure] = option("what is estimated", factory=_vol)
    max_age: Duration | None = option("a price older than this at its grid point is none", default=None)
