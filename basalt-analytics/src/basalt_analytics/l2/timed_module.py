"""The module `l2tw`: the series of `l2`, weighed by how long each value was in force."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from basalt.config.filters import row_filter
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.modules import BucketModule, Intervals, Part, states
from basalt_analytics.groups import Emission, Template, derived, required, without_repeats
from basalt_analytics.l2.book import Rules
from basalt_analytics.l2.configured import FIELDS, Column, Levels, aggregations, columns, combinations
from basalt_analytics.l2.liquidity import plain
from basalt_analytics.l2.microprice_series import prices
from basalt_analytics.l2.series import SPREADS, Series, imbalance_series
from basalt_analytics.l2.time_weights import (
    coverage,
    imbalance_of,
    seconds_behind,
    spread_over_mid,
    state_share,
    timed,
    touch_size_share,
)
from basalt_analytics.l2.timed_options import L2TwOptions, TimedBookGroup, TimedPriceGroup, TimedSpreadGroup

GROUPS = ("book", "spreads", "imbalances", "prices", "liquidity", "shares", "touch_sizes")
IMBALANCE_FIELDS = {"kind": "kinds", **FIELDS["imbalances"]}


class L2Tw(BucketModule):
    """The book by time: averages, extremes and medians of its series over the time that each value was in force."""

    name = "l2tw"
    table = "l2"
    Config = L2TwOptions
    config: L2TwOptions

    def parts(self) -> list[Part]:
        """One part, over pieces of time."""
        groups: dict[str, Sequence[Any]] = {option: getattr(self.config, option) for option in GROUPS}
        if not any(groups.values()):
            groups = _nothing_configured()
        priced = self._prices
        emissions = coverage(self._rules, "l2tw")
        for option, configured in groups.items():
            for i, group in enumerate(configured):
                emissions += self._emissions(option, group, f"l2tw.{option}[{i}]", priced)
        without_repeats((e.group, e.metric.name) for e in emissions)
        return [Part(self._pieces, tuple(e.metric for e in emissions), derived(emissions))]

    @property
    def _pieces(self) -> Intervals:
        age = None if self.config.max_age is None else parse_duration(self.config.max_age)
        if age is not None and age <= 0:
            raise UserError(
                f"l2tw.max_age = {self.config.max_age!r} leaves no row in force: give a time above 0, as '30s'"
            )
        return Intervals(self.table, states(self.config.market_states), age)

    @property
    def _rules(self) -> Rules:
        """With `where`, and with depth 0 for a side that is missing, of pieces that have a row: others have no book."""
        own = self.config
        zero, is_there = own.empty_side == "zero", pl.col("EventTimestamp").is_not_null()
        if own.where is None:
            return Rules(own.locked, own.crossed, zero, is_there if zero else None)
        return Rules(own.locked, own.crossed, zero, is_there & row_filter(own.where, self.columns, "l2tw.where"))

    @property
    def _levels(self) -> Levels:
        return Levels(self.name, self.table, self.config.levels, self.columns)

    @property
    def _prices(self) -> Mapping[str, Series]:
        asked = [source for group in self.config.prices for source in group.sources]
        return prices(self.name, self.config.microprice_table, asked)

    def _emissions(self, option: str, group: Any, label: str, priced: Mapping[str, Series]) -> Iterator[Emission]:
        match option:
            case "shares":
                yield from self._shares(group, label)
            case "touch_sizes":
                yield from self._touch_sizes(group, label)
            case "spreads":
                yield from self._spreads(group, label)
            case "imbalances":
                yield from self._imbalances(group, label)
            case _:
                yield from self._timed(columns(option, group, label, self._levels, priced))

    def _timed(self, asked: Iterator[Column]) -> Iterator[Emission]:
        for column in asked:
            emission = timed(column.series, column.aggregation, column.name, column.group, self._rules)
            yield emission
            if self.config.coverage == "each" and column.aggregation == "TWA":
                yield seconds_behind(emission, column.series, self._rules)

    def _spreads(self, group: TimedSpreadGroup, label: str) -> Iterator[Emission]:
        for tokens, template in combinations(FIELDS["spreads"], group, label, self._levels):
            variant = tokens["variant"]
            if variant in SPREADS:
                yield from self._timed(aggregations(SPREADS[variant], group, template, tokens, label))
            else:
                _only_averages(variant, group, label)
                yield spread_over_mid(template.filled(variant=variant, aggregation=""), label, self._rules)

    def _imbalances(self, group: Any, label: str) -> Iterator[Emission]:
        for tokens, template in combinations(IMBALANCE_FIELDS, group, label, self._levels):
            measure, level = tokens["measure"], tokens["level"]
            if tokens["kind"] == "Imbalance":
                series = imbalance_series(measure, level)
                yield from self._timed(aggregations(series, group, template, tokens, label))
            else:
                _only_averages(tokens["kind"], group, label)
                name = template.filled(**tokens, aggregation="TWA")
                yield imbalance_of(measure, level, name, label, self._rules)

    def _shares(self, group: Any, label: str) -> Iterator[Emission]:
        required({"states": group.states}, label)
        template = Template.checked(group.name, label, ("state",))
        for state in group.states:
            yield state_share(state, template.filled(state=state), label, self._rules)

    def _touch_sizes(self, group: Any, label: str) -> Iterator[Emission]:
        required({"above": group.above, "sides": group.sides}, label)
        if not all(size > 0 for size in group.above):
            raise UserError(f"{label}: above = {group.above} has a size that is not above 0: give positive numbers")
        template = Template.checked(group.name, label, ("side", "above"))
        for side in group.sides:
            for size in group.above:
                name = template.filled(side=side, above=plain(size))
                yield touch_size_share(side, size, plain(size), name, label, self._rules)


def _only_averages(what: str, group: Any, label: str) -> None:
    """A ratio of averages is no series, so that nothing else can be made of it."""
    other = [a for a in group.aggregations if a != "TWA"]
    if other:
        raise UserError(
            f"{label}: {what} is a ratio of averages and has no {other[0]}: put it in a group of its own with "
            "aggregations = ['TWA']"
        )


def _nothing_configured() -> dict[str, Sequence[Any]]:
    return {
        "book": [TimedBookGroup(measures=["Price", "Quantity"])],
        "spreads": [TimedSpreadGroup(variants=["Abs", "Bps"])],
        "prices": [TimedPriceGroup(sources=["Mid"])],
    }
