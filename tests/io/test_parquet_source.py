"""The parquet source: layouts, dates, canonical dtypes, and files that are not what they should be."""

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.errors import DataError, UserError
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions

FRIDAY, MONDAY = dt.date(2024, 3, 8), dt.date(2024, 3, 11)


def trades(day: dt.date, *sizes: float) -> pl.DataFrame:
    """A trade a second from 14:30 UTC."""
    start = dt.datetime(day.year, day.month, day.day, 14, 30, tzinfo=dt.UTC)
    return pl.DataFrame(
        {
            "ListingId": [1] * len(sizes),
            "EventTimestamp": [start + dt.timedelta(seconds=n) for n in range(len(sizes))],
            "Price": [10.5] * len(sizes),
            "Size": list(sizes),
            "AggressorSide": ["Buy"] * len(sizes),
        },
        schema_overrides={"EventTimestamp": NS_UTC, "AggressorSide": AGGRESSOR, "Size": pl.Float64},
    )


def write(frame: pl.DataFrame, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(file)
    return file


def source(root: Path, **options: object) -> ParquetSource:
    return ParquetSource(ParquetSourceOptions(root=str(root), **options), Path("/nowhere"))


@pytest.fixture
def hive(tmp_path) -> Path:
    """Two dates of trades, the first in two files, and a reference that holds for every date."""
    write(trades(FRIDAY, 1, 2), tmp_path / "trades/date=2024-03-08/a.parquet")
    write(trades(FRIDAY, 3), tmp_path / "trades/date=2024-03-08/b.parquet")
    write(trades(MONDAY, 4), tmp_path / "trades/date=2024-03-11/a.parquet")
    write(pl.DataFrame({"ListingId": [1], "Ticker": ["AAA"]}), tmp_path / "reference.parquet")
    return tmp_path


def test_root_is_the_folder_beside_the_pipeline_file(tmp_path):
    """`lake` relative to the pipeline file's folder; a path from the top is taken as it is."""
    assert ParquetSource(ParquetSourceOptions(root="lake"), tmp_path).root == tmp_path / "lake"
    assert source(tmp_path / "other").root == tmp_path / "other"


def test_tables_and_dates_are_those_that_have_files(hive):
    (hive / "trades/date=2024-03-12").mkdir()
    (hive / "trades/date=2024-03-13").mkdir()
    write(trades(FRIDAY, 9), hive / "trades/date=2024-03-13/.staged.parquet")
    found = source(hive)
    assert found.tables() == ["reference", "trades"]
    assert found.dates("trades") == [FRIDAY, MONDAY]
    assert found.dates("reference") == []


def test_a_date_is_all_its_files_and_only_them(hive):
    found = source(hive)
    assert found.scan("trades", FRIDAY).collect()["Size"].to_list() == [1.0, 2.0, 3.0]
    assert found.scan("trades", MONDAY).collect()["Size"].to_list() == [4.0]


def test_the_date_of_the_folder_is_no_column(hive):
    assert source(hive).scan("trades", FRIDAY).collect_schema().names() == trades(FRIDAY).columns


def test_canonical_files_are_scanned_as_they_are(hive):
    """No cast and no copy: the plan is a bare scan, and takes the columns and rows that are asked for into the scan."""
    plan = source(hive).scan("trades", FRIDAY).filter(pl.col("ListingId") == 1).select("Size").explain()
    assert "WITH_COLUMNS" not in plan
    assert "PROJECT 2/5 COLUMNS" in plan or "PROJECT 1/5 COLUMNS" in plan
    assert "SELECTION" in plan


def test_a_table_for_every_date_is_there_on_every_date(hive):
    assert source(hive).scan("reference", dt.date(1999, 1, 1)).collect().rows() == [(1, "AAA")]


def test_a_dated_reference_is_read_by_date(tmp_path):
    write(pl.DataFrame({"ListingId": [1]}), tmp_path / "reference/date=2024-03-08/x.parquet")
    write(pl.DataFrame({"ListingId": [1, 2]}), tmp_path / "reference/date=2024-03-11/x.parquet")
    found = source(tmp_path)
    assert found.dates("reference") == [FRIDAY, MONDAY]
    assert found.scan("reference", MONDAY).collect().height == 2


def test_rows_of_a_single_file_belong_to_their_utc_date(tmp_path):
    """23:59:59.999999999 UTC on Friday is Friday's, 00:00:00 on Saturday is Saturday's, wherever the stamp says it is:
    19:30 on Friday in New York is 00:30 on Saturday in UTC."""
    midnight = (dt.date(2024, 3, 9) - dt.date(1970, 1, 1)).days * 86_400 * 10**9
    stamps = pl.Series([midnight - 1, midnight, midnight + 1_800 * 10**9], dtype=NS_UTC)
    frame = pl.DataFrame({"ListingId": [1, 2, 3], "EventTimestamp": stamps, "Price": [1.0] * 3, "Size": [1.0] * 3})
    frame = frame.with_columns(pl.col("EventTimestamp").dt.convert_time_zone("America/New_York"))
    write(frame, tmp_path / "trades.parquet")
    found = source(tmp_path)
    assert found.dates("trades") == [FRIDAY, dt.date(2024, 3, 9)]
    assert found.scan("trades", FRIDAY).collect()["ListingId"].to_list() == [1]
    assert found.scan("trades", dt.date(2024, 3, 9)).collect()["ListingId"].to_list() == [2, 3]
    assert found.scan("trades", FRIDAY).collect_schema()["EventTimestamp"] == NS_UTC


def test_your_names_become_canonical_names(tmp_path):
    theirs = trades(FRIDAY, 1).rename({"Price": "px", "EventTimestamp": "ts"})
    write(theirs, tmp_path / "trades/date=2024-03-08/a.parquet")
    mapped = source(tmp_path, columns={"trades": {"Price": "px", "EventTimestamp": "ts"}})
    assert_frame_equal(mapped.scan("trades", FRIDAY).collect(), trades(FRIDAY, 1))


def test_names_that_are_not_there_are_refused(hive):
    with pytest.raises(UserError, match="has no column px to be read as Price: it has ListingId, EventTimestamp"):
        source(hive, columns={"trades": {"Price": "px"}}).scan("trades", FRIDAY)
    with pytest.raises(UserError, match=r"`columns` names table trade, and .* holds reference, trades"):
        source(hive, columns={"trade": {"Price": "px"}}).tables()


def test_a_name_that_is_taken_is_refused(hive):
    with pytest.raises(UserError, match="has a column Price already"):
        source(hive, columns={"trades": {"Price": "Size"}}).scan("trades", FRIDAY)


def test_narrow_and_textual_dtypes_become_canonical(tmp_path):
    narrow = trades(FRIDAY, 1, 2).with_columns(
        pl.col("ListingId").cast(pl.Int32),
        pl.col("Size").cast(pl.Int64),
        pl.col("EventTimestamp").dt.cast_time_unit("us"),
        pl.col("AggressorSide").cast(pl.String),
    )
    write(narrow, tmp_path / "trades/date=2024-03-08/a.parquet")
    assert_frame_equal(source(tmp_path).scan("trades", FRIDAY).collect(), trades(FRIDAY, 1, 2))


def test_a_table_that_basalt_does_not_know_comes_as_it_is(tmp_path):
    frame = pl.DataFrame({"Anything": ["goes"]})
    write(frame, tmp_path / "news/date=2024-03-08/a.parquet")
    assert_frame_equal(source(tmp_path).scan("news", FRIDAY).collect(), frame)


def test_a_missing_root_table_or_date_is_the_users_to_mend(hive):
    with pytest.raises(UserError, match="root /nowhere/at/all is no folder: set `root`"):
        source(Path("/nowhere/at/all")).tables()
    with pytest.raises(UserError, match=r"has no table l2: .* holds reference, trades"):
        source(hive).scan("l2", FRIDAY)
    with pytest.raises(UserError, match=r"no trades for 2024-03-09: .* has 2 dates from 2024-03-08 to 2024-03-11"):
        source(hive).scan("trades", dt.date(2024, 3, 9))


def test_an_empty_root_has_no_table(tmp_path):
    assert source(tmp_path).tables() == []
    with pytest.raises(UserError, match="holds no table"):
        source(tmp_path).scan("trades", FRIDAY)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet at all", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_a_corrupt_file_is_named_before_anything_is_read(hive, content):
    (hive / "trades/date=2024-03-08/b.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"date=2024-03-08/b\.parquet is no readable Parquet file") as refused:
        source(hive).scan("trades", FRIDAY)
    assert "\n" not in str(refused.value)
    assert source(hive).scan("trades", MONDAY).collect().height == 1


def test_a_file_cut_short_is_named(hive):
    file = hive / "trades/date=2024-03-08/b.parquet"
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(DataError, match=r"b\.parquet is no readable Parquet file"):
        source(hive).scan("trades", FRIDAY)


def test_a_single_file_whose_stamps_are_damaged_is_named_while_planning(tmp_path):
    """Its footer is whole, so that only reading its pages tells; of one file, dates are in the rows."""
    file = write(trades(FRIDAY, *range(1, 2_000)), tmp_path / "trades.parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * (len(whole) // 2) + whole[4 + len(whole) // 2 :])
    with pytest.raises(DataError, match=r"trades\.parquet is no readable Parquet file"):
        source(tmp_path).dates("trades")


def test_a_file_of_which_a_part_is_missing_is_named(tmp_path):
    """Polars panics there, as the footer points beyond the end."""
    file = write(trades(FRIDAY, *range(1, 9_000)), tmp_path / "trades.parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + whole[-3_000:])
    with pytest.raises(DataError, match=r"trades\.parquet is no readable Parquet file"):
        source(tmp_path).dates("trades")


def test_rows_of_a_single_file_without_a_stamp_are_refused_rather_than_left_out(tmp_path):
    rows = trades(FRIDAY, 1, 2).with_columns(pl.when(pl.col("Size") > 1).then("EventTimestamp"))
    write(rows, tmp_path / "trades.parquet")
    with pytest.raises(DataError, match=r"trades\.parquet has rows without EventTimestamp, by which they are dated"):
        source(tmp_path).dates("trades")


def test_a_date_lies_in_its_files(hive):
    found, friday = source(hive), hive / "trades/date=2024-03-08/a.parquet"
    assert found.lies("trades", MONDAY) == str(hive / "trades/date=2024-03-11/a.parquet")
    assert found.lies("trades", FRIDAY) == f"{friday} or the file beside it"
    write(trades(FRIDAY, 9), hive / "trades/date=2024-03-08/c.parquet")
    assert source(hive).lies("trades", FRIDAY) == f"{friday} or one of 2 files beside it"


def test_files_of_a_date_that_differ_are_refused(hive):
    write(trades(FRIDAY, 3).cast({"Size": pl.Float32}), hive / "trades/date=2024-03-08/b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet differs from .*a\.parquet in column Size"):
        source(hive).scan("trades", FRIDAY)


def test_a_required_column_that_is_missing_names_file_and_column(tmp_path):
    write(trades(FRIDAY, 1).drop("Size"), tmp_path / "trades/date=2024-03-08/a.parquet")
    with pytest.raises(DataError, match=r"table trades of .*a\.parquet lacks Size \(Float64\)"):
        source(tmp_path).scan("trades", FRIDAY)


def test_a_folder_that_names_no_date_is_refused(hive):
    for name in ("date=today", "date=20240314", "date=2024-02-30"):
        file = write(trades(FRIDAY, 1), hive / "trades" / name / "a.parquet")
        with pytest.raises(UserError, match=f"{name} names no date: rename it as date=YYYY-MM-DD"):
            source(hive).dates("trades")
        file.unlink()


def test_a_table_in_both_layouts_is_refused(hive):
    write(trades(FRIDAY, 1), hive / "trades.parquet")
    with pytest.raises(UserError, match=r"table trades is both .*trades and .*trades.parquet: keep one"):
        source(hive).tables()


def test_the_fingerprint_changes_with_that_dates_files_alone(hive):
    file = hive / "trades/date=2024-03-08/b.parquet"
    friday, monday = source(hive).fingerprint("trades", FRIDAY), source(hive).fingerprint("trades", MONDAY)
    assert source(hive).fingerprint("trades", FRIDAY) == friday
    os.utime(file, (1, 1))
    touched = source(hive).fingerprint("trades", FRIDAY)
    assert touched != friday
    file.unlink()
    assert source(hive).fingerprint("trades", FRIDAY) not in (friday, touched)
    assert source(hive).fingerprint("trades", MONDAY) == monday


def test_the_fingerprint_changes_with_the_mapping_of_names(hive):
    mapped = source(hive, columns={"trades": {"TradeId": "Venue"}})
    assert mapped.fingerprint("trades", FRIDAY) != source(hive).fingerprint("trades", FRIDAY)


def test_what_the_parquet_output_publishes_is_a_table_here(tmp_path):
    """`{pass}/date={date}/{universe}.parquet` is this source's layout: one desk's bars are another's table."""
    write(pl.DataFrame({"ListingId": [1], "Vwap": [10.0]}), tmp_path / "bars/date=2024-03-08/xlon.parquet")
    assert source(tmp_path).scan("bars", FRIDAY).collect()["Vwap"].to_list() == [10.0]
