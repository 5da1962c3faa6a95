"""What Delta holds of each dtype, and how the declared one comes back.

Delta knows neither Enum nor nanoseconds, unsigned integers, durations and times of day. Enums and categories are held
as String, zoned stamps as microseconds in UTC, unsigned integers as the next wider signed one (UInt64 as Int64: a value
past 2**63 is refused), and stamps of nanoseconds or without zone, durations and times as Int64 in their own unit.
*Declared* dtypes, of those columns only, stand as JSON beside the column document.
"""

import json
from collections.abc import Mapping
from typing import cast

import polars as pl
from deltalake import Field, Schema
from deltalake.schema import ArrayType, PrimitiveType

from basalt.columns import DType
from basalt.documents import dtype_from_json, dtype_to_json
from basalt.errors import PublishError

_UTC = pl.Datetime("us", "UTC")
_HELD: dict[type[pl.DataType], DType] = {
    pl.Enum: pl.String(),
    pl.Categorical: pl.String(),
    pl.UInt8: pl.Int16(),
    pl.UInt16: pl.Int32(),
    pl.UInt32: pl.Int64(),
    pl.UInt64: pl.Int64(),
    pl.Duration: pl.Int64(),
    pl.Time: pl.Int64(),
}
_NAMES: dict[type[pl.DataType], str] = {
    pl.String: "string",
    pl.Boolean: "boolean",
    pl.Int8: "byte",
    pl.Int16: "short",
    pl.Int32: "integer",
    pl.Int64: "long",
    pl.Float32: "float",
    pl.Float64: "double",
    pl.Date: "date",
    pl.Datetime: "timestamp",
    pl.Binary: "binary",
}


def held(dtype: pl.DataType) -> pl.DataType:
    """The dtype that the files have."""
    if isinstance(dtype, pl.List):
        return pl.List(held(cast(pl.DataType, dtype.inner)))
    if isinstance(dtype, pl.Datetime):
        return pl.Int64() if dtype.time_unit == "ns" or dtype.time_zone is None else _UTC
    return cast(pl.DataType, _HELD.get(type(dtype), dtype))


def to_held(columns: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Casts of the columns that Delta would not hold; a value that does not fit fails the query."""
    return [pl.col(name).cast(held(dtype)) for name, dtype in columns.items() if held(dtype) != dtype]


def restored(frame: pl.LazyFrame, declared: Mapping[str, DType]) -> pl.LazyFrame:
    """The frame with its declared dtypes again."""
    found = frame.collect_schema()
    casts = [pl.col(name).cast(dtype) for name, dtype in declared.items() if name in found and found[name] != dtype]
    return frame.with_columns(casts) if casts else frame


def declared_to_json(columns: Mapping[str, pl.DataType]) -> str:
    """The dtypes of the columns that are held as another."""
    return json.dumps({name: dtype_to_json(dtype) for name, dtype in columns.items() if held(dtype) != dtype})


def declared_from_json(text: str) -> dict[str, DType]:
    """The same again; DataError for a dtype that this version does not know."""
    return {name: dtype_from_json(dtype) for name, dtype in json.loads(text).items()}


def delta_schema(columns: Mapping[str, pl.DataType], whose: str) -> Schema:
    """The table's schema; PublishError for a dtype that Delta cannot hold, naming the column."""
    return Schema([Field(name, _delta_type(name, held(dtype), whose)) for name, dtype in columns.items()])


def _delta_type(name: str, dtype: pl.DataType, whose: str) -> PrimitiveType | ArrayType:
    if isinstance(dtype, pl.List):
        return ArrayType(_delta_type(name, cast(pl.DataType, dtype.inner), whose), contains_null=True)
    if isinstance(dtype, pl.Decimal):
        return PrimitiveType(f"decimal({dtype.precision},{dtype.scale})")
    if type(dtype) not in _NAMES:
        raise PublishError(
            f"{whose}: column {name} is {dtype}, which Delta cannot hold: cast it in the module, or use another output"
        )
    return PrimitiveType(_NAMES[type(dtype)])
