"""How much sources say they have, and that they say it without reading rows."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from basalt.errors import DataError, UserError
from basalt.running.memory import MemorySource
from basalt.sources import Size
from basalt.tables import NS_UTC
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions
from basalt_io.sources.simulator import SimulatorOptions, SimulatorSource

FRIDAY, MONDAY = dt.date(2024, 3, 8), dt.date(2024, 3, 11)


def trades(*days: dt.date) -> pl.DataFrame:
    """A trade at 14:30 UTC of each of these dates."""
    stamps = [dt.datetime(day.year, day.month, day.day, 14, 30, tzinfo=dt.UTC) for day in days]
    rows = {"ListingId": [1] * len(days), "EventTimestamp": stamps, "Price": [10.5] * len(days)}
    return pl.DataFrame({**rows, "Size": [1.0] * len(days)}, schema_overrides={"EventTimestamp": NS_UTC})


def write(frame: pl.DataFrame, file: Path) -> int:
    """Bytes of the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(file)
    return file.stat().st_size


def source(root: Path) -> ParquetSource:
    return ParquetSource(ParquetSourceOptions(root=str(root)), Path("/nowhere"))


def test_a_date_has_the_rows_and_bytes_of_its_files(tmp_path):
    """Two rows and one on Friday, one on Monday."""
    first = write(trades(FRIDAY, FRIDAY), tmp_path / "trades/date=2024-03-08/a.parquet")
    second = write(trades(FRIDAY), tmp_path / "trades/date=2024-03-08/b.parquet")
    third = write(trades(MONDAY), tmp_path / "trades/date=2024-03-11/a.parquet")
    found = source(tmp_path)
    assert found.size("trades", FRIDAY) == Size(3, first + second)
    assert found.size("trades", MONDAY) == Size(1, third)


def test_an_empty_file_has_no_rows(tmp_path):
    written = write(trades(FRIDAY).clear(), tmp_path / "trades/date=2024-03-08/a.parquet")
    assert source(tmp_path).size("trades", FRIDAY) == Size(0, written)


def test_one_file_tells_its_size_where_it_holds_one_date(tmp_path):
    whole = write(pl.DataFrame({"ListingId": [1, 2]}), tmp_path / "reference.parquet")
    one = write(trades(FRIDAY, FRIDAY), tmp_path / "trades.parquet")
    found = source(tmp_path)
    assert found.size("reference", MONDAY) == Size(2, whole)
    assert found.size("trades", FRIDAY) == Size(2, one)


def test_one_file_of_several_dates_does_not_tell_how_many_rows_each_has(tmp_path):
    write(trades(FRIDAY, FRIDAY, MONDAY), tmp_path / "trades.parquet")
    assert source(tmp_path).size("trades", FRIDAY) is None


def test_rows_are_not_read_for_it(tmp_path):
    """Every byte between the magic number and the footer is zeroed: the rows cannot be read, the size can."""
    file = tmp_path / "trades/date=2024-03-08/a.parquet"
    size = write(pl.concat([trades(FRIDAY)] * 1000), file)
    data = bytearray(file.read_bytes())
    footer = int.from_bytes(data[-8:-4], "little") + 8
    data[4:-footer] = bytes(len(data) - footer - 4)
    file.write_bytes(data)
    assert source(tmp_path).size("trades", FRIDAY) == Size(1000, size)
    with pytest.raises(pl.exceptions.PolarsError):
        source(tmp_path).scan("trades", FRIDAY).collect()


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    write(trades(FRIDAY), tmp_path / "trades/date=2024-03-08/a.parquet")
    bad = tmp_path / "trades/date=2024-03-08/b.parquet"
    bad.write_text("not a table")
    with pytest.raises(DataError, match=f"^{bad} is no readable Parquet file"):
        source(tmp_path).size("trades", FRIDAY)


def test_a_date_that_is_not_there_is_refused(tmp_path):
    write(trades(FRIDAY), tmp_path / "trades/date=2024-03-08/a.parquet")
    with pytest.raises(UserError, match="no trades for 2024-03-11"):
        source(tmp_path).size("trades", MONDAY)


def test_a_source_that_cannot_tell_says_so():
    assert SimulatorSource(SimulatorOptions(), Path()).size("trades", dt.date(2026, 1, 5)) is None


def test_frames_in_memory_tell_their_rows_and_bytes():
    """Three columns of 8 bytes and one of 8, two rows: 64 bytes."""
    frame = trades(FRIDAY, FRIDAY)
    assert MemorySource({"trades": frame}, None).size("trades", FRIDAY) == Size(2, 64)
    assert MemorySource({"trades": frame}, MONDAY).size("trades", MONDAY) == Size(2, 64)


def test_frames_of_several_dates_and_lazy_ones_do_not_tell():
    frame = trades(FRIDAY, MONDAY)
    assert MemorySource({"trades": frame}, None).size("trades", FRIDAY) is None
    assert MemorySource({"trades": frame.lazy()}, FRIDAY).size("trades", FRIDAY) is None
