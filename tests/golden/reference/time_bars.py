"""Module l2tw: averages by time in force, one listing at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import time_weights as tw
from .book_bars import BID_ASK, Book, depth_of, levels_of, series_of
from .book_counts import STATES, state
from .clock import Rule, nanoseconds, states_of
from .day import Cell, Column, Predicate, Table
from .hours import time_of
from .intervals import Piece, admissible, pieces
from .liquidity_series import liquidity
from .values import ratio

GROUPS = ("book", "spreads", "imbalances", "prices", "liquidity")
DEFAULT: dict[str, Any] = {
    "book": [{"measures": ["Price", "Quantity"]}],
    "spreads": [{"variants": ["Abs", "Bps"]}],
    "prices": [{"sources": ["Mid"]}],
}
Values = Sequence[Any]


class Force:
    """The books of a listing over time, and which is in force on each piece of each bucket."""

    def __init__(
        self,
        table: Table,
        rule: Rule,
        options: Mapping[str, Any],
        where: Mapping[str, Predicate],
        labels: Sequence[int],
    ) -> None:
        self.depth, self.labels = depth_of(table), labels
        states = states_of(options.get("market_states"), table.changes is not None)
        self.runs = time_of(table, states, options.get("hours"))
        self.books = [Book(row, options, self.depth) for row in table.rows]
        asked = where.get(options.get("where", ""), lambda row: True)
        self.counts = [asked(row) is True for row in table.rows]
        stamps = [row["EventTimestamp"] for row in table.rows]
        age = None if options.get("max_age") is None else nanoseconds(options["max_age"])
        self.pieces = {k: pieces(stamps, self.runs, rule.interval(k), age) for k in labels}
        self.admissible = {k: admissible(self.runs, rule.interval(k)) / tw.SECOND for k in labels}

    def weighed(self, values: Values, label: int) -> list[tuple[Any, int]]:
        """(value, nanoseconds) of a bucket's pieces; `values`: one a row."""
        return [(self._value(values, piece), piece.length) for piece in self.pieces[label]]

    def _value(self, values: Values, piece: Piece) -> Any:
        return None if piece.place is None or not self.counts[piece.place] else values[piece.place]

    def of(self, series: Any) -> Values:
        """One value a row."""
        return [series(book) for book in self.books]


def time_bars(
    table: Table,
    rule: Rule,
    options: Mapping[str, Any],
    where: Mapping[str, Predicate],
    labels: Sequence[int],
) -> dict[str, Column]:
    """Columns by name, with a cell for every label. `where` nulls what a row says; the row ends the one before it."""
    force = Force(table, rule, options, where, labels)
    found = _coverage(force) | _shares(force, options) | _ratios(force, options)
    for name, aggregations, series in _series(options, force.depth, table.columns):
        values = force.of(series)
        for aggregation in aggregations:
            full = name.format(aggregation=aggregation)
            found |= _aggregated(full, aggregation, values, force, options.get("coverage") == "each")
    return {options.get("prefix", "") + k: v for k, v in found.items()}


def _series(options: Mapping[str, Any], depth: int, columns: Sequence[str]) -> Any:
    asked = dict(options) if any(options.get(g) for g in (*GROUPS, "shares", "touch_sizes")) else {**options, **DEFAULT}
    for group in GROUPS:
        if group in asked:
            asked[group] = [{"aggregations": ["TWA"], **given} for given in asked[group]]
    asked["spreads"] = [{**g, "variants": [v for v in g["variants"] if len(v) == 3]} for g in asked.get("spreads", [])]
    of_each = [g for g in asked.get("imbalances", []) if "Imbalance" in g.get("kinds", ["Imbalance"])]
    asked["imbalances"] = of_each
    return [
        *(series_of(asked, depth, columns) if any(g in asked for g in GROUPS[:-1]) else []),
        *liquidity(asked, depth),
    ]


def _aggregated(name: str, aggregation: str, values: Values, force: Force, coverage: bool) -> dict[str, Column]:
    weighed = {k: force.weighed(values, k) for k in force.labels}
    seconds = {k: tw.seconds(pairs) for k, pairs in weighed.items()}
    cells = {k: Cell(tw.AGGREGATIONS[aggregation](pairs), seconds[k]) for k, pairs in weighed.items()}
    found = {name: Column(cells, "null", tw.ROLLUPS.get(aggregation, "none"), force.runs)}
    if coverage and aggregation == "TWA":
        found[f"{name}Seconds"] = Column({k: Cell(x) for k, x in seconds.items()}, "zero", "sum", force.runs)
    return found


