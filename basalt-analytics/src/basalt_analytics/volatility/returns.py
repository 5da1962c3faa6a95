"""Returns: differences of the log of a price, in the order of time, and what stands before each in its bucket.

*Sampled* returns are those of a grid's steps; of *events*, those between rows with a valid value, the first of a bucket
being against the last one of an earlier bucket of the stretch.
"""

from collections.abc import Callable

import polars as pl

from basalt_analytics.bars import value_before

Lagged = Callable[[pl.Expr, int], pl.Expr]
SAME = 1e-9
"""Prices that differ by less than this part of them are one price."""
BUCKET = ("StretchId", "TimeBucket")


class Returns:
    """One series of log returns: `r`, null where there is none; `derive`, the row columns behind what was asked.

    `lagged(y, h)`: y at the return h before, null where the bucket's unbroken run of returns does not reach back so
    far. `before`: the price that each return is against.
    """

    def __init__(self, label: str, price: pl.Expr, before: pl.Expr, lagged: Lagged) -> None:
        self.derive: dict[str, pl.Expr] = {}
        self._label = label
        self._lagged = lagged
        self.price = self._derived("price", price)
        self.before = self._derived("price before", before)
        self.r = self._derived("return", log_return(self.price, self.before))

    def lag(self, h: int) -> pl.Expr:
        """The return h before, in the same bucket and stretch."""
        return self.r if h == 0 else self._derived(f"return {h} before", self._lagged(self.r, h))

    def apart(self, k: int) -> pl.Expr:
        """ln p_j − ln p_{j−k}: over k returns of the same bucket and stretch."""
        start = self.before if k == 1 else self._derived(f"price {k} before", self._lagged(self.before, k - 1))
        return self._derived(f"{k} returns", log_return(self.price, start))

    def _derived(self, what: str, expr: pl.Expr) -> pl.Expr:
        name = f"{self._label} {what}"
        self.derive[name] = expr
        return pl.col(name)


def log_return(price: pl.Expr, before: pl.Expr) -> pl.Expr:
    """ln(price / before), null unless both are above 0; 0 between prices that are equal but for rounding."""
    both, change = (price > 0) & (before > 0), (price - before) / before
    return pl.when(both & (change.abs() <= SAME)).then(0.0).when(both).then(change.log1p())


def sampled(label: str, sample: str) -> Returns:
    """The returns of a grid's sample."""
    return Returns(label, pl.col(sample), pl.col(f"{sample}Before"), _steps_before)


def of_events(label: str, price: pl.Expr) -> Returns:
    """The returns between rows on which the price is not null."""
    return Returns(label, price, value_before(price), _returns_before(label))


def _steps_before(y: pl.Expr, h: int) -> pl.Expr:
    same = pl.lit(True)
    for name in BUCKET:
        same = same & (pl.col(name) == pl.col(name).shift(h))
    return pl.when(same).then(y.shift(h))


def _returns_before(label: str) -> Lagged:
    r = pl.col(f"{label} return")

    def lagged(y: pl.Expr, h: int) -> pl.Expr:
        for _ in range(h):
            y = pl.when(r.is_not_null()).then(y).forward_fill().shift(1)
        return pl.when(r.is_not_null()).then(y.over(*BUCKET))

    return lagged
