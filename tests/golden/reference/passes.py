"""A pass: its modules on the sparse timeline, and a second pass that resamples it."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from .book_bars import book_bars
from .clock import EVERY_OPEN, Rule, last_overlapped, states_of
from .day import Cell, Column, Table, admissible, listings, table
from .trade_bars import cancelled, trade_bars, valid
from .values import finite, first, highest, last, lowest, mean, median, std

BARS = {"trade": ("trades", trade_bars), "l2": ("l2", book_bars)}
Key = tuple[int, int]


class Result:
    """Rows by (listing, label); `rollups` and `empties` of each column, `weights` of each cell."""

    def __init__(self) -> None:
        self.rows: dict[Key, dict[str, Any]] = {}
        self.weights: dict[tuple[Key, str], Any] = {}
        self.rollups: dict[str, str] = {}
        self.empties: dict[str, str] = {}


def run(frames: Mapping[str, pl.DataFrame], rule: Rule, modules: Sequence[Any], where: Any) -> Result:
    """Modules are tables of options as a pipeline has them."""
    result = Result()
    names = sorted({BARS[module["module"]][0] for module in modules})
    for listing in listings(frames, names):
        tables = {name: table(frames, name, listing) for name in names}
        labels = _timeline(tables, rule, modules)
        columns: dict[str, Column] = {}
        for module in modules:
            name, bars = BARS[module["module"]]
            columns |= bars(tables[name], rule, module, where)
        for name, column in columns.items():
            result.rollups[name], result.empties[name] = column.rollup, column.empty
            for label in labels:
                cell = _cell(column, label, rule)
                result.rows.setdefault((listing, label), {})[name] = cell.value
                result.weights[(listing, label), name] = cell.weight
    return result


def _timeline(tables: Mapping[str, Table], rule: Rule, modules: Sequence[Any]) -> list[int]:
    """Buckets in which a table has a row, neither cancelled nor invalid, in a state of any module of the pass."""
    labels = set()
    for one in tables.values():
        states: set[str] | None = None if one.changes is None else set()
        for module in modules:
            for group in module.get("generic") or [module]:
                own = states_of(group.get("market_states", module.get("market_states")), one.changes is not None)
                states = None if own is None or states is None else states | set(own)
        for row in one.rows:
            counted = one.name != "trades" or _counted(row, modules)
            if counted and admissible(row, states):  # type: ignore[arg-type]
                labels.add(rule.bucket(row["EventTimestamp"]))
    return sorted(labels)


def _counted(row: Any, modules: Sequence[Any]) -> bool:
    return not cancelled(row) and any(valid(row, m) for m in modules if m["module"] == "trade")


def _cell(column: Column, label: int, rule: Rule) -> Cell:
    """The module's cell, else what the empty rule says; nothing where that is too old at the bucket's end."""
    found = _filled(column, label, rule)
    return found if rule.interval(label)[1] <= found.until else found._replace(value=None)


def _filled(column: Column, label: int, rule: Rule) -> Cell:
    if label in column.cells or column.empty == "chain":
        return column.cells[label]
    if column.empty == "zero":
        return Cell(0)
    if column.empty == "null":
        return Cell(None)
    stretch = last_overlapped(column.runs, rule.interval(label))
    before = [x for k, x in sorted(column.cells.items()) if k < label and x.stretch == stretch]
    if not before or stretch is None:
        return Cell(None)
    return Cell(before[-1].value, until=before[-1].until)


def resample(source: Result, rule: Rule, fine: Rule, options: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    """Module generic without group_by: each column by its own rollup, or by the methods named for it."""
    cells: dict[Key, list[Key]] = {}
    for listing, label in sorted(source.rows):
        cells.setdefault((listing, rule.coarse(label)), []).append((listing, label))
    expected = rule.width // fine.width
    rows = {}
    for key, keys in cells.items():
        rows[key] = {
            name: _resampled(source, column, method, keys)
            if len(keys) / expected >= options.get("min_coverage", 0)
            else None
            for name, column, method in _outputs(source, options)
        }
    return rows


def _outputs(source: Result, options: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    for column, rollup in source.rollups.items():
        methods = options.get("aggregations", {}).get(column, "rollup")
        methods = [methods] if isinstance(methods, str) else methods
        for method in methods:
            name = column if len(methods) == 1 else column + method.replace(":", "").capitalize()
            name = name if ":" not in method or len(methods) == 1 else column + "Wmean" + method.split(":")[1]
            if method != "rollup":
                found.append((name, column, method))
            elif rollup != "none":
                found.append((name, column, rollup if rollup != "mean" else "weighted"))
    return found


def _resampled(source: Result, column: str, method: str, keys: Sequence[Key]) -> Any:
    values = [(key, source.rows[key][column]) for key in keys]
    values = [(key, x) for key, x in values if finite(x)]
    xs = [x for _, x in values]
    if method == "sum":
        return sum(xs) if xs else 0 if source.empties[column] == "zero" else None
    if method == "count":
        return len(xs)
    if method == "weighted" or method.startswith("wmean:"):
        other = method.split(":")[-1]
        weights = [source.weights[k, column] if method == "weighted" else source.rows[k][other] for k, _ in values]
        pairs = [(x, m) for x, m in zip(xs, weights, strict=True) if m is not None]
        total = sum(m for _, m in pairs)
        return sum(x * m for x, m in pairs) / total if total else None
    methods = {"mean": mean, "median": median, "std": std, "first": first, "last": last, "min": lowest, "max": highest}
    return methods[method](xs)


__all__ = ["EVERY_OPEN", "Result", "resample", "run"]
