"""Options drawn at random for the book modules, and for the passes they are in."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from .days import ORIGINS, Day, book_options, states

WIDTHS = ("7s", "1m", "333ms", "1h", "17m", "250us")
DENSE = ("1m", "17m", "1h", "45s")
GRIDS = {
    "7s": ("1s", "500ms", "3500ms"),
    "1m": ("1s", "10s", "30s"),
    "333ms": ("37ms", "111ms"),
    "1h": ("1m", "10m", "90s"),
    "17m": ("1m", "17s", "51s"),
    "250us": ("50us", "125us"),
    "45s": ("5s", "9s"),
}
WINDOWS = {("7s", "500ms"): "3500ms", ("1m", "10s"): "30s", ("1h", "1m"): "15m", ("17m", "17s"): "340s"}
BOOK_WHERE = "BidNumOrders1 >= 2"
SESSIONS = ({"start": "08:00", "end": "16:30"}, {"start": "10:15:00.5", "end": "15:00:00.000001"})
SOURCES = ["Mid", "Bid", "Ask", "WeightedMid"]
ROWWISE = ["First", "Last", "Min", "Max", "Mean", "Median", "Std"]
TIMED = ["TWA", "TWStd", "TWMin", "TWMax", "TWMedian"]
MEASURES = ["ReturnCount", "ZeroReturnShare", "RV", "Vol", "AnnVol", "Std", "BV", "MinRV", "MedRV", "JumpShare"]
GRID_MEASURES = [*MEASURES, "AnnStd", "RVSub", "TSRV", "TSRVAdj"]
NOISE = ["RK", "NoiseVar"]
COUNTS = ["Updates", "TouchUpdates", "MidChanges", "BidChanges", "AskChanges", "InvalidLevel", "Disordered"]
COUNTS += ["Locked", "Crossed", "OneSided"]
GROUPS = ("book", "spreads", "imbalances", "prices", "liquidity")
TABLES = [str(Path(__file__).with_name(f"microprice_of_{classes}.json")) for classes in (3, 4)]
RANGES = ["Parkinson", "GarmanKlass", "RogersSatchell"]


def some(values: Sequence[Any], rng: Random) -> list[Any]:
    """One or more of them, in any order."""
    return rng.sample(list(values), rng.randint(1, len(values)))


def pass_options(rng: Random, day: Day) -> dict[str, Any]:
    """Width, label, closed, origin, timeline, session and halts."""
    options: dict[str, Any] = {"label": rng.choice(("end", "start")), "closed": rng.choice(("right", "left"))}
    origin = rng.choice(ORIGINS)
    if origin:
        options["origin"] = origin
    if rng.random() < 0.3:
        options["session"] = {**rng.choice(SESSIONS), "tz": "UTC"}
    known = "MarketState" in day["l2"].columns or "marketstate" in day
    if (known or "session" in options) and rng.random() < 0.5:
        options["timeline"] = "dense"
        if known and rng.random() < 0.2:
            options["halts"] = "keep"
    return options | {"every": rng.choice(DENSE if "timeline" in options else WIDTHS)}


def common(rng: Random, day: Day) -> dict[str, Any]:
    """Fields of every book module."""
    options: dict[str, Any] = {}
    known = states(day, "l2")
    if known and rng.random() < 0.4:
        options["market_states"] = rng.choice(known)
    for key, values in {"locked": ["keep", "drop"], "crossed": ["keep", "drop"]}.items():
        if rng.random() < 0.4:
            options[key] = rng.choice(values)
    return options


def depth_of(day: Day) -> int:
    """How many levels the books have."""
    return sum(c.startswith("BidPrice") for c in day["l2"].columns)


def liquidity_options(rng: Random, depth: int, aggregations: Sequence[str]) -> list[dict[str, Any]]:
    """One or two groups: trips by value or by shares, depth from the mid or the touch."""
    levels = sorted(rng.sample(range(1, depth + 1), rng.randint(1, min(3, depth))))
    trips: dict[str, Any] = {"measures": some(["Xlm", "XlmBuy", "XlmSell", "XlmUnfilledRatio"], rng)}
    if rng.random() < 0.5:
        trips["levels"] = levels
    if rng.random() < 0.3:
        trips |= {"by": "shares", "notionals": [100, 2500]}
    else:
        trips["notionals"] = [1000, 50000, 1000000]
    shapes = {"measures": some(["DepthWithin", "DepthSlope", "LogDepthSlope", "DepthSpread"], rng), "levels": levels}
    shapes |= {"bps": rng.choice(([2], [5, 20], [1, 100])), "reference": rng.choice(("mid", "touch"))}
    shapes["unit"] = rng.choice(("shares", "notional"))
    if "DepthWithin" not in shapes["measures"]:
        shapes = {k: v for k, v in shapes.items() if k in ("measures", "levels")}
    return [{**group, "aggregations": some(aggregations, rng)} for group in (trips, shapes)]


def flow_options(rng: Random, depth: int) -> list[dict[str, Any]]:
    """One group, its totals weighted or not."""
    levels = list(range(1, rng.randint(1, min(depth, 4)) + 1))
    group: dict[str, Any] = {"measures": some(["OFI", "OFINorm", "OFITotal"], rng), "levels": levels}
    if "OFITotal" in group["measures"] and rng.random() < 0.4:
        group["weights"] = [1.0, 0.5, 0.25, 0.125][: max(levels)]
    return [group]


def with_microprice(options: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Often with the microprice beside one of the prices that are asked for."""
    lists = [group["sources"] for name in ("prices", "ohlc") for group in options.get(name, [])]
    lists += [options["sources"]] if "sources" in options else []
    if not lists or rng.random() < 0.6:
        return options
    rng.choice(lists).append("Microprice")
    return options | {"microprice_table": rng.choice(TABLES)}


