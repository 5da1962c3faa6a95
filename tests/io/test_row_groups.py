"""Row groups: a reader of one listing reads those that have it, of what is published and of what is converted."""

import datetime as dt
import re

import polars as pl
import pytest
from data_commands import printed

import basalt
from basalt.tables import NS_UTC
from basalt.testing import market
from basalt.testing.partitions import document, spooled, target
from basalt_io.convert import convert
from basalt_io.files import ROW_GROUP
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions

LISTINGS, EACH = 50, 2_000
MONDAY = dt.date(2026, 1, 5)
OUTPUTS = {"parquet": (ParquetOutput, ParquetOutputOptions), "delta": (DeltaOutput, DeltaOutputOptions)}


def rows() -> pl.DataFrame:
    """Of each of 50 listings 2,000 buckets: 100,000 rows by listing and time."""
    at = pl.lit(dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)) + pl.duration(seconds=pl.int_range(LISTINGS * EACH) % EACH)
    return pl.select(
        Date=pl.lit(MONDAY),
        Universe=pl.lit("all"),
        ListingId=pl.int_range(LISTINGS * EACH) // EACH,
        TimeBucket=at,
        Volume=pl.int_range(LISTINGS * EACH).cast(pl.Float64),
    )


def read(capfd, frame: pl.LazyFrame) -> tuple[str, int]:
    """`1 / 4`: how many row groups are read of how many, as Polars tells it; and the rows that come."""
    capfd.readouterr()
    with pl.Config(verbose=True):
        found = frame.collect()
    said = re.search(r"Predicate pushdown: reading (\d+ / \d+) row groups", capfd.readouterr().err)
    assert said is not None
    return said[1], found.height


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize(("listing", "groups"), [(0, "1 / 4"), (16, "2 / 4"), (40, "1 / 4"), (99, "0 / 4")])
def test_a_reader_of_one_listing_reads_its_row_groups(tmp_path, capfd, kind, listing, groups):
    """32,768 rows a group: listing 16 has rows 32,000 to 33,999, and those before and behind it are in one each."""
    made, options = OUTPUTS[kind]
    output = made(options(root="lake"), tmp_path)
    output.commit(output.stage(target(MONDAY), spooled(tmp_path / "spool", rows()), document("first")), "first")
    found = read(capfd, output.scan(target(MONDAY)).filter(pl.col("ListingId") == listing))
    assert found == (groups, 0 if listing == 99 else EACH)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_row_groups_are_as_many_as_asked(tmp_path, capfd, kind):
    made, options = OUTPUTS[kind]
    output = made(options(root="lake", row_group_size=10_000), tmp_path)
    output.commit(output.stage(target(MONDAY), spooled(tmp_path / "spool", rows()), document("first")), "first")
    assert read(capfd, output.scan(target(MONDAY)).filter(pl.col("ListingId") == 7)) == ("1 / 10", EACH)


def test_what_is_converted_is_read_by_listing_too(tmp_path, capfd):
    """Rows that came in order of time alone."""
    trades = rows().select("ListingId", EventTimestamp=pl.col("TimeBucket").cast(NS_UTC), Price=1.0, Size="Volume")
    place = tmp_path / "theirs/trades/date=2026-01-05/x.parquet"
    place.parent.mkdir(parents=True)
    trades.sort("EventTimestamp", maintain_order=True).write_parquet(place)
    (row,), _ = printed(convert, tmp_path / "theirs", "--out", tmp_path / "lake")
    assert read(capfd, pl.scan_parquet(row["path"]).filter(pl.col("ListingId") == 40)) == ("1 / 4", EACH)


DAILY = """
name = "desk"
source = { type = "parquet", root = "lake" }
outputs = [{ type = "parquet", root = "out" }]
memory = "1 B"
[[passes]]
name = "minutes"
every = "1m"
timeline = "dense"
modules = [{ module = "trade" }]
[[passes]]
name = "days"
timeline = "daily"
modules = [{ module = "trade" }]
"""


def test_rows_of_batches_stand_by_listing_and_time_and_those_of_a_day_by_listing(tmp_path):
    """Five listings in files by time, in one batch each. Other scopes are tried in tests/engine."""
    for name, found in market.simulate(listings=5, events=500, date=MONDAY, tables=["trades", "marketstate"]).items():
        place = tmp_path / f"lake/{name}/date={MONDAY}/part.parquet"
        place.parent.mkdir(parents=True)
        found.sort("EventTimestamp", maintain_order=True).write_parquet(place)
    (tmp_path / "pipeline.toml").write_text(DAILY)
    assert basalt.run(tmp_path / "pipeline.toml").failed == []
    for name, by in (("minutes", ["ListingId", "TimeBucket"]), ("days", ["ListingId"])):
        (file,) = tmp_path.glob(f"out/{name}/*/all.parquet")
        found = pl.read_parquet(file, hive_partitioning=False).select(by)
        assert found["ListingId"].n_unique() == 5
        assert found.equals(found.sort(by))


def test_the_default_is_what_the_option_says(tmp_path):
    assert ParquetOutputOptions().row_group_size == DeltaOutputOptions(root="x").row_group_size == ROW_GROUP == 32_768
