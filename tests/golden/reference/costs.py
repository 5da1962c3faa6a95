"""Module trade, group tca: costs of trades beside the quote before them and the mid at offsets after them.

P are trades whose side and mid are known, C(h) those of P whose mid at t + h is known too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .clock import Row
from .quotes import after
from .trade_groups import UNITS, WEIGHT_TOKENS, WEIGHTS, Group, in_unit
from .values import near, ratio

SIGN = {"Buy": 1, "Sell": -1}
AT_TRADE = ("QuotedSpread", "EffectiveSpread", "PriceImprovement")
AT_OFFSET = ("RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "Markout")
RATIOS = ("ImprovedShare", "AtQuoteShare", "OutsideShare", "EQRatio")
COUNTS = ("TcaCount", "TcaUnsignedCount", "TcaNoQuoteCount")
TEMPLATE = "Trade{side}{measure}{horizon}{unit}{weight}"


def tca(group: Group) -> None:
    """Every measure for every side, horizon, unit and weight it takes."""
    for side in group.sides:
        for measure in group.options["measures"]:
            if measure in COUNTS:
                _counted(group, side, measure)
            elif measure in RATIOS:
                _add(group, side, measure, _population(group.of(side)), RATIO_OF[measure])
            else:
                _costs(group, side, measure)


def _population(rows: Sequence[Row], horizon: str | None = None) -> list[Row]:
    known = [r for r in rows if r.get("AggressorSide") is not None and r["MidAtTrade"] is not None]
    return [r for r in known if horizon is None or r[after(horizon)] is not None]


def _counted(group: Group, side: str, measure: str) -> None:
    rows = group.of(side)
    if measure == "TcaUnsignedCount":
        if side != "Total":
            return  # no buy or sell is without a side
        counted = [r for r in rows if r.get("AggressorSide") is None]
    elif measure == "TcaNoQuoteCount":
        counted = [r for r in rows if r.get("AggressorSide") is not None and r["MidAtTrade"] is None]
    else:
        counted = _population(rows)
        for horizon in group.options.get("horizons", []):
            _count(group, side, measure, _population(rows, horizon), horizon)
    _count(group, side, measure, counted)


def _count(group: Group, side: str, measure: str, rows: Sequence[Row], horizon: str = "") -> None:
    group.total(_name(group, side, measure, horizon), rows, lambda r: 1)


def _name(group: Group, side: str, measure: str, horizon: str = "", unit: str = "", weight: str = "") -> str:
    token = f"Before{horizon[1:]}" if horizon.startswith("-") else horizon
    return group.named(TEMPLATE, side=side, measure=measure, horizon=token, unit=unit, weight=weight)


def _add(group: Group, side: str, measure: str, rows: Sequence[Row], parts: Callable[[Row], tuple[Any, Any]]) -> None:
    def value(some: Sequence[Row]) -> tuple[Any, Any]:
        found = [parts(r) for r in some]
        total = sum(d for _, d in found)
        return ratio(sum(n for n, _ in found), total), total if total > 0 else None  # no mean weighs by less than 0

    group.add(_name(group, side, measure), rows, value, rollup="mean")


def improvement(row: Row) -> float:
    """How much better than the far touch the price was; 0 for equal prices."""
    buy = row["AggressorSide"] == "Buy"
    touch, price = row["AskPrice"] if buy else row["BidPrice"], row["Price"]
    return 0.0 if near(touch, price) else float(touch - price if buy else price - touch)


def effective(row: Row) -> float:
    """2 D (P − M)."""
    return float(2 * SIGN[row["AggressorSide"]] * (row["Price"] - row["MidAtTrade"]))


RATIO_OF: Mapping[str, Callable[[Row], tuple[Any, Any]]] = {
    "ImprovedShare": lambda r: (r["Size"] * (improvement(r) > 0), r["Size"]),
    "AtQuoteShare": lambda r: (r["Size"] * (improvement(r) == 0), r["Size"]),
    "OutsideShare": lambda r: (r["Size"] * (improvement(r) < 0), r["Size"]),
    "EQRatio": lambda r: (r["Size"] * effective(r), r["Size"] * (r["AskPrice"] - r["BidPrice"])),
}


def _costs(group: Group, side: str, measure: str) -> None:
    horizons = group.options["horizons"] if measure in AT_OFFSET else [None]
    for horizon in horizons:
        rows = _population(group.of(side), horizon)
        for unit in group.options.get("units", ["Price"]):
            for weight in group.options.get("weights", ["Equal"]):
                name = _name(group, side, measure, horizon or "", UNITS[unit], WEIGHT_TOKENS[weight])
                _mean(group, name, rows, lambda r, h=horizon, u=unit: cost(measure, r, h, u), weight)


def _mean(group: Group, name: str, rows: Sequence[Row], value: Callable[[Row], Any], weight: str) -> None:
    def weighed(some: Sequence[Row]) -> tuple[Any, Any]:
        pairs = [(value(r), WEIGHTS[weight](r)) for r in some]
        there = [(x, w) for x, w in pairs if x is not None]
        total = sum(w for _, w in there)
        return ratio(sum(x * w for x, w in there), total) if there else None, total

    group.add(name, rows, weighed, rollup="mean")


def cost(measure: str, row: Row, horizon: str | None, unit: str) -> float | None:
    """One trade's cost, positive where the taker pays (a markout: where the price went the aggressor's way)."""
    sign, price, mid = SIGN[row["AggressorSide"]], row["Price"], row["MidAtTrade"]
    later = None if horizon is None else row[after(horizon)]
    if measure == "Markout":
        return in_unit(sign * (later - price), price, unit)
    difference = {
        "QuotedSpread": lambda: row["AskPrice"] - row["BidPrice"],
        "EffectiveSpread": lambda: effective(row),
        "EffectiveSpreadCommon": lambda: effective(row),
        "RealizedSpread": lambda: 2 * sign * (price - later),
        "PriceImpact": lambda: 2 * sign * (later - mid),
        "PriceImprovement": lambda: improvement(row),
    }[measure]()
    return in_unit(difference, mid, unit)
