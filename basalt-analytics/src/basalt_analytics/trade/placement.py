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
from basalt_analytics.trade.prices import above
from basalt_analytics.trade.selection import NAME_DOC, Group, SidedSelection, populations


@attrs.frozen
class PlacementGroup(SidedSelection):
    """A group of `placement`: one column a side."""

    clip: bool = option("whether a trade outside the quote counts as one at it", default=True)
    name: str = option(NAME_DOC, default="Trade{side}PricePlacement")


def placement(group: Group[PlacementGroup]) -> Iterator[Emission]:
    """Share-weighted place between bid (−1) and ask (+1), over trades whose ask was above the bid."""
    options = group.options
    required({"sides": options.sides}, group.label)
    for column in ("BidPrice", "AskPrice"):
        group.trades.needed(column, f"{group.label}: PricePlacement", QUOTES)
    template = group.template("side")
    bid, ask = group.trades.price("BidPrice"), group.trades.price("AskPrice")
    place = pl.when(above(ask, bid)).then(2 * (pl.col("Price") - bid) / (ask - bid) - 1)
    column = f"place in the quote{', clipped' if options.clip else ''}"
    derive = {column: place.clip(-1, 1) if options.clip else place}
    outside = "one outside the quote counts as one at it" if options.clip else "one far outside it weighs far"
    for side, population in populations(group):
        weight = weights("Share", column, population)
        made = Metric(
            template.filled(side=side),
            weighted_mean("Share", column, population),
            Unit.RATIO,
            doc=f"Average place of {population.words} between bid (−1) and ask (+1), weighted by shares; {outside}.",
            over_time=mean(weight),
            over_listings=mean(weight),
            formula="Σ q·z / Σ q, z = 2(P − B) / (A − B) − 1" + (" in [−1, 1]" if options.clip else "") + ", A > B",
            sign="+ when trades print nearer to the ask",
        )
        yield Emission(group.label, made, derive)
