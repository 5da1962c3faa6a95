"""`basalt data convert`: any source as canonical, sorted Parquet."""

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest
from data_commands import printed
from polars.testing import assert_frame_equal

from basalt.errors import UserError
from basalt.testing import market
from basalt_io.convert import convert
from basalt_io.sources.lobster import LobsterSource
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions

MONDAY, TUESDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 6)
AMZN = dt.date(2012, 6, 21)


def converted(*args):
    return printed(convert, *args)[0]


@pytest.fixture
def theirs(tmp_path):
    """Two dates whose rows are in order of time, under other names; a reference that holds for both."""
    for day in (MONDAY, TUESDAY):
        tables = market.simulate(listings=3, seed=3, date=day, events=200, tables=["trades", "reference"])
        place = tmp_path / "theirs" / "trades" / f"date={day}" / "x.parquet"
        place.parent.mkdir(parents=True)
        tables["trades"].sort("EventTimestamp", maintain_order=True).rename({"Price": "px"}).write_parquet(place)
    tables["reference"].write_parquet(tmp_path / "theirs" / "reference.parquet")
    return tmp_path / "theirs"


MAPPED = ("--set", 'columns={trades={Price="px"}}')


def read(out):
    return ParquetSource(ParquetSourceOptions(root=str(out)), Path("/nowhere"))


def test_rows_come_in_canonical_columns_and_order(theirs, tmp_path):
    rows = converted(theirs, "--out", tmp_path / "lake", *MAPPED)
    assert [(row["date"], row["table"]) for row in rows] == [
        (None, "reference"),
        ("2026-01-05", "trades"),
        ("2026-01-06", "trades"),
    ]
    found = read(tmp_path / "lake")
    for day in (MONDAY, TUESDAY):
        wanted = market.simulate(listings=3, seed=3, date=day, events=200, tables=["trades"])["trades"]
        assert_frame_equal(found.scan("trades", day).collect(), wanted, check_exact=True, check_column_order=False)
    assert [row["rows"] for row in rows] == [3, *(found.scan("trades", d).collect().height for d in (MONDAY, TUESDAY))]


def test_what_memory_does_not_hold_is_sorted_on_disk(theirs, tmp_path):
    """With room for few rows the files are the same, and nothing is left beside them."""
    converted(theirs, "--out", tmp_path / "at_once", *MAPPED)
    converted(theirs, "--out", tmp_path / "in_parts", *MAPPED, "--memory", "10 kB")
    files = {name: [*(tmp_path / name).rglob("*")] for name in ("at_once", "in_parts")}
    names = {name: sorted(str(file.relative_to(tmp_path / name)) for file in found) for name, found in files.items()}
    assert names["at_once"] == names["in_parts"]
    for day in (MONDAY, TUESDAY):
        wanted, found = (read(tmp_path / name).scan("trades", day).collect() for name in files)
        assert_frame_equal(found, wanted, check_exact=True)


def test_converting_again_replaces_and_other_dates_stay(theirs, tmp_path):
    converted(theirs, "--out", tmp_path / "lake", *MAPPED)
    monday = tmp_path / "lake" / "trades" / "date=2026-01-05" / "trades.parquet"
    before = monday.read_bytes()
    for _ in range(2):
        converted(theirs, "--out", tmp_path / "lake", *MAPPED, "--date", "2026-01-06", "--table", "trades")
    assert monday.read_bytes() == before
    assert read(tmp_path / "lake").dates("trades") == [MONDAY, TUESDAY]


def test_a_feed_is_converted(lobster_folder, tmp_path):
    """AMZN and AAPL of LOBSTER: 55,070 visible order events of AMZN, and every table reads back as it was."""
    rows = converted(lobster_folder, "--source", "lobster", "--out", tmp_path / "lake")
    assert {row["table"]: row["rows"] for row in rows}["l2"] == 57_515 + 999
    feed, found = LobsterSource(LobsterSource.Config(root=str(lobster_folder)), tmp_path), read(tmp_path / "lake")
    for table in feed.tables():
        wanted = feed.scan(table, AMZN).collect()
        by = [name for name in ("ListingId", "EventTimestamp", "SequenceNo") if name in wanted.columns]
        assert_frame_equal(found.scan(table, AMZN).collect(), wanted.sort(by, maintain_order=True), check_exact=True)
    l3 = found.scan("l3", AMZN).filter(pl.col("ListingId") == "AMZN").select(pl.len()).collect().item()
    assert l3 == 27_845 + 16 + 18_235 + 8_974


def test_out_is_not_what_is_read_nor_a_folder_of_other_files(theirs, tmp_path):
    with pytest.raises(UserError, match=r"is inside .*theirs, which is read: name another place"):
        converted(theirs, "--out", theirs / "lake", *MAPPED)
    other = tmp_path / "lake" / "trades" / "date=2026-01-06" / "mine.parquet"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"")
    with pytest.raises(UserError, match=r"mine.parquet is there already, and rows beside it would mix with it"):
        converted(theirs, "--out", tmp_path / "lake", *MAPPED)
    assert not (tmp_path / "lake" / "reference.parquet").exists()


@pytest.fixture
def store(s3, monkeypatch):
    """A prefix of a store that the environment tells of, as a shell would."""
    for name, value in s3.storage.items():
        monkeypatch.setenv(name.upper(), os.path.expandvars(value))
    return s3


def test_tables_go_to_a_store_too(theirs, tmp_path, store):
    converted(theirs, "--out", tmp_path / "lake", *MAPPED)
    rows = converted(theirs, "--out", f"{store.root}/lake/", *MAPPED)
    assert [row["path"] for row in rows][1] == f"{store.root}/lake/trades/date=2026-01-05/trades.parquet"
    there = ParquetSource(ParquetSourceOptions(root=f"{store.root}/lake"), Path("/nowhere"))
    for day in (MONDAY, TUESDAY):
        wanted = read(tmp_path / "lake").scan("trades", day).collect()
        assert_frame_equal(there.scan("trades", day).collect(), wanted, check_exact=True)


def test_a_store_is_not_written_where_it_is_read_nor_beside_other_files(theirs, store):
    converted(theirs, "--out", f"{store.root}/lake", *MAPPED)
    again = ("--source", "parquet", "--out", f"{store.root}//lake/inside")
    with pytest.raises(UserError, match=r"inside s3://.*/lake, which is read: name another place"):
        converted(f"{store.root}/lake", *again)
    store.put("other/trades/date=2026-01-06/mine.parquet", theirs / "reference.parquet")
    with pytest.raises(UserError, match=r"mine.parquet is there already, and rows beside it would mix with it"):
        converted(theirs, "--out", f"{store.root}/other", *MAPPED)
