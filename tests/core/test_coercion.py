"""What every dtype that a file may have becomes, by canonical dtype: the same values, or a refusal; never a null."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from basalt.conform import conform, unfit
from basalt.errors import DataError
from basalt.tables import AGGRESSOR, NS_UTC, TableSchema
from basalt.tables import CONTRACTS as TABLES

NOON = dt.datetime(2024, 3, 8, 12, 0, 0, 123_000, tzinfo=dt.UTC)
NAIVE = NOON.replace(tzinfo=None)
FILES = {
    **{f"Int{width}": pl.Series([1, None, -(2 ** (width - 1))], dtype=getattr(pl, f"Int{width}")) for width in (8, 16)},
    "Int32": pl.Series([1, None, 2**31 - 1], dtype=pl.Int32),
    "Int64": pl.Series([1, None, 2**53], dtype=pl.Int64),
    "Int128": pl.Series([1, None, -(2**53)], dtype=pl.Int128),
    **{f"UInt{width}": pl.Series([1, None, 2**width - 1], dtype=getattr(pl, f"UInt{width}")) for width in (8, 16, 32)},
    "UInt64": pl.Series([1, None, 2**53], dtype=pl.UInt64),
    "Float32": pl.Series([1.0, None, 0.1], dtype=pl.Float32),
    "Float64": pl.Series([1.0, None, 0.1]),
    "Decimal(12, 4)": pl.Series([Decimal("1"), None, Decimal("223.95")], dtype=pl.Decimal(12, 4)),
    "Decimal(30, 9)": pl.Series([Decimal("1"), None, Decimal("223.95")], dtype=pl.Decimal(30, 9)),
    "Boolean": pl.Series([True, None, False]),
    "number text": pl.Series(["1", None, "2"]),
    "flag text": pl.Series(["TRUE", None, "FALSE"]),
    "stamp text": pl.Series(["2024-03-08T12:00:00Z", None, "2024-03-08T12:00:01Z"]),
    "label text": pl.Series(["Buy", None, "Sell"]),
    "Categorical": pl.Series(["Buy", None, "Sell"], dtype=pl.Categorical),
    "other Enum": pl.Series(["Buy", None, "Sell"], dtype=pl.Enum(["Sell", "Cross", "Buy"])),
    "Binary": pl.Series([b"Buy", None, b"Sell"]),
    "Date": pl.Series([NOON.date(), None, NOON.date()]),
    "Time": pl.Series([dt.time(12), None, dt.time(13)]),
    "Duration": pl.Series([dt.timedelta(1), None, dt.timedelta(2)]),
    **{f"naive {unit}": pl.Series([NAIVE, None, NAIVE], dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")},
    **{f"UTC {unit}": pl.Series([NOON, None, NOON], dtype=pl.Datetime(unit, "UTC")) for unit in ("ms", "us", "ns")},
    "Tokyo": pl.Series([NOON, None, NOON], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone("Asia/Tokyo"),
    "List": pl.Series([[1.0], None, [2.0]]),
    "Struct": pl.Series([{"a": 1}, None, {"a": 2}]),
    "Null": pl.Series([None, None, None]),
}
INTEGERS = ("Int8", "Int16", "Int32", "Int64", "Int128", "UInt8", "UInt16", "UInt32", "UInt64")
TEXT = ("number text", "flag text", "stamp text", "label text", "Categorical", "other Enum")
STAMPS = ("UTC ms", "UTC us", "UTC ns", "Tokyo")
BECOMES: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("trades", "ListingId"): {"Int64": INTEGERS, "String": TEXT},
    ("trades", "SequenceNo"): {"Int64": INTEGERS},
    ("trades", "Price"): {"Float64": (*INTEGERS, "Float32", "Float64", "Decimal(12, 4)")},
    ("trades", "IsBlock"): {"Boolean": ("Boolean",)},
    ("trades", "Venue"): {"String": (*INTEGERS, *TEXT)},
    ("trades", "AggressorSide"): {"Enum": ("label text", "Categorical", "other Enum")},
    ("trades", "EventTimestamp"): {"Datetime": STAMPS},
    ("l2", "BidNumOrders3"): {"Int32": INTEGERS},
    ("l3", "OrderId"): {"String": TEXT, "Int64": INTEGERS},
    ("calendar", "Date"): {"Date": ("Date",)},
    ("calendar", "SessionStart"): {"Datetime": STAMPS},
}
FAILING = {  # dtypes that can become it, with a value here that cannot
    ("l2", "BidNumOrders3"): ("Int64", "Int128", "UInt32", "UInt64"),
    ("trades", "AggressorSide"): ("number text", "flag text", "stamp text"),
}


def only(table: str, column: str) -> TableSchema:
    """The contract of one column."""
    declared = TABLES[table].column(column)
    return TableSchema(table, "", [declared])


@pytest.mark.parametrize(("table", "column"), BECOMES)
def test_each_dtype_comes_with_its_values_or_is_refused(table, column):
    schema, fails = only(table, column), FAILING.get((table, column), ())
    becomes = {file: dtype for dtype, files in BECOMES[table, column].items() for file in files}
    for name, series in FILES.items():
        rows = pl.LazyFrame({column: series})
        if name in fails:
            with pytest.raises(pl.exceptions.InvalidOperationError) as error:
                conform(rows, schema, "day.parquet").collect()
            assert unfit(error.value, schema).startswith(f"column {column} has "), name
        elif name in becomes:
            found = conform(rows, schema, "day.parquet").collect()[column]
            assert str(found.dtype).partition("(")[0] == becomes[name], name
            wanted = [str(value) for value in series] if becomes[name] == "String" else series.to_list()
            assert [str(v) if becomes[name] == "String" else v for v in found] == [_plain(v) for v in wanted], name
        elif name == "Null":
            assert conform(rows, schema, "day.parquet").collect()[column].to_list() == [None] * 3
        else:
            with pytest.raises(
                DataError, match=rf"table {table} of day.parquet: column {column} is .*, and .* is want"
            ):
                conform(rows, schema, "day.parquet")


def _plain(value: object) -> object:
    """What a Decimal is as the nearest float, which the text of it reads as."""
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("Price", pl.Series([1, 2**53 + 1]), "values that are no Float64, [9007199254740993]: integers that large"),
        ("Price", pl.Series([-(2**63), 1]), "values that are no Float64, [-9223372036854775808]"),
        ("Price", pl.Series([2**64 - 1], dtype=pl.UInt64), "values that are no Float64, [184467440737095516"),
        ("SequenceNo", pl.Series([2**63], dtype=pl.UInt64), "values that are no Int64, [9223372036854775808]"),
        (
            "AggressorSide",
            pl.Series(["BUY", "Sell"]),
            'values that are no Enum[Buy, Sell], ["BUY"]: write these',
        ),
        ("AggressorSide", pl.Series(["", None]), 'values that are no Enum[Buy, Sell], [""]'),
    ],
)
def test_a_value_that_cannot_be_kept_stops_the_query_and_is_told(column, values, said):
    schema = only("trades", column)
    frame = conform(pl.LazyFrame({column: values}), schema, "day.parquet")
    for engine in ("streaming", "in-memory"):
        with pytest.raises(pl.exceptions.InvalidOperationError) as error:
            frame.collect(engine=engine)
        assert f"column {column} has {said}" in unfit(error.value, schema)


def test_other_failures_are_told_as_they_are():
    assert unfit(OSError("no room"), TABLES["trades"]) == "OSError: no room"
    assert unfit(pl.exceptions.ComputeError("broken\n\nplan"), None) == "ComputeError: broken"


def test_decimals_become_the_nearest_float_whatever_their_digits():
    """Fifteen digits: each is one float, and no other decimal of fifteen digits is the same."""
    decimals = [Decimal(n * 7_919_777_777_777 % 10**15).scaleb(-9) for n in range(2_000)]
    series = pl.Series(decimals, dtype=pl.Decimal(15, 9))
    found = conform(pl.LazyFrame({"Price": series}), only("trades", "Price"), "x").collect()["Price"]
    assert found.to_list() == [float(value) for value in decimals]


def test_canonical_columns_are_left_alone():
    frame = pl.LazyFrame({"AggressorSide": ["Buy"]}, schema_overrides={"AggressorSide": AGGRESSOR})
    assert conform(frame, only("trades", "AggressorSide"), "x") is frame
    stamps = pl.LazyFrame({"EventTimestamp": [NOON]}, schema_overrides={"EventTimestamp": NS_UTC})
    assert conform(stamps, only("trades", "EventTimestamp"), "x") is stamps
