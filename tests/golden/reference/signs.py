"""Transform trade_signs: aggressor sides inferred row by row, in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from .clock import Row
from .values import finite, near

SOURCES = {"quote": "Quote", "tick": "Tick"}
NOT_ELIGIBLE = ("Auction", "OffBook")
Sign = tuple[str, str] | None


def trade_signs(
    trades: Sequence[Row], options: Mapping[str, Any], ticks: Sequence[str | None] | None = None
) -> list[Row]:
    """Trades of one listing with side and source. `ticks`: of its trades among those of its instrument, if the memory
    is the instrument's."""
    ticks = ticks_of(trades) if ticks is None else ticks
    return [_signed(row, tick, options) for row, tick in zip(trades, ticks, strict=True)]


def _signed(row: Row, tick: str | None, options: Mapping[str, Any]) -> Row:
    own = row.get("AggressorSide")
    given: Sign = (own, "Exchange") if own is not None else None
    inferred: Sign = None
    for rule in (options.get("rule", "exchange"), options.get("fallback")):
        if inferred is None and rule not in (None, "exchange"):
            inferred = sign(rule, row, tick)
        elif inferred is None and rule == "exchange":
            inferred = given
    first, second = (inferred, given) if options.get("override") else (given, inferred)
    side, source = first or second or (None, None)
    return {**row, "AggressorSide": side, "SideSource": source}


def sign(rule: str, row: Row, tick: str | None) -> Sign:
    """Side and source by a rule; None where it has none to give."""
    found = _by_quote(rule, row)
    if found is not None:
        return found, "Quote"
    return (tick, "Tick") if rule != "quote" and tick is not None else None


def _by_quote(rule: str, row: Row) -> str | None:
    p, b, a = row["Price"], row.get("BidPrice"), row.get("AskPrice")
    if rule == "tick" or not (finite(p) and finite(b) and finite(a)) or near(a, b) or a < b:
        return None
    if rule == "emo":
        return "Buy" if near(p, a) else "Sell" if near(p, b) else None
    if rule == "clnv":
        if _at_most(a - 0.3 * (a - b), p) and _at_most(p, a):
            return "Buy"
        return "Sell" if _at_most(b, p) and _at_most(p, b + 0.3 * (a - b)) else None
    mid = (a + b) / 2
    return None if near(p, mid) else "Buy" if p > mid else "Sell"


def _at_most(x: float, y: float) -> bool:
    return x < y or near(x, y)


def eligible(row: Row) -> bool:
    """Whether a trade advances the memory of the tick rule."""
    counts = finite(row["Price"]) and finite(row["Size"]) and row["Size"] > 0 and row["Price"] > 0
    kind = row.get("TradeType") not in NOT_ELIGIBLE and row.get("IsNegotiated") is not True
    return counts and kind and row.get("IsCancelled") is not True


def ticks_of(trades: Sequence[Row]) -> list[str | None]:
    """Sign of the last price change at each trade; None for the first, and for a trade that is not eligible."""
    found: list[str | None] = []
    last, current = None, None
    for row in trades:
        if not eligible(row):
            found.append(None)
            continue
        price = row["Price"]
        if last is not None and not near(price, last):
            current = "Buy" if price > last else "Sell"
        last = price
        found.append(current)
    return found
