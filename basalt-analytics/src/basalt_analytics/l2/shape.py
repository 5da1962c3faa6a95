"""Cost and shape of one row's book: what an order of a given value would pay, and how depth grows with distance.

The *visible book* of a side is its levels down to `deepest` that exist and show their size; of a side whose best level
shows none, nothing is known.
"""

from typing import Literal

import polars as pl

from basalt.metrics import ratio
from basalt_analytics.l2.book import NEAR, Book

By = Literal["notional", "shares"]
Reference = Literal["mid", "touch"]
Amount = Literal["shares", "notional"]
BEYOND = 1 + 1e-9
SIDES = ("Bid", "Ask")


def round_trip(book: Book, amount: float, by: By, deepest: int) -> pl.Expr:
    """What buying and selling the amount at once costs, in bps of the mid; null where a side is short."""
    bought, sold = (average_price(book, side, amount, by, deepest) for side in ("Ask", "Bid"))
    return 1e4 * ratio(bought - sold, book.mid)


def one_way(book: Book, side: str, amount: float, by: By, deepest: int) -> pl.Expr:
    """What taking the amount from that side costs against the mid, in bps of it; null where the side is short."""
    paid = average_price(book, side, amount, by, deepest)
    return 1e4 * ratio(paid - book.mid if side == "Ask" else book.mid - paid, book.mid)


def average_price(book: Book, side: str, amount: float, by: By, deepest: int) -> pl.Expr:
    """Average price of an order that walks the side until the amount is spent; null where the side is short of it."""
    totals = _totals(book, side, by, deepest)
    before = [pl.lit(0.0), *totals]
    spent = [(amount - before[i]).clip(0, totals[i] - before[i]) for i in range(deepest)]
    prices = [_price(book, side, i) for i in range(1, deepest + 1)]
    if by == "shares":
        average = pl.sum_horizontal(s * p for s, p in zip(spent, prices, strict=True)) / amount
    else:
        average = amount / pl.sum_horizontal(s / p for s, p in zip(spent, prices, strict=True))
    enough = (totals[-1] >= amount * NEAR) & prices[0].is_not_null()
    name = f"{side} average price of {amount} {by} to {deepest}"
    return book.step(name, book.if_counts(pl.when(enough).then(average)))


def unfilled(book: Book, amount: float, by: By, deepest: int) -> pl.Expr:
    """The part of the amount that the shorter side lacks: 0 where both can fill it."""
    short = [1 - _totals(book, side, by, deepest)[-1] / amount for side in SIDES]
    known = [_price(book, side, 1).is_not_null() for side in SIDES]
    return pl.when(pl.all_horizontal(book.mid.is_not_null(), *known)).then(pl.max_horizontal(pl.lit(0.0), *short))


def _price(book: Book, side: str, level: int) -> pl.Expr:
    """Price of a level that is there and shows its size, on rows too that do not count."""
    known = book.at(side, "Quantity", level).is_not_null()
    return book.step(f"{side} price {level} with a size", pl.when(known).then(book.at(side, "Price", level)))


def _totals(book: Book, side: str, by: By, deepest: int) -> list[pl.Expr]:
    """What rests down to each level, in value or in shares: 0 where nothing does."""
    found: list[pl.Expr] = []
    for level in range(1, deepest + 1):
        size = book.at(side, "Quantity", level)
        worth = (size if by == "shares" else book.at(side, "Price", level) * size).fill_null(0.0)
        found.append(book.step(f"{side} {by} to {level}", found[-1] + worth if found else worth))
    return found


def depth_within(book: Book, side: str, bps: float, amount: Amount, reference: Reference, deepest: int) -> pl.Expr:
    """What rests no further than that from the reference; unknown where the best level's size is."""
    measure = "Quantity" if amount == "shares" else "Notional"
    first, *deeper = (
        pl.when(_is_within(book, side, i, bps, reference)).then(book.depth(side, measure, i)).otherwise(0.0)
        for i in range(1, deepest + 1)
    )
    total = first + pl.sum_horizontal(deeper) if deeper else first
    is_there = book.exists(side, 1).fill_null(False)
    known = _price(book, side, 1).is_not_null() & _reference(book, side, reference).is_not_null()
    return pl.when(is_there).then(pl.when(known).then(total)).otherwise(book.depth(side, measure, 1))


