"""Tests of a trade's price against the quote before it: each a pair of conditions, bought and sold.

A quote counts with both sides and the ask above the bid; prices within a relative 1e-9 are the same. Where a test
tells nothing both conditions are false or null.
"""

import polars as pl

from basalt.tables import AGGRESSOR
from basalt_analytics.trade.prices import above, known_price, near

ZONE = 0.3  # of the spread, from each quote inwards (Chakrabarty et al. 2007)
Test = tuple[pl.Expr, pl.Expr]


def of_mid() -> Test:
    """Above the mid bought, below it sold (Lee and Ready 1991)."""
    price, bid, ask = _prices()
    mid, counts = (bid + ask) / 2, above(ask, bid)
    return counts & above(price, mid), counts & above(mid, price)


def at_quote() -> Test:
    """At the ask bought, at the bid sold (Ellis, Michaely and O'Hara 2000)."""
    price, bid, ask = _prices()
    counts = above(ask, bid)
    return counts & near(price, ask), counts & near(price, bid)


def in_zone() -> Test:
    """In the upper 30 % of the spread bought, in the lower 30 % sold, edges in (Chakrabarty et al. 2007)."""
    price, bid, ask = _prices()
    counts, zone = above(ask, bid), ZONE * (ask - bid)
    bought = ~above(ask - zone, price) & ~above(price, ask)
    sold = ~above(bid, price) & ~above(price, bid + zone)
    return counts & bought, counts & sold


def side(buy: pl.Expr, sell: pl.Expr) -> pl.Expr:
    """Buy or Sell where a condition holds, else null."""
    return pl.when(buy).then(pl.lit("Buy", AGGRESSOR)).when(sell).then(pl.lit("Sell", AGGRESSOR))


def _prices() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    return known_price("Price", True), known_price("BidPrice", False), known_price("AskPrice", False)
