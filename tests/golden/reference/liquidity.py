"""Module liquidity: price impact over sub-intervals, the spread behind price changes, order flow in volume time.

`price` is None where it is not known; signed volumes leave out trades whose side is not known.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

from .clock import Row, Rule, last_overlapped, nanoseconds
from .day import Cell, Column, Predicate, Table
from .quotes import Quote, quotes_of, session_runs
from .trade_bars import in_buckets
from .trade_groups import Group
from .values import Number, mean, ratio, std

SIGN = {"Buy": 1, "Sell": -1}
MEASURES = ("KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Amihud", "Roll", "RollDemeaned")


SIGNED = {"KyleLambda", "KyleLambdaOrigin", "HasbrouckLambda", "Vpin"}
"""Those that leave out volume of unknown side."""


class Piece(NamedTuple):
    """One sub-interval: change of price and of log price, signed volume, signed root notional, notional of all."""

    change: float
    log_change: Number
    signed: float
    root: float
    notional: float


def slope(xs: Sequence[float], ys: Sequence[float]) -> Number:
    """Least squares with intercept; None for fewer than 3 or equal xs."""
    if len(xs) < 3 or max(xs) == min(xs):
        return None
    x0, y0 = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys, strict=True)) / sum((x - x0) ** 2 for x in xs)


def through_origin(xs: Sequence[float], ys: Sequence[float]) -> Number:
    """Least squares without intercept."""
    return ratio(sum(x * y for x, y in zip(xs, ys, strict=True)), sum(x * x for x in xs))


def roll(runs: Sequence[Sequence[float]], demeaned: bool = False) -> Number:
    """2√−γ of price changes; each run is unbroken, products are of neighbours in one run."""
    pairs = [pair for changes in runs for pair in pairwise(changes)]
    if not pairs or (demeaned and len(pairs) < 2):
        return None
    if demeaned:
        x0, y0 = (sum(pair[i] for pair in pairs) / len(pairs) for i in (0, 1))
        gamma = sum((x - x0) * (y - y0) for x, y in pairs) / (len(pairs) - 1)
    else:
        gamma = sum(x * y for x, y in pairs) / len(pairs)
    return 2 * sqrt(-gamma) if gamma < 0 else None


def vpin(trades: Sequence[tuple[str | None, float]], volume: float, buckets: int) -> Number:
    """Of (side, size) in order: mean imbalance of the last complete volume buckets; trades are split at their edges."""
    full = volume_buckets(trades, volume)[-buckets:]
    return sum(abs(b - s) / volume for b, s in full) / buckets if len(full) == buckets else None


def volume_buckets(trades: Sequence[tuple[str | None, float]], volume: float) -> list[tuple[float, float]]:
    """(bought, sold) of each complete one."""
    full, bought, sold = [], 0.0, 0.0
    for side, size in trades:
        left = size if side else 0.0
        while left > 0:
            part = min(left, volume - bought - sold)
            bought, sold = (bought + part, sold) if side == "Buy" else (bought, sold + part)
            left -= part
            if bought + sold >= volume:
                full.append((bought, sold))
                bought, sold = 0.0, 0.0
    return full


def bulk_buckets(trades: Sequence[tuple[float, float]], volume: float, window: int) -> list[Number]:
    """Imbalance of each complete volume bucket of (price, size), told by its price change alone: V Φ(Δp/σ) is bought,
    σ the deviation of the `window` changes before. None where there are not as many, or they are all one."""
    prices, filled = [], 0.0
    for price, size in trades:
        filled += size
        while filled >= volume:
            prices.append(price)
            filled -= volume
    changes = [None, *(y - x for x, y in pairwise(prices))]
    found: list[Number] = []
    for i, change in enumerate(changes[: len(prices)]):
        before = [x for x in changes[max(i - window, 0) : i] if x is not None]
        spread = std(before) if len(before) == window else None
        bought = None if change is None or not spread else NormalDist().cdf(change / spread)
        found.append(None if bought is None else abs(2 * bought - 1))
    return found


def liquidity(
    trades: Table, books: Table, rule: Rule, options: Mapping[str, Any], where: Mapping[str, Predicate]
) -> dict[str, Any]:
    """Columns by name."""
    group = Group(trades, rule, options, {}, where)
    group.runs = session_runs(group.runs, options.get("hours"))
    quotes = quotes_of(books.rows, {})
    prices = _traded(group) if options.get("price", "mid") == "trade" else quotes
    asked = options["measures"]
    cells: dict[str, dict[int, Cell]] = {}
    for label, rows in in_buckets(group.rows, rule).items():
        pieces = _pieces(group, prices, label, rows, options)
        values = _estimates(pieces, _changes(group, rows), rows)
        if "Vpin" in asked:
            values["Vpin"] = (_vpin(group, rows[-1], options["vpin"]), None)
        for name, (value, weight) in values.items():
            cells.setdefault(name, {})[label] = Cell(value, weight, last_overlapped(group.runs, rule.interval(label)))
    names = [*asked, *(["AmihudCount"] if "Amihud" in asked else [])]
    bulk = {"Vpin"} if options.get("vpin", {}).get("side") == "bvc" else set()
    names += ["UnsignedVolumeShare"] if SIGNED & set(asked) - bulk else []
    empties = {"Vpin": "carry", "AmihudCount": "zero"}
    rollups = {"Vpin": "last", "AmihudCount": "sum", "Amihud": "mean", "UnsignedVolumeShare": "mean"}
    return {
        options.get("prefix", "") + name: Column(
            cells.get(name, {}), empties.get(name, "null"), rollups.get(name, "none"), group.runs
        )
        for name in names
    }


def _estimates(pieces: Sequence[Piece], changes: Any, rows: Sequence[Row]) -> dict[str, tuple[Any, Any]]:
    xs, ys = [p.signed for p in pieces], [p.change for p in pieces]
    logs = [p for p in pieces if p.log_change is not None]
    illiquidity = [abs(p.log_change) / p.notional for p in logs if p.notional > 0]  # type: ignore[arg-type]
    average = mean(illiquidity)
    volume = sum(r["Size"] for r in rows)
    unsigned = sum(r["Size"] for r in rows if r.get("AggressorSide") is None)
    return {
        "KyleLambda": (slope(xs, ys), None),
        "KyleLambdaOrigin": (through_origin(xs, ys), None),
        "HasbrouckLambda": (through_origin([p.root for p in logs], [p.log_change for p in logs]), None),  # type: ignore[misc]
        "Amihud": (None if average is None else 1e6 * average, len(illiquidity)),
        "AmihudCount": (len(illiquidity), None),
        "Roll": (roll(changes), None),
        "RollDemeaned": (roll(changes, demeaned=True), None),
        "UnsignedVolumeShare": (ratio(unsigned, volume), volume),
    }


def _changes(group: Group, rows: Sequence[Row]) -> list[list[float]]:
    """Price changes of the bucket's trades, one unbroken run a stretch."""
    runs: dict[Any, list[float]] = {}
    for row in rows:
        runs.setdefault(group.stretch(row), []).append(row["Price"])
    return [[y - x for x, y in pairwise(prices)] for prices in runs.values()]


