"""Days, options of transforms and modules, and parent orders, drawn at random, for what reads trades."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import polars as pl

from basalt.tables import NS_UTC

from .book_configs import GRID_MEASURES, GRIDS, MEASURES, NOISE, RANGES, SESSIONS, WINDOWS, some
from .days import TRADE_TYPES, WHERE, Day, spoiled, states
from .trade_groups import FLAGS
from .values import finite

EARLY = {"start": "00:00:07", "end": "01:00:00"}
EVENT = pl.Enum(["Arrival", "Fill", "End"])

SIDES = ["Total", "Buy", "Sell", "Unknown"]
HORIZONS = ["0s", "1ms", "250us", "1s", "90s", "10m", "2h", "-1s", "-5m"]
OWN_QUOTES = ("BidPrice", "AskPrice", "BidQuantity", "AskQuantity")
EVERY = ("7s", "1m", "333ms", "1h", "17m")
FLAG_MEASURES = ["Volume", "Count", "Notional", "AvgNotional", "VolumeShare", "CountShare", "UnknownVolume"]
CHANGES = ["GapSeconds", "PriceChange", "PriceChangeBps", "AbsPriceChangeBps", "QuoteAgeSeconds"]
CHANGES += ["PublicationDelaySeconds"]
AGGREGATIONS = ["Mean", "Median", "Min", "Max", "Std", "Last"]
REFERENCES = ["Mid", "Bid", "Ask", "NearTouch", "FarTouch"]
COSTS = ["QuotedSpread", "EffectiveSpread", "RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "Markout"]
COSTS += ["PriceImprovement", "ImprovedShare", "AtQuoteShare", "OutsideShare", "EQRatio"]
COSTS += ["TcaCount", "TcaUnsignedCount", "TcaNoQuoteCount"]

LIQUIDITY = ["KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned", "Vpin"]
STEPS = {"7s": ("1s", "500ms"), "1m": ("5s", "30s"), "333ms": ("37ms",), "1h": ("1m", "10m"), "17m": ("1m", "17s")}


def marked(seed: int) -> Day:
    """A spoiled day whose trades carry flags, some off-book prints and fractions of a cent, and no quotes."""
    return flagged(spoiled(seed), Random(f"marked {seed}"))


def flagged(day: Day, rng: Random) -> Day:
    """The day with flags, delays, off-book prints and fractions of a cent, without the trades' own quotes."""
    trades = day["trades"].drop(OWN_QUOTES, strict=False)
    share = rng.choice((0.0, 0.1, 0.6))
    n = trades.height
    for flag in FLAGS:
        values = [None if rng.random() < share else rng.random() < 0.4 for _ in range(n)]
        trades = trades.with_columns(pl.Series(f"Is{flag}", values, dtype=pl.Boolean))
    off = pl.Series([rng.random() < 0.2 for _ in range(n)], dtype=pl.Boolean)
    cents = pl.Series([rng.choice((0.0, 0.0001, 0.0025, 0.004, 0.005, 0.006, 0.0099)) for _ in range(n)])
    kind = pl.when(off).then(pl.lit("OffBook", dtype=trades.schema["TradeType"])).otherwise("TradeType")
    price = pl.when(off).then((pl.col("Price") + cents).round(6)).otherwise("Price")
    delay = pl.Series([rng.choice((0, 1, 10**6, 3 * 10**9, None)) for _ in range(n)], dtype=pl.Int64)
    public = pl.col("EventTimestamp") + delay.cast(pl.Duration("ns"))
    return {
        **day,
        "trades": trades.with_columns(TradeType=kind, Price=price, PublicationTimestamp=public),
        **_instruments(day),
    }


