"""Module trade, group generic: row by row, one listing at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from .chained import chained
from .clock import Row, Rule, nanoseconds, states_of, stretch_of, stretches
from .day import Cell, Column, Predicate, Table, admissible
from .values import finite, first, highest, last, lowest, mean, median, ratio

BARS = ("Open", "High", "Low", "Close")
SIDES = {"Total": {"Buy", "Sell", None}, "Buy": {"Buy"}, "Sell": {"Sell"}, "Unknown": {None}}
SUMS = ("Volume", "Count", "Notional", "NotionalEUR", "NotionalUSD")
WEIGHED = {"VWAP": "Volume", "AvgPrice": "Count", "AvgSize": "Count"}
ROLLUPS = {"Open": "first", "High": "max", "Low": "min", "Close": "last", "MaxSize": "max"}
DEFAULT = [{"measures": ["Volume", "Count", "VWAP", "OHLC"], "sides": ["Total"]}]
SHARED = ("market_states", "trade_types", "where", "sides", "name", "session")


def cancelled(row: Row) -> bool:
    """Busted or corrected away."""
    return row.get("IsCancelled") is True


def valid(row: Row, options: Mapping[str, Any]) -> bool:
    """A price and a size to count with."""
    if not finite(row["Price"]) or not finite(row["Size"]) or row["Size"] <= 0:
        return False
    return row["Price"] > 0 or bool(options.get("allow_nonpositive_prices"))


def trade_bars(table: Table, rule: Rule, options: Mapping[str, Any], where: Mapping[str, Predicate]) -> dict[str, Any]:
    """Columns by name. `where`: what each SQL filter says of a row."""
    columns: dict[str, Any] = {}
    for given in options.get("generic", DEFAULT):
        group = {**{k: options[k] for k in SHARED if k in options}, **given}
        columns |= _group(table, rule, options, group, where)
    invalid: dict[int, int] = {}
    for row in table.rows:
        if not cancelled(row) and not valid(row, options):
            label = rule.bucket(row["EventTimestamp"])
            invalid[label] = invalid.get(label, 0) + 1
    cells = {label: Cell(n) for label, n in invalid.items()}
    prefix = options.get("prefix", "")
    columns["TradeInvalidCount"] = Column(cells, "zero", "sum", [])
    return {prefix + name: column for name, column in columns.items()}


def _group(table: Table, rule: Rule, options: Any, group: Any, where: Mapping[str, Predicate]) -> dict[str, Column]:
    states = states_of(group.get("market_states"), table.changes is not None)
    runs = stretches(table.changes or [], states)
    kept = [row for row in table.rows if counts(row, states, options, group, where)]
    columns = {}
    for side in group.get("sides", ["Total"]):
        rows = [row for row in kept if row.get("AggressorSide") in SIDES[side]]
        bars = in_buckets(rows, rule)
        timed = {b: [_timed(row, side) for row in every] for b, every in in_buckets(kept, rule).items()}
        for measure in [m for given in group["measures"] for m in (BARS if given == "OHLC" else (given,))]:
            name = group.get("name", "Trade{side}{measure}").format(side=side, measure=measure)
            if measure in BARS and group.get("open_mode") == "prev_close":
                columns[name] = chained(measure, timed, rule, runs)
            else:
                columns[name] = _column(measure, bars, runs)
    return columns


def in_buckets(rows: Sequence[Row], rule: Rule) -> dict[int, list[Row]]:
    """Rows of each bucket that has any, in order."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(rule.bucket(row["EventTimestamp"]), []).append(row)
    return found


def _timed(row: Row, side: str) -> tuple[int, float | None]:
    """Time and price; no price on a row of another side."""
    return row["EventTimestamp"], row["Price"] if row.get("AggressorSide") in SIDES[side] else None


def counts(row: Row, states: Any, options: Any, group: Any, where: Mapping[str, Predicate]) -> bool:
    """Whether a trade passes all filters of a group."""
    if cancelled(row) or not valid(row, options) or not admissible(row, states):
        return False
    types, delay = group.get("trade_types"), options.get("max_publication_delay")
    if types is not None and (row["TradeType"] or "null") not in types:
        return False
    if delay is not None and _delayed(row, nanoseconds(delay)):
        return False
    return group.get("where") is None or where[group["where"]](row) is True


def _delayed(row: Row, most: int) -> bool:
    published = row["PublicationTimestamp"]
    return published is None or published - row["EventTimestamp"] > most


def _column(measure: str, bars: Mapping[int, Sequence[Row]], runs: Any) -> Column:
    cells = {}
    for label, rows in bars.items():
        weight = _value(WEIGHED[measure], rows) if measure in WEIGHED else None
        cells[label] = Cell(_value(measure, rows), weight, stretch_of(runs, rows[-1]["EventTimestamp"]))
    rollup = "sum" if measure in SUMS else "mean" if measure in WEIGHED else ROLLUPS.get(measure, "none")
    return Column(cells, "zero" if measure in SUMS else "null", rollup, runs)


def _value(measure: str, rows: Sequence[Row]) -> Any:
    prices, sizes = [row["Price"] for row in rows], [row["Size"] for row in rows]
    notional = sum(p * q for p, q in zip(prices, sizes, strict=True))
    if measure in ("NotionalEUR", "NotionalUSD"):
        return sum((row[measure] for row in rows if finite(row[measure])), 0.0)
    return {
        "Volume": lambda: sum(sizes),
        "Count": lambda: len(rows),
        "Notional": lambda: notional,
        "VWAP": lambda: ratio(notional, sum(sizes)),
        "AvgPrice": lambda: mean(prices),
        "MedianPrice": lambda: median(prices),
        "AvgSize": lambda: mean(sizes),
        "MedianSize": lambda: median(sizes),
        "MaxSize": lambda: highest(sizes),
        "Open": lambda: first(prices),
        "High": lambda: highest(prices),
        "Low": lambda: lowest(prices),
        "Close": lambda: last(prices),
    }[measure]()
