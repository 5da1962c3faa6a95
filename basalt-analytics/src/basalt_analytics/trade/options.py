"""What the module `trade` takes; a group's `market_states`, `trade_types` and `where` override the module's."""

from typing import Literal

import attrs

from basalt.config.spellings import Duration, State
from basalt.options import option
from basalt_analytics.bars import OpenMode

Side = Literal["Total", "Buy", "Sell", "Unknown"]
TradeType = Literal["Lit", "Dark", "Auction", "OffBook", "SystematicInternaliser", "null"]
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
STATES = "states whose trades count: a state, a list, or 'all'"
TYPES = "trade types that count; 'null' is the unknown type"
WHERE = "SQL expression over the table's columns; trades that fail it are dropped"


@attrs.frozen
class GenericGroup:
    """A group of `generic`: every measure for every side."""

    measures: list[GenericMeasure] = option("what is measured; 'OHLC' is Open, High, Low and Close")
    sides: list[Side] = option("by aggressor: all, bought, sold, or of unknown side", factory=lambda: ["Total"])
    open_mode: OpenMode = option("whether bars open at their first trade or at the close before", default="event")
    market_states: State | list[State] | None = option(f"{STATES}; default: the module's", default=None)
    trade_types: list[TradeType] | None = option(f"{TYPES}; default: the module's", default=None)
    where: str | None = option(f"{WHERE}; default: the module's", default=None)
    name: str = option("template of the column names", default="Trade{side}{measure}")


@attrs.frozen
class TradeOptions:
    """Options of `trade`. Nothing configured: Volume, Count, VWAP and OHLC of all trades."""

    market_states: State | list[State] | None = option(STATES, default=None)
    trade_types: list[TradeType] | None = option(TYPES, default=None)
    where: str | None = option(WHERE, default=None)
    max_publication_delay: Duration | None = option(
        "drops trades published later than this after execution, as '3m', and those with no publication time",
        default=None,
    )
    allow_nonpositive_prices: bool = option("whether trades at zero or negative prices count", default=False)
    generic: list[GenericGroup] = option("volumes, counts, prices and bars", factory=list)
