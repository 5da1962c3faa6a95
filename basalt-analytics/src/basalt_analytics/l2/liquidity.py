"""The group `liquidity`: its measures as series, with the tokens that name them.

A *quantity* is what a column is of: an amount to trade, a distance in bps, a level.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs
import polars as pl

from basalt.columns import DType, Unit
from basalt.errors import UserError
from basalt.metrics import NONE, SUM, Rollup
from basalt_analytics.l2 import shape
from basalt_analytics.l2.book import Book
from basalt_analytics.l2.options import LiquidityLists
from basalt_analytics.l2.series import IN_ONE_CURRENCY, Series

XLM = "Gomber, Schweickert & Theissen 2015"
PAYS = "+ when the taker pays; − on crossed rows, where they are kept"
FIELDS = ("side", "measure", "notional", "bps", "level", "aggregation")
WALKS = ("Xlm", "XlmBuy", "XlmSell", "XlmUnfilledRatio")
_READ_BY: Mapping[str, tuple[str, ...]] = {
    "notionals": WALKS,
    "by": WALKS,
    "bps": ("DepthWithin",),
    "unit": ("DepthWithin",),
    "reference": ("DepthWithin",),
}
_EXAMPLES = {"notionals": 25000, "bps": 5}


@attrs.frozen(eq=False)
class Sized:
    """A configured group over a book: `levels` of one column each, `deepest` level that slopes read, `visible` depth
    that orders walk."""

    group: LiquidityLists
    levels: Sequence[int]
    deepest: int
    visible: int


@attrs.frozen(eq=False)
class _Measure:
    """One column for each value of the list `of`, if any, and for both sides if `sided`: words and formula name
    `{side}`, `{x}`, `{amount}`, `{reference}`, `{deepest}` and `{visible}`."""

    token: str
    name: str
    value: Callable[[Book, Sized, str, float], pl.Expr]
    unit: Unit
    words: str
    formula: str
    of: str = ""
    sided: bool = False
    over_listings: Rollup = NONE
    dtype: DType = pl.Float64
    citation: str | None = None
    sign: str | None = None


def check(group: LiquidityLists, label: str) -> None:
    """UserError for a list that a measure needs and lacks, for what no measure reads, and for quantities ≤ 0."""
    defaults = attrs.fields_dict(LiquidityLists)
    for name, measures in _READ_BY.items():
        value = getattr(group, name)
        asked = [m for m in group.measures if m in measures]
        if name in _EXAMPLES and asked and not value:
            raise UserError(f"{label}: {asked[0]} needs {name}: list at least one, as {name} = [{_EXAMPLES[name]}]")
        if not asked and value not in ([], defaults[name].default):
            raise UserError(f"{label}: {name} = {value!r} does nothing without {' or '.join(measures)}: leave it out")
        if name in _EXAMPLES and not all(one > 0 for one in value):
            raise UserError(f"{label}: {name} = {value} has a quantity that is not above 0: give positive numbers")


def liquidity_series(sized: Sized) -> Iterator[tuple[str, Mapping[str, str], Series]]:
    """Name template, tokens and series of each column of the group, but for aggregations."""
    for measure in sized.group.measures:
        for made in _MEASURES[_variant(sized.group, measure)]:
            for x in _quantities(sized, made.of):
                for side in shape.SIDES if made.sided else ("",):
                    tokens = {"side": side, "measure": made.token, **_token(made, x)}
                    yield made.name, dict.fromkeys(FIELDS, "") | tokens, _series(made, sized, side, x)


def _series(made: _Measure, sized: Sized, side: str, x: float) -> Series:
    group = sized.group
    words = {
        "side": side.lower(),
        "x": plain(x),
        "amount": f"{plain(x)} {'shares' if group.by == 'shares' else 'of the quote currency'}",
        "reference": "mid" if group.reference == "mid" else "best price of the side",
        "deepest": sized.deepest,
        "visible": sized.visible,
    }
    walks = made.of == "notionals"
    return Series(
        f"{side}{made.token} of {plain(x)} {group.by if walks else group.reference} to {sized.deepest} {sized.visible}",
        lambda book: made.value(book, sized, side, x),
        made.unit,
        made.words.format(**words),
        made.formula.format(**words),
        made.over_listings,
        made.dtype,
        made.citation,
        made.sign,
        # notionals are declared in currency, so that a number of shares does not scale along with sizes
        frozenset(["scale_dependent"]) if walks and group.by == "shares" else frozenset(),
        by_row=True,
    )


def _variant(group: LiquidityLists, measure: str) -> str:
    return f"{measure} {group.unit}" if measure == "DepthWithin" else measure


def _quantities(sized: Sized, of: str) -> Sequence[float]:
    found: Mapping[str, Sequence[float]] = {
        "notionals": sized.group.notionals,
        "bps": sized.group.bps,
        "levels": sized.levels,
    }
    return found.get(of, (0,))


def _token(made: _Measure, x: float) -> Mapping[str, str]:
    return {{"notionals": "notional", "levels": "level"}.get(made.of, made.of): plain(x)} if made.of else {}


def plain(quantity: float) -> str:
    """`25000`, `2.5`: a quantity as names and sentences have it."""
    return str(int(quantity)) if quantity == int(quantity) else repr(quantity)


def _walk(token: str, value: Callable[[Book, Sized, float], pl.Expr], words: str, formula: str) -> _Measure:
    ratio = token.endswith("Ratio")
    return _Measure(
        token,
        token + "{notional}{aggregation}",
        lambda book, sized, side, x: value(book, sized, x),
        Unit.RATIO if ratio else Unit.BPS,
        words,
        formula + ", V = {amount}, down to level {visible}",
        "notionals",
        citation=XLM,
        sign=None if ratio else PAYS,
    )


def _within(amount: shape.Amount, unit: Unit, over_listings: Rollup, words: str, formula: str) -> list[_Measure]:
    near = "|P_i − R| ≤ R·{x}/1e4, R = {reference}"
    return [
        _Measure(
            "DepthWithin",
            "{side}DepthWithin{bps}Bps{aggregation}",
            lambda b, s, side, x: shape.depth_within(b, side, x, amount, s.group.reference, s.visible),
            unit,
            words + " displayed on the {side} no further than {x} bps from the {reference}",
            f"Σ {formula} with {near}, i ≤ {{visible}}",
            "bps",
            sided=True,
            over_listings=over_listings,
        ),
        _Measure(
            "DepthWithinTruncated",
            "{side}DepthWithin{bps}BpsTruncated{aggregation}",
            lambda b, s, side, x: shape.is_truncated(b, side, x, s.group.reference, s.visible),
            Unit.FLAG,
            "whether {side} level {visible}, the deepest that is read, is no further than {x} bps from the {reference}",
            f"level {{visible}} exists, {near}",
            "bps",
            sided=True,
            dtype=pl.Boolean,
        ),
    ]


_MEASURES: Mapping[str, Sequence[_Measure]] = {
    "Xlm": [
        _walk(
            "XlmBps",
            lambda b, s, x: shape.round_trip(b, x, s.group.by, s.visible),
            "cost in bps of the mid of buying and selling {amount} at once",
            "1e4·(VWAP_buy − VWAP_sell) / M",
        )
    ],
    "XlmBuy": [
        _walk(
            "XlmBuyBps",
            lambda b, s, x: shape.one_way(b, "Ask", x, s.group.by, s.visible),
            "cost in bps of the mid of buying {amount} at once",
            "1e4·(VWAP_buy − M) / M",
        )
    ],
    "XlmSell": [
        _walk(
            "XlmSellBps",
            lambda b, s, x: shape.one_way(b, "Bid", x, s.group.by, s.visible),
            "cost in bps of the mid of selling {amount} at once",
            "1e4·(M − VWAP_sell) / M",
        )
    ],
    "XlmUnfilledRatio": [
        _walk(
            "XlmUnfilledRatio",
            lambda b, s, x: shape.unfilled(b, x, s.group.by, s.visible),
            "part of {amount} that the shorter side of the visible book cannot fill",
            "max over sides of max(0, 1 − depth / V)",
        )
    ],
    "DepthWithin shares": _within("shares", Unit.SHARES, SUM, "shares", "Q_i"),
    "DepthWithin notional": _within("notional", Unit.CURRENCY, IN_ONE_CURRENCY, "value", "P_i·Q_i"),
    "DepthSlope": [
        _Measure(
            "DepthSlope",
            "{side}DepthSlope{aggregation}",
            lambda b, s, side, x: shape.depth_slope(b, side, s.deepest),
            Unit.SHARES_PER_BPS,
            "{side} shares gained with each bps away from the mid, fitted down to level {deepest}",
            "Σ d_i·c_i / Σ d_i², d = 1e4·|P_i − M|/M, c = cumulative shares, i ≤ {deepest}",
            sided=True,
        )
    ],
    "LogDepthSlope": [
        _Measure(
            "LogDepthSlope",
            "LogDepthSlope{aggregation}",
            lambda b, s, side, x: shape.log_depth_slope(b, s.deepest),
            Unit.INDEX,
            "slope of log depth over relative distance down to level {deepest}, the mean of both sides",
            "mean of both sides of (1/N)·[v_1/|p_1/p_0 − 1| + Σ (v_τ₊₁/v_τ − 1)/|p_τ₊₁/p_τ − 1|], v = ln c, p_0 = M, "
            "N ≤ {deepest}",
            citation="Næs & Skjeltorp 2006",
            sign="+ when depth grows with distance; − where the best levels hold less than one share",
        )
    ],
    "DepthSpread": [
        _Measure(
            "DepthSpreadBps",
            "DepthSpreadBps{level}{aggregation}",
            lambda b, s, side, x: shape.depth_spread(b, int(x)),
            Unit.BPS,
            "average ask minus average bid of what is displayed down to level {x}, in bps of the mid",
            "1e4·(ask − bid) / M, each Σ P_j·Q_j / Σ Q_j, j ≤ {x}",
            "levels",
            sign="+ when asks are above bids; − on crossed rows, where they are kept",
        )
    ],
}
