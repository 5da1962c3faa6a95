"""What the module `trade` takes: options of all groups, and the groups."""

from typing import Any

import attrs

from basalt.options import option
from basalt_analytics.trade.change import ChangeGroup
from basalt_analytics.trade.discrepancy import DiscrepancyGroup
from basalt_analytics.trade.flags import FlagsGroup
from basalt_analytics.trade.generic import GenericGroup
from basalt_analytics.trade.imbalance import ImbalanceGroup
from basalt_analytics.trade.placement import PlacementGroup
from basalt_analytics.trade.selection import ModuleSelection
from basalt_analytics.trade.tca import TcaGroup
from basalt_analytics.trade.twap import TwapGroup
from basalt_analytics.trade.volatility import VolatilityGroup


@attrs.frozen
class TradeOptions(ModuleSelection):
    """Options of `trade`. Nothing configured: Volume, Count, VWAP and OHLC of all trades."""

    allow_nonpositive_prices: bool = option("whether trades at zero or negative prices count", default=False)
    generic: list[GenericGroup] = option("volumes, counts, prices and bars", factory=list)
    imbalance: list[ImbalanceGroup] = option("bought against sold", factory=list)
    flags: list[FlagsGroup] = option("trades that a flag of the feed marks", factory=list)
    discrepancy: list[DiscrepancyGroup] = option("distance from prices known before the trade", factory=list)
    change: list[ChangeGroup] = option("waiting times and price changes between trades", factory=list)
    placement: list[PlacementGroup] = option("place of trades between bid and ask", factory=list)
    twap: list[TwapGroup] = option("trade price by the time it was the last", factory=list)
    volatility: list[VolatilityGroup] = option("how much trade prices move", factory=list)
    tca: list[TcaGroup] = option("spreads paid, price impact and markouts", factory=list)

    def groups(self, kind: str) -> list[Any]:
        """The groups of one kind."""
        found: list[Any] = getattr(self, kind)
        return found
