"""Days, options of transforms and modules, and parent orders, drawn at random, for what reads trades."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import polars as pl

from .days import TRADE_TYPES, WHERE, Day, spoiled, states
from .trade_groups import FLAGS

SIDES = ["Total", "Buy", "Sell", "Unknown"]
HORIZONS = ["0s", "1ms", "250us", "1s", "90s", "10m", "2h", "-1s", "-5m"]
OWN_QUOTES = ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity")
WIDTHS = ("7s", "1m", "333ms", "1h", "17m")
FLAG_MEASURES = ["Volume", "Count", "Notional", "AvgNotional", "VolumeShare", "CountShare", "UnknownVolume"]
CHANGES = ["GapSeconds", "PriceChange", "PriceChangeBps", "AbsPriceChangeBps", "QuoteAgeSeconds"]
CHANGES += ["PublicationDelaySeconds"]
AGGREGATIONS = ["Mean", "Median", "Min", "Max", "Std", "Last"]
REFERENCES = ["Mid", "Bid", "Ask", "NearTouch", "FarTouch"]
COSTS = ["QuotedSpread", "EffectiveSpread", "RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "Markout"]
COSTS += ["PriceImprovement", "ImprovedShare", "AtQuoteShare", "OutsideShare", "EQRatio"]
COSTS += ["TcaCount", "TcaUnsignedCount", "TcaNoQuoteCount"]


def some(values: Sequence[Any], rng: Random) -> list[Any]:
    """One or more of them, in any order."""
    return rng.sample(list(values), rng.randint(1, len(values)))


def marked(seed: int) -> Day:
    """A spoiled day whose trades carry flags, some off-book prints and fractions of a cent, and no quotes."""
    rng, day = Random(f"marked {seed}"), spoiled(seed)
    trades = day["trades"].drop(OWN_QUOTES)
    share = rng.choice((0.0, 0.1, 0.6))
    n = trades.height
    for flag in FLAGS:
        values = [None if rng.random() < share else rng.random() < 0.4 for _ in range(n)]
        trades = trades.with_columns(pl.Series(f"Is{flag}", values, dtype=pl.Boolean))
    off = pl.Series([rng.random() < 0.2 for _ in range(n)], dtype=pl.Boolean)
    cents = pl.Series([rng.choice((0.0, 0.0001, 0.0025, 0.004, 0.005, 0.006, 0.0099)) for _ in range(n)])
    kind = pl.when(off).then(pl.lit("OffBook", dtype=trades.schema["TradeType"])).otherwise("TradeType")
    price = pl.when(off).then(pl.col("Price") + cents).otherwise("Price")
    delay = pl.Series([rng.choice((0, 1, 10**6, 3 * 10**9, None)) for _ in range(n)], dtype=pl.Int64)
    public = pl.col("EventTimestamp") + delay.cast(pl.Duration("ns"))
    return day | {"trades": trades.with_columns(TradeType=kind, Price=price, PublicationTimestamp=public)}


def pass_options(rng: Random, widths: Sequence[str] = WIDTHS) -> dict[str, Any]:
    """Width, label, closed and origin."""
    options = {"every": rng.choice(widths), "label": rng.choice(("end", "start"))}
    options["closed"] = rng.choice(("right", "left"))
    return options | ({"origin": "00:00:01.5"} if rng.random() < 0.3 else {})


def quote_options(rng: Random) -> dict[str, Any]:
    """Options of quotes_at_trades."""
    options: dict[str, Any] = {"transform": "quotes_at_trades", "horizons": some(HORIZONS, rng)}
    for key, values in {
        "order": ["time", "time_sequence"],
        "lag": ["1ns", "2s", "5m"],
        "tolerance": ["1ns", "30s", "20m"],
        "locked": ["drop"],
        "crossed": ["keep"],
        "clamp": ["session_end"],
        "mid": ["weighted_mid"],
    }.items():
        if rng.random() < 0.3:
            options[key] = rng.choice(values)
    return options


def sign_options(rng: Random) -> dict[str, Any]:
    """Options of trade_signs."""
    rules = ["exchange", "quote", "tick", "lee_ready", "emo", "clnv"]
    options: dict[str, Any] = {"transform": "trade_signs", "rule": rng.choice(rules)}
    if rng.random() < 0.5:
        options["fallback"] = rng.choice(rules[1:])
    if rng.random() < 0.3:
        options["override"] = True
    return options


def trade_module(rng: Random, day: Day, horizons: Sequence[str], prefix: str = "") -> dict[str, Any]:
    """Module trade with groups of rows; `horizons`: those the trades carry."""
    filters: dict[str, list[Any]] = {"where": list(WHERE)[:2], "trade_types": [*TRADE_TYPES, ["OffBook", "Lit"]]}
    known = states(day, "trades")
    if known:
        filters["market_states"] = known
    options: dict[str, Any] = {"module": "trade", "prefix": prefix}
    options |= {k: rng.choice(v) for k, v in filters.items() if rng.random() < 0.2}
    if rng.random() < 0.2:
        options["max_publication_delay"] = "1s"
    for kind, draw in KINDS.items():
        if rng.random() < 0.6:
            group = draw(rng, horizons)
            if group:
                options[kind] = [group | {k: rng.choice(v) for k, v in filters.items() if rng.random() < 0.2}]
    return options


def _imbalance(rng: Random, horizons: Sequence[str]) -> dict[str, Any]:
    return {"measures": some(["Volume", "Count", "Notional"], rng)}


def _flags(rng: Random, horizons: Sequence[str]) -> dict[str, Any]:
    return {"flags": some(FLAGS, rng)[:3], "measures": some(FLAG_MEASURES, rng), "sides": some(SIDES, rng)}


def _discrepancy(rng: Random, horizons: Sequence[str]) -> dict[str, Any]:
    group = {"references": some(REFERENCES, rng), "sides": some(SIDES, rng), "units": some(["Bps", "Price"], rng)}
    if rng.random() < 0.3:
        return group | {"aggregations": ["Mean"], "weights": ["Equal", "Share"]}
    return group | {"aggregations": some(AGGREGATIONS, rng), "weights": ["Equal"]}


def _change(rng: Random, horizons: Sequence[str]) -> dict[str, Any]:
    return {"measures": some(CHANGES, rng), "aggregations": some(AGGREGATIONS, rng), "sides": some(SIDES, rng)}


def _placement(rng: Random, horizons: Sequence[str]) -> dict[str, Any]:
    return {"sides": some(SIDES, rng), "clip": rng.random() < 0.5}


def _tca(rng: Random, horizons: Sequence[str]) -> dict[str, Any]:
    sides = some(SIDES[:3], rng)
    later = [h for h in horizons if not h.startswith("-")]
    measures = some(COSTS, rng)
    group = {"measures": measures, "units": some(["Price", "Bps"], rng), "sides": sides}
    if "TcaUnsignedCount" in measures and "Total" not in sides:
        sides.append("Total")
    group["weights"] = some(["Equal", "Share", "Notional"], rng)
    wants = {"RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "Markout"} & set(measures)
    if wants == {"Markout"} and "TcaCount" not in measures:
        later = list(horizons)
    if wants and not later:
        return {}
    return group | ({"horizons": some(later, rng)} if later and (wants or "TcaCount" in measures) else {})


KINDS: Mapping[str, Any] = {
    "imbalance": _imbalance,
    "flags": _flags,
    "discrepancy": _discrepancy,
    "change": _change,
    "placement": _placement,
    "tca": _tca,
}
