"""Group `volatility`: how much trade prices move, from trade to trade or on a grid of last prices.

Returns are between trades of the same side that pass the group's filters, in the same stretch; a trade at a price of 0
or below has none.
"""

from collections.abc import Callable, Iterator

import attrs
import polars as pl

from basalt.config.spellings import Duration
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.modules import Grid, Part
from basalt.options import option
from basalt_analytics.bars import value_before
from basalt_analytics.groups import Emission, Template, derived, required
from basalt_analytics.trade.filters import all_of
from basalt_analytics.trade.populations import Population
from basalt_analytics.trade.selection import NAME_DOC, Group, SidedSelection, populations
from basalt_analytics.volatility.measures import Series, estimates
from basalt_analytics.volatility.options import EVENT, Estimation, Measure, Sampling, divided_bucket, grid_step
from basalt_analytics.volatility.ranges import RANGES, range_metric
from basalt_analytics.volatility.returns import of_events, sampled
from basalt_analytics.volatility.windows import window_steps, windowed


@attrs.frozen
class VolatilityGroup(SidedSelection, Estimation):
    """A group of `volatility`: every measure for every side, from one kind of returns."""

    sampling: Sampling = option("'event' for every trade, or a grid step that divides the bucket", default=EVENT)
    measures: list[Measure] = option("what is estimated", factory=lambda: ["RV", "Vol", "AnnVol"])
    max_age: Duration | None = option("a price older than this at its grid point is none", default=None)
    name: str = option(NAME_DOC, default="Trade{side}{measure}{grid}")


def volatility_of_rows(group: Group[VolatilityGroup]) -> Iterator[Emission]:
    """What is estimated from the trades themselves: of returns from trade to trade, and of the bucket's bar."""
    _check(group)
    measures = group.options.measures
    for side, population in populations(group):
        label = f"{side} trade, {group.label},"
        row, before = f"{label} price above 0", f"{label} price before"
        derive = {row: _price(population)}
        if group.options.sampling == EVENT:
            series = Series(
                of_events(label, pl.col(row)), "", None, f"prices from one to the next of {population.words}"
            )
            for emission in _estimates(group, side, series):
                yield attrs.evolve(emission, derive={**derive, **emission.derive})
        for measure in (m for m in measures if m in RANGES):
            name = _template(group).filled(side=side, measure=measure, grid="")
            metric = range_metric(measure, name, pl.col(row), pl.col(before), f"price of {population.words}")
            yield Emission(group.label, metric, {**derive, before: value_before(pl.col(row))})


def volatility_of_grids(group: Group[VolatilityGroup], table: str, valid: pl.Expr | None) -> Iterator[Part]:
    """What is estimated on a grid: nothing where the group samples events."""
    options, masked = group.options, attrs.evolve(group, mask=all_of(group.mask, group.filter()))
    step = grid_step(options.sampling)
    if step is None:
        return
    every = divided_bucket(step, options.sampling, group.trades.rule, group.label)
    samples, emissions = {}, list[Emission]()
    for side, population in populations(masked):
        sample = f"price of {side}"
        samples[sample] = _price(population)
        words = f"the last price of {population.words} every {options.sampling}"
        series = Series(sampled(f"{side} every {options.sampling}", sample), options.sampling, step / 1e9, words)
        emissions += _estimates(masked, side, series)
        for window in options.windows:
            steps = window_steps(window, step, every, group.label)
            emissions += windowed(series, steps, window, options, _named(group, side, "Vol"), group.label, "ListingId")
    age = None if options.max_age is None else parse_duration(options.max_age)
    if emissions:
        reads = Grid(table, step, group.states, age, memory="stretch")
        yield Part(reads, tuple(e.metric for e in emissions), derived(emissions), valid, samples=samples)


def _check(group: Group[VolatilityGroup]) -> None:
    options = group.options
    required({"measures": options.measures, "sides": options.sides}, group.label)
    if options.sampling == EVENT:
        for name in ("windows", "max_age"):
            if getattr(options, name):
                raise UserError(f"{group.label}: {name} needs a grid: name its step, as sampling = '1s'")
    if options.max_age is not None and parse_duration(options.max_age) < 0:
        raise UserError(
            f"{group.label}: max_age = {options.max_age!r} is negative, so no price counts: use '0s' or more"
        )


def _price(population: Population) -> pl.Expr:
    return population.of(pl.when(pl.col("Price") > 0).then(pl.col("Price")))


def _estimates(group: Group[VolatilityGroup], side: str, series: Series) -> Iterator[Emission]:
    for measure in (m for m in group.options.measures if m not in RANGES):
        for metric in list(estimates(measure, series, group.options, _named(group, side, measure))):
            yield Emission(group.label, metric, dict(series.returns.derive))


def _template(group: Group[VolatilityGroup]) -> Template:
    return group.template("side", "measure", "grid")


def _named(group: Group[VolatilityGroup], side: str, measure: str) -> Callable[[str], str]:
    """Column names of one measure and side, by what stands behind the measure's."""
    return lambda grid: _template(group).filled(side=side, measure=measure, grid=grid)
