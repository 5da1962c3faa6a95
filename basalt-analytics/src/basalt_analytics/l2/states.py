"""States of a book: locked, crossed, one-sided, empty, as it is before anything is dropped."""

from collections.abc import Callable, Mapping

import polars as pl

from basalt_analytics.l2.book import AS_IT_IS, NEAR, Book


def _bests() -> tuple[pl.Expr, pl.Expr]:
    book = Book(pl.col, AS_IT_IS)
    return book.price("Bid", 1), book.price("Ask", 1)


def _locked() -> pl.Expr:
    bid, ask = _bests()
    return ((ask * NEAR <= bid) & (bid * NEAR <= ask)).fill_null(False)


def _crossed() -> pl.Expr:
    bid, ask = _bests()
    return (ask < bid * NEAR).fill_null(False)


def _one_sided() -> pl.Expr:
    bid, ask = _bests()
    return bid.is_null() != ask.is_null()


def _empty() -> pl.Expr:
    """No best on either side of a book that there is."""
    bid, ask = _bests()
    return bid.is_null() & ask.is_null() & pl.col("EventTimestamp").is_not_null()


STATES: Mapping[str, tuple[Callable[[], pl.Expr], str]] = {
    "Locked": (_locked, "best bid and best ask are equal"),
    "Crossed": (_crossed, "the best bid is above the best ask"),
    "OneSided": (_one_sided, "one side has no best price"),
    "Empty": (_empty, "neither side has a best price"),
}
"""Whether a row's book is in the state, and what that is in words."""
