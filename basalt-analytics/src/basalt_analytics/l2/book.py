"""The book on one row: which of its levels count, and the few values everything else is made of.

A `Book` is written once over an accessor of cells. Over `pl.col` it is a row expression; over the cells of a bucket's
last row (`pl.col(c).last()`) the same arithmetic gives the last book, reading no other row of the bucket.
"""

from collections.abc import Callable
from functools import cached_property
from math import inf
from typing import Literal

import attrs
import polars as pl

from basalt.metrics import ratio

NEAR = 1 - 1e-9
KeepOrDrop = Literal["keep", "drop"]


@attrs.frozen(eq=False)
class Rules:
    """What locked and crossed rows, and missing levels, are worth; rows that fail `where` count for nothing."""

    locked: KeepOrDrop = "keep"
    crossed: KeepOrDrop = "drop"
    missing_is_zero: bool = False
    where: pl.Expr | None = None


AS_IT_IS = Rules(crossed="keep")
"""Every row counts, whatever its state."""


class Book:
    """Values of one row's book; null where the row does not count or the level is missing."""

    def __init__(self, cell: Callable[[str], pl.Expr], rules: Rules, steps: dict[str, pl.Expr] | None = None) -> None:
        """`steps` collects what `step` names, by name; None: nothing is named."""
        self._cell = cell
        self._rules = rules
        self._steps = steps

    def step(self, name: str, value: pl.Expr) -> pl.Expr:
        """The value as a column of that name, where steps are collected: an expression that is used over and over is
        otherwise computed as often."""
        if self._steps is None:
            return value
        self._steps[name] = value
        return pl.col(name)

    def price(self, side: str, level: int) -> pl.Expr:
        """Price at a level, never 0."""
        return self.if_counts(self.at(side, "Price", level))

    def depth(self, side: str, measure: str, level: int) -> pl.Expr:
        """Quantity, NumOrders or Notional at a level; 0 where the level is missing and the rules say so."""
        return self.if_counts(self._depth(side, measure, level))

    def cumulated(self, side: str, measure: str, level: int) -> pl.Expr:
        """Sum of `depth` over the levels down to this one that exist; an empty side's where level 1 is missing."""
        first, *deeper = (self._depth(side, measure, i) for i in range(1, level + 1))
        if not deeper:
            return self.if_counts(first)
        total = first + pl.sum_horizontal(deeper)
        if self._rules.missing_is_zero:
            total = pl.when(self.exists(side, 1)).then(total).otherwise(first)
        return self.if_counts(total)

    @cached_property
    def mid(self) -> pl.Expr:
        """Halfway between the bests, which are positive."""
        return self.step("mid of the book", (self.price("Ask", 1) + self.price("Bid", 1)) / 2)

    @property
    def stamp(self) -> pl.Expr:
        """When the row was stamped."""
        return self._cell("EventTimestamp")

    @property
    def spread(self) -> pl.Expr:
        """Best ask minus best bid; below 0 on a crossed row that is kept."""
        return self.price("Ask", 1) - self.price("Bid", 1)

    @property
    def weighted_mid(self) -> pl.Expr:
        """Each best weighted by the other side's size: near the ask when bids are heavy."""
        bid, ask = (self._cell(f"{side}Quantity1") for side in ("Bid", "Ask"))
        return ratio(bid * self.price("Ask", 1) + ask * self.price("Bid", 1), bid + ask)

    def at(self, side: str, measure: str, level: int) -> pl.Expr:
        """Price, Quantity or NumOrders of a level that exists, on rows too that do not count."""
        return self._existing(side, level, self._cell(f"{side}{measure}{level}"))

    def if_counts(self, value: pl.Expr) -> pl.Expr:
        """The value on rows that count."""
        return value if self._counts is None else pl.when(self._counts).then(value)

    def exists(self, side: str, level: int) -> pl.Expr:
        """Finite positive price, and no size that is non-positive or not finite; null or false otherwise."""
        price, size = self._cell(f"{side}Price{level}"), self._cell(f"{side}Quantity{level}")
        return _positive(price) & _positive(size).fill_null(True)

    def invalid(self, side: str, level: int) -> pl.Expr:
        """Whether a price or a size is there that no level can have."""
        return ~pl.all_horizontal(
            _positive(self._cell(f"{side}{measure}{level}")).fill_null(True) for measure in ("Price", "Quantity")
        )

    def _depth(self, side: str, measure: str, level: int) -> pl.Expr:
        if measure == "Notional":
            value = self._cell(f"{side}Price{level}") * self._cell(f"{side}Quantity{level}")
        else:
            value = self._cell(f"{side}{measure}{level}")
        return self._existing(side, level, value, otherwise=0 if self._rules.missing_is_zero else None)

    def _existing(self, side: str, level: int, value: pl.Expr, otherwise: int | None = None) -> pl.Expr:
        return pl.when(self.exists(side, level)).then(value).otherwise(otherwise)

    @cached_property
    def _counts(self) -> pl.Expr | None:
        """Whether the row's state counts; None: every state does. A one-sided row is neither locked nor crossed."""
        bid, ask = (pl.when(self.exists(s, 1)).then(self._cell(f"{s}Price1")) for s in ("Bid", "Ask"))
        match self._rules.locked, self._rules.crossed:
            case "keep", "keep":
                return self._rules.where
            case "keep", "drop":
                counts = ask >= bid * NEAR
            case "drop", "keep":
                counts = (ask * NEAR > bid) | (bid * NEAR > ask)
            case _:
                counts = ask * NEAR > bid
        counts = counts.fill_null(True)
        return self.step("row counts", counts if self._rules.where is None else counts & self._rules.where)


def _positive(x: pl.Expr) -> pl.Expr:
    """Above 0 and finite; Polars sorts NaN above infinity, so it fails too."""
    return (x > 0) & (x < inf)
