"""Counts of book rows: changes of the touch, and states that the rows are in before any is dropped."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from .book_bars import BID_ASK, Book
from .clock import stretch_of
from .values import finite, near, ratio

STATES = ("Locked", "Crossed", "OneSided", "Empty")
PRICES = {"MidChanges": "Mid", "BidChanges": "Bid", "AskChanges": "Ask"}


def state(book: Book) -> str:
    """TwoSided, Locked, Crossed, OneSided or Empty."""
    bid, ask = (book.levels[side][0][0] for side in BID_ASK)
    if bid is None or ask is None:
        return "Empty" if bid is None and ask is None else "OneSided"
    return "Locked" if near(bid, ask) else "Crossed" if ask < bid else "TwoSided"


def invalid_levels(book: Book) -> int:
    """Levels with a price or a size that cannot be: NaN, infinite, or not above zero."""
    names = [
        (f"{side}Price{i + 1}", f"{side}Quantity{i + 1}") for side in BID_ASK for i in range(len(book.levels[side]))
    ]
    return sum(any(_impossible(book.row.get(name)) for name in pair) for pair in names)


def _impossible(x: Any) -> bool:
    return x is not None and not (finite(x) and x > 0)


def disordered(book: Book) -> bool:
    """Whether the prices of a side do not strictly get worse, over the levels that exist."""
    for side, sign in (("Bid", -1), ("Ask", 1)):
        prices = [p for p, _, _ in book.levels[side] if p is not None]
        if any(near(p, q) or sign * (q - p) < 0 for p, q in pairwise(prices)):
            return True
    return False


ROWS: dict[str, Callable[[Book], int]] = {
    "Updates": lambda book: 1,
    "InvalidLevel": invalid_levels,
    "Disordered": lambda book: int(disordered(book)),
    **{s: lambda book, s=s: int(state(book) == s) for s in STATES},  # type: ignore[misc]
}


def touch_moved(old: Book | None, new: Book) -> bool:
    """Whether a price or a size of the touch differs; always, for the first row of a stretch."""
    if old is None:
        return True
    before, after = ([x for side in BID_ASK for x in book.levels[side][0][:2]] for book in (old, new))
    return any(_differ(x, y) for x, y in zip(before, after, strict=True))


def _differ(x: Any, y: Any) -> bool:
    return (x is None) != (y is None) or (x is not None and not near(x, y))


def moved(books: Sequence[Book], of: Sequence[Any], source: str) -> list[int]:
    """1 for each row whose valid price differs from the last valid one of its stretch."""
    found, last = [], dict[Any, float]()
    for book, stretch in zip(books, of, strict=True):
        price = book.price(source)
        found.append(int(price is not None and stretch in last and not near(price, last[stretch])))
        if price is not None:
            last[stretch] = price
    return found


def counts(measure: str, books: Sequence[Book], runs: Any, places: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """A count by bucket. `places`: which rows each bucket has."""
    of = [stretch_of(runs, book.row["EventTimestamp"]) for book in books]
    if measure in PRICES:
        each = moved(books, of, PRICES[measure])
    elif measure == "TouchUpdates":
        before = [books[k - 1] if k and of[k - 1] == of[k] else None for k in range(len(books))]
        each = [int(touch_moved(old, new)) for old, new in zip(before, books, strict=True)]
    else:
        each = [ROWS[measure](book) for book in books]
    return {label: sum(each[k] for k in those) for label, those in places.items()}


def shares(measure: str, books: Sequence[Book], runs: Any, places: Mapping[int, Sequence[int]]) -> dict[int, Any]:
    """Rows in a state over rows, by bucket."""
    return {label: ratio(n, len(places[label])) for label, n in counts(measure, books, runs, places).items()}