def _instruments(day: Day) -> Day:
    """Two listings an instrument, and as best quotes of an instrument the book rows of both."""
    listing = pl.concat([day[name]["ListingId"] for name in ("trades", "l2")]).unique().sort()
    instruments = pl.DataFrame({"ListingId": listing, "InstrumentId": (listing - 1) // 2})
    columns = ["EventTimestamp", "BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1"]
    best = day["l2"].select(((pl.col("ListingId") - 1) // 2).alias("InstrumentId"), *columns)
    return {"reference": instruments, "cbbo": best}


def pass_options(rng: Random, widths: Sequence[str] = EVERY) -> dict[str, Any]:
    """Width, label, closed and origin."""
    options = {"every": rng.choice(widths), "label": rng.choice(("end", "start"))}
    options["closed"] = rng.choice(("right", "left"))
    session = {"session": {**rng.choice((*SESSIONS, EARLY)), "tz": "UTC"}} if rng.random() < 0.25 else {}
    return options | ({"origin": "00:00:01.5"} if rng.random() < 0.3 else {}) | session


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
        "quotes": ["cbbo"],
        "next_quote": ["1ms", "1s", "10m"],
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
    if rng.random() < 0.3 and {options["rule"], options.get("fallback")} - {"exchange", "quote", None}:
        options["tick_memory"] = "instrument"
    return options


def volatility_group(rng: Random, every: str) -> dict[str, Any]:
    """Group volatility of module trade, by events or on a grid."""
    group: dict[str, Any] = {"sides": some(SIDES, rng), "measures": some([*MEASURES, *NOISE, *RANGES], rng)}
    if rng.random() < 0.4:
        return group
    step = rng.choice(GRIDS[every])
    group |= {"sampling": step, "measures": some([*GRID_MEASURES, *NOISE, *RANGES], rng)}
    if {"RVSub", "TSRV", "TSRVAdj"} & set(group["measures"]):
        group["subsample"] = rng.choice((2, 3))
    if "RK" in group["measures"]:
        group["kernel_bandwidth"] = rng.choice((1, 3))
    if rng.random() < 0.3:
        group["max_age"] = rng.choice(("1ms", "30s", "10m"))
    if (every, step) in WINDOWS and rng.random() < 0.7:
        group["windows"] = [WINDOWS[every, step]]
        group["window_aggregations"] = some(["Min", "Max", "Mean", "Median", "Std", "Last", "WMean"], rng)
    return group


def trade_module(rng: Random, day: Day, quotes: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Module trade with groups of rows; `quotes`: options of the transform before it."""
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
            group = draw(rng, quotes)
            if group:
                options[kind] = [group | {k: rng.choice(v) for k, v in filters.items() if rng.random() < 0.2}]
    return options


def retail_module(rng: Random, day: Day, prefix: str) -> dict[str, Any]:
    """Module retail_imbalance."""
    options: dict[str, Any] = {"module": "retail_imbalance", "prefix": prefix}
    options |= {
        "rule": rng.choice(("flag", "subpenny")),
        "measures": some(["Volume", "Notional", "Count", "NotionalEUR"], rng),
    }
    return options | _filters(rng, day)


def liquidity_module(rng: Random, day: Day, every: str, prefix: str) -> dict[str, Any]:
    """Module liquidity."""
    options: dict[str, Any] = {"module": "liquidity", "prefix": prefix, "measures": some(LIQUIDITY, rng)}
    options |= {"every_sub": rng.choice(STEPS[every]), "price": rng.choice(("mid", "trade"))}
    if "Vpin" in options["measures"]:
        options["vpin"] = {"bucket_volume": rng.choice((100, 1000, 12345.5)), "buckets": rng.choice((1, 2, 5))}
        if rng.random() < 0.4:
            options["vpin"] |= {"side": "bvc", "bvc_window": rng.choice((2, 3, 10))}
    return options | _filters(rng, day)


def order_module(rng: Random, day: Day) -> dict[str, Any]:
    """Module tca."""
    options: dict[str, Any] = {"module": "tca", "horizons": some([h for h in HORIZONS if h[0] not in "-0"], rng)}
    options["participation_rates"] = some([0.05, 0.1, 0.5, 1.0], rng)
    options |= {"own_volume": rng.choice(("include", "exclude")), "end_price": rng.choice(("mid", "last_trade"))}
    found = _filters(rng, day)
    return options | {k: v for k, v in found.items() if k != "where"}


def with_orders(day: Day, rng: Random) -> Day:
    """The day with parent orders, some of which contradict themselves."""
    trades, rows = day["trades"].with_columns(pl.col("EventTimestamp").to_physical()), []
    for n in range(rng.randint(1, 8)):
        rows += _order(f"o{n}", trades, rng)
    schema = {"OrderId": pl.String, "ListingId": trades.schema["ListingId"], "EventTimestamp": pl.Int64}
    schema |= {"SequenceNo": pl.Int64, "Event": EVENT, "OrderSide": pl.Enum(["Buy", "Sell"])}
    schema |= dict.fromkeys(("OrderQuantity", "Price", "Size", "Fee", "DecisionPrice"), pl.Float64)
    schema |= {"DecisionTimestamp": pl.Int64, "TradeId": pl.String}
    orders = pl.DataFrame(rows, schema=schema).cast(dict.fromkeys(("EventTimestamp", "DecisionTimestamp"), NS_UTC))
    return day | {"orders": orders}


def _order(name: str, trades: pl.DataFrame, rng: Random) -> list[dict[str, Any]]:
    """Fills at, or near, prints of a listing."""
    listing = rng.choice(trades["ListingId"].unique().sort().to_list() or [1001])
    prints = trades.filter(pl.col("ListingId") == listing).to_dicts()
    some_prints = sorted(rng.sample(prints, min(len(prints), rng.randint(0, 4))), key=lambda r: r["EventTimestamp"])
    stamps = [r["EventTimestamp"] for r in some_prints] or [r["EventTimestamp"] for r in prints[:1]] or [0]
    side, start = rng.choice(("Buy", "Sell")), stamps[0] - rng.choice((0, 1, 10**9, 600 * 10**9))
    decided = rng.choice((None, start, start - 10**9, start - 3600 * 10**9))
    price = rng.choice((None, None, 100.0))
    common = {"OrderId": name, "ListingId": listing, "OrderSide": side}
    fills = [
        {
            "EventTimestamp": r["EventTimestamp"],
            "Event": "Fill",
            "Price": r["Price"] if finite(r["Price"]) and r["Price"] > 0 else 50.0,
            "Size": r["Size"] if finite(r["Size"]) and r["Size"] > 0 else 100.0,
            "Fee": rng.choice((None, 0.0, 1.5, -0.5)),
            "TradeId": r.get("TradeId"),
        }
        for r in some_prints
    ]
    done = sum(f["Size"] for f in fills)
    quantity = rng.choice((done, done + 100, 2 * done + 1)) or 100.0
    arrival = {"EventTimestamp": start, "Event": "Arrival", "OrderQuantity": quantity}
    arrival |= {"DecisionTimestamp": decided, "DecisionPrice": price}
    end = {"EventTimestamp": stamps[-1] + rng.choice((0, 1, 10**9, 600 * 10**9)), "Event": "End"}
    found = [common | row for row in (arrival, *fills, *([end] if rng.random() < 0.8 else []))]
    if rng.random() < 0.25:
        found = _contradicting(found, rng)
    return [{**row, "SequenceNo": i} for i, row in enumerate(found)]


def _contradicting(rows: list[dict[str, Any]], rng: Random) -> list[dict[str, Any]]:
    """Overfilled, filled too early or too late, or of two sides."""
    fill = {**rows[0], "Event": "Fill", "Price": 50.0, "Size": 1.0, "OrderQuantity": None}
    fill |= {"DecisionTimestamp": None, "DecisionPrice": None}
    return {
        "overfilled": lambda: [rows[0], fill | {"Size": 1e6}, *rows[1:]],
        "early": lambda: [*rows, fill | {"EventTimestamp": rows[0]["EventTimestamp"] - 1}],
        "late": lambda: [*rows, fill | {"EventTimestamp": rows[-1]["EventTimestamp"] + 1}],
        "sides": lambda: [*rows, fill | {"OrderSide": "Sell" if fill["OrderSide"] == "Buy" else "Buy"}],
    }[rng.choice(("overfilled", "early", "late", "sides"))]()


def _filters(rng: Random, day: Day) -> dict[str, Any]:
    known = states(day, "trades")
    found: dict[str, Any] = {"market_states": rng.choice(known)} if known and rng.random() < 0.3 else {}
    if rng.random() < 0.2:
        found["trade_types"] = rng.choice([*TRADE_TYPES, ["OffBook", "Lit"]])
    if rng.random() < 0.2:
        found["where"] = rng.choice(list(WHERE)[:2])
    return found


def _imbalance(rng: Random, quotes: Mapping[str, Any]) -> dict[str, Any]:
    return {"measures": some(["Volume", "Count", "Notional"], rng)}


def _flags(rng: Random, quotes: Mapping[str, Any]) -> dict[str, Any]:
    return {"flags": some(FLAGS, rng)[:3], "measures": some(FLAG_MEASURES, rng), "sides": some(SIDES, rng)}


def _discrepancy(rng: Random, quotes: Mapping[str, Any]) -> dict[str, Any]:
    group = {"references": some(REFERENCES, rng), "sides": some(SIDES, rng), "units": some(["Bps", "Price"], rng)}
    if rng.random() < 0.3:
        return group | {"aggregations": ["Mean"], "weights": ["Equal", "Share"]}
    return group | {"aggregations": some(AGGREGATIONS, rng), "weights": ["Equal"]}


def _change(rng: Random, quotes: Mapping[str, Any]) -> dict[str, Any]:
    if "next_quote" in quotes and rng.random() < 0.5:
        asked = {"measures": some([*CHANGES, "NextQuoteSeconds"], rng), "sides": some(SIDES, rng)}
        wait = {"max_wait": quotes["next_quote"]} if "NextQuoteSeconds" in asked["measures"] else {}
        return asked | {"aggregations": some(AGGREGATIONS, rng)} | wait
    return {"measures": some(CHANGES, rng), "aggregations": some(AGGREGATIONS, rng), "sides": some(SIDES, rng)}


def _placement(rng: Random, quotes: Mapping[str, Any]) -> dict[str, Any]:
    return {"sides": some(SIDES, rng), "clip": rng.random() < 0.5}


def _twap(rng: Random, quotes: Mapping[str, Any]) -> dict[str, Any]:
    return {"sources": ["Trade"]}


def _tca(rng: Random, quotes: Mapping[str, Any]) -> dict[str, Any]:
    sides = some(SIDES[:3], rng)
    later = [h for h in quotes["horizons"] if not h.startswith("-")]
    measures = some(COSTS, rng)
    group = {"measures": measures, "units": some(["Price", "Bps"], rng), "sides": sides}
    if "TcaUnsignedCount" in measures and "Total" not in sides:
        sides.append("Total")
    group["weights"] = some(["Equal", "Share", "Notional"], rng)
    wants = {"RealizedSpread", "PriceImpact", "EffectiveSpreadCommon", "Markout"} & set(measures)
    if wants == {"Markout"} and "TcaCount" not in measures:
        later = list(quotes["horizons"])
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
    "twap": _twap,
}
