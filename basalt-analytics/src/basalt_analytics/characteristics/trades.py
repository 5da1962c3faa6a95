"""The module `trade_characteristics`."""

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs
import polars as pl

from basalt.errors import UserError
from basalt.metrics import Metric
from basalt.modules import BucketModule, Rows
from basalt.options import option
from basalt_analytics.characteristics.of_trades import FACTS, Fact

WHO = "trade_characteristics"
TradeFact = Literal[
    "TradeEventCount",
    "TradePrintedVolume",
    "TradeHasZeroSize",
    "TradeHasNegativeSize",
    "TradeHasNonPositivePrice",
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

    Cancelled rows, which the engine leaves out everywhere, are in none of it.
    """

    name = WHO
    table = "trades"
    Config = TradeCharacteristicsOptions
    config: TradeCharacteristicsOptions

    @property
    def reads(self) -> Rows:
        """Rows of every state."""
        return Rows(self.table, "any")

    def derive(self) -> Mapping[str, pl.Expr]:
        """What single rows are, where that takes more than one of them to tell."""
        return {name: expr for fact in self._facts for name, expr in fact.derive(self.columns).items()}

    def metrics(self) -> Iterator[Metric]:
        """The facts asked for, in order."""
        return (fact.metric for fact in self._facts)

    @property
    def _facts(self) -> list[Fact]:
        asked = self.config.columns
        if asked is None:
            return [fact for fact in FACTS.values() if not fact.missing(self.columns)]
        if not asked:
            raise UserError(f"{WHO}.columns is empty, so that nothing would be told: name a fact or leave it out")
        if len(set(asked)) < len(asked):
            raise UserError(f"{WHO}.columns = {asked} names one twice: list each once")
        for name in asked:
            if missing := FACTS[name].missing(self.columns):
                raise UserError(
                    f"{WHO}: {name} needs {missing}, which table {self.table} does not have: drop it from columns, or "
                    "take a source that tells"
                )
        return [FACTS[name] for name in asked]
