"""Days to compare on: simulated ones, spoiled at random, and options drawn at random for the modules."""

import datetime as dt
from random import Random
from typing import Any

import polars as pl

from basalt.tables import NS_UTC
from basalt.testing import market

DATE = dt.date(2026, 1, 5)
Day = dict[str, pl.DataFrame]
NAN, INF = float("nan"), float("inf")
WIDTHS = ("7s", "1m", "333ms", "1h", "17m", "250us")
ORIGINS = (None, "09:30", "00:00:01.5", "23:59:59.999999")
WHERE: dict[str, Any] = {
    "Size > 300": lambda r: r["Size"] is not None and r["Size"] > 300,
    "AggressorSide = 'Buy' OR Price < 100": lambda r: (
        r["AggressorSide"] == "Buy" or (r["Price"] is not None and r["Price"] < 100)
    ),
    "BidNumOrders1 >= 2": lambda r: r["BidNumOrders1"] is not None and r["BidNumOrders1"] >= 2,
}
SIDES = ["Total", "Buy", "Sell", "Unknown"]
TRADED = ["Volume", "Count", "Notional", "VWAP", "AvgPrice", "MedianPrice", "AvgSize", "MedianSize", "MaxSize", "OHLC"]
AGGREGATIONS = ["First", "Last", "Min", "Max", "Mean", "Median", "Std"]
BOOK = ["Price", "Quantity", "NumOrders", "Notional", "AvgOrderSize", "CumQuantity", "CumNotional", "CumOrders"]
STATES = ["all", ["UNKNOWN", "CONTINUOUS_TRADING"], ["CONTINUOUS_TRADING", "CLOSING_AUCTION"], "OPENING_AUCTION"]
TRADE_TYPES = [["Lit"], ["Auction", "null"], ["Lit", "Auction", "Dark"]]


def spoiled(seed: int) -> Day:
    """A simulated day of three listings: ties, halts, crossed, one-sided and empty books, bad and missing values,
    cancelled rows, rows out of order; with and without SequenceNo, MarketState and marketstate."""
    rng = Random(f"spoiled {seed}")
    day = market.simulate(3, seed, DATE, rng.choice((60, 200)), rng.choice((1, 2, 10)))
    day = {name: day[name] for name in ("trades", "l2", "marketstate")}
    if rng.random() < 0.7:
        day["marketstate"] = _halted(day["marketstate"], rng)
    if rng.random() < 0.5:
        day |= {name: _tied(day[name], rng.choice(("1ms", "1m", "15m"))) for name in ("trades", "l2")}
    if rng.random() < 0.5:
        day = {name: _later(frame, "8h") for name, frame in day.items()}
    day["trades"], day["l2"] = _bad_trades(day["trades"], rng), _bad_books(day["l2"], rng)
    if rng.random() < 0.2:
        day |= {name: _restated(day[name], day["marketstate"]) for name in ("trades", "l2")}
    else:
        day |= {name: day[name].drop("MarketState") for name in ("trades", "l2")}
    for name in ("trades", "l2"):
        if rng.random() < 0.3:
            day[name] = day[name].drop("SequenceNo")
        if rng.random() < 0.5:
            day[name] = day[name].sample(fraction=1, shuffle=True, seed=rng.randrange(999))
    if rng.random() < 0.15:
        del day["marketstate"]
    return day


