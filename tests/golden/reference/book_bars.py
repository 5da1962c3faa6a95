"""Module l2: row by row, one listing at a time."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from .chained import chained
from .clock import Row, Rule, states_of, stretch_of, stretches
from .day import Cell, Column, Predicate, Table, admissible
from .microprice import moved, table_of
from .values import finite, first, highest, last, lowest, mean, median, near, ratio, std

AGGREGATIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "Min": lowest,
    "Max": highest,
    "Mean": mean,
    "Median": median,
    "Std": std,
}
AGES = {None: inf, "0s": 0, "1ms": 10**6, "30s": 30 * 10**9, "10m": 600 * 10**9, "2h": 7200 * 10**9}
ROLLUPS = {"Last": "last", "First": "first", "Min": "min", "Max": "max", "Mean": "mean"}
BARS: dict[str, Callable[[Sequence[Any]], Any]] = {"Open": first, "High": highest, "Low": lowest, "Close": last}
BID_ASK = ("Bid", "Ask")
Series = Callable[["Book"], Any]


class Book:
    """One row as the options see it: levels cleaned, dropped if locked or crossed rows are."""

    def __init__(self, row: Row, options: Mapping[str, Any], depth: int) -> None:
        self.row, self.zero = row, options.get("empty_side", "null") == "zero"
        self.levels = {side: [self._level(side, i) for i in range(1, depth + 1)] for side in BID_ASK}
        bid, ask = (self.levels[side][0][0] for side in BID_ASK)
        both = bid is not None and ask is not None
        locked = both and near(bid, ask)
        crossed = both and not locked and ask < bid
        self.two_sided, self.table = both, options.get("microprice_table")
        self.dropped = (locked and options.get("locked", "keep") == "drop") or (
            crossed and options.get("crossed", "drop") == "drop"
        )

    def _level(self, side: str, i: int) -> tuple[Any, Any, Any]:
        price, size = self.row.get(f"{side}Price{i}"), self.row.get(f"{side}Quantity{i}")
        if not finite(price) or price <= 0 or (size is not None and not (finite(size) and size > 0)):
            return None, None, None
        return price, size, self.row.get(f"{side}NumOrders{i}")

    def side(self, side: str, measure: str, level: int) -> Any:
        """A measure of one side at or up to a level."""
        if self.dropped:
            return None
        if measure.startswith("Cum"):
            return self._cumulated(side, measure, level)
        price, size, orders = self.levels[side][level - 1]
        nothing = 0 if self.zero and price is None else None
        if measure == "Price":
            return price
        if measure == "Quantity":
            return nothing if price is None else size
        if measure == "NumOrders":
            return nothing if price is None else orders
        if measure == "Notional":
            return nothing if price is None else None if size is None else price * size
        return ratio(size, orders)

    def _cumulated(self, side: str, measure: str, level: int) -> Any:
        """Levels that exist and have a value; a level 1 that is there without one makes the sum unknown."""
        if measure == "CumVWAP":
            return ratio(*(self._cumulated(side, m, level) for m in ("CumNotional", "CumQuantity")))
        if self.levels[side][0][0] is None:
            return 0 if self.zero else None
        own = measure.removeprefix("Cum")
        values = [self.side(side, "NumOrders" if own == "Orders" else own, i + 1) for i in range(level)]
        return None if values[0] is None else sum(x for x in values if x is not None)

    def imbalance(self, measure: str, level: int) -> Any:
        """(bid − ask)/(bid + ask)."""
        bid, ask = (self.side(side, measure, level) for side in BID_ASK)
        return None if bid is None or ask is None else ratio(bid - ask, bid + ask)

    def price(self, source: str) -> Any:
        """Mid, Bid, Ask, WeightedMid or Microprice."""
        (bid, b, _), (ask, a, _) = (self.levels[side][0] for side in BID_ASK)
        if self.dropped:
            return None
        if source in BID_ASK:
            return bid if source == "Bid" else ask
        if not self.two_sided:
            return None
        if source == "Mid":
            return (bid + ask) / 2
        if source == "Microprice":
            return None if a is None or b is None else moved(table_of(self.table), bid, ask, b, a)
        return None if a is None or b is None else ratio(b * ask + a * bid, a + b)

    def spread(self, variant: str) -> Any:
        """In price or in bps of the mid."""
        if self.dropped or not self.two_sided:
            return None
        spread = self.price("Ask") - self.price("Bid")
        return spread if variant == "Abs" else 1e4 * spread / self.price("Mid")


def book_bars(table: Table, rule: Rule, options: Mapping[str, Any], where: Mapping[str, Predicate]) -> dict[str, Any]:
    """Columns by name. `where`: what each SQL filter says of a row."""
    depth = depth_of(table)
    states = states_of(options.get("market_states"), table.changes is not None)
    runs = stretches(table.changes or [], states)
    bars: dict[int, list[Book]] = {}
    for row in table.rows:
        if admissible(row, states) and (options.get("where") is None or where[options["where"]](row) is True):
            bars.setdefault(rule.bucket(row["EventTimestamp"]), []).append(Book(row, options, depth))
    columns: dict[str, Any] = {}
    for name, aggregations, series in series_of(options, depth, table.columns):
        for aggregation in aggregations:
            token = "" if aggregation == "Last" else aggregation
            columns[name.format(aggregation=token)] = column_of(aggregation, bars, series, runs, age_of(options))
    for group in options.get("ohlc", []):
        for source in group["sources"]:
            columns |= bar_of(source, bars, rule, runs, group.get("open_mode", "event"))
    return {options.get("prefix", "") + k: v for k, v in columns.items()}


def series_of(
    options: Mapping[str, Any], depth: int, columns: Sequence[str]
) -> list[tuple[str, Sequence[str], Series]]:
    """(name with a place for the aggregation, aggregations, value on one row) of every configured series."""
    asked = options if any(g in options for g in GROUPS) else {**options, **_default(columns)}
    levels = levels_of(asked, depth)
    found: list[tuple[str, Sequence[str], Series]] = []

    def add(name: str, group: Mapping[str, Any], series: Series) -> None:
        found.append((name + "{aggregation}", group.get("aggregations", ["Last"]), series))

    for group in asked.get("book", []):
        for side in group.get("sides", BID_ASK):
            for m in group["measures"]:
                for i in group.get("levels", levels):
                    add(f"{side}{m}{i}", group, lambda b, s=side, m=m, i=i: b.side(s, m, i))
    for group in asked.get("imbalances", []):
        for m in group["measures"]:
            for i in group.get("levels", levels):
                add(f"Imbalance{m}{i}", group, lambda b, m=m, i=i: b.imbalance(m, i))
    for group in asked.get("spreads", []):
        for variant in group["variants"]:
            add(f"Spread{variant}", group, lambda b, v=variant: b.spread(v))
    for group in asked.get("prices", []):
        for source in group["sources"]:
            add(source, group, lambda b, s=source: b.price(s))
    return found


GROUPS = ("book", "spreads", "imbalances", "prices", "ohlc", "flow", "liquidity", "counts")


def depth_of(table: Table) -> int:
    """How many levels the table has."""
    return max(int(c.removeprefix("BidPrice")) for c in table.columns if c.startswith("BidPrice"))


def levels_of(options: Mapping[str, Any], depth: int) -> list[int]:
    """Option `levels`: a list, or the number of the deepest."""
    levels = options.get("levels", min(10, depth))
    return list(range(1, levels + 1)) if isinstance(levels, int) else list(levels)


def _default(columns: Sequence[str]) -> dict[str, Any]:
    orders = any(c.startswith("BidNumOrders") for c in columns)
    measures = ["Price", "Quantity", "CumQuantity", *(["NumOrders", "CumOrders"] if orders else [])]
    spreads = [{"variants": ["Bps"]}]
    return {"book": [{"measures": measures}], "imbalances": [{"measures": ["CumQuantity"]}], "spreads": spreads}


def age_of(options: Mapping[str, Any]) -> float:
    """Option `max_age` in nanoseconds."""
    return AGES[options.get("max_age")]


def column_of(
    aggregation: str, bars: Mapping[int, Sequence[Book]], series: Series, runs: Any, age: float = inf
) -> Column:
    cells = {}
    for label, books in bars.items():
        values = [series(book) for book in books]
        there = [x for x in values if x is not None]
        ends = {"First": values[0], "Last": values[-1]}
        value = ends[aggregation] if aggregation in ends else AGGREGATIONS[aggregation](there)
        stamp = books[-1].row["EventTimestamp"]
        cells[label] = Cell(value, len(there), stretch_of(runs, stamp), stamp + age if aggregation == "Last" else inf)
    return Column(cells, "carry" if aggregation == "Last" else "null", ROLLUPS.get(aggregation, "none"), runs)


def bar_of(source: str, bars: Mapping[int, Sequence[Book]], rule: Rule, runs: Any, mode: str) -> dict[str, Column]:
    timed = {k: [(b.row["EventTimestamp"], b.price(source)) for b in books] for k, books in bars.items()}
    if mode == "prev_close":
        return {f"{source}{edge}C": chained(edge, timed, rule, runs) for edge in BARS}
    timed = {k: [(t, x) for t, x in rows if x is not None] for k, rows in timed.items()}
    there = {k: rows for k, rows in timed.items() if rows}
    found = {}
    for edge, pick in BARS.items():
        cells = {k: Cell(pick([x for _, x in rows])) for k, rows in there.items()}
        rollup = {"Open": "first", "High": "max", "Low": "min", "Close": "last"}[edge]
        found[f"{source}{edge}"] = Column(cells, "null", rollup, runs)
    return found