def valid(book: Book) -> bool | None:
    """Whether both sides are there and none is dropped; None where not."""
    return True if book.two_sided and not book.dropped else None


def _column(force: Force, cells: Mapping[int, Any], empty: str, rollup: str, weights: Mapping[int, Any] = {}) -> Column:
    return Column({k: Cell(x, weights.get(k)) for k, x in cells.items()}, empty, rollup, force.runs)


def _coverage(force: Force) -> dict[str, Column]:
    values = force.of(valid)
    seconds = {k: tw.seconds(force.weighed(values, k)) for k in force.labels}
    covered = {k: ratio(x, force.admissible[k]) for k, x in seconds.items()}
    return {
        "BookAdmissibleSeconds": _column(force, force.admissible, "zero", "sum"),
        "BookValidSeconds": _column(force, seconds, "zero", "sum"),
        "BookCoverage": _column(force, covered, "null", "mean", force.admissible),
    }


def _shares(force: Force, options: Mapping[str, Any]) -> dict[str, Column]:
    """Time in a state, before any drop; time without a row is in none."""
    found = {}
    for name in {s: None for group in options.get("shares", []) for s in group.get("states", STATES)}:
        values = force.of(lambda book, name=name: True if state(book) == name else None)
        cells = {k: ratio(tw.seconds(force.weighed(values, k)), force.admissible[k]) for k in force.labels}
        found[f"{name}Share"] = _column(force, cells, "null", "mean", force.admissible)
    return found


def touch_share(force: Force, side: str, size: float) -> Column:
    """Time in which the touch has at least so many shares over the time of valid books."""
    both = force.of(valid)
    enough = force.of(lambda book: True if valid(book) and (book.side(side, "Quantity", 1) or 0) >= size else None)
    seconds = {k: tw.seconds(force.weighed(both, k)) for k in force.labels}
    cells = {k: ratio(tw.seconds(force.weighed(enough, k)), seconds[k]) for k in force.labels}
    return _column(force, cells, "null", "mean", seconds)


def _ratios(force: Force, options: Mapping[str, Any]) -> dict[str, Column]:
    """Ratios of two averages, each over its own time; touch sizes."""
    found = {}
    if any("TWAOverMidTWABps" in group["variants"] for group in options.get("spreads", [])):
        found["SpreadTWAOverMidTWABps"] = _spread_over_mid(force)
    for group in options.get("imbalances", []):
        if "ImbalanceOf" in group.get("kinds", []):
            for m in group["measures"]:
                for i in levels_of({**options, **group}, force.depth):
                    found[f"ImbalanceOf{m}{i}TWA"] = _imbalance_of(force, m, i)
    for group in options.get("touch_sizes", []):
        for side in group.get("sides", BID_ASK):
            for size in group["above"]:
                found[f"{side}TouchSizeShareAbove{size}"] = touch_share(force, side, size)
    return found


def _averages(force: Force, series: Any) -> dict[int, Any]:
    values = force.of(series)
    return {k: tw.average(force.weighed(values, k)) for k in force.labels}


def _spread_over_mid(force: Force) -> Column:
    spread, mid = _averages(force, lambda b: b.spread("Abs")), _averages(force, lambda b: b.price("Mid"))
    over = {k: None if spread[k] is None or mid[k] is None else 1e4 * spread[k] / mid[k] for k in force.labels}
    seconds = {k: tw.seconds(force.weighed(force.of(valid), k)) for k in force.labels}
    return _column(force, over, "null", "mean", seconds)


def _imbalance_of(force: Force, m: str, i: int) -> Column:
    bid, ask = (_averages(force, lambda b, s=side: b.side(s, m, i)) for side in BID_ASK)
    cells = {k: None if bid[k] is None or ask[k] is None else ratio(bid[k] - ask[k], bid[k] + ask[k]) for k in bid}
    return _column(force, cells, "null", "none")
