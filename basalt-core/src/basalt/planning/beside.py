"""The row beside: windows that look one row back in a stretch, written as a look at the row beside.

Where rows are in order and a stretch's rows stand together, `x.shift(1).over("StretchId")` is the value of the row
before if that is of the same stretch. Polars streams that, and gathers groups for the window: three times the time.
"""

from typing import Any

import polars as pl

from basalt.config.row_wise import row_wise
from basalt.config.serialised import tree
from basalt.expressions import rewritten

STRETCH = pl.col("StretchId")


def beside(expr: pl.Expr) -> pl.Expr:
    """The same over rows in order of (key, time), where no further key divides a stretch's rows."""
    return rewritten(expr, _beside)


def _beside(node: Any) -> Any:
    window = node.get("Over")
    if window is None or window["partition_by"] != [tree(STRETCH)] or window["order_by"] or not _shifts(window):
        return node
    value, by = window["function"]["Function"]["input"]
    shift = {"Function": {"input": [value, by], "function": "Shift"}}
    return {"Ternary": {"predicate": _SAME, "truthy": shift, "falsy": tree(pl.lit(None))}}


def _shifts(window: Any) -> bool:
    """Whether it is `x.shift(1)` of a row-wise x, null on the stretch's first row."""
    function = window["function"].get("Function", {}) if isinstance(window["function"], dict) else {}
    if function.get("function") != "Shift" or window["mapping"] != "GroupsToRows":
        return False
    value, by = function["input"]
    return by == tree(pl.lit(1)) and row_wise(value)


_SAME = tree(STRETCH.shift(1) == STRETCH)
