"""The module `execution`: executions of order events and of trades side by side."""

from collections.abc import Iterator

import polars as pl

from basalt.errors import UserError
from basalt.modules import BucketModule, Part, Rows, states
from basalt_analytics.execution import book, prints
from basalt_analytics.execution.options import ExecutionOptions
from basalt_analytics.groups import Emission, derived, without_repeats
from basalt_analytics.trade.filters import valid


class Execution(BucketModule):
    """What traded, from the book's side (l3) and from the prints' side (trades), in the buckets that either has.

    Groups of `book` read l3 and those of `trades` read trades, so that their volumes can be held against each other.
    """

    name = "execution"
    table = "l3"
    further = ("trades",)
    Config = ExecutionOptions
    config: ExecutionOptions

    def parts(self) -> list[Part]:
        """One of each table that something reads."""
        of_book, of_prints = list(self._of_book()), list(self._of_prints())
        emissions = [*of_book, *of_prints]
        if not emissions:
            raise UserError("execution emits nothing: book, trades and imbalance are empty, so name a group in one")
        without_repeats((e.group, e.metric.name) for e in emissions)
        found = [self._part("l3", of_book, None), self._part("trades", of_prints, valid(False))]
        return [part for part in found if part.metrics]

    def _of_book(self) -> Iterator[Emission]:
        for i, group in enumerate(self.config.book):
            yield from book.book(group, f"execution.book[{i}]")
        if "l3" in self.config.imbalances:
            yield book.imbalance()

    def _of_prints(self) -> Iterator[Emission]:
        for i, group in enumerate(self.config.trades):
            yield from prints.prints(group, f"execution.trades[{i}]")
        if "trades" in self.config.imbalances:
            yield prints.imbalance()

    def _part(self, table: str, emissions: list[Emission], valid_: pl.Expr | None) -> Part:
        metrics = tuple(e.metric for e in emissions)
        return Part(Rows(table, states(self.config.market_states)), metrics, derived(emissions), valid_)
