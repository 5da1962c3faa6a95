"""Filters: a user's SQL over the columns of a row, checked while planning and turned into one Polars expression.

Only comparisons, arithmetic, AND, OR, NOT, IN, BETWEEN and IS NULL pass: aggregates and windows would look ahead, and
whatever would silently match nothing (a misspelt category, NULL, text against a flag) is refused. A division by zero
is null, so the row is dropped, like every row on which the filter is null.

The *kind* of a node is number, text, flag, time or span; kinds do not mix.
"""

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import attrs
import polars as pl

from basalt.config.row_wise import is_row_wise
from basalt.config.serialised import function_name, parted, tree
from basalt.config.words import did_you_mean, listed
from basalt.errors import UserError

__all__ = ["is_row_wise", "row_filter"]

LONGEST = 5_000  # characters; far beyond, Polars' own parser overflows the stack
ALLOWED = "a filter takes comparisons, arithmetic, AND, OR, NOT, IN, BETWEEN and IS NULL over columns of the row"
_COMPARISONS = frozenset(("Eq", "NotEq", "EqValidity", "NotEqValidity", "EqMissing", "Lt", "LtEq", "Gt", "GtEq"))
_LOGIC = frozenset(("And", "Or", "Xor"))
_ARITHMETIC = {"Plus": "+", "Minus": "-", "Mul": "*", "Div": "/", "Rem": "%"}  # "IntDiv" raises on a quotient of NaN
_DIVISIONS = frozenset(("Div", "Rem"))
_LITERALS = {"Int": "number", "Float": "number", "Decimal": "number", "String": "text", "Boolean": "flag"}
_LITERALS |= {"Date": "time", "Datetime": "time", "Time": "time", "Duration": "span"}


def row_filter(sql: str, columns: Mapping[str, pl.DataType], where: str) -> pl.Expr:
    """The filter as an expression that gives Boolean on every row; UserError for whatever it may not be.

    `columns` are those of the table's rows, `where` is the key path of the option. `expr.meta.root_names()` are the
    columns it reads.
    """
    checker = _Checker(columns, f"{where} = {sql!r}")
    expr = _parsed(sql, checker)
    nodes = tree(expr)
    if nodes is None:
        checker.refuse("is too deeply nested: shorten it, with IN for instance")
    if checker.kind(nodes) != "flag":
        checker.refuse("is neither true nor false on a row: compare it with something")
    if not checker.read:
        checker.refuse("reads no column, so it keeps every row or none: name a column")
    guarded = _guarded(nodes)
    if guarded != nodes:
        expr = pl.Expr.deserialize(io.StringIO(json.dumps(guarded)), format="json")
    _tried(expr, checker)
    return expr


def _parsed(sql: str, checker: "_Checker") -> pl.Expr:
    if len(sql) > LONGEST:
        raise UserError(f"{checker.said[:80]}… is too long: a filter has at most {LONGEST} characters")
    try:
        return pl.sql_expr(sql)
    except pl.exceptions.PolarsError as error:
        checker.refuse(f"is no SQL expression ({' '.join(str(error).split())[:100]}): {ALLOWED}")


def _tried(expr: pl.Expr, checker: "_Checker") -> None:
    """What remains to be found shows on a table without rows: a dtype that Polars cannot compare, for instance."""
    empty = pl.DataFrame(schema={name: checker.columns[name] for name in checker.read})
    try:
        found = empty.select(expr).dtypes
    except pl.exceptions.PolarsError as error:
        checker.refuse(f"cannot be evaluated: {str(error).splitlines()[0]}")
    if found != [pl.Boolean]:
        checker.refuse(f"gives {found[0]}, not true or false: compare it with something")


