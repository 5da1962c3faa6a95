"""The module `l2`: groups of options to metrics, all in one grouped aggregation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import polars as pl

from basalt.config.filters import row_filter
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.modules import BucketModule, Part
from basalt_analytics.bars import bar, value_before
from basalt_analytics.groups import Emission, Template, derived, required, without_repeats
from basalt_analytics.l2.aggregations import aggregated, row_columns, row_of
from basalt_analytics.l2.book import Rules
from basalt_analytics.l2.configured import FIELDS, Levels, columns
from basalt_analytics.l2.counts import count_emissions
from basalt_analytics.l2.flow import flow_emissions
from basalt_analytics.l2.microprice_series import prices
from basalt_analytics.l2.options import BookGroup, ImbalanceGroup, L2Options, OhlcGroup, SpreadGroup
from basalt_analytics.l2.series import Series

AGGREGATED = (*FIELDS, "liquidity")
GROUPS = (*AGGREGATED, "ohlc", "flow", "counts")


class L2(BucketModule):
    """The book by its rows: depth, spreads, imbalances, prices and their bars, cost and shape, order flow."""

    name = "l2"
    table = "l2"
    Config = L2Options
    config: L2Options

    def parts(self) -> list[Part]:
        """One part: no group has a filter of its own."""
        groups: dict[str, Sequence[Any]] = {option: getattr(self.config, option) for option in GROUPS}
        if not any(groups.values()):
            groups = self._nothing_configured()
        priced = self._prices
        emissions = [
            emission
            for option, configured in groups.items()
            for i, group in enumerate(configured)
            for emission in self._emissions(option, group, f"l2.{option}[{i}]", priced)
        ]
        without_repeats((e.group, e.metric.name) for e in emissions)
        return [Part(self.reads, tuple(e.metric for e in emissions), derived(emissions), where=self.where())]

    def where(self) -> pl.Expr | None:
        """The option of that name."""
        where = self.config.where
        return None if where is None else row_filter(where, self.columns, "l2.where")

    @property
    def _max_age(self) -> int | None:
        given = self.config.max_age
        age = None if given is None else parse_duration(given)
        if age is not None and age < 0:
            raise UserError(f"l2.max_age = {given!r} is negative, so no row counts: use '0s' or more")
        return age

    @property
    def _rules(self) -> Rules:
        own = self.config
        return Rules(own.locked, own.crossed, own.empty_side == "zero")

    @property
    def _levels(self) -> Levels:
        return Levels(self.name, self.table, self.config.levels, self.columns)

    @property
    def _prices(self) -> Mapping[str, Series]:
        own = self.config
        asked = [source for lists in (own.prices, own.ohlc) for group in lists for source in group.sources]
        return prices(self.name, own.microprice_table, asked)

    def _nothing_configured(self) -> dict[str, Sequence[Any]]:
        levels = self._levels.of_module()
        counted = all(f"{side}NumOrders{i}" in self.columns for side in ("Bid", "Ask") for i in levels)
        book = BookGroup(
            measures=["Price", "Quantity", "NumOrders", "CumQuantity", "CumOrders"]
            if counted
            else ["Price", "Quantity", "CumQuantity"]
        )
        return {
            "book": [book],
            "spreads": [SpreadGroup(variants=["Bps"])],
            "imbalances": [ImbalanceGroup(measures=["CumQuantity"])],
        }

    def _emissions(self, option: str, group: Any, label: str, priced: Mapping[str, Series]) -> Iterator[Emission]:
        match option:
            case "ohlc":
                yield from self._bars(group, label, priced)
            case "flow":
                required({"measures": group.measures}, label)
                yield from flow_emissions(group, self._levels.of(group, label), label)
            case "counts":
                required({"measures": group.measures}, label)
                yield from count_emissions(group, self._rules, self._levels.deepest, label)
            case _:
                for column in columns(option, group, label, self._levels, priced):
                    yield aggregated(column.series, column.aggregation, column.name, label, self._rules, self._max_age)

    def _bars(self, group: OhlcGroup, label: str, priced: Mapping[str, Series]) -> Iterator[Emission]:
        required({"sources": group.sources}, label)
        text = group.name or ("{source}{ohlc}C" if group.open_mode == "prev_close" else "{source}{ohlc}")
        template = Template.checked(text, label, ("source", "ohlc"))
        for source in group.sources:
            yield from self._bar(group, label, priced[source], template)

    def _bar(self, group: OhlcGroup, label: str, series: Series, template: Template) -> Iterator[Emission]:
        row, before = row_of(series), f"{series.label} before the row"
        derive = row_columns(series, self._rules)
        if group.open_mode == "prev_close":
            derive[before] = value_before(pl.col(row))
        metrics = bar(
            group.open_mode,
            pl.col(row),
            pl.col(before),
            lambda edge: template.filled(source=series.label, ohlc=edge),
            series.words,
            series.formula,
        )
        for metric in metrics.values():
            yield Emission(label, attrs.evolve(metric, traits=series.traits), derive)
