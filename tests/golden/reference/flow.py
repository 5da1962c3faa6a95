"""Order-flow imbalance: what each book row changed against the row before it in its stretch."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any

from .book_bars import Book
from .clock import stretch_of
from .values import near, ratio


def at_least(x: float, y: float) -> bool:
    """x ≥ y as prices are compared."""
    return x > y or x == y or (abs(x) != inf and abs(y) != inf and near(x, y))


def level(book: Book, side: str, m: int) -> tuple[float, float]:
    """Price and size; a missing bid is at −∞ and a missing ask at +∞, without size."""
    price, size, _ = book.levels[side][m - 1]
    return (inf if side == "Ask" else -inf, 0.0) if price is None else (price, size or 0.0)


def change(old: Book, new: Book, m: int) -> float:
    """e of one row."""
    (bid_0, b_0), (bid, b) = level(old, "Bid", m), level(new, "Bid", m)
    (ask_0, a_0), (ask, a) = level(old, "Ask", m), level(new, "Ask", m)
    found = b if at_least(bid, bid_0) else 0.0
    found -= b_0 if at_least(bid_0, bid) else 0.0
    found -= a if at_least(ask_0, ask) else 0.0
    found += a_0 if at_least(ask, ask_0) else 0.0
    return found


def changes(books: Sequence[Book], runs: Sequence[tuple[float, float]], m: int) -> list[float | None]:
    """e of every row; None for the first of a stretch."""
    of = [stretch_of(runs, book.row["EventTimestamp"]) for book in books]
    found: list[float | None] = [None] * len(books[:1])
    for (i, old), (j, new) in pairwise(enumerate(books)):
        found.append(change(old, new, m) if of[i] == of[j] else None)
    return found


def flow(measure: str, m: int, books: Sequence[Book], runs: Any, places: Mapping[int, Sequence[int]]) -> dict[int, Any]:
    """OFI or OFINorm by bucket. `places`: which rows each bucket has."""
    e = changes(books, runs, m)
    found: dict[int, Any] = {}
    for label, those in places.items():
        total = sum(x for k in those if (x := e[k]) is not None)
        depth = sum(level(books[k], side, m)[1] for k in those for side in ("Bid", "Ask")) / 2
        found[label] = total if measure == "OFI" else ratio(total, depth / len(those))
    return found
