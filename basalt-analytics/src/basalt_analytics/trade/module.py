"""The module `trade`: groups of options to metrics, in as few parts as their filters allow."""

from collections.abc import Iterator, Sequence

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.filters import row_filter
from basalt.errors import UserError
from basalt.metrics import SUM, Empty, Metric
from basalt.modules import BucketModule, Part, Rows, States, states
from basalt_analytics.bars import EDGES, bar, value_before
from basalt_analytics.groups import Emission, Template, derived, required, without_repeats
from basalt_analytics.trade.filters import all_of, of_types, published_within, valid
from basalt_analytics.trade.measures import MEASURES, PAID, SIDES, Population
from basalt_analytics.trade.options import GenericGroup, TradeOptions

NOTHING_CONFIGURED = [GenericGroup(measures=["Volume", "Count", "VWAP", "OHLC"])]


@attrs.frozen(eq=False)
class Group:
    """A configured group, the module's options filled in where it has none of its own."""

    label: str
    options: GenericGroup
    states: States
    trade_types: Sequence[str] | None
    where: str | None

    @property
    def measures(self) -> list[str]:
        """The measures, OHLC as its four edges."""
        return [m for measure in self.options.measures for m in (EDGES if measure == "OHLC" else (measure,))]


class Trade(BucketModule):
    """What traded: volumes, counts, prices and bars, of all trades or by the side that started them."""

    name = "trade"
    table = "trades"
    Config = TradeOptions
    config: TradeOptions

    def valid(self) -> pl.Expr:
        """Rows whose price and size can be a trade's."""
        return valid(self.config.allow_nonpositive_prices)

    def parts(self) -> list[Part]:
        """One part for each list of market states, and one that counts invalid trades before any filter."""
        by_states: dict[States, list[Group]] = {}
        for group in self._groups():
            by_states.setdefault(group.states, []).append(group)
        selected = [(states_, *self._selected(groups)) for states_, groups in by_states.items()]
        without_repeats(((e.group, e.metric.name) for *_, emissions in selected for e in emissions))
        return [*(self._part(*one) for one in selected), self._invalid()]

    def _groups(self) -> list[Group]:
        return [self._group(f"trade.generic[{i}]", g) for i, g in enumerate(self.config.generic or NOTHING_CONFIGURED)]

    def _group(self, label: str, options: GenericGroup) -> Group:
        required({"measures": options.measures, "sides": options.sides}, label)
        own = self.config
        group = Group(
            label,
            options,
            states(own.market_states if options.market_states is None else options.market_states),
            own.trade_types if options.trade_types is None else options.trade_types,
            own.where if options.where is None else options.where,
        )
        if options.open_mode == "prev_close" and "Close" not in group.measures and set(EDGES) & set(group.measures):
            raise UserError(
                f"{label}: open_mode = 'prev_close' carries closes into empty buckets: add 'Close' or 'OHLC'"
            )
        return group

    def _selected(self, groups: Sequence[Group]) -> tuple[pl.Expr | None, list[Emission]]:
        """The row filter that all groups share, and what they emit; other filters are masks of their metrics."""
        first = groups[0]
        types_shared = all(g.trade_types == first.trade_types for g in groups)
        where_shared = all(g.where == first.where for g in groups)
        shared = all_of(
            self._published(),
            self._types(first) if types_shared else None,
            self._where(first) if where_shared else None,
        )
        emissions: list[Emission] = []
        for group in groups:
            types = None if types_shared else self._types(group)
            where = None if where_shared else self._where(group)
            emissions += self._emissions(group, all_of(types, where))
        return shared, emissions

    def _published(self) -> pl.Expr | None:
        delay = self.config.max_publication_delay
        return None if delay is None else published_within(delay)

    def _types(self, group: Group) -> pl.Expr | None:
        return None if group.trade_types is None else of_types(group.trade_types)

    def _where(self, group: Group) -> pl.Expr | None:
        place = "trade.where" if group.options.where is None else f"{group.label}.where"
        return None if group.where is None else row_filter(group.where, self.columns, place)

    def _emissions(self, group: Group, mask: pl.Expr | None) -> Iterator[Emission]:
        template = Template.checked(group.options.name, group.label, ("side", "measure"))
        for side in group.options.sides:
            side_mask, words = SIDES[side]
            population = Population(all_of(mask, side_mask), words)
            bars = _bars(group, side, population, template)
            for measure in group.measures:
                name = template.filled(side=side, measure=measure)
                if measure in EDGES:
                    yield bars[measure]
                else:
                    yield Emission(group.label, MEASURES[measure].metric(name, population))

    def _part(self, states_: States, where: pl.Expr | None, emissions: Sequence[Emission]) -> Part:
        metrics = tuple(e.metric for e in emissions)
        return Part(Rows(self.table, states_), metrics, derived(emissions), self.valid(), where)

    def _invalid(self) -> Part:
        metric = Metric(
            "TradeInvalidCount",
            (~self.valid().fill_null(False)).sum().cast(pl.Int64),
            Unit.COUNT,
            doc="Trades dropped for a missing, infinite or non-positive price or size, before any state or filter.",
            dtype=pl.Int64,
            over_time=SUM,
            over_listings=SUM,
            empty=Empty.ZERO,
            formula="n of invalid trades",
        )
        return Part(Rows(self.table, "any"), (metric,), makes_buckets=False)


def _bars(group: Group, side: str, population: Population, template: Template) -> dict[str, Emission]:
    """Open, High, Low and Close of the population, by edge."""
    before = f"{side} price before the row, {group.label}"
    metrics = bar(
        group.options.open_mode,
        population.price,
        pl.col(before),
        lambda edge: template.filled(side=side, measure=edge),
        f"price of {population.words}",
        "P",
    )
    derive = {before: value_before(population.price)} if group.options.open_mode == "prev_close" else {}
    return {edge: Emission(group.label, attrs.evolve(m, sign=PAID), derive) for edge, m in metrics.items()}
