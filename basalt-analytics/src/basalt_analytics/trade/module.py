"""The module `trade`: gathers what its groups emit, in as few parts as their frames and filters allow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import polars as pl

from basalt.modules import BucketModule, Part, Rows, States, states
from basalt_analytics.groups import Emission, count_metric, derived, without_repeats
from basalt_analytics.trade.change import change
from basalt_analytics.trade.discrepancy import discrepancy
from basalt_analytics.trade.filters import all_of, valid
from basalt_analytics.trade.flags import flags
from basalt_analytics.trade.generic import GenericGroup, generic
from basalt_analytics.trade.imbalance import imbalance
from basalt_analytics.trade.options import TradeOptions
from basalt_analytics.trade.placement import placement
from basalt_analytics.trade.selection import Group, Trades, published
from basalt_analytics.trade.tca import tca
from basalt_analytics.trade.twap import twap
from basalt_analytics.trade.volatility import volatility_of_grids, volatility_of_rows

NOTHING_CONFIGURED = GenericGroup(measures=["Volume", "Count", "VWAP", "OHLC"])
KINDS: Mapping[str, Callable[[Group[Any]], Iterator[Emission]]] = {
    "generic": generic,
    "imbalance": imbalance,
    "flags": flags,
    "discrepancy": discrepancy,
    "change": change,
    "placement": placement,
    "volatility": volatility_of_rows,
    "tca": tca,
}
TIMED: Mapping[str, Callable[[Group[Any], str, pl.Expr | None], Iterator[Part]]] = {
    "twap": twap,
    "volatility": volatility_of_grids,
}
"""Groups by kind: what each emits of rows, and the parts of its own on frames of time."""


class Trade(BucketModule):
    """What traded and what it cost: volumes, prices, bars, imbalances, flags, waiting times, spreads and markouts."""

    name = "trade"
    table = "trades"
    Config = TradeOptions
    config: TradeOptions

    def valid(self) -> pl.Expr:
        """Rows whose price and size can be a trade's."""
        return valid(self.config.allow_nonpositive_prices)

    def parts(self) -> list[Part]:
        """One part of rows for each list of market states, those of frames of time, and one that counts invalid trades
        before any filter."""
        groups = self._groups()
        by_states: dict[States, list[tuple[str, Group[Any]]]] = {}
        for kind, group in groups:
            if kind in KINDS:
                by_states.setdefault(group.states, []).append((kind, group))
        selected = [(states_, *self._selected(some)) for states_, some in by_states.items()]
        timed = [(group.label, part) for kind, group in groups if kind in TIMED for part in self._timed(kind, group)]
        claims = [(e.group, e.metric.name) for *_, emissions in selected for e in emissions]
        without_repeats([*claims, *((label, metric.name) for label, part in timed for metric in part.metrics)])
        return [*(self._part(*one) for one in selected if one[-1]), *(part for _, part in timed), self._invalid()]

    def _groups(self) -> list[tuple[str, Group[Any]]]:
        """The configured groups, each with its kind."""
        found = [
            (kind, i, options)
            for kind in dict.fromkeys((*KINDS, *TIMED))
            for i, options in enumerate(self.config.groups(kind))
        ]
        found = found or [("generic", 0, NOTHING_CONFIGURED)]
        return [(kind, self._group(f"trade.{kind}[{i}]", options)) for kind, i, options in found]

    def _group(self, label: str, options: Any) -> Group[Any]:
        own = self.config
        return Group(
            label,
            options,
            Trades(self.columns, self.known_after, own.allow_nonpositive_prices, self.rule),
            states(own.market_states if options.market_states is None else options.market_states),
            own.trade_types if options.trade_types is None else options.trade_types,
            own.where if options.where is None else options.where,
        )

    def _selected(self, groups: Sequence[tuple[str, Group[Any]]]) -> tuple[pl.Expr | None, list[Emission]]:
        """The row filter that all groups share, and what they emit; other filters are masks of their metrics."""
        first = groups[0][1]
        types_shared = all(g.trade_types == first.trade_types for _, g in groups)
        where_shared = all(g.where == first.where for _, g in groups)
        emissions: list[Emission] = []
        for kind, group in groups:
            mask = group.filter(types=not types_shared, where=not where_shared)
            emissions += KINDS[kind](attrs.evolve(group, mask=mask))
        return all_of(published(self.config), first.filter(types=types_shared, where=where_shared)), emissions

    def _timed(self, kind: str, group: Group[Any]) -> Iterator[Part]:
        return TIMED[kind](attrs.evolve(group, mask=published(self.config)), self.table, self.valid())

    def _part(self, states_: States, where: pl.Expr | None, emissions: Sequence[Emission]) -> Part:
        metrics = tuple(e.metric for e in emissions)
        return Part(Rows(self.table, states_), metrics, derived(emissions), self.valid(), where)

    def _invalid(self) -> Part:
        metric = count_metric(
            "TradeInvalidCount",
            (~self.valid().fill_null(False)).sum().cast(pl.Int64),
            "Trades dropped for a missing, infinite or non-positive price or size, before any state or filter.",
            "n of invalid trades",
            "trades are dropped for a price or size that no trade can have",
        )
        return Part(Rows(self.table, "any"), (metric,), makes_buckets=False)
