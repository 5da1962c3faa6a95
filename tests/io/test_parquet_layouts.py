"""Where the parquet source finds tables and dates by a template, and stamps that have no zone."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from basalt.errors import DataError, UserError
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions

FRIDAY, MONDAY = dt.date(2024, 3, 8), dt.date(2024, 3, 11)


def source(root, path=None, **options):
    return ParquetSource(ParquetSourceOptions(root=str(root), path=path, **options), Path("/nowhere"))


def put(file, *sizes, at=dt.datetime(2024, 3, 8, 14, 30, tzinfo=dt.UTC)):
    file.parent.mkdir(parents=True, exist_ok=True)
    count = len(sizes)
    rows = {"ListingId": [1] * count, "EventTimestamp": [at] * count, "Price": [1.0] * count, "Size": list(sizes)}
    pl.DataFrame(rows, schema_overrides={"Size": pl.Float64}).write_parquet(file)


def sizes(found, table="trades", day=FRIDAY):
    return found.scan(table, day).collect()["Size"].to_list()


@pytest.mark.parametrize(
    ("template", "friday", "monday"),
    [
        ("{table}/{year}/{month}/{day}.parquet", "trades/2024/03/08.parquet", "trades/2024/03/11.parquet"),
        ("{table}-{date}.parquet", "trades-2024-03-08.parquet", "trades-2024-03-11.parquet"),
        ("{year}{month}{day}/{table}/*.parquet", "20240308/trades/a.parquet", "20240311/trades/b.parquet"),
        ("{date}/x_*_{table}.parquet", "2024-03-08/x_1_trades.parquet", "2024-03-11/x_2_trades.parquet"),
    ],
)
def test_files_are_found_by_their_path(tmp_path, template, friday, monday):
    put(tmp_path / friday, 1)
    put(tmp_path / monday, 2)
    found = source(tmp_path, template)
    assert found.tables() == ["trades"]
    assert found.dates("trades") == [FRIDAY, MONDAY]
    assert (sizes(found), sizes(found, day=MONDAY)) == ([1.0], [2.0])


def test_several_files_of_a_date_are_read_in_order_of_their_names(tmp_path):
    for name, size in (("b", 2), ("a", 1), (".c", 3)):
        put(tmp_path / "2024-03-08" / "trades" / f"{name}.parquet", size)
    assert sizes(source(tmp_path, "{date}/{table}/*.parquet")) == [1.0, 2.0]


def test_single_files_stand_beside_those_of_a_template(tmp_path):
    put(tmp_path / "trades-2024-03-08.parquet", 1)
    pl.DataFrame({"ListingId": [1], "Ticker": ["AAA"]}).write_parquet(tmp_path / "reference.parquet")
    found = source(tmp_path, "{table}-{date}.parquet")
    assert found.tables() == ["reference", "trades"]
    assert found.dates("reference") == []
    assert found.scan("reference", FRIDAY).collect()["Ticker"].to_list() == ["AAA"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{table}/{dat}.parquet", r"names \{dat\}: use each of \{table\} \{date\} \{year\} \{month\} \{day\}"),
        ("{table}/{table}/{date}.parquet", r"names \{table\}: use each of"),
        ("{date}.parquet", r"must name \{table\}, and \{date\} or \{year\}, \{month\} and \{day\}"),
        ("{table}/{year}/{month}.parquet", r"must name \{table\}, and"),
        ("../{table}/{date}.parquet", "must be a path below `root` that ends in .parquet"),
        ("/data/{table}/{date}.parquet", "must be a path below `root`"),
        ("{table}/{date}.csv", "ends in .parquet"),
        ("{table}/{date.parquet", "is no template"),
    ],
)
def test_a_template_that_is_none_is_refused(tmp_path, template, said):
    with pytest.raises(UserError, match=said):
        source(tmp_path, template).tables()


def test_a_file_of_a_day_that_does_not_exist_is_named(tmp_path):
    put(tmp_path / "trades" / "2024" / "02" / "31.parquet", 1)
    with pytest.raises(UserError, match=r"31.parquet names no date .*: rename or move it"):
        source(tmp_path, "{table}/{year}/{month}/{day}.parquet").tables()


def test_stamps_without_a_zone_are_refused_until_it_is_named(tmp_path):
    """15:30 in Frankfurt is 14:30 UTC in March, and 13:30 UTC in July."""
    put(tmp_path / "trades/date=2024-03-08/a.parquet", 1, at=dt.datetime(2024, 3, 8, 15, 30))
    put(tmp_path / "trades/date=2024-07-08/a.parquet", 2, at=dt.datetime(2024, 7, 8, 15, 30))
    with pytest.raises(DataError, match="say which time zone the stamps are in"):
        source(tmp_path).scan("trades", FRIDAY)
    found = source(tmp_path, time_zone="Europe/Berlin")
    stamps = [found.scan("trades", day).collect()["EventTimestamp"][0] for day in (FRIDAY, dt.date(2024, 7, 8))]
    assert stamps == [dt.datetime(2024, 3, 8, 14, 30, tzinfo=dt.UTC), dt.datetime(2024, 7, 8, 13, 30, tzinfo=dt.UTC)]
    assert source(tmp_path).fingerprint("trades", FRIDAY) != found.fingerprint("trades", FRIDAY)


def test_an_hour_that_comes_twice_is_not_guessed(tmp_path):
    put(tmp_path / "trades/date=2024-10-27/a.parquet", 1, at=dt.datetime(2024, 10, 27, 2, 30))
    with pytest.raises(pl.exceptions.ComputeError, match="ambiguous"):
        source(tmp_path, time_zone="Europe/Berlin").scan("trades", dt.date(2024, 10, 27)).collect()


def test_stamps_with_a_zone_stay_what_they_are(tmp_path):
    put(tmp_path / "trades/date=2024-03-08/a.parquet", 1)
    stamp = source(tmp_path, time_zone="Asia/Tokyo").scan("trades", FRIDAY).collect()["EventTimestamp"][0]
    assert stamp == dt.datetime(2024, 3, 8, 14, 30, tzinfo=dt.UTC)


def test_a_zone_that_is_none_is_refused(tmp_path):
    put(tmp_path / "trades/date=2024-03-08/a.parquet", 1, at=dt.datetime(2024, 3, 8, 15, 30))
    with pytest.raises(UserError, match="time_zone = 'Berlin' is unknown: write it as 'Europe/London'"):
        source(tmp_path, time_zone="Berlin").scan("trades", FRIDAY)
