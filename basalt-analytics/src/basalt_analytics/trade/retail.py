"""The module `retail_imbalance`: what retail orders bought and sold, by the feed's flag or by fractions of a cent.

*Reported* trades are those of which the rule can tell whether they are retail: by the flag those on which it is there,
by fractions of a cent all of them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import SUM, Empty, Metric, mean, ratio
from basalt.modules import BucketModule
from basalt.options import option
from basalt_analytics.groups import required
from basalt_analytics.trade.filters import all_of, valid
from basalt_analytics.trade.imbalance import one_sided
from basalt_analytics.trade.measures import MEASURES, Measure
from basalt_analytics.trade.populations import Population
from basalt_analytics.trade.selection import ModuleSelection, module_filter

RetailMeasure = Literal["Volume", "Notional", "Count", "NotionalEUR"]
RETAIL, SIDE = "whether the trade is retail", "side of the retail order"


@attrs.frozen
class RetailOptions(ModuleSelection):
    """Options of `retail_imbalance`. Nothing configured: volume and value, by the feed's flag."""

    rule: Literal["flag", "subpenny"] = option(
        "how retail trades are told: by IsRetail and AggressorSide, or as off-book prints at fractions of a cent",
        default="flag",
    )
    measures: list[RetailMeasure] = option("what is compared", factory=lambda: ["Volume", "Notional"])


@attrs.frozen(eq=False)
class Rule:
    """How retail trades are told: row expressions of whether (null: not reported) and of which side, and the source."""

    retail: pl.Expr
    side: pl.Expr
    citation: str | None = None
    traits: frozenset[str] = frozenset()


_PLACE = (100 * pl.col("Price") % 1).round(6)  # of the price between two cents
_SOLD = _PLACE.is_between(0, 0.4, closed="none")
_BOUGHT = _PLACE.is_between(0.6, 1, closed="none")
RULES: Mapping[str, Rule] = {
    "flag": Rule(pl.col("IsRetail"), pl.col("AggressorSide").cast(pl.String)),
    "subpenny": Rule(
        (_SOLD | _BOUGHT) & (pl.col("TradeType") == "OffBook").fill_null(False),
        pl.when(_BOUGHT).then(pl.lit("Buy")).when(_SOLD).then(pl.lit("Sell")),
        "Boehmer, Jones, Zhang & Zhang 2021",
        frozenset(("scale_dependent",)),
    ),
}


class RetailImbalance(BucketModule):
    """Retail orders: bought less sold, their share of trading, and what is of unknown side."""

    name = "retail_imbalance"
    table = "trades"
    Config = RetailOptions
    config: RetailOptions

    def valid(self) -> pl.Expr:
        """Rows whose price and size can be a trade's."""
        return valid(allow_nonpositive_prices=False)

    def where(self) -> pl.Expr | None:
        """The configured filters."""
        return module_filter(self.config, self.columns, self.name)

    def derive(self) -> Mapping[str, pl.Expr]:
        """Whether each trade is retail, and of which side."""
        rule = RULES[self.config.rule]
        return {RETAIL: rule.retail, SIDE: rule.side}

    def metrics(self) -> Iterator[Metric]:
        """Three columns a measure."""
        required({"measures": self.config.measures}, self.name)
        rule = RULES[self.config.rule]
        for measure in self.config.measures:
            for metric in _of(measure, MEASURES[measure]):
                yield attrs.evolve(metric, citation=rule.citation, traits=rule.traits)


def _retail(side: pl.Expr | None = None) -> Population:
    return Population(all_of(pl.col(RETAIL), side), "retail trades")


def _of(name: str, measure: Measure) -> Iterator[Metric]:
    total: Callable[[Population], pl.Expr] = measure.expr
    buy, sell = (total(_retail(pl.col(SIDE) == side)) for side in ("Buy", "Sell"))
    doc = f"{name} that retail bought less what it sold, over both; trades of unknown side are in neither."
    yield one_sided(f"Retail{name}Imbalance", buy, sell, doc)
    reported = total(Population(pl.col(RETAIL).is_not_null(), "trades"))
    yield Metric(
        f"Retail{name}Share",
        ratio(total(_retail()), reported),
        Unit.RATIO,
        doc=f"Share of retail in the {name} of trades of which it is known whether they are, however few.",
        over_time=mean(reported),
        over_listings=mean(reported),
        formula=f"{name} of retail / {name} of reported",
    )
    yield Metric(
        f"RetailUnknownSide{name}",
        total(_retail(pl.col(SIDE).is_null())),
        measure.unit,
        doc=f"{name} of retail trades of unknown side, which the imbalance leaves out.",
        dtype=measure.dtype,
        over_time=SUM,
        over_listings=measure.over_listings,
        empty=Empty.ZERO,
        formula=f"{measure.formula}, retail of unknown side",
    )
