"""The module `l2`: groups of options to metrics, all in one grouped aggregation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import polars as pl

from basalt.config.filters import row_filter
from basalt.errors import UserError
from basalt.modules import BucketModule, Part
from basalt.tables import depth
from basalt_analytics.bars import bar, value_before
from basalt_analytics.groups import Emission, Template, derived, required, without_repeats
from basalt_analytics.l2.aggregations import aggregated, row_value
from basalt_analytics.l2.book import Rules
from basalt_analytics.l2.options import BookGroup, ImbalanceGroup, L2Options, OhlcGroup, SpreadGroup
from basalt_analytics.l2.series import PRICES, SPREADS, Series, book_series, imbalance_series

DEFAULT_DEPTH = 10
FIELDS: Mapping[str, Mapping[str, str]] = {
    "book": {"side": "sides", "measure": "measures", "level": "levels"},
    "spreads": {"variant": "variants"},
    "imbalances": {"measure": "measures", "level": "levels"},
    "prices": {"source": "sources"},
}
SERIES: Mapping[str, Callable[..., Series]] = {
    "book": book_series,
    "spreads": lambda variant: SPREADS[variant],
    "imbalances": imbalance_series,
    "prices": lambda source: PRICES[source],
}


class L2(BucketModule):
    """The book by its rows: depth, spreads, imbalances, prices and their bars."""

    name = "l2"
    table = "l2"
    Config = L2Options
    config: L2Options

    def parts(self) -> list[Part]:
        """One part: no group has a filter of its own."""
        own = self.config
        groups: dict[str, Sequence[Any]] = {option: getattr(own, option) for option in FIELDS}
        if not own.ohlc and not any(groups.values()):
            groups = self._nothing_configured()
        emissions = [
            emission
            for option, configured in groups.items()
            for i, group in enumerate(configured)
            for emission in self._aggregated(option, group, f"l2.{option}[{i}]")
        ]
        emissions += [e for i, group in enumerate(own.ohlc) for e in self._bars(group, f"l2.ohlc[{i}]")]
        without_repeats((e.group, e.metric.name) for e in emissions)
        return [Part(self.reads, tuple(e.metric for e in emissions), derived(emissions), where=self.where())]

    def where(self) -> pl.Expr | None:
        """The option of that name."""
        where = self.config.where
        return None if where is None else row_filter(where, self.columns, "l2.where")

    @property
    def _rules(self) -> Rules:
        own = self.config
        return Rules(own.locked, own.crossed, own.empty_side == "zero")

    def _nothing_configured(self) -> dict[str, Sequence[Any]]:
        levels = self._levels(self.config.levels, "l2.levels")
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

    def _levels(self, configured: int | list[int] | None, label: str) -> list[int]:
        """1 … n or the list, by default as deep as the table goes; UserError for a level it does not have."""
        deepest = depth(self.columns)
        if configured is None:
            configured = min(DEFAULT_DEPTH, deepest)
        levels = list(range(1, configured + 1)) if isinstance(configured, int) else configured
        missing = [level for level in levels if not 1 <= level <= deepest]
        if missing or not levels:
            asked = f"level {missing[0]}" if missing else "no level"
            raise UserError(f"{label} asks for {asked}, but table l2 has the levels 1 to {deepest}: name some of these")
        return levels

    def _values(self, group: Any, option: str, label: str) -> Sequence[object]:
        if option == "levels":
            own = group.levels is not None
            return self._levels(group.levels if own else self.config.levels, f"{label}.levels" if own else "l2.levels")
        values: Sequence[object] = getattr(group, option)
        return values

    def _aggregated(self, option: str, group: Any, label: str) -> Iterator[Emission]:
        """The group's metrics: every combination of its lists, in every aggregation."""
        fields = FIELDS[option]
        lists = {name: self._values(group, name, label) for name in fields.values()}
        required({**lists, "aggregations": group.aggregations}, label)
        template = Template.checked(group.name, label, (*fields, "aggregation"))
        for combination in product(*lists.values()):
            tokens = dict(zip(fields, combination, strict=True))
            series = SERIES[option](**tokens)
            for aggregation in group.aggregations:
                name = template.filled(**tokens, aggregation="" if aggregation == "Last" else aggregation)
                yield aggregated(series, aggregation, name, label, self._rules)

    def _bars(self, group: OhlcGroup, label: str) -> Iterator[Emission]:
        required({"sources": group.sources}, label)
        text = group.name or ("{source}{ohlc}C" if group.open_mode == "prev_close" else "{source}{ohlc}")
        template = Template.checked(text, label, ("source", "ohlc"))
        for source in group.sources:
            yield from self._bar(group, label, PRICES[source], template)

    def _bar(self, group: OhlcGroup, label: str, series: Series, template: Template) -> Iterator[Emission]:
        row, before = f"{series.label} of the row", f"{series.label} before the row"
        derive = {row: row_value(series, self._rules)}
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
            yield Emission(label, metric, derive)
