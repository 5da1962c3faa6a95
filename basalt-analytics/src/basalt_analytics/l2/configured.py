"""What the groups of `l2` and `l2tw` ask for: series, the aggregations of each, and the names of the columns."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import attrs
import polars as pl

from basalt.errors import UserError
from basalt.tables import depth
from basalt_analytics.groups import Template, required
from basalt_analytics.l2.liquidity import FIELDS as LIQUIDITY_FIELDS
from basalt_analytics.l2.liquidity import Sized, check, liquidity_series
from basalt_analytics.l2.series import SPREADS, Series, book_series, imbalance_series

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
}


@attrs.frozen(eq=False)
class Column:
    """One aggregation of one series, the label of the group that asks for it, and the column's name."""

    group: str
    series: Series
    aggregation: str
    name: str


@attrs.frozen(eq=False)
class Levels:
    """The levels a module is asked for, and those its table has."""

    module: str
    table: str
    configured: int | list[int] | None
    columns: Mapping[str, pl.DataType]

    @property
    def deepest(self) -> int:
        """The deepest level of the table."""
        return depth(self.columns)

    def of_module(self) -> list[int]:
        """The module's own option."""
        return self._checked(self.configured, f"{self.module}.levels")

    def of(self, group: Any, label: str) -> list[int]:
        """The group's, by default the module's; UserError for a level the table does not have."""
        return self.of_module() if group.levels is None else self._checked(group.levels, f"{label}.levels")

    def _checked(self, configured: int | list[int] | None, label: str) -> list[int]:
        """1 … n or the list, by default as deep as the table goes."""
        if configured is None:
            configured = min(DEFAULT_DEPTH, self.deepest)
        levels = list(range(1, configured + 1)) if isinstance(configured, int) else configured
        missing = [level for level in levels if not 1 <= level <= self.deepest]
        if missing or not levels:
            asked = f"level {missing[0]}" if missing else "no level"
            raise UserError(
                f"{label} asks for {asked}, but table {self.table} has the levels 1 to {self.deepest}: name some of "
                "these"
            )
        return levels


def columns(option: str, group: Any, label: str, levels: Levels, prices: Mapping[str, Series]) -> Iterator[Column]:
    """The group's columns: every combination of its lists, in every aggregation. `prices`: the series by source."""
    if option == "liquidity":
        yield from _liquidity(group, label, levels)
        return
    for tokens, template in combinations(FIELDS[option], group, label, levels):
        series = prices[tokens["source"]] if option == "prices" else SERIES[option](**tokens)
        yield from aggregations(series, group, template, tokens, label)


def combinations(
    fields: Mapping[str, str], group: Any, label: str, levels: Levels
) -> Iterator[tuple[Mapping[str, Any], Template]]:
    """Every combination of the group's lists by the field of its names, and their template."""
    lists = {name: levels.of(group, label) if name == "levels" else getattr(group, name) for name in fields.values()}
    required({**lists, "aggregations": group.aggregations}, label)
    template = Template.checked(group.name, label, (*fields, "aggregation"))
    for combination in product(*lists.values()):
        yield dict(zip(fields, combination, strict=True)), template


def _liquidity(group: Any, label: str, levels: Levels) -> Iterator[Column]:
    required({"measures": group.measures, "aggregations": group.aggregations}, label)
    check(group, label)
    own = levels.of(group, label)
    visible = levels.deepest if group.levels is None else max(own)
    for name, tokens, series in liquidity_series(Sized(group, own, max(own), visible)):
        template = Template.checked(group.name or name, label, LIQUIDITY_FIELDS)
        yield from aggregations(series, group, template, tokens, label)


def aggregations(
    series: Series, group: Any, template: Template, tokens: Mapping[str, Any], label: str
) -> Iterator[Column]:
    """The series in each of the group's aggregations; "Last" adds nothing to a name."""
    for aggregation in group.aggregations:
        token = "" if aggregation == "Last" else aggregation
        yield Column(label, series, aggregation, template.filled(**{**tokens, "aggregation": token}))
