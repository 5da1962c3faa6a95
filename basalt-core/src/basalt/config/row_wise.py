"""Row-wise expressions: those whose value on a row depends on that row alone.

An allow-list, because Polars' own `is_row_separable` calls `SUM(x) > 1` row-wise. What is not listed counts as not
row-wise: that costs an `.over` too many, never a wrong answer.
"""

from collections.abc import Collection, Iterable
from typing import Any

import polars as pl

from basalt.config.serialised import function_name, parted, tree

_LISTED = {
    "": "Abs Negate Sign Floor Ceil Round RoundSF Truncate Clip Log Log1p Exp Atan2 FillNull Coalesce AsStruct "
    "MinHorizontal MaxHorizontal SumHorizontal MeanHorizontal ToPhysical Reinterpret Replace ReplaceStrict",
    "Pow.": "Generic Sqrt Cbrt",
    "Trigonometry.": "Sin Cos Tan ArcSin ArcCos ArcTan Sinh Cosh Tanh Degrees Radians",
    "Boolean.": "IsNull IsNotNull IsNan IsNotNan IsFinite IsInfinite Not IsBetween IsClose AnyHorizontal AllHorizontal",
    "Sql.Binary.": "Plus Minus Mul Div IntDiv Rem Eq EqMissing Lt LtEq Gt GtEq",
    "StringExpr.": "StartsWith EndsWith Contains LenChars LenBytes Uppercase Lowercase Slice Head Tail Replace "
    "StripChars StripCharsStart StripCharsEnd StripPrefix StripSuffix ZFill PadStart PadEnd Extract ToInteger "
    "ConcatHorizontal Format Split Strptime",
    "TemporalExpr.": "Year Quarter Month Week WeekDay Day OrdinalDay Hour Minute Second Millisecond Microsecond "
    "Nanosecond Date Time TimeStamp Truncate Round OffsetBy CastTimeUnit ConvertTimeZone ReplaceTimeZone Duration "
    "TotalDays TotalHours TotalMinutes TotalSeconds TotalMilliseconds TotalMicroseconds TotalNanoseconds",
    "Categorical.": "StartsWith EndsWith LenChars LenBytes Slice To",
    "ListExpr.": "Get Length Sum Min Max Mean Contains Concat",
    "StructExpr.": "FieldByName",
}
FUNCTIONS = frozenset(family + name for family, names in _LISTED.items() for name in names.split())
_COMPARING = ("Eq", "NotEq", "EqValidity", "NotEqValidity", "Lt", "LtEq", "Gt", "GtEq", "And", "Or", "Xor")
_COUNTING = ("Plus", "Minus", "Multiply", "TrueDivide", "FloorDivide", "Modulus")
OPERATORS = frozenset((*_COMPARING, *_COUNTING))


def is_row_wise(expr: pl.Expr) -> bool:
    """Whether each row's value depends on that row alone: no aggregation, window, shift, cumulation, sort or filter.

    Functions of Python's and whatever is not on the list count as not row-wise.
    """
    nodes = tree(expr)
    return nodes is not None and row_wise(nodes)


def windows_stay_inside(expr: pl.Expr, keys: Collection[str]) -> bool:
    """Whether all that is not row-wise stands in an `.over` whose partition names one of `keys`."""
    nodes = tree(expr)
    return nodes is not None and row_wise(nodes, frozenset(keys))


def holds_over(expr: pl.Expr) -> bool:
    """Whether an `.over` stands anywhere in it."""
    return '"Over"' in expr.meta.serialize(format="json")


def row_wise(node: Any, keys: frozenset[str] = frozenset()) -> bool:
    """The same of its nodes. `keys`: an `.over` by one of these counts as row-wise; none: no `.over` does."""
    kind, parts = parted(node)
    match kind:
        case "Column":
            return True
        case "Literal":
            return "Series" not in parts
        case "Alias":
            return row_wise(parts[0], keys)
        case "Cast":
            return row_wise(parts["expr"], keys)
        case "Ternary":
            return _all((parts[part] for part in ("predicate", "truthy", "falsy")), keys)
        case "BinaryExpr":
            return parts["op"] in OPERATORS and _all((parts["left"], parts["right"]), keys)
        case "Function":
            return _function(parts["function"], parts["input"], keys)
        case "Over":
            return any(parted(by) == ("Column", key) for by in parts["partition_by"] for key in keys)
    return False


def _all(nodes: Iterable[Any], keys: frozenset[str]) -> bool:
    return all(row_wise(node, keys) for node in nodes)


def _function(function: Any, inputs: list[Any], keys: frozenset[str]) -> bool:
    name, settings = function_name(function)
    if name == "Sql.IsIn":  # its list is a literal of one row
        return row_wise(inputs[0], keys) and parted(inputs[1])[0] == "Literal"
    if name == "Boolean.IsIn":  # a column to look in would be looked through from end to end
        return _all(inputs, keys) and parted(inputs[1])[0] == "Literal"
    if name == "StringExpr.Strptime" and settings[1]["format"] is None:  # the format is guessed from other rows
        return False
    return name in FUNCTIONS and _all(inputs, keys)