def _later(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    return frame.with_columns(pl.col(NS_UTC).dt.offset_by(by))


def _tied(frame: pl.DataFrame, to: str) -> pl.DataFrame:
    return frame.with_columns(pl.col("EventTimestamp").dt.truncate(to))


def _halted(states: pl.DataFrame, rng: Random) -> pl.DataFrame:
    """Two or three halts of random length a listing in continuous trading, one of no length at all."""
    parts = [states]
    for listing in states["ListingId"].unique(maintain_order=True):
        for length in (rng.randrange(1, 3600 * 10**9), 60 * 10**9, 0)[: rng.randint(1, 3)]:
            start = rng.choice((rng.randrange(9 * 3600, 16 * 3600) * 10**9, rng.randrange(9, 15) * 3600 * 10**9))
            midnight = (DATE - dt.date(1970, 1, 1)).days * 86400 * 10**9
            start += midnight
            halt = [(rng.choice(("HALTED", "CLOSED")), start), ("CONTINUOUS_TRADING", start + length)]
            rows = {"ListingId": listing, "EventTimestamp": [t for _, t in halt], "MarketState": [s for s, _ in halt]}
            parts.append(pl.DataFrame(rows).cast(states.schema))
    found = pl.concat(parts).sort("ListingId", "EventTimestamp", maintain_order=True)
    late = (pl.col("EventTimestamp").dt.hour() < 9) & (pl.col("ListingId") % 2 == 0)
    return found.filter(~late) if rng.random() < 0.3 else found


def _restated(frame: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """MarketState as the marketstate table has it, so that with or without it stretches are the same."""
    changes = states.unique(["ListingId", "EventTimestamp"], keep="last", maintain_order=True)
    return frame.drop("MarketState").join_asof(changes, on="EventTimestamp", by="ListingId", check_sortedness=False)


def _sprinkled(frame: pl.DataFrame, column: str, values: list[Any], share: float, rng: Random) -> pl.DataFrame:
    dtype = frame.schema[column]
    found = [rng.choice(values) if rng.random() < share else x for x in frame[column].to_list()]
    return frame.with_columns(pl.Series(column, found, dtype=dtype))


def _bad_trades(trades: pl.DataFrame, rng: Random) -> pl.DataFrame:
    share = rng.choice((0.0, 0.05, 0.5))
    trades = trades.with_columns(IsCancelled=pl.lit(False), PublicationTimestamp=pl.col("EventTimestamp"))
    trades = trades.with_columns(NotionalEUR=pl.col("Price") * pl.col("Size") * 1.25)
    for column, values in {
        "Price": [None, NAN, INF, -INF, 0.0, -1.0],
        "Size": [None, NAN, INF, -INF, 0.0, -0.0, -100.0],
        "AggressorSide": [None],
        "TradeType": [None, "Dark"],
        "IsCancelled": [None, True],
        "NotionalEUR": [None, NAN, INF],
    }.items():
        trades = _sprinkled(trades, column, values, share, rng)
    return trades


def _bad_books(books: pl.DataFrame, rng: Random) -> pl.DataFrame:
    share = rng.choice((0.0, 0.02, 0.2))
    depth = sum(c.startswith("BidPrice") for c in books.columns)
    for level in range(1, depth + 1):
        for side in ("Bid", "Ask"):
            names = [f"{side}{m}{level}" for m in ("Price", "Quantity", "NumOrders")]
            gone = pl.Series([rng.random() < share for _ in range(books.height)], dtype=pl.Boolean)
            books = books.with_columns(pl.when(~gone).then(pl.col(names)))
            books = _sprinkled(books, names[0], [None, NAN, INF, -INF, 0.0, -1.0], share / 2, rng)
            books = _sprinkled(books, names[1], [None, NAN, 0.0, -5.0], share / 2, rng)
            books = _sprinkled(books, names[2], [None, 0], share / 2, rng)
    crossed = pl.Series([rng.random() < share for _ in range(books.height)], dtype=pl.Boolean)
    locked = pl.Series([rng.random() < share for _ in range(books.height)], dtype=pl.Boolean)
    bid, ask = pl.col("BidPrice1"), pl.col("AskPrice1")
    return books.with_columns(
        BidPrice1=pl.when(crossed).then(ask).otherwise(bid),
        AskPrice1=pl.when(crossed).then(bid).when(locked).then(bid * (1 + 1e-11)).otherwise(ask),
    )


def trade_options(rng: Random, columns: list[str], known: list[Any], prefix: str = "") -> dict[str, Any]:
    """Options of module trade. `known`: market states to draw from."""
    filters: dict[str, list[Any]] = {"where": list(WHERE)[:2], "trade_types": TRADE_TYPES}
    if known:
        filters["market_states"] = known
    options: dict[str, Any] = {"module": "trade", "prefix": prefix}
    options |= {k: rng.choice(v) for k, v in filters.items() if rng.random() < 0.25}
    if rng.random() < 0.2:
        options["allow_nonpositive_prices"] = True
    if rng.random() < 0.2:
        options["max_publication_delay"] = "1s"
    if rng.random() < 0.1:
        return options
    generic = []
    for number in range(rng.randint(1, 3)):
        group = {"measures": rng.sample([*TRADED, "NotionalEUR"], rng.randint(1, 8)), "sides": _some(SIDES, rng)}
        group |= {k: rng.choice(v) for k, v in filters.items() if rng.random() < 0.3}
        if rng.random() < 0.4:
            group["open_mode"] = "prev_close"
        generic.append({**group, "name": f"G{number}{{side}}{{measure}}"})
    return options | {"generic": generic}


def book_options(rng: Random, columns: list[str], known: list[Any], prefix: str = "") -> dict[str, Any]:
    """Options of module l2."""
    depth = sum(c.startswith("BidPrice") for c in columns)
    options: dict[str, Any] = {"module": "l2", "prefix": prefix}
    if known and rng.random() < 0.4:
        options["market_states"] = rng.choice(known)
    for key, values in {
        "locked": ["keep", "drop"],
        "crossed": ["keep", "drop"],
        "empty_side": ["null", "zero"],
        "where": list(WHERE)[2:],
    }.items():
        if rng.random() < 0.4:
            options[key] = rng.choice(values)
    if rng.random() < 0.1:
        return options
    levels = rng.sample(range(1, depth + 1), rng.randint(1, min(3, depth)))
    cumulated = [m for m in BOOK if m not in ("Price", "Notional", "AvgOrderSize")]
    picks = {
        "book": {"measures": _some([*BOOK, "CumVWAP"], rng), "sides": _some(["Bid", "Ask"], rng), "levels": levels},
        "imbalances": {"measures": _some(cumulated, rng), "levels": levels},
        "spreads": {"variants": _some(["Abs", "Bps"], rng)},
        "prices": {"sources": _some(["Mid", "Bid", "Ask", "WeightedMid"], rng)},
    }
    for name, group in picks.items():
        if rng.random() < 0.7:
            options[name] = [{**group, "aggregations": _some(AGGREGATIONS, rng)}]
    bars = {"sources": _some(["Mid", "Bid", "Ask", "WeightedMid"], rng)}
    return options | {"ohlc": [bars, {**bars, "open_mode": "prev_close"}]}


def _some(values: list[Any], rng: Random) -> list[Any]:
    return rng.sample(values, rng.randint(1, len(values)))


def modules(rng: Random, day: Day) -> list[dict[str, Any]]:
    """One to four uses of trade and l2."""
    found = []
    for prefix, make, table, share in (
        ("A", trade_options, "trades", 0.8),
        ("B", book_options, "l2", 0.8),
        ("C", trade_options, "trades", 0.3),
        ("D", book_options, "l2", 0.3),
    ):
        if rng.random() < share or (prefix == "D" and not found):
            found.append(make(rng, day[table].columns, states(day, table), prefix))
    return found


METHODS = ["sum", "mean", "first", "last", "min", "max", "count", "std", "median"]


def generic_options(rng: Random, width: int, rollups: dict[str, str]) -> dict[str, Any]:
    """Options of module generic over a pass with these columns, and its `every`."""
    options: dict[str, Any] = {"every": f"{width * rng.choice((1, 2, 5, 60)) // 1000}us"}
    if rng.random() < 0.3:
        options["min_coverage"] = rng.choice((0.3, 0.5, 1.0))
    methods = METHODS + [f"wmean:{name}" for name in rollups if name.endswith("Count")][:1]
    named = {}
    for name in rng.sample(list(rollups), len(rollups) // 3):
        asked = rng.sample(methods, rng.randint(1, 3))
        named[name] = [m for m in asked if name + m.capitalize() not in rollups] or ["count"]
    if named and rng.random() < 0.6:
        options["aggregations"] = {k: v[0] if len(v) == 1 else v for k, v in named.items()}
    return options


def pass_options(rng: Random) -> dict[str, Any]:
    """Width, label, closed and origin."""
    options = {"every": rng.choice(WIDTHS), "label": rng.choice(("end", "start"))}
    options["closed"] = rng.choice(("right", "left"))
    origin = rng.choice(ORIGINS)
    return options | ({"origin": origin} if origin else {})


def states(day: Day, name: str) -> list[Any]:
    """Options `market_states` to draw from for a table; those with UNKNOWN only where the state comes as of a time."""
    if "marketstate" not in day:
        return STATES[2:] if "MarketState" in day[name].columns else []
    return STATES