def is_truncated(book: Book, side: str, bps: float, reference: Reference, deepest: int) -> pl.Expr:
    """Whether the deepest visible level still lies within, so that there may be more behind it."""
    known = _price(book, side, 1).is_not_null() & _reference(book, side, reference).is_not_null()
    return pl.when(known).then(_is_within(book, side, deepest, bps, reference).fill_null(False))


def _is_within(book: Book, side: str, level: int, bps: float, reference: Reference) -> pl.Expr:
    of = _reference(book, side, reference)
    return (_price(book, side, level) - of).abs() <= of * (bps / 1e4 * BEYOND)


def _reference(book: Book, side: str, reference: Reference) -> pl.Expr:
    return book.mid if reference == "mid" else book.price(side, 1)


def depth_slope(book: Book, side: str, deepest: int) -> pl.Expr:
    """Shares gained with each bps away from the mid: a line through the origin, fitted to the levels that exist."""
    levels = range(1, deepest + 1)
    distances = [
        book.step(f"{side} distance of {i}", 1e4 * _width(_price(book, side, i), book.mid).fill_null(0.0))
        for i in levels
    ]
    shares = _shares(book, side, deepest)
    products = (d * c for d, c in zip(distances, shares, strict=True))
    fitted = ratio(pl.sum_horizontal(products), pl.sum_horizontal(d * d for d in distances))
    return pl.when(shares[0].is_not_null()).then(fitted)


def _shares(book: Book, side: str, deepest: int) -> list[pl.Expr]:
    """Shares down to each level; null everywhere where level 1 is missing."""
    found = [book.step(f"{side} shares to 1", book.at(side, "Quantity", 1))]
    for i in range(2, deepest + 1):
        found.append(book.step(f"{side} shares to {i}", found[-1] + book.at(side, "Quantity", i).fill_null(0.0)))
    return found


def log_depth_slope(book: Book, deepest: int) -> pl.Expr:
    """How log depth grows with relative distance from level to level, the mean of both sides."""
    bid, ask = (_log_slope(book, side, deepest) for side in SIDES)
    return (bid + ask) / 2


def _log_slope(book: Book, side: str, deepest: int) -> pl.Expr:
    """Over the levels down to the first that is missing; null where a step has no width or begins at one share."""
    levels = range(1, deepest + 1)
    prices = [book.mid, *(_price(book, side, i) for i in levels)]
    logs = [book.step(f"{side} log shares to {i + 1}", c.log()) for i, c in enumerate(_shares(book, side, deepest))]
    unbroken = [book.step(f"{side} level 1 there", prices[1].is_not_null())]
    for i in range(2, deepest + 1):
        unbroken.append(book.step(f"{side} levels to {i} there", unbroken[-1] & prices[i].is_not_null()))
    gains = [logs[0], *(ratio(logs[i], logs[i - 1]) - 1 for i in range(1, deepest))]
    steps = [
        book.step(f"{side} step to {i + 1}", gain / _width(prices[i + 1], prices[i])) for i, gain in enumerate(gains)
    ]
    total = pl.sum_horizontal(pl.when(u).then(s) for u, s in zip(unbroken, steps, strict=True))
    defined = pl.all_horizontal(~u | s.is_not_null() for u, s in zip(unbroken, steps, strict=True))
    return pl.when(defined & unbroken[0]).then(ratio(total, pl.sum_horizontal(unbroken)))


def _width(price: pl.Expr, before: pl.Expr) -> pl.Expr:
    """Relative distance of two prices; null between equal ones."""
    width = (price / before - 1).abs()
    return pl.when(width > BEYOND - 1).then(width)


def depth_spread(book: Book, level: int) -> pl.Expr:
    """Average ask price down to a level minus average bid price, in bps of the mid."""
    bid, ask = (
        ratio(book.cumulated(side, "Notional", level), book.cumulated(side, "Quantity", level)) for side in SIDES
    )
    return 1e4 * ratio(ask - bid, book.mid)
