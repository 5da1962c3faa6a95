"""Populations: the trades of a bucket that a metric is over, one for each side a group names.

Sides come by aggressor; a trade whose aggressor is unknown is Unknown and never a sell.
"""

from collections.abc import Mapping
from typing import Literal

import attrs
import polars as pl

Side = Literal["Total", "Buy", "Sell", "Unknown"]
PAID = "+ when the buyer pays; − at negative prices, where they are allowed"
SIDES: Mapping[str, tuple[pl.Expr | None, str]] = {
    "Total": (None, "trades"),
    "Buy": (pl.col("AggressorSide") == "Buy", "buyer-initiated trades"),
    "Sell": (pl.col("AggressorSide") == "Sell", "seller-initiated trades"),
    "Unknown": (pl.col("AggressorSide").is_null(), "trades of unknown aggressor"),
}


@attrs.frozen(eq=False)
class Population:
    """The trades for which `mask` holds (None: all of the part's), and what sentences call them."""

    mask: pl.Expr | None
    words: str

    def of(self, x: pl.Expr) -> pl.Expr:
        """x on the population's rows, null on others."""
        return x if self.mask is None else pl.when(self.mask).then(x)

    @property
    def price(self) -> pl.Expr:
        """Price on the population's rows."""
        return self.of(pl.col("Price"))

    @property
    def size(self) -> pl.Expr:
        """Size on the population's rows."""
        return self.of(pl.col("Size"))


def volume(p: Population) -> pl.Expr:
    """Shares of the population."""
    return p.size.sum()


def count(p: Population) -> pl.Expr:
    """Trades of the population."""
    return (pl.len() if p.mask is None else p.mask.sum()).cast(pl.Int64)


def notional(p: Population) -> pl.Expr:
    """Value of the population, in the listing's currency."""
    return p.of(pl.col("Price") * pl.col("Size")).sum()
