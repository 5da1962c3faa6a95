"""Series: the numbers a book has on every row, each declared once for all its aggregations."""

from collections.abc import Callable, Mapping

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.metrics import NONE, SUM, Rollup, ratio
from basalt_analytics.l2.book import Book

IN_ONE_CURRENCY = SUM.within("currency")
CROSSED = "+ when the ask is above the bid; − on crossed rows, where they are kept"

IMBALANCED = "+ when more is bid than offered; 1 is all bid, −1 all offered"


@attrs.frozen(eq=False)
class Series:
    """`value` of any row's book, in words and symbols; `over_listings`: how last values of listings add up.

    `by_row`: a value of so many steps that one pass over the rows is less work than the steps of one row unrolled.
    `as_mid`: it is there exactly where the mid is.
    """

    label: str
    value: Callable[[Book], pl.Expr]
    unit: Unit
    words: str
    formula: str
    over_listings: Rollup = NONE
    dtype: DType = pl.Float64
    citation: str | None = None
    sign: str | None = None
    traits: frozenset[str] = frozenset()
    by_row: bool = False
    as_mid: bool = False


@attrs.frozen(eq=False)
class _Depth:
    """A measure of one side at a level: words and formula name `{side}` and `{i}`."""

    value: Callable[[Book, str, int], pl.Expr]
    unit: Unit
    words: str
    formula: str
    over_listings: Rollup = NONE
    dtype: DType = pl.Float64


_DEPTHS: Mapping[str, _Depth] = {
    "Price": _Depth(lambda b, side, i: b.price(side, i), Unit.PRICE, "price of {side}level {i}", "P_{i}"),
    "Quantity": _Depth(
        lambda b, side, i: b.depth(side, "Quantity", i), Unit.SHARES, "shares displayed at {side}level {i}", "Q_{i}"
    ),
    "NumOrders": _Depth(
        lambda b, side, i: b.depth(side, "NumOrders", i),
        Unit.COUNT,
        "number of orders at {side}level {i}",
        "N_{i}",
        dtype=pl.Int64,
    ),
    "Notional": _Depth(
        lambda b, side, i: b.depth(side, "Notional", i),
        Unit.CURRENCY,
        "value displayed at {side}level {i}",
        "P_{i}·Q_{i}",
        IN_ONE_CURRENCY,
    ),
    "AvgOrderSize": _Depth(
        lambda b, side, i: ratio(b.depth(side, "Quantity", i), b.depth(side, "NumOrders", i)),
        Unit.SHARES,
        "shares an order at {side}level {i}",
        "Q_{i} / N_{i}",
    ),
    "CumQuantity": _Depth(
        lambda b, side, i: b.cumulated(side, "Quantity", i),
        Unit.SHARES,
        "shares displayed down to {side}level {i}",
        "Σ_{{j≤{i}}} Q_j",
        SUM,
    ),
    "CumNotional": _Depth(
        lambda b, side, i: b.cumulated(side, "Notional", i),
        Unit.CURRENCY,
        "value displayed down to {side}level {i}",
        "Σ_{{j≤{i}}} P_j·Q_j",
        IN_ONE_CURRENCY,
    ),
    "CumOrders": _Depth(
        lambda b, side, i: b.cumulated(side, "NumOrders", i),
        Unit.COUNT,
        "number of orders down to {side}level {i}",
        "Σ_{{j≤{i}}} N_j",
        SUM,
        pl.Int64,
    ),
    "CumVWAP": _Depth(
        lambda b, side, i: ratio(b.cumulated(side, "Notional", i), b.cumulated(side, "Quantity", i)),
        Unit.PRICE,
        "average price of the shares displayed down to {side}level {i}",
        "Σ_{{j≤{i}}} P_j·Q_j / Σ_{{j≤{i}}} Q_j",
    ),
}


def book_series(side: str, measure: str, level: int) -> Series:
    """What rests on a side, at a level or (Cum…) down to it."""
    made = _DEPTHS[measure]
    tokens = {"side": f"{side.lower()} ", "i": level}
    return Series(
        f"{side}{measure}{level}",
        lambda book: made.value(book, side, level),
        made.unit,
        made.words.format(**tokens),
        made.formula.format(**tokens),
        made.over_listings,
        made.dtype,
    )


def imbalance_series(measure: str, level: int) -> Series:
    """(bid − ask) / (bid + ask) of a depth; null where a side has none."""
    depth = _DEPTHS[measure]

    def value(book: Book) -> pl.Expr:
        bid, ask = depth.value(book, "Bid", level), depth.value(book, "Ask", level)
        return ratio(bid - ask, bid + ask)

    return Series(
        f"Imbalance{measure}{level}",
        value,
        Unit.RATIO,
        f"imbalance of the {depth.words.format(side='', i=level)}",
        f"(b − a) / (b + a), b and a = {depth.formula.format(i=level)} of bid and ask",
        citation="Cao, Hansch & Wang 2009",
        sign=IMBALANCED,
    )


PRICES: Mapping[str, Series] = {
    "Mid": Series("Mid", lambda b: b.mid, Unit.PRICE, "mid price", "(A_1 + B_1) / 2", as_mid=True),
    "Bid": Series("Bid", lambda b: b.price("Bid", 1), Unit.PRICE, "best bid", "B_1"),
    "Ask": Series("Ask", lambda b: b.price("Ask", 1), Unit.PRICE, "best ask", "A_1"),
    "WeightedMid": Series(
        "WeightedMid",
        lambda b: b.weighted_mid,
        Unit.PRICE,
        "mid weighted by the other side's size",
        "(b_1·A_1 + a_1·B_1) / (b_1 + a_1)",
        citation="Gatheral & Oomen 2010",
    ),
}
SPREADS: Mapping[str, Series] = {
    "Abs": Series(
        "SpreadAbs", lambda b: b.spread, Unit.PRICE, "spread in price", "A_1 − B_1", sign=CROSSED, as_mid=True
    ),
    "Bps": Series(
        "SpreadBps",
        lambda b: 1e4 * ratio(b.spread, b.mid),
        Unit.BPS,
        "spread in bps of the mid",
        "1e4·(A_1 − B_1) / M",
        sign=CROSSED,
        as_mid=True,
    ),
}
