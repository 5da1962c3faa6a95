"""A pass of book modules: l2, l2tw and l2_volatility on the sparse or the dense timeline."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from .book_groups import book_module
from .clock import Rule, states_of
from .day import Column, Table, listings, table
from .dense import dense, open_runs
from .hours import Hours, closed, ended, inside
from .passes import Result, _cell, _timeline
from .time_bars import time_bars
from .volatility import volatility_bars

TIMED = {"l2tw": time_bars, "l2_volatility": volatility_bars}


class Setting(NamedTuple):
    """What a pass says beside its rule."""

    timeline: str = "sparse"
    hours: Hours = None
    halts: str = "drop"


def run_books(
    frames: Mapping[str, pl.DataFrame],
    rule: Rule,
    modules: Sequence[Any],
    where: Any,
    setting: Setting = Setting(),
) -> Result:
    """Modules are tables of options as a pipeline has them; each of table l2."""
    result = Result()
    modules = [{**module, "session": setting.hours} for module in modules]
    frames = closed(frames, setting.hours)
    if "marketstate" in frames:  # which is closed at the session's end now, where it was open
        setting = setting._replace(hours=None)
    modules = [{**module, "hours": setting.hours} for module in modules]
    for listing in listed(frames, setting):
        one = table(frames, "l2", listing)
        labels = _labels(one, rule, modules, setting)
        for module in modules:
            for name, column in _columns(module, one, rule, where, labels).items():
                result.rollups[name], result.empties[name] = column.rollup, column.empty
                for label in labels:
                    cell = _cell(column, label, rule)
                    result.rows.setdefault((listing, label), {})[name] = cell.value
                    result.weights[(listing, label), name] = cell.weight
    return result


def listed(frames: Mapping[str, pl.DataFrame], setting: Setting) -> list[int]:
    """Listings that may have rows; a stretch makes dense ones without any book."""
    told = setting.timeline == "dense" and "marketstate" in frames
    return listings(frames, ["l2", "marketstate"] if told else ["l2"])


def _labels(one: Table, rule: Rule, modules: Sequence[Any], setting: Setting) -> Sequence[int]:
    labels = _timeline({"l2": inside(one, setting.hours)}, rule, modules)
    if setting.timeline != "dense":
        return labels
    if one.changes is None:
        return dense(labels, [setting.hours] if setting.hours else [], rule)
    states = {state for module in modules for state in states_of(module.get("market_states"), True) or ()}
    halted = {"HALTED"} if setting.halts == "keep" else set()
    return dense(labels, ended(open_runs(one.changes, states | halted), setting.hours), rule)


def _columns(module: Any, one: Table, rule: Rule, where: Any, labels: Sequence[int]) -> dict[str, Column]:
    name = module["module"]
    if name == "l2":
        return book_module(one, rule, module, where)
    return TIMED[name](one, rule, module, where, labels)
