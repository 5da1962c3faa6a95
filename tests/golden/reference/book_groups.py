"""Module l2 whole: book_bars with the groups flow, liquidity and counts."""

from collections.abc import Mapping
from typing import Any

from .book_bars import Book, age_of, book_bars, column_of, depth_of, levels_of
from .book_counts import STATES, counts, shares
from .clock import Rule, states_of, stretch_of
from .day import Cell, Column, Predicate, Table, admissible
from .flow import flow
from .hours import inside, runs_of, time_of
from .liquidity_series import liquidity

DEFAULT = ["Updates", "TouchUpdates", "MidChanges", "BidChanges", "AskChanges", "Locked", "Crossed", "OneSided"]


class Rows:
    """The rows of module l2: books in order, their stretches, and their places in each bucket."""

    def __init__(self, table: Table, rule: Rule, options: Mapping[str, Any], where: Mapping[str, Predicate]) -> None:
        self.depth, self.rule = depth_of(table), rule
        self.states = states_of(options.get("market_states"), table.changes is not None)
        self.runs = runs_of(table, self.states)
        asked = where.get(options.get("where", ""), lambda row: True)
        self.time = time_of(table, self.states, options.get("hours"))
        rows = inside(table, options.get("hours")).rows
        kept = [row for row in rows if admissible(row, self.states) and asked(row) is True]  # type: ignore[arg-type]
        self.books = [Book(row, options, self.depth) for row in kept]
        self.places: dict[int, list[int]] = {}
        for k, row in enumerate(kept):
            self.places.setdefault(rule.bucket(row["EventTimestamp"]), []).append(k)

    def column(self, values: Mapping[int, Any], empty: str, rollup: str, weights: Mapping[int, Any] = {}) -> Column:
        """One value a bucket."""
        last = {label: self.books[those[-1]].row["EventTimestamp"] for label, those in self.places.items()}
        cells = {k: Cell(x, weights.get(k), stretch_of(self.runs, last[k])) for k, x in values.items()}
        return Column(cells, empty, rollup, self.runs)


def book_module(table: Table, rule: Rule, options: Mapping[str, Any], where: Mapping[str, Predicate]) -> dict[str, Any]:
    """Columns by name."""
    rows, prefix = Rows(table, rule, options, where), options.get("prefix", "")
    found = _flow(rows, options) | _counts(rows, options)
    bars = {label: [rows.books[k] for k in those] for label, those in rows.places.items()}
    for name, aggregations, series in liquidity(options, rows.depth):
        for aggregation in aggregations:
            token = "" if aggregation == "Last" else aggregation
            found[name.format(aggregation=token)] = column_of(aggregation, bars, series, rows.runs, age_of(options))
    return book_bars(inside(table, options.get("hours")), rule, options, where) | {
        prefix + k: v for k, v in found.items()
    }


def _flow(rows: Rows, options: Mapping[str, Any]) -> dict[str, Column]:
    found = {}
    for group in options.get("flow", []):
        levels = levels_of({**options, **group}, rows.depth)
        for measure in group["measures"]:
            if measure == "OFITotal":
                found |= _totals(rows, levels, group.get("weights"))
                continue
            for m in levels:
                values = flow(measure, m, rows.books, rows.runs, rows.places)
                how = ("zero", "sum") if measure == "OFI" else ("null", "none")
                found[f"{measure}{m}"] = rows.column(values, *how)
    return found


def _totals(rows: Rows, levels: list[int], weights: Any) -> dict[str, Column]:
    found = {}
    for deepest in levels:
        each = [flow("OFI", m, rows.books, rows.runs, rows.places) for m in range(1, deepest + 1)]
        factors = weights[:deepest] if weights else [1] * deepest
        values = {k: sum(w * e[k] for w, e in zip(factors, each, strict=True)) for k in rows.places}
        found[f"OFITotal{deepest}"] = rows.column(values, "zero", "sum")
    return found


def _counts(rows: Rows, options: Mapping[str, Any]) -> dict[str, Column]:
    found, updates = {}, {label: len(those) for label, those in rows.places.items()}
    for group in options.get("counts", []):
        for m in group.get("measures", DEFAULT):
            if m in STATES:
                values = shares(m, rows.books, rows.runs, rows.places)
                found[f"Book{m}RowShare"] = rows.column(values, "null", "mean", updates)
            else:
                values = counts(m, rows.books, rows.runs, rows.places)
                found[f"Book{m}Count"] = rows.column(values, "zero", "sum")
    return found
