"""Group `placement`: where between bid and ask trades print."""

from collections.abc import Iterator

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import Metric, mean
from basalt.options import option
from basalt_analytics.groups import Emission, required
from basalt_analytics.trade.aggregations import weighted_mean, weights
from basalt_analytics.trade.discrepancy import QUOTES
from basalt_analytics.trade.populations import Population
from basalt_analytics.trade.prices import above, known_price
from basalt_analytics.trade.selection import NAME_DOC, Group, SidedSelection, populations


@attrs.frozen
class PlacementGroup(SidedSelection):
    """A group of `placement`: one column a side."""

    clip: bool = option("whether a trade outside the quote counts as one at it", default=True)
    name: str = option(NAME_DOC, default="Trade{side}PricePlacement")


@attrs.frozen
class Placing:
    """Where between bid (−1) and ask (+1) a trade prints, null unless the ask is above the bid; `clip`: one outside
    counts as one at it."""

    clip: bool
    allow_nonpositive: bool

    @property
    def column(self) -> str:
        """The derived column that holds it."""
        return f"place in the quote{', clipped' if self.clip else ''}"

    @property
    def derive(self) -> dict[str, pl.Expr]:
        """That column."""
        bid, ask = (known_price(name, self.allow_nonpositive) for name in ("BidPrice", "AskPrice"))
        place = pl.when(above(ask, bid)).then(2 * (pl.col("Price") - bid) / (ask - bid) - 1)
        return {self.column: place.clip(-1, 1) if self.clip else place}

    def weight(self, population: Population) -> pl.Expr:
        """Shares of the population's trades that have a place."""
        return weights("Share", self.column, population)

    def metric(self, name: str, population: Population) -> Metric:
        """The population's place, weighted by shares."""
        outside = "one outside the quote counts as one at it" if self.clip else "one far outside it weighs far"
        weight = self.weight(population)
        return Metric(
            name,
            weighted_mean("Share", self.column, population),
            Unit.RATIO,
            doc=f"Average place of {population.words} between bid (−1) and ask (+1), weighted by shares; {outside}.",
            over_time=mean(weight),
            over_listings=mean(weight),
            formula="Σ q·z / Σ q, z = 2(P − B) / (A − B) − 1" + (" in [−1, 1]" if self.clip else "") + ", A > B",
            sign="+ when trades print nearer to the ask",
        )


def placement(group: Group[PlacementGroup]) -> Iterator[Emission]:
    """Share-weighted place between bid (−1) and ask (+1), over trades whose ask was above the bid."""
    options = group.options
    required({"sides": options.sides}, group.label)
    for column in ("BidPrice", "AskPrice"):
        group.trades.needed(column, f"{group.label}: PricePlacement", QUOTES)
    template = group.template("side")
    placing = Placing(options.clip, group.trades.allow_nonpositive_prices)
    for side, population in populations(group):
        yield Emission(group.label, placing.metric(template.filled(side=side), population), placing.derive)
