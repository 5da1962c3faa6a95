"""The module `l2_volatility`: how much prices of the book move, from their values on grids or at every row."""

from collections.abc import Iterator, Mapping
from functools import cached_property

import attrs
import polars as pl

from basalt.config.filters import row_filter
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.modules import BucketModule, Grid, Part, states
from basalt_analytics.bars import value_before
from basalt_analytics.groups import Emission, derived, without_repeats
from basalt_analytics.l2.aggregations import row_value
from basalt_analytics.l2.book import Rules
from basalt_analytics.l2.microprice_series import prices
from basalt_analytics.l2.series import Series as Price
from basalt_analytics.volatility.measures import Series, estimates
from basalt_analytics.volatility.options import EVENT, L2VolatilityOptions, divided_bucket, grid_step
from basalt_analytics.volatility.ranges import RANGES, range_metric
from basalt_analytics.volatility.returns import of_events, sampled
from basalt_analytics.volatility.windows import window_steps, windowed


class L2Volatility(BucketModule):
    """How much the mid and other prices of the book move: realised variance and its kin, on grids or by events."""

    name = "l2_volatility"
    table = "l2"
    Config = L2VolatilityOptions
    config: L2VolatilityOptions

    def parts(self) -> list[Part]:
        """A part for each grid, and one of rows for events and for ranges of bars."""
        own = self.config
        for option in ("sources", "sampling", "measures"):
            if not getattr(own, option):
                raise UserError(f"l2_volatility: {option} is empty, so nothing is estimated: list a value")
        grids = [one for one in own.sampling if one != EVENT]
        if own.windows and not grids:
            raise UserError("l2_volatility: windows need a grid: name its step, as sampling = ['1s']")
        parts = [self._grid(sampling) for sampling in grids]
        parts += self._rows()
        without_repeats((f"l2_volatility.{p.reads}", m.name) for p in parts for m in p.metrics)
        return parts

    def _grid(self, sampling: str) -> Part:
        step = grid_step(sampling)
        assert step is not None
        key = "ListingId" if "ListingId" in self.columns else "InstrumentId"
        every = divided_bucket(step, sampling, self.rule, self.name)
        samples, emissions = dict[str, pl.Expr](), list[Emission]()
        for source in self.config.sources:
            samples[source] = self._price(source)
            returns = sampled(f"{source} {sampling}", source)
            series = Series(returns, sampling, step / 1e9, f"the {self._prices[source].words} every {sampling}")
            emissions += self._estimates(source, series)
            for window in self.config.windows:
                steps = window_steps(window, step, every, "l2_volatility")
                made = windowed(series, steps, window, self.config, f"{source}Vol{{}}".format, "l2_volatility", key)
                emissions += (self._marked(emission, source) for emission in made)
        age = None if self.config.max_age is None else parse_duration(self.config.max_age)
        reads = Grid(self.table, step, states(self.config.market_states), age)
        return Part(reads, tuple(e.metric for e in emissions), derived(emissions), samples=samples)

    def _rows(self) -> list[Part]:
        """Events and bars, in one aggregation; none where neither is asked for."""
        emissions = list[Emission]()
        for source in self.config.sources:
            row, before = f"{source} of the row", f"{source} before the row"
            derive = {row: self._price(source)}
            if EVENT in self.config.sampling:
                returns = of_events(source, pl.col(row))
                series = Series(returns, "", None, f"the {self._prices[source].words} at every row")
                emissions += (
                    Emission(e.group, e.metric, {**derive, **e.derive}) for e in self._estimates(source, series)
                )
            for measure in (m for m in self.config.measures if m in RANGES):
                metric = range_metric(
                    measure, source + measure, pl.col(row), pl.col(before), self._prices[source].words
                )
                emission = Emission("ranges", metric, {**derive, before: value_before(pl.col(row))})
                emissions.append(self._marked(emission, source))
        if not emissions:
            return []
        return [Part(self.reads, tuple(e.metric for e in emissions), derived(emissions))]

    def _estimates(self, source: str, series: Series) -> Iterator[Emission]:
        for measure in (m for m in self.config.measures if m not in RANGES):
            metrics = list(estimates(measure, series, self.config, f"{source}{measure}{{}}".format))
            for metric in metrics:
                yield self._marked(Emission(series.words, metric, dict(series.returns.derive)), source)

    def _marked(self, emission: Emission, source: str) -> Emission:
        """With the traits of the price it is of."""
        return attrs.evolve(emission, metric=attrs.evolve(emission.metric, traits=self._prices[source].traits))

    @cached_property
    def _prices(self) -> Mapping[str, Price]:
        return prices(self.name, self.config.microprice_table, self.config.sources)

    def _price(self, source: str) -> pl.Expr:
        """The price of a row, null where it is not valid."""
        value = row_value(self._prices[source], Rules(self.config.locked, self.config.crossed))
        where = self.config.where
        return value if where is None else pl.when(row_filter(where, self.columns, "l2_volatility.where")).then(value)
