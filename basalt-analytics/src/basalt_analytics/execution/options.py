"""What the module `execution` takes."""

from typing import Literal

import attrs

from basalt.config.spellings import State
from basalt.options import option
from basalt_analytics.trade.populations import Side
from basalt_analytics.trade.selection import NAME_DOC, SIDES_DOC, STATES

RestingSide = Literal["Bid", "Ask", "Total"]
RESTING_DOC = "side the orders rest on; 'Total' is both"
BookMeasure = Literal["Volume", "Count", "Notional", "VWAP"]
PrintType = Literal["Lit", "Dark", "Auction", "OffBook", "SystematicInternaliser", "Unknown", "Total"]
PrintMeasure = Literal["Volume", "Count", "Notional", "VWAP", "PricePlacement", "PlacedVolume"]
ImbalanceSource = Literal["trades", "l3"]


@attrs.frozen
class BookGroup:
    """A group of `book`: every measure of executions for every resting side."""

    sides: list[RestingSide] = option(
        "side the executed orders rested on; 'Total' is both", factory=lambda: ["Bid", "Ask"]
    )
    measures: list[BookMeasure] = option("what is measured of order events", factory=lambda: ["Volume", "VWAP"])
    name: str = option(NAME_DOC, default="{side}Executed{measure}")


@attrs.frozen
class PrintsGroup:
    """A group of `trades`: every measure of prints for every type and side."""

    types: list[PrintType] = option(
        "trade types; 'Unknown' is that of trades that do not tell it, 'Total' all", factory=lambda: ["Lit", "Dark"]
    )
    sides: list[Side] = option(SIDES_DOC, factory=lambda: ["Buy", "Sell", "Unknown"])
    measures: list[PrintMeasure] = option(
        "what is measured of trades", factory=lambda: ["Volume", "VWAP", "PricePlacement"]
    )
    name: str = option(NAME_DOC, default="{type}{side}{measure}")


@attrs.frozen
class ExecutionOptions:
    """Options of `execution`."""

    book: list[BookGroup] = option("executions as order events tell them", factory=lambda: [BookGroup()])
    trades: list[PrintsGroup] = option("executions as trades tell them", factory=lambda: [PrintsGroup()])
    imbalance: list[ImbalanceSource] | None = option(
        "tables of which what was bought is held against what was sold; default: those that a group reads", default=None
    )
    market_states: State | list[State] | None = option(STATES, default=None)

    @property
    def imbalances(self) -> list[ImbalanceSource]:
        """The tables whose imbalance is told."""
        if self.imbalance is not None:
            return self.imbalance
        by_default: dict[ImbalanceSource, bool] = {"trades": bool(self.trades), "l3": bool(self.book)}
        return [table for table, read in by_default.items() if read]
