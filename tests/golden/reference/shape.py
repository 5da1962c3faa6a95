"""Cost and shape of one book: round trips, depth near the mid, slopes. None where a side does not suffice."""

from collections.abc import Sequence
from math import log
from typing import Any

from .book_bars import BID_ASK, Book
from .values import mean, near, ratio

SIGNS = {"Bid": -1, "Ask": 1}
Levels = Sequence[tuple[float, float]]


def levels(book: Book, side: str, count: int) -> Levels | None:
    """(price, size) of the levels that exist, up to `count`; None where the first is missing or has no size."""
    price, size, _ = book.levels[side][0]
    if book.dropped or price is None or size is None:
        return None
    return [(p, q) for p, q, _ in book.levels[side][:count] if p is not None and q is not None]


def walked(side: Levels | None, amount: float, by: str) -> float | None:
    """Average price of spending so much, or of so many shares; None where the side holds less."""
    if side is None:
        return None
    left, spent, shares = amount, 0.0, 0.0
    for price, size in side:
        held = price * size if by == "notional" else size
        take = min(left, held)
        spent += take if by == "notional" else take * price
        shares += take / price if by == "notional" else take
        left -= take
    return None if left > 1e-9 * amount else ratio(spent, shares)


def round_trip(book: Book, measure: str, amount: float, by: str, count: int) -> float | None:
    """Xlm, XlmBuy or XlmSell in bps of the mid."""
    mid = book.price("Mid")
    buy, sell = (walked(levels(book, side, count), amount, by) for side in ("Ask", "Bid"))
    high, low = {"Xlm": (buy, sell), "XlmBuy": (buy, mid), "XlmSell": (mid, sell)}[measure]
    return None if mid is None or high is None or low is None else 1e4 * (high - low) / mid


def unfilled(book: Book, amount: float, by: str, count: int) -> float | None:
    """What share of the amount the worse side lacks."""
    sides = [levels(book, side, count) for side in BID_ASK]
    if book.price("Mid") is None or None in sides:
        return None
    held = [sum(p * q if by == "notional" else q for p, q in side or ()) for side in sides]
    return max(max(0.0, 1 - h / amount) for h in held)


def anchor(book: Book, side: str, reference: str) -> float | None:
    """The price that distances count from."""
    return book.price("Mid" if reference == "mid" else side)


def near_enough(price: float, origin: float, bps: float) -> bool:
    """Within so many bps, with room for rounding."""
    return abs(price - origin) <= origin * bps / 1e4 * (1 + 1e-9)


def depth_within(book: Book, side: str, bps: float, reference: str, unit: str, count: int) -> float | None:
    """Size, or value, within so many bps."""
    found, origin = levels(book, side, count), anchor(book, side, reference)
    if book.zero and not book.dropped and book.levels[side][0][0] is None:
        return 0
    if found is None or origin is None:
        return None
    return sum(q * (p if unit == "notional" else 1) for p, q in found if near_enough(p, origin, bps))


def truncated(book: Book, side: str, bps: float, reference: str, count: int) -> bool | None:
    """Whether the deepest level that the book can show is filled and still within: there may be more behind it."""
    origin = anchor(book, side, reference)
    if levels(book, side, count) is None or origin is None:
        return None
    price, size, _ = book.levels[side][count - 1]
    return price is not None and size is not None and near_enough(price, origin, bps)


def cumulated(found: Levels) -> list[float]:
    """Shares up to each level."""
    return [sum(q for _, q in found[: i + 1]) for i in range(len(found))]


def depth_slope(book: Book, side: str, count: int) -> float | None:
    """Shares per bps of distance from the mid, a line through the origin."""
    found, mid = levels(book, side, count), book.price("Mid")
    if found is None or mid is None:
        return None
    distances = [1e4 * step(p, mid) for p, _ in found]
    crossed = sum(d * c for d, c in zip(distances, cumulated(found), strict=True))
    return ratio(crossed, sum(d * d for d in distances))


def step(price: float, base: float) -> float:
    """Relative distance, 0 between equal prices."""
    return 0.0 if near(price, base) else abs(price / base - 1)


def log_slope_of(found: Levels | None, mid: float | None) -> float | None:
    """One side's growth of log depth per relative step in price."""
    if found is None or mid is None:
        return None
    v = [log(c) for c in cumulated(found)]
    p = [price for price, _ in found]
    steps: list[Any] = [ratio(v[0], step(p[0], mid))]
    for i in range(len(p) - 1):
        grown = ratio(v[i + 1], v[i])
        steps.append(None if grown is None else ratio(grown - 1, step(p[i + 1], p[i])))
    return None if None in steps or 0 in v[:-1] else mean(steps)


def unbroken(book: Book, side: str, count: int) -> int:
    """How many levels there are before the first that is missing."""
    there = [p is not None and q is not None for p, q, _ in book.levels[side][:count]]
    return [*there, False].index(False)


def log_slope(book: Book, count: int) -> float | None:
    """Mean of both sides, each down to its first gap."""
    sides = [log_slope_of(levels(book, side, unbroken(book, side, count)), book.price("Mid")) for side in BID_ASK]
    return None if sides[0] is None or sides[1] is None else (sides[0] + sides[1]) / 2


def depth_spread(book: Book, level: int) -> float | None:
    """Distance of the average prices of both sides in bps of the mid."""
    mid = book.price("Mid")
    bid, ask = (book.side(side, "CumVWAP", level) for side in BID_ASK)
    return None if mid is None or bid is None or ask is None else 1e4 * (ask - bid) / mid