def row_module(rng: Random, day: Day, prefix: str) -> dict[str, Any]:
    """Module l2 with the groups that are not in `days.book_options` alone."""
    depth = depth_of(day)
    options = {**book_options(rng, day["l2"].columns, states(day, "l2"), prefix)}
    options["flow"] = flow_options(rng, depth)
    options["liquidity"] = liquidity_options(rng, depth, ROWWISE)
    options["counts"] = [{"measures": some(COUNTS, rng)} if rng.random() < 0.7 else {}]
    if rng.random() < 0.3:
        options["max_age"] = rng.choice(("0s", "1ms", "30s", "10m", "2h"))
    return with_microprice(options, rng)


def time_module(rng: Random, day: Day, prefix: str) -> dict[str, Any]:
    """Module l2tw."""
    depth = depth_of(day)
    made = book_options(rng, day["l2"].columns, [], prefix)
    made.pop("ohlc", None)
    options = made | common(rng, day) | {"module": "l2tw"}
    for group in ("book", "spreads", "imbalances", "prices"):
        for given in options.get(group, []):
            given["aggregations"] = some(TIMED, rng)
    if rng.random() < 0.5:
        options["liquidity"] = liquidity_options(rng, depth, TIMED)
    if rng.random() < 0.3:
        kinds = rng.choice((["ImbalanceOf"], ["Imbalance", "ImbalanceOf"]))
        one = {"measures": ["Quantity", "CumNotional"], "levels": [1], "kinds": kinds}
        options["imbalances"] = [one]
    if rng.random() < 0.3:
        options["spreads"] = [{"variants": some(["Abs", "Bps", "TWAOverMidTWABps"], rng)}]
    if rng.random() < 0.5:
        options["shares"] = [{"states": some(["Locked", "Crossed", "OneSided", "Empty"], rng)}]
    if rng.random() < 0.3:
        options["touch_sizes"] = [{"above": [300, 5000]}]
    if rng.random() < 0.4:
        options["max_age"] = rng.choice(("1ms", "30s", "10m"))
    asked = [a for group in GROUPS for given in options.get(group, []) for a in given.get("aggregations", ["TWA"])]
    if rng.random() < 0.4 and (not asked or "TWA" in asked):
        options["coverage"] = "each"
    return with_microprice(options, rng)


def volatility_module(rng: Random, day: Day, every: str, prefix: str) -> dict[str, Any]:
    """Module l2_volatility: by events, on one grid with all that grids have, or on several samplings at once."""
    options = {"module": "l2_volatility", "prefix": prefix, **common(rng, day), "sources": some(SOURCES, rng)}
    if rng.random() < 0.2:
        options["where"] = BOOK_WHERE
    if rng.random() < 0.3:
        return options | {"sampling": ["event"], "measures": some([*MEASURES, *NOISE, *RANGES], rng)}
    if rng.random() < 0.5:
        options["max_age"] = rng.choice(("1ms", "30s", "10m"))
    if rng.random() < 0.3:
        options |= {"session_seconds": 23400, "sessions_per_year": 250}
    if rng.random() < 0.3:
        options["bipower_correction"] = True
    if rng.random() < 0.3:
        sampling = ["event", *some(GRIDS[every], rng)]
        return options | {"sampling": sampling, "measures": some(MEASURES, rng)}
    return options | _one_grid(rng, every)


def _one_grid(rng: Random, every: str) -> dict[str, Any]:
    step = rng.choice(GRIDS[every])
    options = {"sampling": [step], "measures": some([*GRID_MEASURES, *NOISE, *RANGES], rng)}
    options["subsample"], options["kernel_bandwidth"] = rng.choice((2, 3)), rng.choice((1, 3))
    if (every, step) in WINDOWS and rng.random() < 0.7:
        options["windows"] = [WINDOWS[every, step]]
        options["window_aggregations"] = some(["Min", "Max", "Mean", "Median", "Std", "Last", "WMean"], rng)
    return options
