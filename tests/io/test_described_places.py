"""`basalt data` of one file, one Delta table or a prefix, here and in an object store, told apart by what they are."""

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from data_commands import printed
from deltalake import write_deltalake

from basalt.errors import DataError, UserError
from basalt.tables import AGGRESSOR, NS_UTC
from basalt.testing.partitions import document, rows, spooled, target
from basalt_io.convert import convert
from basalt_io.describe import describe
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions
from basalt_io.validate import validate

FRIDAY = dt.date(2024, 3, 8)


class Here:
    """A folder of this machine."""

    options = ()

    def __init__(self, folder):
        self.root, self.storage = str(folder), {}

    def put(self, key, file):
        place = self.of(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)

    def of(self, key):
        return Path(self.root) / key


class Store:
    """A prefix of the S3 server."""

    def __init__(self, s3):
        self.root, self.storage, self.put = s3.root, s3.storage, s3.put
        self.options = [f"--set=storage.{key}={value}" for key, value in s3.storage.items()]

    def of(self, key):
        return f"{self.root}/{key}"


@pytest.fixture(params=["folder", "store"])
def lake(request, tmp_path):
    """An empty place, here and in an object store."""
    return Here(tmp_path / "lake") if request.param == "folder" else Store(request.getfixturevalue("s3"))


def trades(**columns):
    stamps = [dt.datetime(2024, 3, 8, 14, 30, second, tzinfo=dt.UTC) for second in range(3)]
    found = {"ListingId": [1, 1, 2], "EventTimestamp": stamps, "Price": [10.5] * 3, "Size": [1.0, 2.0, 3.0]}
    return pl.DataFrame({**found, **columns}, schema_overrides={"EventTimestamp": NS_UTC, "AggressorSide": AGGRESSOR})


def put(lake, key, frame, folder, **how):
    frame.write_parquet(folder / "to be put", **how)
    lake.put(key, folder / "to be put")


def described(lake, key, *more, command=describe, code=0):
    return printed(command, lake.of(key), *lake.options, *more, code=code)


@pytest.mark.parametrize("key", ["trades.parquet", "trades/date=2024-03-08/part-0.parquet"])
def test_one_file_is_a_table_called_as_its_folder_or_itself(tmp_path, lake, key):
    put(lake, key, trades(), tmp_path)
    put(lake, "trades/date=2024-03-08/other.parquet", trades(), tmp_path)
    (row,), _ = described(lake, key)
    assert (row["table"], row["dates"], row["from"], row["rows"], row["listings"], row["contract"]) == (
        "trades", 1, "2024-03-08", 3, 2, "ok",
    )  # fmt: skip
    columns, _ = described(lake, key, "--columns")
    assert next(one for one in columns if one["column"] == "Price")["contract"] == "required"


def test_one_file_may_be_named_and_mapped_and_is_validated_and_converted(tmp_path, lake):
    put(lake, "dump.parquet", trades().rename({"Price": "px"}), tmp_path)
    as_trades = ["--table", "trades", "--set", "columns.trades={Price='px'}"]
    assert described(lake, "dump.parquet")[0][0]["contract"] == "undeclared"
    assert described(lake, "dump.parquet", *as_trades)[0][0]["contract"] == "ok"
    assert {row["date"] for row in described(lake, "dump.parquet", *as_trades, command=validate)[0]} == {"2024-03-08"}
    (row,), _ = described(lake, "dump.parquet", *as_trades, "--out", tmp_path / "out", command=convert)
    assert pl.read_parquet(row["path"]).equals(trades())


def test_a_prefix_or_folder_is_searched_for_tables(tmp_path, lake):
    put(lake, "data/trades/date=2024-03-08/a.parquet", trades(), tmp_path)
    put(lake, "data/reference.parquet", pl.DataFrame({"ListingId": [1, 2]}), tmp_path)
    found, _ = described(lake, "data")
    assert [(row["table"], row["dates"], row["rows"], row["contract"]) for row in found] == [
        ("reference", 0, 2, "ok"),
        ("trades", 1, 3, "ok"),
    ]
    assert described(lake, "data", "--source", "parquet")[0] == found


def publish(output, folder):
    output.commit(output.stage(target(), spooled(folder / "spool", rows()), document("first")), "first")


def test_a_published_file_tells_its_columns(tmp_path, lake):
    publish(ParquetOutput(ParquetOutputOptions(root=lake.root, storage=lake.storage), tmp_path), tmp_path)
    found, said = described(lake, "bars/date=2026-01-05/all.parquet")
    assert [row["column"] for row in found] == [column["name"] for column in document("first")["columns"]]
    assert "bars/date=2026-01-05/all.parquet: pass 'bars' of pipeline" in said


def test_a_published_delta_table_tells_its_columns_and_its_history(tmp_path, lake):
    publish(DeltaOutput(DeltaOutputOptions(root=lake.root, storage=lake.storage), tmp_path), tmp_path)
    found, said = described(lake, "bars")
    assert [row["column"] for row in found] == [column["name"] for column in document("first")["columns"]]
    assert "bars: pass 'bars' of pipeline" in said
    assert described(lake, "bars", "--history")[0][0]["mode"] == "replace"


def test_another_delta_table_is_a_table(tmp_path, lake):
    as_delta_has_it = trades().with_columns(pl.col("EventTimestamp").cast(pl.Datetime("us", "UTC")))
    storage = {key: _looked_up(value) for key, value in lake.storage.items()}
    write_deltalake(f"{lake.root}/trades", as_delta_has_it, storage_options={"aws_allow_http": "true", **storage})
    (row,), _ = described(lake, "trades")
    assert (row["table"], row["from"], row["rows"], row["contract"]) == ("trades", "2024-03-08", 3, "ok")


def _looked_up(value):
    return os.environ[value.strip("${}")] if value.startswith("$") else value


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "7", "{}", '{"format": 1}', '{"format": 1, "pass": {}}'])
def test_a_document_that_nobody_of_us_wrote_is_told(tmp_path, lake, text):
    put(lake, "x.parquet", trades(), tmp_path, metadata={"basalt": text})
    with pytest.raises(DataError, match="document") as told:
        described(lake, "x.parquet")
    assert "\n" not in str(told.value)


def test_what_is_not_there_is_told(tmp_path, s3):
    lake = Store(s3)
    with pytest.raises(UserError, match=f"there is no {s3.root}/x.parquet: name an object that is there"):
        described(lake, "x.parquet", command=validate)
    with pytest.raises(DataError, match=r"x.parquet cannot be read, as it is gone"):
        described(lake, "x.parquet")
    with pytest.raises(UserError, match=f"source 'parquet' finds no table in {s3.root}/nothing: name its layout"):
        described(lake, "nothing")
    result = CliRunner().invoke(describe, [str(tmp_path / "nothing")])
    assert (result.exit_code, "does not exist" in result.stderr) == (2, True)
    with pytest.raises(UserError, match="root 'gs://bucket/lake' is of no known kind: give a folder, or s3://bucket"):
        printed(describe, "gs://bucket/lake")