def _vpin(group: Group, last: Row, options: Mapping[str, Any]) -> Number:
    """At the end of the bucket whose last trade this is."""
    until = next(i for i, row in enumerate(group.rows) if row is last)
    rows, volume, buckets = group.rows[: until + 1], options["bucket_volume"], options.get("buckets", 50)
    if options.get("side") == "bvc":
        full = bulk_buckets([(r["Price"], r["Size"]) for r in rows], volume, options.get("bvc_window", 20))[-buckets:]
        known = [x for x in full if x is not None]
        return sum(known) / buckets if len(known) == buckets else None
    return vpin([(row.get("AggressorSide"), row["Size"]) for row in rows], volume, buckets)


def _traded(group: Group) -> list[Quote]:
    """Trades as rows with a price that is always valid; those outside the stretch at hand are told by their time."""
    return [Quote(r["EventTimestamp"], None, None, None, None, None, "Trade", r["Price"]) for r in group.rows]


def _pieces(
    group: Group, prices: Sequence[Quote], label: int, rows: Sequence[Row], options: Mapping[str, Any]
) -> list[Piece]:
    """Sub-intervals of a bucket that lie inside a stretch and have a price at both ends."""
    start, end = group.rule.interval(label)
    step = nanoseconds(options.get("every_sub", "5s"))
    found = []
    for a in range(start, end, step):
        stretch = next(((s, e) for s, e in group.runs if s <= a and a + step <= e), None)
        if stretch is None:
            continue
        left = group.rule.closed == "left"
        p, q = (_price(prices, g, stretch, left) for g in (a, a + step))
        if p is None or q is None:
            continue
        inside = [
            r for r in rows if (a <= r["EventTimestamp"] < a + step if left else a < r["EventTimestamp"] <= a + step)
        ]
        found.append(_piece(p, q, inside))
    return found


def _price(prices: Sequence[Quote], t: int, stretch: tuple[float, float], strictly: bool) -> Number:
    """The last valid price at t; from before the stretch only a quote, and only the latest."""
    known = [q for q in prices if (q.time < t if strictly else q.time <= t) and q.time < stretch[1]]
    at_start = [q for q in known if q.time <= stretch[0]][-1:]
    if at_start and at_start[0].status == "Trade":
        at_start = [q for q in known if q.time == stretch[0]]
    valid = [q for q in [*at_start, *(q for q in known if q.time > stretch[0])] if q.mid is not None]
    return valid[-1].mid if valid else None


def _piece(p: float, q: float, rows: Sequence[Row]) -> Piece:
    signed = [(SIGN[r["AggressorSide"]], r) for r in rows if r.get("AggressorSide") is not None]
    return Piece(
        q - p,
        log(q) - log(p) if p > 0 and q > 0 else None,
        sum(d * r["Size"] for d, r in signed),
        sum(d * sqrt(r["Price"] * r["Size"]) for d, r in signed),
        sum(r["Price"] * r["Size"] for r in rows),
    )
