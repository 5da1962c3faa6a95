"""A pass of book modules: l2, l2tw and l2_volatility on the sparse or the dense timeline."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from .book_groups import book_module
from .clock import Rule, states_of
from .day import Column, Table, listings, table
from .dense import dense, open_runs
from .passes import Result, _cell, _timeline
from .time_bars import time_bars
from .volatility import volatility_bars

TIMED = {"l2tw": time_bars, "l2_volatility": volatility_bars}


def run_books(
    frames: Mapping[str, pl.DataFrame], rule: Rule, modules: Sequence[Any], where: Any, timeline: str = "sparse"
) -> Result:
    """Modules are tables of options as a pipeline has them; each of table l2."""
    result = Result()
    for listing in listings(frames, ["l2"]):
        one = table(frames, "l2", listing)
        labels = _timeline({"l2": one}, rule, modules)
        if timeline == "dense":
            labels = dense(labels, open_runs(one.changes or [], _states(one, modules)), rule)
        for module in modules:
            for name, column in _columns(module, one, rule, where, labels).items():
                result.rollups[name], result.empties[name] = column.rollup, column.empty
                for label in labels:
                    cell = _cell(column, label, rule)
                    result.rows.setdefault((listing, label), {})[name] = cell.value
                    result.weights[(listing, label), name] = cell.weight
    return result


def _columns(module: Any, one: Table, rule: Rule, where: Any, labels: Sequence[int]) -> dict[str, Column]:
    name = module["module"]
    if name == "l2":
        return book_module(one, rule, module, where)
    return TIMED[name](one, rule, module, where, labels)


def _states(one: Table, modules: Sequence[Any]) -> Any:
    known = one.changes is not None
    return {state for module in modules for state in states_of(module.get("market_states"), known) or ()}
