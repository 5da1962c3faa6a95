"""The column document: what a pass returns, described, as it travels in the plan and stands beside every output.

Descriptions never travel in Polars frames, which drop them: as records they travel in the plan, as JSON (`to_json`,
`from_json`) they stand in every output.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.columns import DType, Unit
from basalt.durations import NANOSECONDS, format_duration, parse_duration
from basalt.errors import DataError
from basalt.metrics import NONE, Empty, Known, Rollup

FORMAT = 1


@attrs.frozen
class ResultColumn:
    """One described column of a result: a Metric after planning, its expression replaced by what it `reads`.

    `reads` names table columns (`trades.Price`) or columns of an earlier pass (`bars.TradeTotalVolume`).
    `hidden` columns are weights that later passes need; lists and reports leave them out.
    """

    name: str
    unit: Unit
    doc: str
    dtype: DType = pl.Float64
    over_time: Rollup = NONE
    over_listings: Rollup = NONE
    empty: Empty = Empty.NULL
    known_after: timedelta | Known = timedelta(0)
    formula: str | None = None
    citation: str | None = None
    sign: str | None = None
    reads: Sequence[str] = ()
    traits: frozenset[str] = frozenset()
    carries: str | None = None
    idle: float | None = None
    max_age: int | None = None
    hidden: bool = False
    module: str = ""
    distribution: str = ""
    version: str = ""


@attrs.frozen
class PassResult:
    """What one pass returns: rows unique by `keys` and TimeBucket, and the described columns in order."""

    name: str
    keys: Sequence[str]
    rule: BucketRule | None
    columns: Sequence[ResultColumn]
    key_dtypes: Sequence[DType] = ()

    def column(self, name: str) -> ResultColumn | None:
        """The column of that name, hidden ones included."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def visible(self) -> list[ResultColumn]:
        """Columns that lists, reports and `columns = all` show."""
        return [c for c in self.columns if not c.hidden]


def to_json(result: PassResult, **provenance: Any) -> dict[str, Any]:
    """The document as JSON values. `provenance`: what else a reader should know (pipeline, versions), JSON values too.

    A mean weighted by an expression names the hidden column `{name}Weight`, which is there if the pass kept weights.
    """
    return {
        "format": FORMAT,
        "pass": result.name,
        "keys": list(result.keys),
        "key_dtypes": [dtype_to_json(dtype) for dtype in result.key_dtypes],
        "bucket": None if result.rule is None else rule_to_json(result.rule),
        "columns": [_column_to_json(column) for column in result.columns],
        "provenance": provenance,
    }


def from_json(document: Mapping[str, Any]) -> PassResult:
    """The described result again, without its provenance; DataError for a document this version cannot read."""
    if document.get("format") != FORMAT:
        found = document.get("format")
        raise DataError(f"the column document has format {found!r}, and this version reads {FORMAT}: upgrade basalt")
    return PassResult(
        document["pass"],
        tuple(document["keys"]),
        None if document["bucket"] is None else _rule_from_json(document["bucket"]),
        tuple(_column_from_json(column) for column in document["columns"]),
        tuple(dtype_from_json(dtype) for dtype in document["key_dtypes"]),
    )


def rule_to_json(rule: BucketRule) -> dict[str, str]:
    """The rule as four words: `{"every": "1m", "origin": "0s", "closed": "right", "label": "end"}`."""
    widths = {"every": format_duration(rule.every), "origin": format_duration(rule.origin)}
    return {**widths, "closed": rule.closed, "label": rule.label}


def _rule_from_json(rule: Mapping[str, Any]) -> BucketRule:
    return BucketRule(parse_duration(rule["every"]), rule["closed"], rule["label"], parse_duration(rule["origin"]))


def _column_to_json(column: ResultColumn) -> dict[str, Any]:
    return {
        **attrs.asdict(column, recurse=False),
        "unit": column.unit.value,
        "dtype": dtype_to_json(column.dtype),
        "over_time": _rollup_to_json(column.over_time, column.name),
        "over_listings": _rollup_to_json(column.over_listings, column.name),
        "empty": column.empty.value,
        "known_after": _lag_to_json(column.known_after),
        "reads": list(column.reads),
        "traits": sorted(column.traits),
    }


def _column_from_json(column: Mapping[str, Any]) -> ResultColumn:
    structured = {
        "unit": Unit(column["unit"]),
        "dtype": dtype_from_json(column["dtype"]),
        "over_time": Rollup(**column["over_time"]),
        "over_listings": Rollup(**column["over_listings"]),
        "empty": Empty(column["empty"]),
        "known_after": _lag_from_json(column["known_after"]),
        "reads": tuple(column["reads"]),
        "traits": frozenset(column["traits"]),
    }
    return ResultColumn(**{**column, **structured})


def _rollup_to_json(rollup: Rollup, name: str) -> dict[str, Any]:
    weight = f"{name}Weight" if isinstance(rollup.weight, pl.Expr) else rollup.weight
    return {"kind": rollup.kind, "weight": weight, "limit": rollup.limit}


def _lag_to_json(lag: timedelta | Known) -> str:
    if isinstance(lag, Known):
        return lag.value
    return format_duration(lag // timedelta(microseconds=1) * NANOSECONDS["us"])


def _lag_from_json(lag: str) -> timedelta | Known:
    if lag in {known.value for known in Known}:
        return Known(lag)
    return timedelta(microseconds=parse_duration(lag) // NANOSECONDS["us"])


def dtype_to_json(dtype: DType) -> str | list[Any]:
    """A dtype's name; with parameters, a list of the name and these: `["Datetime", "us", "UTC"]`."""
    match dtype:
        case pl.Datetime():
            return ["Datetime", dtype.time_unit, dtype.time_zone]
        case pl.Duration():
            return ["Duration", dtype.time_unit]
        case pl.Enum():
            return ["Enum", *dtype.categories]
        case pl.Decimal():
            return ["Decimal", dtype.precision, dtype.scale]
        case pl.List():
            return ["List", dtype_to_json(cast(DType, dtype.inner))]
        case _:
            return str(dtype)


def spelt(dtype: Any, labels: int | None = None) -> str:
    """`Float64`, `Datetime[ns, UTC]`, `Enum[Bid, Ask]`, from how a document writes it; of an Enum with more than
    `labels`, their number."""
    if not isinstance(dtype, list):
        return str(dtype)
    kind, *parts = dtype
    if kind == "Enum" and labels is not None and len(parts) > labels:
        return f"Enum[{len(parts)} labels]"
    return f"{kind}[{', '.join(spelt(part, labels) for part in parts)}]"


def dtype_from_json(dtype: str | Sequence[Any]) -> DType:
    """The dtype again; DataError for one that this version does not know."""
    parts: list[Any] = [dtype] if isinstance(dtype, str) else list(dtype)
    name, parameters = parts[0], parts[1:]
    known: type[pl.DataType] | None = getattr(pl, name, None)
    if not (isinstance(known, type) and issubclass(known, pl.DataType)):
        raise DataError(f"the column document names the dtype {dtype!r}, which is unknown here: upgrade basalt")
    match name:
        case "Enum":
            return pl.Enum(parameters)
        case "List":
            return pl.List(dtype_from_json(parameters[0]))
        case _:
            return known(*parameters) if parameters else known
