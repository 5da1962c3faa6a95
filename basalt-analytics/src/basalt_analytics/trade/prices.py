"""Prices on a row: which count, and when two are the same one.

Equal means within 1e-9 of the larger: (10.00 + 10.06) / 2 is not 10.03 in binary.
"""

import polars as pl

CLOSENESS = 1e-9
KEYS_A_UNIT = 1e9


def known_price(column: str, allow_nonpositive: bool) -> pl.Expr:
    """The column's price; null where it is missing, NaN, infinite, or not above 0 unless that is allowed."""
    price = pl.col(column)
    return pl.when(price.is_finite() if allow_nonpositive else price.is_finite() & (price > 0)).then(price)


def price_key(price: pl.Expr) -> pl.Expr:
    """The price in 1e-9, as a whole number: two prices are the same one where these are. Null where it is no number,
    or too large for one."""
    return pl.when(price.is_finite()).then((price * KEYS_A_UNIT).round()).cast(pl.Int64, strict=False)


def over_price(x: pl.Expr, price: pl.Expr) -> pl.Expr:
    """x / price; null unless the price is above 0."""
    return pl.when(price > 0).then(x / price)


def near(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Whether two prices are the same one."""
    return (a - b).abs() <= CLOSENESS * pl.max_horizontal(a.abs(), b.abs())


def above(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Whether price a is higher than b, and not the same one."""
    return (a > b) & ~near(a, b)
