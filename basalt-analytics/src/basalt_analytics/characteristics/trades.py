"""The module `trade_characteristics`."""

from itertools import groupby
from typing import Literal

import attrs

from basalt.modules import BucketModule, Part, Rows
from basalt.options import option
from basalt_analytics.characteristics.facts import Fact, chosen
from basalt_analytics.characteristics.of_trades import FACTS

WHO = "trade_characteristics"
TradeFact = Literal[
    "TradeEventCount",
    "TradeCancelledCount",
    "TradePrintedVolume",
    "TradeHasZeroSize",
    "TradeHasNegativeSize",
    "TradeHasNonPositivePrice",
    "TradeHasCancellations",
    "TradeHasUnknownAggressor",
    "TradeHasKnownAggressor",
    "TradeUnknownAggressorRatio",
    "TradeHasUnknownType",
    "TradeHasLit",
    "TradeHasDark",
    "TradeHasAuction",
    "TradeHasOffBook",
    "TradeHasSystematicInternaliser",
    "TradeHasUnknownMarketState",
    "TradeHasBlock",
    "TradeHasOddLot",
    "TradeHasNegotiated",
    "TradeHasCross",
    "TradeHasAlgorithmic",
    "TradeHasRetail",
    "TradeHasTradeId",
    "TradeHasDuplicateTradeId",
    "TradeHasMultipleVenues",
    "TradePublishedAtOnceRatio",
    "TradePublicationDelayMeanSeconds",
    "TradePublicationDelayMaxSeconds",
    "TradeHasEarlyPublication",
    "TradeHasOutOfOrder",
    "TradeHasPriceOutsideQuote",
]


@attrs.frozen
class TradeCharacteristicsOptions:
    """Options of `trade_characteristics`."""

    columns: list[TradeFact] | None = option("the facts; default: all that the table can tell", default=None)


class TradeCharacteristics(BucketModule):
    """What the prints of a bucket are like, in every market state and whatever they are worth.

    Cancelled rows are in TradeEventCount and in what says that there are some, and in nothing else.
    """

    name = WHO
    table = "trades"
    Config = TradeCharacteristicsOptions
    config: TradeCharacteristicsOptions

    def parts(self) -> list[Part]:
        """The facts asked for, in order: those of cancelled rows read another frame than the others."""
        return [self._part(list(facts), cancelled) for cancelled, facts in groupby(self._facts, self._of_cancelled)]

    def _part(self, facts: list[Fact], cancelled: bool) -> Part:
        derive = {name: expr for fact in facts for name, expr in fact.derive(self.columns).items()}
        return Part(Rows(self.table, "any", cancelled), tuple(fact.metric for fact in facts), derive)

    def _of_cancelled(self, fact: Fact) -> bool:
        return fact.cancelled and "IsCancelled" in self.columns

    @property
    def _facts(self) -> list[Fact]:
        return chosen(FACTS, self.config.columns, self.columns, WHO, self.table)
