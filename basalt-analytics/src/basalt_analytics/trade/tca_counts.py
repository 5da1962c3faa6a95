"""Counts and shares of `tca`: how many trades stand behind its averages, and how they compare with the touch."""

from collections.abc import Mapping

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.metrics import Metric, mean, ratio
from basalt_analytics.groups import count_metric
from basalt_analytics.trade.aggregations import weights
from basalt_analytics.trade.filters import all_of
from basalt_analytics.trade.populations import Population
from basalt_analytics.trade.prices import above, near
from basalt_analytics.trade.selection import Trades
from basalt_analytics.trade.tca_costs import MID, PRICE, SIGN, TOUCH, effective_spread, quoted_spread

SIGNED = pl.col("AggressorSide").is_not_null()
QUOTED = "quoted spread of a trade of known side"
PAID = "effective spread where the quoted one is known"


def counted(name: str, column: str, p: Population, later: str) -> Metric:
    """How many trades of the population have a value in the column: a mid before them, and one `later` if it says."""
    known = f", a mid before them and a mid{later}" if later else " and a mid before them"
    doc = f"Number of {p.words} with a known side{known}: what averages are over."
    formula = "n; D, M and M₊ₕ known" if later else "n; D and M known"
    return count_metric(name, weights("Equal", column, p), doc, formula)


def unsigned(name: str, p: Population) -> Metric:
    """How many trades of the population are of unknown side."""
    doc = f"Number of {p.words} of unknown side, which no cost knows of."
    return count_metric(name, _sum(all_of(p.mask, ~SIGNED)), doc, "n; D unknown")


def unquoted(name: str, p: Population) -> Metric:
    """How many trades of the population have a side and no mid."""
    doc = f"Number of {p.words} with a known side and no mid before them, which no cost knows of."
    return count_metric(name, _sum(all_of(p.mask, SIGNED, pl.col(MID).is_null())), doc, "n; D known, M unknown")


def _sum(mask: pl.Expr | None) -> pl.Expr:
    assert mask is not None
    return mask.sum().cast(pl.Int64)


@attrs.frozen(eq=False)
class Share:
    """A share of the volume whose touch is known: of the trades for which `test` holds."""

    test: pl.Expr
    words: str

    def metric(self, name: str, p: Population) -> Metric:
        """The share in one population."""
        weight = weights("Share", TOUCH, p)
        return Metric(
            name,
            ratio(p.of(pl.when(self.test).then(pl.col("Size"))).fill_null(0).sum(), weight),
            Unit.RATIO,
            doc=f"Share of the volume of {p.words} {self.words}; the touch may have been one lot deep.",
            over_time=mean(weight),
            over_listings=mean(weight),
            formula=f"Σ q {self.words} / Σ q",
            citation="17 CFR 242.605",
        )


_BETTER = pl.when(SIGN > 0).then(above(pl.col(TOUCH), PRICE)).otherwise(above(PRICE, pl.col(TOUCH)))
_AT = near(PRICE, pl.col(TOUCH))
SHARES: Mapping[str, Share] = {
    "ImprovedShare": Share(_BETTER, "at a better price than the touch"),
    "AtQuoteShare": Share(_AT, "at the touch"),
    "OutsideShare": Share(~_BETTER & ~_AT, "at a worse price than the touch"),
}


def spread_columns(trades: Trades) -> dict[str, pl.Expr]:
    """The derived columns that the EQ ratio reads beside the mid."""
    quoted = quoted_spread(trades)
    return {QUOTED: quoted, PAID: pl.when(quoted.is_not_null()).then(effective_spread())}


def eq_ratio(name: str, p: Population) -> Metric:
    """Effective over quoted spread, both weighted by shares."""
    paid, quoted = (p.of(pl.col("Size") * pl.col(column)).sum() for column in (PAID, QUOTED))
    return Metric(
        name,
        ratio(paid, quoted),
        Unit.RATIO,
        doc=f"Effective spread of {p.words} over the quoted one, both weighted by shares; 1 is the touch, 0 the mid.",
        over_time=mean(quoted.clip(0)),
        over_listings=mean(quoted.clip(0)),
        formula="Σ q·2D(P − M) / Σ q·(A − B)",
        citation="17 CFR 242.605",
        sign="+ when the taker pays",
    )