def _guarded(node: Any) -> Any:
    """The same tree with every quotient null where its denominator is 0."""
    if isinstance(node, list):
        return [_guarded(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    guarded = {key: _guarded(part) for key, part in node.items()}
    kind, parts = parted(guarded)
    if kind != "Function" or _operator(parts["function"]) not in _DIVISIONS:
        return guarded
    dividend, divisor = parts["input"]
    some = {"BinaryExpr": {"left": divisor, "op": "NotEq", "right": {"Literal": {"Dyn": {"Int": 0}}}}}
    there = {"Ternary": {"predicate": some, "truthy": divisor, "falsy": _NULL}}
    return {"Function": {**parts, "input": [dividend, divisor if _is_literal(divisor) else there]}}


def _operator(function: Any) -> str:
    return function_name(function)[0].removeprefix("Sql.Binary.")


@attrs.define
class _Checker:
    """Walks a filter's nodes; `read` gathers the columns, `said` begins every refusal."""

    columns: Mapping[str, pl.DataType]
    said: str
    read: dict[str, None] = attrs.field(factory=dict)

    def refuse(self, why: str) -> NoReturn:
        raise UserError(f"{self.said} {why}")

    def kind(self, node: Any) -> str:
        """The kind of the node's value; refuses what a filter may not hold."""
        name, parts = parted(node)
        match name:
            case "Column":
                return self._column(parts)
            case "Literal":
                return self._literal(parts)
            case "BinaryExpr":
                return self._operation(parts["op"], parts["left"], parts["right"])
            case "Function":
                return self._function(parts["function"], parts["input"])
            case "Cast" if parts["expr"] == _NULL:
                return self.kind(parts["expr"])
            case "Alias":
                self.refuse(f"names its result {parts[1]!r}: leave the name out, and write numbers without _")
        return self.forbid(_WRITTEN.get(name, name), node)

    def forbid(self, what: str, node: Any) -> NoReturn:
        """Refuse what is not on the list, by the name a user knows it under."""
        held = json.dumps(node)
        if '"SubPlan"' in held:
            what = "SELECT"
        elif re.search(r"\bover\b", self.said, re.IGNORECASE):
            self.refuse(f"uses a window over rows, which would look ahead: {ALLOWED}")
        elif re.search(r'"Agg"|"Len"', held):
            self.refuse(f"aggregates over rows, which would look ahead: {ALLOWED}")
        self.refuse(f"uses {what}: {ALLOWED}")

    def _column(self, name: str) -> str:
        if name not in self.columns:
            hint = did_you_mean(name, self.columns) or f": the columns are {_some(self.columns)}"
            quoted = "; text stands in single quotes" if f'"{name}"' in self.said else ""
            self.refuse(f"names column {name!r}, which is not there{hint}{quoted}")
        self.read[name] = None
        return _kind(self.columns[name])

    def _literal(self, parts: Any) -> str:
        value = literal_values(parts)
        name, number = parted(parted(parts)[1])
        if name == "Null" or (isinstance(value, pl.Series) and value.has_nulls()):
            self.refuse("compares with NULL, which is never true: write IS NULL or IS NOT NULL")
        if isinstance(value, pl.Series):
            return _kind(value.dtype)
        if name == "Float" and number is None:
            self.refuse("holds a number that is too large")
        return _LITERALS.get(name, "number" if name.startswith(("Int", "UInt", "Float")) else name)

    def _function(self, function: Any, inputs: Sequence[Any]) -> str:
        name, _ = function_name(function)
        if name in ("Boolean.IsNull", "Boolean.IsNotNull"):
            self.kind(inputs[0])
            return "flag"
        if name == "Boolean.Not":
            return self._logic("NOT", [_uncast(inputs[0])])
        if name in ("Sql.IsIn", "Boolean.IsIn") and _is_literal(inputs[1]):
            return self._comparison(inputs[0], inputs[1])
        if name.startswith("Sql.Binary."):
            return self._operation(_operator(function), *inputs)
        return self.forbid(name.partition(".")[2] or name, inputs)

    def _operation(self, operator: str, left: Any, right: Any) -> str:
        if operator in _COMPARISONS:
            return self._comparison(left, right)
        if operator in _LOGIC:
            return self._logic(operator.upper(), [left, right])
        if operator not in _ARITHMETIC:
            self.forbid({"IntDiv": "//"}.get(operator, operator), [left, right])
        if operator in _DIVISIONS and literal_values(parted(right)[1]) == [0]:
            self.refuse("divides by 0, which is null on every row")
        kinds = (self.kind(left), self.kind(right))
        if operator == "Minus" and kinds == ("time", "time"):
            return "span"
        if kinds != ("number", "number"):
            self.refuse(f"has {_ARITHMETIC[operator]} between {_a(kinds[0])} and {_a(kinds[1])}: it takes two numbers")
        return "number"

    def _logic(self, operator: str, operands: Sequence[Any]) -> str:
        for node in operands:
            if (kind := self.kind(node)) != "flag":
                self.refuse(f"has {operator} over {_a(kind)}: it takes conditions, which are true or false")
        return "flag"

    def _comparison(self, left: Any, right: Any) -> str:
        kinds = {self.kind(left), self.kind(right)}
        if kinds == {"time", "text"}:
            self.refuse("compares a time with text: compare it with another time column, or with DATE '2024-01-31'")
        if len(kinds) > 1:
            first, second = sorted(kinds)
            self.refuse(f"compares {_a(first)} with {_a(second)}: the two sides must be of one kind")
        self._categories(left, right)
        self._categories(right, left)
        return "flag"

    def _categories(self, column: Any, literal: Any) -> None:
        """Text that is none of an Enum column's categories would silently match nothing."""
        name, parts = parted(column)
        dtype = self.columns[parts] if name == "Column" else None
        if not isinstance(dtype, pl.Enum) or not _is_literal(literal):
            return
        known = dtype.categories.to_list()
        for value in literal_values(parted(literal)[1]):
            if value not in known:
                hint = did_you_mean(value, known)
                self.refuse(f"compares {parts} with {value!r}, which it never is{hint}: it takes {listed(known)}")


def literal_values(parts: Any) -> Sequence[Any] | pl.Series:
    """The values of a literal; a list of them is kept as the bytes of an Arrow stream."""
    form, value = parted(parts)
    if form == "Series":
        return pl.read_ipc_stream(bytes(value)).to_series().explode()
    return [parted(value)[1]]


_NULL = {"Literal": {"Scalar": {"Null": "Null"}}}
_WRITTEN = {
    "Ternary": "CASE or COALESCE",
    "Cast": "a cast or ||",
    "Selector": "a pattern of columns",
}


def _is_literal(node: Any) -> bool:
    return parted(node)[0] == "Literal"


def _uncast(node: Any) -> Any:
    """NOT comes with a cast to Boolean, which would let numbers pass."""
    name, parts = parted(node)
    return parts["expr"] if name == "Cast" and parts["dtype"] == {"Literal": "Boolean"} else node


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "flag"
    if dtype == pl.Duration:
        return "span"
    if dtype.is_temporal():
        return "time"
    return "text" if dtype in (pl.String, pl.Enum, pl.Categorical) else str(dtype)


def _a(kind: str) -> str:
    return {"text": "text", "span": "a span of time"}.get(kind, f"a {kind}")


def _some(columns: Mapping[str, Any]) -> str:
    names = list(columns)
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
