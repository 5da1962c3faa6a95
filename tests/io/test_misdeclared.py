"""A table that is not as it is declared is refused by the command line, with table, column, place and fix."""

import datetime as dt

import lakes
import polars as pl
import pytest
from lakes import sentence

from basalt.tables import AGGRESSOR, NS_UTC

NINE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def trades(**changed) -> pl.DataFrame:
    """Three trades of listings 1 and 2, a second apart."""
    frame = pl.DataFrame(
        {
            "ListingId": [1, 1, 2],
            "EventTimestamp": [NINE + dt.timedelta(seconds=n) for n in range(3)],
            "Price": [10.5, 10.25, 99.0],
            "Size": [1.0, 2.0, 3.0],
            "AggressorSide": ["Buy", "Sell", None],
        },
        schema_overrides={"EventTimestamp": NS_UTC, "AggressorSide": AGGRESSOR},
    )
    return frame.with_columns(**changed)


@pytest.fixture(params=lakes.KINDS)
def lake(request, tmp_path, monkeypatch) -> lakes.Lake:
    """Trades as they should be."""
    monkeypatch.chdir(tmp_path)
    made = lakes.made(request.param, request, tmp_path)
    made.put("trades", trades())
    return made


def refused(lake, capsys) -> str:
    """What `pipeline run` says, which makes nothing; `data describe` says the same of that table."""
    ended = lake.call(capsys, "pipeline", "run", str(lake.pipeline()))
    assert ended.code in (1, 2)
    assert list(lake.folder.glob("out/**/*.parquet")) == []
    told = sentence(ended)
    assert lake.lies("trades") in told
    described = lake.call(capsys, "data", "describe", "pipeline.toml")
    assert described.code == 1
    assert told in described.err
    return told


def test_as_it_should_be(lake, capsys):
    ended = lake.call(capsys, "pipeline", "run", str(lake.pipeline()))
    assert (ended.code, ended.out) == (0, ended.out)
    assert lake.call(capsys, "data", "describe", "pipeline.toml").code == 0


def test_a_required_column_that_is_missing(lake, capsys):
    lake.put("trades", trades().drop("Price"))
    told = refused(lake, capsys)
    assert "table trades of " in told
    assert "lacks Price (Float64), which every trades table has" in told
    assert "add the column, or map yours to it" in told


def test_a_wrong_dtype(lake, capsys):
    lake.put("trades", trades(Price=pl.Series(["10.5", "10.25", "99"])))
    told = refused(lake, capsys)
    assert "column Price is String, and Float64 is wanted: cast it before, where that loses nothing" in told


def test_stamps_without_a_zone(lake, capsys):
    naive = pl.col("EventTimestamp").dt.replace_time_zone(None).dt.cast_time_unit("us")
    lake.put("trades", trades().with_columns(naive))
    told = refused(lake, capsys)
    assert "column EventTimestamp is Datetime[" in told
    assert ", None], and Datetime[ns, UTC] is wanted: say which time zone the stamps are in" in told


def test_stamps_as_text(lake, capsys):
    lake.put("trades", trades().with_columns(pl.col("EventTimestamp").dt.to_string("on %d.%m.%Y at %H:%M")))
    told = refused(lake, capsys)
    if lake.source.get("url", "").startswith("sqlite"):
        assert "has rows without EventTimestamp or one that is no time, by which they are dated" in told
    else:
        assert "column EventTimestamp is String, and Datetime[ns, UTC] is wanted: write it as a stamp with" in told


def test_a_label_in_another_letter_case(lake, capsys):
    """Only rows tell: `pipeline run` stops at it, and so do `data validate` and `data convert`."""
    lake.put("trades", trades(AggressorSide=pl.Series(["Buy", "SELL", None])))
    file = str(lake.pipeline("# "))
    for command in (["pipeline", "run", file], ["data", "validate", file], ["data", "convert", file, "--out", "conv"]):
        ended = lake.call(capsys, *command)
        assert ended.code == 1
        assert f"column AggressorSide in {_place(lake)}" in ended.err
        assert 'has values that are no Enum[Buy, Sell], ["SELL"]: write these words, in this letter case' in ended.err
        assert "Traceback" not in ended.err
    assert list(lake.folder.glob("out/**/*.parquet")) == list(lake.folder.glob("conv/**/*.parquet")) == []


def _place(lake) -> str:
    return "" if isinstance(lake, lakes.Tables) else lake.lies("trades")


def test_a_listing_that_stands_twice_in_reference(lake, capsys):
    lake.put("reference", pl.DataFrame({"ListingId": [1, 2, 2], "Ticker": ["A", "B", "B"]}))
    file = str(lake.pipeline())
    for command in (["data", "describe", file], ["data", "validate", file], ["data", "convert", file, "--out", "conv"]):
        ended = lake.call(capsys, *command)
        assert ended.code == 1
        assert "table reference of " in ended.err
        assert lake.lies("reference") in ended.err
        assert "has 2 rows of ListingId 2, and one is wanted: drop those that repeat it" in ended.err
