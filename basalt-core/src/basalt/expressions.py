"""Expressions as data: what one reads, whether two are the same, and the same one over other names.

Polars expressions have no usable `==` or hash; their serialised form stands in for both. It is also what content
keys hash, so an expression that wraps a Python function is refused: write it as expressions, or as a FrameModule.
"""

import io
import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import copysign, isfinite, isnan
from typing import Any

import polars as pl

from basalt.errors import PluginError


def identity(expr: pl.Expr | None) -> str:
    """A text that is equal for equal expressions; "" for None."""
    if expr is None:
        return ""
    text = _written(expr)
    return text if "null" not in text else f"{text} {expr.meta.serialize().hex()}"  # JSON has no infinity and no NaN


def _written(expr: pl.Expr) -> str:
    """The expression as JSON; PluginError where it calls Python."""
    try:
        text = expr.meta.serialize(format="json")
    except pl.exceptions.PolarsError:
        text = None
    if text is None or '"Anonymous' in text:
        raise PluginError(
            f"the expression {shown(expr)} calls a Python function, which can be neither planned nor keyed: "
            "write it with Polars expressions, or use a FrameModule"
        )
    return text


def shown(expr: pl.Expr) -> str:
    """The expression in one line, for formulas and messages: columns by name, constants as numbers."""
    text = " ".join(str(expr).split())
    for pattern, plain in _PLAINER:
        text = pattern.sub(plain, text)
    return text


_PLAINER = (
    (re.compile(r'col\("([^"]*)"\)'), r"\1"),
    (re.compile(r"dyn (?:int|float): "), ""),
    (re.compile(r"\((\w+(?:\.\w+\(\))?)\)"), r"\1"),
    (re.compile(r"\[|\]"), ""),
)


def roots(expr: pl.Expr) -> list[str]:
    """Columns the expression names; PluginError for regex and selector expressions, which name none."""
    meta = expr.meta  # a `when` is put together anew each time it is asked for
    if meta.has_multiple_outputs() or meta.is_regex_projection():
        raise PluginError(
            f"the expression {shown(expr)} selects columns by pattern: name each column, so that lineage can be read"
        )
    return list(dict.fromkeys(meta.root_names()))


def table_columns(names: Iterable[str], derived: Mapping[str, pl.Expr]) -> list[str]:
    """The table columns behind these names, derived ones replaced by what they read."""
    return [name for name in _reached(names, derived) if name not in derived]


def derived_columns(names: Iterable[str], derived: Mapping[str, pl.Expr]) -> list[str]:
    """The derived columns behind these names, those among them included."""
    return [name for name in _reached(names, derived) if name in derived]


def _reached(names: Iterable[str], derived: Mapping[str, pl.Expr]) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting.extend(roots(derived[name]) if name in derived else ())
    return list(found)


def renamed(expr: pl.Expr, names: Mapping[str, str]) -> pl.Expr:
    """The same expression over columns renamed by `names`."""
    if not set(names) & set(expr.meta.root_names()):
        return expr

    def change(node: Any) -> Any:
        return {"Column": names.get(node["Column"], node["Column"])} if isinstance(node.get("Column"), str) else node

    return rewritten(expr, change)


def rewritten(expr: pl.Expr, change: Callable[[Any], Any]) -> pl.Expr:
    """The expression with every node of its tree changed, each after those inside it."""
    text = _written(expr)
    lost = iter(_not_finite(expr) if "null" in text else ())
    tree = _rewritten(json.loads(text), change, lost)
    return pl.Expr.deserialize(io.StringIO(json.dumps(tree)), format="json")


def _not_finite(expr: pl.Expr) -> list[float]:
    """The constants of an expression that JSON loses, in the order in which it is written down."""
    found = re.findall(rb"\xa5Float\xcb(.{8})", expr.meta.serialize(), re.DOTALL)
    return [value for each in found if not isfinite(value := struct.unpack(">d", each)[0])]


def _rewritten(node: Any, change: Callable[[Any], Any], lost: Iterator[float]) -> Any:
    """The tree with its nodes changed. JSON has null for a `lost` constant: it becomes a quotient that is it."""
    if isinstance(node, dict):
        if node.get("Literal") == {"Dyn": {"Float": None}}:
            value = next(lost)
            return _over_zero(0.0 if isnan(value) else copysign(1.0, value))
        return change({key: _rewritten(value, change, lost) for key, value in node.items()})
    if isinstance(node, list):
        return [_rewritten(value, change, lost) for value in node]
    return node


def _over_zero(value: float) -> Any:
    quotient = pl.lit(value) / pl.lit(0.0)
    return json.loads(quotient.meta.serialize(format="json"))
