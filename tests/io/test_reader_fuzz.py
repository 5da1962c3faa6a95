"""Readers over spoilt tables: one sentence that names the place, never a trace, never part of a table.

Files are cut, changed, put together anew or replaced by garbage; tables are whole and of any dtypes and values. Every
example is described, validated, converted and run from the command line. BASALT_FUZZ=500 tries so many of each.
"""

import datetime as dt
import json
import os
import shutil
from pathlib import Path

import lakes
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_misdeclared import trades

from basalt.conform import conform
from basalt.errors import DataError
from basalt.tables import NS_UTC, TRADES

EXAMPLES = int(os.environ.get("BASALT_FUZZ", "10"))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
ROWS = 3_000
NINE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def sound() -> pl.DataFrame:
    """Trades of ten listings, a second apart, in three row groups."""
    return pl.select(
        ListingId=pl.int_range(ROWS) // 300,
        EventTimestamp=pl.lit(NINE).cast(NS_UTC) + pl.duration(seconds=pl.int_range(ROWS) % 300),
        Price=10 + pl.int_range(ROWS) * 0.01,
        Size=pl.int_range(ROWS).cast(pl.Float64),
        AggressorSide=pl.lit("Buy"),
    )


@st.composite
def spoilt(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes, cut, changed in a few places, one piece missing or elsewhere, or others altogether."""
    at = st.integers(0, len(whole) - 1)
    match draw(
        st.sampled_from(["cut", "changed", "changed at the end", "grown", "gap", "moved", "garbage", "nothing"])
    ):
        case "cut":
            return whole[: draw(at)]
        case "grown":
            i = draw(at)
            return whole[:i] + draw(st.binary(min_size=1, max_size=20)) + whole[i:]
        case "gap":
            i, j = sorted((draw(at), draw(at)))
            return whole[:i] + whole[j + 1 :]
        case "moved":
            i, j, k = sorted((draw(at), draw(at), draw(at)))
            return whole[:i] + whole[j:k] + whole[i:j] + whole[k:]
        case "garbage":
            return draw(st.binary(max_size=300))
        case "nothing":
            return b""
        case where:
            end = len(whole) if where == "changed" else min(len(whole), 1_500)
            found = bytearray(whole)
            for _ in range(draw(st.integers(1, 5))):
                found[len(whole) - 1 - draw(st.integers(0, end - 1))] = draw(st.integers(0, 255))
            return bytes(found)


def judged(lake: lakes.Lake, capsys: pytest.CaptureFixture[str], place: str, rows: int | None = ROWS) -> None:
    """Each command does the whole table, or says in a sentence what it cannot do, and where."""
    lake.pipeline()
    for command in (["describe"], ["validate"], ["convert", "--out", "converted", "--format", "json"], ["run"]):
        shutil.rmtree(lake.folder / "converted", ignore_errors=True)
        shutil.rmtree(lake.folder / "out", ignore_errors=True)
        words = ["pipeline", "run", "--force"] if command == ["run"] else ["data", *command]
        ended = lake.call(capsys, *words, "pipeline.toml")
        assert ended.code in (0, 1, 2)
        assert "Traceback" not in ended.err
        assert "defect of basalt" not in ended.err
        if ended.code:
            assert place in ended.err, ended.err
            assert all(len(line) < 3_500 for line in ended.err.splitlines())
            assert list(lake.folder.glob("out/**/*.parquet")) == []
        elif command[0] == "convert" and rows is not None:
            assert sum(row["rows"] for row in json.loads(ended.out)) == rows


@pytest.fixture
def at(tmp_path, monkeypatch) -> Path:
    """The folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


WHOLE_FILE = lakes.content(sound(), row_group_size=1_000)


@pytest.mark.slow
@FUZZ
@given(content=spoilt(WHOLE_FILE))
def test_parquet_files(at, capsys, content):
    lake = lakes.Files(at, "parquet", None)
    lake.put_file("trades/date=2026-01-05/part", content)
    judged(lake, capsys, "trades/date=2026-01-05/part.parquet")


@pytest.mark.slow
@settings(FUZZ, max_examples=max(EXAMPLES // 3, 1))
@given(content=spoilt(WHOLE_FILE))
def test_parquet_objects(at, s3, capsys, content):
    lake = lakes.Files(at, "parquet", s3)
    lake.put_file("trades/date=2026-01-05/part", content)
    judged(lake, capsys, "trades/date=2026-01-05/part.parquet")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory) -> Path:
    """A folder with a Delta table and an SQLite file, which are not the same bytes when they are made again."""
    folder = tmp_path_factory.mktemp("made")
    lakes.Files(folder, "delta", None).put("trades", sound())
    lakes.made("sqlite", None, folder).put("trades", sound())
    return folder


@pytest.mark.slow
@FUZZ
@given(data=st.data())
def test_delta_tables(at, made_once, capsys, data):
    """A data file, or the log."""
    lake = lakes.Files(at, "delta", None)
    shutil.rmtree(at / "lake", ignore_errors=True)
    shutil.copytree(made_once / "lake", at / "lake")
    (file,) = (at / "lake/trades").glob(data.draw(st.sampled_from(["*.parquet", "_delta_log/*.json"])))
    file.write_bytes(data.draw(spoilt(file.read_bytes())))
    judged(lake, capsys, "/lake", None)


@pytest.mark.slow
@FUZZ
@given(data=st.data())
def test_database_files(at, made_once, capsys, data):
    content = data.draw(spoilt((made_once / "results.db").read_bytes()))
    (at / "results.db").write_bytes(content)
    judged(lakes.made("sqlite", None, at), capsys, "sql", None)


VALUES = {
    pl.Int8: st.integers(-128, 127),
    pl.Int64: st.integers(-(2**63), 2**63 - 1),
    pl.UInt64: st.integers(0, 2**64 - 1),
    pl.Float32: st.floats(width=32),
    pl.Float64: st.floats(),
    pl.Boolean: st.booleans(),
    pl.String: st.text(max_size=5) | st.sampled_from(["Buy", "Sell", "2026-01-05T09:00:00Z", "1"]),
    pl.Binary: st.binary(max_size=5),
    pl.Date: st.dates(),
    pl.Datetime("us"): st.datetimes(),
    pl.Datetime("ms", "UTC"): st.datetimes(),
    pl.Datetime("us", "UTC"): st.datetimes(dt.datetime(2026, 1, 5), dt.datetime(2026, 1, 5, 23)),
    pl.List(pl.Int64): st.lists(st.integers(-9, 9), max_size=2),
    pl.Null: st.none(),
}


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Three trades with some columns of any dtype and value, or missing."""
    frame = trades()
    for name in draw(st.lists(st.sampled_from(frame.columns), min_size=1, max_size=3, unique=True)):
        if draw(st.integers(0, 9)) == 0:
            frame = frame.drop(name)
            continue
        dtype = draw(st.sampled_from(list(VALUES)))
        values = draw(st.lists(st.none() | VALUES[dtype], min_size=3, max_size=3))
        frame = frame.with_columns(pl.Series(name, values, dtype=dtype, strict=False))
    return frame


def whole(frame: pl.DataFrame) -> bool:
    """Whether every row can be a trade: what a command must then not refuse for the values."""
    try:
        found = conform(frame.lazy(), TRADES, "x").collect()
    except (DataError, pl.exceptions.PolarsError):
        return False
    return not any(found[name].has_nulls() for name in ("ListingId", "EventTimestamp"))


@pytest.mark.slow
@FUZZ
@given(frame=tables())
def test_tables_of_any_dtypes_and_values(at, capsys, frame):
    """As one Parquet file. What is converted has the same nulls: none was lost, and none was made."""
    lake = lakes.Files(at, "parquet", None)
    shutil.rmtree(at / "lake", ignore_errors=True)
    lake.put_file("trades/date=2026-01-05/part", lakes.content(frame))
    judged(lake, capsys, "trades", frame.height)
    ended = lake.call(capsys, "data", "convert", "pipeline.toml", "--out", "again")
    assert (ended.code == 0) or not whole(frame), ended.err
    for file in at.glob("again/trades/*/*.parquet"):
        found = pl.read_parquet(file, hive_partitioning=False)
        assert {name: found[name].null_count() for name in frame.columns} == {
            name: frame[name].null_count() for name in frame.columns
        }
    shutil.rmtree(at / "again", ignore_errors=True)
