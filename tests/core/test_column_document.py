"""The column document as JSON: everything a reader of an output must know, there and back."""

import json
from datetime import timedelta

import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.columns import Unit
from basalt.documents import PassResult, ResultColumn, dtype_to_json, from_json, spelt, to_json
from basalt.durations import SECOND
from basalt.errors import DataError
from basalt.metrics import LAST, NONE, SUM, Empty, Known, mean

RULE = BucketRule(60 * SECOND, closed="left", label="start", origin=30 * SECOND)


def result(*columns: ResultColumn, **fields: object) -> PassResult:
    return PassResult(**{"name": "bars", "keys": ("ListingId",), "rule": RULE, "columns": columns, **fields})


def there_and_back(described: PassResult) -> PassResult:
    return from_json(json.loads(json.dumps(to_json(described))))


def test_a_document_reads_as_its_columns_say():
    column = ResultColumn("Spread", Unit.BPS, "Mean spread.", over_time=mean("Seconds").within("currency"))
    document = to_json(result(column, key_dtypes=(pl.Int64,)), pipeline="equities")
    assert document["pass"] == "bars"
    assert (document["keys"], document["key_dtypes"]) == (["ListingId"], ["Int64"])
    assert document["bucket"] == {"every": "1m", "origin": "30s", "closed": "left", "label": "start"}
    assert document["provenance"] == {"pipeline": "equities"}
    written = document["columns"][0]
    assert (written["name"], written["unit"], written["dtype"]) == ("Spread", "bps", "Float64")
    assert written["over_time"] == {"kind": "mean", "weight": "Seconds", "limit": "currency"}
    assert (written["known_after"], written["empty"]) == ("0s", "null")


def test_every_field_of_a_column_comes_back():
    column = ResultColumn(
        "MarkoutBps",
        Unit.BPS,
        "How far the mid went.",
        dtype=pl.Float32,
        empty=Empty.CARRY,
        known_after=timedelta(seconds=5, microseconds=1),
        formula="1e4·D·(M' − P)/M",
        citation="Huang & Stoll 1996",
        sign="+ when the mid goes with the trade",
        reads=("trades.Price", "l2.BidPrice1"),
        traits=frozenset({"delay_0", "mixed_unit"}),
        carries="Mid",
        hidden=True,
        module="tca",
        distribution="basalt-analytics",
        version="0.1.0",
    )
    again = there_and_back(result(column)).columns[0]
    for field in ("name", "unit", "doc", "dtype", "empty", "known_after", "formula", "citation", "reads", "traits"):
        assert getattr(again, field) == getattr(column, field)
    for field in ("sign", "carries", "hidden", "module", "distribution", "version"):
        assert getattr(again, field) == getattr(column, field)


def test_rollups_come_back():
    columns = [ResultColumn(f"C{n}", Unit.COUNT, "x", over_time=rule) for n, rule in enumerate((SUM, LAST, NONE))]
    again = there_and_back(result(*columns))
    assert [c.over_time.kind for c in again.columns] == ["sum", "last", "none"]


def test_a_weight_that_is_an_expression_is_the_hidden_column_of_its_name():
    column = ResultColumn("Vwap", Unit.PRICE, "x", over_time=mean(pl.col("Size").sum()))
    assert there_and_back(result(column)).columns[0].over_time.weight == "VwapWeight"


def test_knowledge_at_the_end_of_the_date_comes_back():
    column = ResultColumn("Share", Unit.RATIO, "x", known_after=Known.END_OF_DATE)
    assert there_and_back(result(column)).columns[0].known_after is Known.END_OF_DATE


def test_bucket_rule_and_keys_come_back():
    described = result(keys=("ListingId", "Venue"), key_dtypes=(pl.Int64, pl.String))
    assert there_and_back(described) == described
    assert there_and_back(result(rule=None)).rule is None


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Float64, pl.Int64, pl.UInt32, pl.String, pl.Boolean, pl.Date, pl.Categorical(), pl.Duration("ms"),
        pl.Datetime("us", "UTC"), pl.Datetime("ns"), pl.Enum(["Buy", "Sell"]), pl.Decimal(12, 4),
        pl.List(pl.Float64), pl.List(pl.Enum(["a"])),
    ],
)  # fmt: skip
def test_dtypes_come_back(dtype):
    assert there_and_back(result(ResultColumn("X", Unit.LABEL, "x", dtype=dtype))).columns[0].dtype == dtype


def test_a_document_of_a_later_format_is_refused():
    with pytest.raises(DataError, match="has format 2, and this version reads 1: upgrade basalt"):
        from_json({**to_json(result()), "format": 2})


def test_a_dtype_that_is_unknown_is_refused():
    document = to_json(result(ResultColumn("X", Unit.LABEL, "x")))
    document["columns"][0]["dtype"] = "Float8"
    with pytest.raises(DataError, match="names the dtype 'Float8', which is unknown here: upgrade basalt"):
        from_json(document)


@pytest.mark.parametrize(
    ("dtype", "said"),
    [
        (pl.Float64, "Float64"),
        (pl.Datetime("ns"), "Datetime[ns, None]"),
        (pl.List(pl.Datetime("us", "UTC")), "List[Datetime[us, UTC]]"),
        (pl.Decimal(12, 4), "Decimal[12, 4]"),
        (pl.Enum(["Bid", "Ask"]), "Enum[Bid, Ask]"),
        (pl.Enum(["A", "B", "C"]), "Enum[3 labels]"),
    ],
)
def test_dtypes_are_spelt_for_people(dtype, said):
    assert spelt(dtype_to_json(dtype), labels=2) == said
