"""Polars expressions as trees of plain data, and the names that their nodes go by.

The form is Polars' own and may change with its version; tests pin what is relied on here. A *node* is `{"Column": "a"}`
or the like, or a bare string for nodes without parts ("Len").
"""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl


def tree(expr: pl.Expr) -> Any | None:
    """The expression's nodes; None where it cannot be written down (a Python function) or is nested too deeply."""
    try:
        return json.loads(expr.meta.serialize(format="json"))
    except (pl.exceptions.PolarsError, RecursionError):
        return None


def parted(node: Any) -> tuple[str, Any]:
    """(kind, parts) of a node: ("BinaryExpr", {…})."""
    if isinstance(node, Mapping) and len(node) == 1:
        return next(iter(node.items()))
    return str(node), None


def function_name(function: Any) -> tuple[str, Any]:
    """(dotted name, settings) of a function: ("Boolean.IsIn", {"nulls_equal": false}), ("Sql.Binary.Mul", None)."""
    names: list[str] = []
    while isinstance(function, Mapping) and len(function) == 1 and (not names or names[-1] in _FAMILIES):
        name, function = next(iter(function.items()))
        names.append(name)
    if isinstance(function, str) and (not names or names[-1] in _FAMILIES):
        return ".".join([*names, function]), None
    return ".".join(names), function


_FAMILIES = {
    "Boolean",
    "StringExpr",
    "TemporalExpr",
    "Categorical",
    "ListExpr",
    "StructExpr",
    "Trigonometry",
    "Pow",
    "Sql",
    "Binary",
}
