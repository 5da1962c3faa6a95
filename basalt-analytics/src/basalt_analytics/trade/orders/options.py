"""What the module `tca` takes."""

from collections.abc import Sequence
from typing import Literal

import attrs

from basalt.config.spellings import Duration, State
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.trade.selection import STATES, TYPES, TradeType

WHO = "tca"


@attrs.frozen
class TcaOptions:
    """Options of `tca`. Nothing configured: markouts and reversion after a minute, and 10 % participation."""

    quotes: Literal["l2", "cbbo"] = option(
        "where mids come from: the listing's book, or the best over all venues of its instrument", default="l2"
    )
    horizons: list[Duration] = option("times after fills at which mids are looked up", factory=lambda: ["1m"])
    participation_rates: list[float] = option(
        "shares of the market's volume that PwpPrice supposes, as 0.1", factory=lambda: [0.1]
    )
    own_volume: Literal["include", "exclude"] = option(
        "whether Participation counts the order's own prints as volume of the market", default="include"
    )
    end_price: Literal["mid", "last_trade"] = option("what the shares left over are worth at the end", default="mid")
    market_states: State | list[State] | None = option(f"{STATES}, and in which mids count", default=None)
    trade_types: list[TradeType] | None = option(TYPES, default=None)

    def __attrs_post_init__(self) -> None:
        _check_distinct("horizons", self.horizons, [parse_duration(h) for h in self.horizons])
        _check_distinct("participation_rates", self.participation_rates, [token(r) for r in self.participation_rates])
        for horizon in self.horizons:
            if parse_duration(horizon) < 0:
                raise UserError(f"{WHO}: horizon {horizon!r} is before the fill: give times after it, as '1m'")
        for rate in self.participation_rates:
            if not 0 < rate <= 1:
                raise UserError(
                    f"{WHO}: participation rate {rate} is no share of volume: give numbers above 0, up to 1"
                )


def token(rate: float) -> str:
    """How a participation rate is written in names: .2 is 20."""
    return f"{100 * rate:g}"


def _check_distinct(option: str, given: Sequence[object], values: Sequence[object]) -> None:
    for i, value in enumerate(values):
        if value in values[:i]:
            first = given[list(values).index(value)]
            raise UserError(f"{WHO}: {option} names {first!r} and {given[i]!r}, which are the same: list each once")
