"""What the module `liquidity` takes."""

from typing import Literal

import attrs

from basalt.columns import Unit
from basalt.config.spellings import Duration
from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.trade.selection import ModuleSelection

LiquidityMeasure = Literal[
    "KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned", "Vpin"
]
BVC_WINDOW = 20


def _without_vpin() -> list[LiquidityMeasure]:
    return ["KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned"]


@attrs.frozen
class UsualVolume:
    """A volume bucket as a part of what the listing usually trades on a date: the mean of the previous ones."""

    adv_fraction: float = option("the part of a date's usual volume, as 0.02 for some fifty buckets a date")
    column: str = option("the volume, of the earlier pass that `source` names", default="TradeTotalVolume")
    history: int = option(
        "how many previous dates the mean is over; those that are not published are left out", default=20
    )

    def __attrs_post_init__(self) -> None:
        if not 0 < self.adv_fraction < float("inf"):
            raise UserError(f"adv_fraction = {self.adv_fraction} is no part of a volume: give a number above 0")
        if self.history < 1:
            raise UserError(f"history = {self.history} has no date to take a mean over: give 1 or more")


@attrs.frozen
class VpinOptions:
    """Volume buckets of `Vpin`."""

    bucket_volume: float | UsualVolume = option(
        "shares in a volume bucket: a number, or a part of what the listing usually trades, as { adv_fraction = 0.02 } "
        "beside the key source of the module",
        unit=Unit.SHARES,
    )
    buckets: int = option("how many of the last complete volume buckets are averaged", default=50)
    side: Literal["exchange", "bvc"] = option(
        "how volume is told apart: by AggressorSide, or in bulk by the bucket's price change", default="exchange"
    )
    bvc_window: int | None = option(
        f"earlier volume buckets whose price changes are the yardstick of 'bvc'; default: {BVC_WINDOW}", default=None
    )

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.bucket_volume, UsualVolume) and not 0 < self.bucket_volume < float("inf"):
            raise UserError(f"bucket_volume = {self.bucket_volume} is no volume: give a number of shares above 0")
        if self.buckets < 1:
            raise UserError(f"buckets = {self.buckets} averages nothing: give 1 or more")
        if self.bvc_window is not None and self.side != "bvc":
            raise UserError("bvc_window is read with side = 'bvc' alone: set that, or leave bvc_window out")
        if self.bvc_window is not None and self.bvc_window < 2:
            raise UserError(f"bvc_window = {self.bvc_window} has no standard deviation: give 2 or more")

    @property
    def window(self) -> int:
        """Earlier buckets that bulk classification looks at."""
        return BVC_WINDOW if self.bvc_window is None else self.bvc_window


@attrs.frozen
class LiquidityOptions(ModuleSelection):
    """Options of `liquidity`. Nothing configured: every measure but Vpin, on sub-intervals of 5 s between mids."""

    measures: list[LiquidityMeasure] = option("what is estimated", factory=_without_vpin)
    every_sub: Duration = option(
        "width of the sub-intervals, of which a bucket is a whole number; Roll and Vpin have none", default="5s"
    )
    price: Literal["mid", "trade"] = option("whose changes the sub-intervals have: mids, or trades", default="mid")
    vpin: VpinOptions | None = option("volume buckets of Vpin, which needs them", default=None)

    @property
    def usual(self) -> UsualVolume | None:
        """The volume that is looked up in an earlier pass, if any."""
        volume = None if self.vpin is None else self.vpin.bucket_volume
        return volume if isinstance(volume, UsualVolume) else None
