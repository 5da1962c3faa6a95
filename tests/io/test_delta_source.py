"""The delta source: dates from partitions or stamps, canonical dtypes, and tables that other writers made."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, TableFeatures, write_deltalake
from polars.testing import assert_frame_equal

import basalt
from basalt.errors import DataError, UserError
from basalt.sources import Size
from basalt.tables import AGGRESSOR, NS_UTC
from basalt.testing import SourceLaws, market
from basalt.testing.partitions import document, rows, spooled, target
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.sources.delta import DeltaSource, DeltaSourceOptions

MONDAY, TUESDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 6)
MICROSECONDS = pl.Datetime("us", "UTC")


def as_delta_has_it(frame: pl.DataFrame) -> pl.DataFrame:
    """Text for Enums, microseconds for nanoseconds."""
    return frame.with_columns(pl.col(pl.Enum).cast(pl.String), pl.col(NS_UTC).cast(MICROSECONDS))


class TestDelta(SourceLaws):
    def source(self, folder):
        for day in (MONDAY, TUESDAY) if not any(folder.iterdir()) else ():
            for name, found in market.simulate(listings=2, events=200, date=day).items():
                dated = as_delta_has_it(found).with_columns(Date=pl.lit(day))
                write_deltalake(folder / "data" / name, dated, partition_by=["Date"], mode="append")
        return DeltaSource(DeltaSourceOptions(root="data"), folder)


class TestDeltaWithoutDates(SourceLaws):
    """One unpartitioned table, whose dates are those of its stamps."""

    def source(self, folder):
        for day in (MONDAY, TUESDAY) if not any(folder.iterdir()) else ():
            found = market.simulate(listings=2, events=200, date=day)["trades"]
            write_deltalake(folder / "trades", as_delta_has_it(found), mode="append")
        return DeltaSource(DeltaSourceOptions(root="."), folder)


def trades(day: dt.date, *sizes: float) -> pl.DataFrame:
    """A trade a second from 14:30 UTC."""
    start = dt.datetime(day.year, day.month, day.day, 14, 30, tzinfo=dt.UTC)
    return pl.DataFrame(
        {
            "Date": [day] * len(sizes),
            "ListingId": [1] * len(sizes),
            "EventTimestamp": [start + dt.timedelta(seconds=n) for n in range(len(sizes))],
            "Price": [10.5] * len(sizes),
            "Size": list(sizes),
            "AggressorSide": ["Buy"] * len(sizes),
        },
        schema_overrides={"EventTimestamp": MICROSECONDS, "Size": pl.Float64},
    )


def source(root: Path, **options: object) -> DeltaSource:
    return DeltaSource(DeltaSourceOptions(root=str(root), **options), Path("/nowhere"))


@pytest.fixture
def lake(tmp_path) -> Path:
    """Two dates of trades in a file each, and a reference that holds for every date."""
    for day, sizes in ((MONDAY, (1.0, 2.0)), (TUESDAY, (4.0,))):
        write_deltalake(tmp_path / "trades", trades(day, *sizes), partition_by=["Date"], mode="append")
    write_deltalake(tmp_path / "reference", pl.DataFrame({"ListingId": [1], "Ticker": ["AAA"]}))
    return tmp_path


def test_tables_and_dates_are_those_of_the_logs(lake):
    (lake / "no_table").mkdir()
    found = source(lake)
    assert found.tables() == ["reference", "trades"]
    assert found.dates("trades") == [MONDAY, TUESDAY]
    assert found.dates("reference") == []
    assert found.scan("reference", dt.date(1999, 1, 1)).collect().rows() == [(1, "AAA")]


def test_rows_are_canonical_and_the_partition_is_no_column(lake):
    found = source(lake).scan("trades", MONDAY).collect()
    wanted = trades(MONDAY, 1.0, 2.0).drop("Date")
    dtypes = {"EventTimestamp": NS_UTC, "AggressorSide": AGGRESSOR}
    assert_frame_equal(found, wanted.cast(dtypes))


def test_only_the_files_of_the_date_are_read(lake):
    """Tuesday's file is gone, and Monday does not miss it."""
    [file] = lake.glob("trades/Date=2026-01-06/*.parquet")
    file.unlink()
    assert source(lake).scan("trades", MONDAY).collect().height == 2
    plan = source(lake).scan("trades", MONDAY).filter(pl.col("Size") > 1).select("Size").explain()
    assert "PROJECT 1/5 COLUMNS" in plan
    assert "SELECTION" in plan
    assert "2026-01-06" not in plan


def test_a_fingerprint_changes_with_its_dates_files_and_with_no_others(lake):
    """Tuesday is replaced: the table's version changes, and Monday stays done."""
    before = {day: source(lake).fingerprint("trades", day) for day in (MONDAY, TUESDAY)}
    monday = "Date = '2026-01-06'"
    write_deltalake(lake / "trades", trades(TUESDAY, 5.0), mode="overwrite", predicate=monday)
    after = {day: source(lake).fingerprint("trades", day) for day in (MONDAY, TUESDAY)}
    assert after[MONDAY] == before[MONDAY]
    assert after[TUESDAY] != before[TUESDAY]
    assert source(lake).scan("trades", TUESDAY).collect()["Size"].to_list() == [5.0]


def test_sizes_are_those_of_the_log(lake):
    [file] = lake.glob("trades/Date=2026-01-05/*.parquet")
    assert source(lake).size("trades", MONDAY) == Size(2, file.stat().st_size)
    assert source(lake).size("reference", MONDAY).rows == 1


def test_dates_are_those_of_stamps_where_they_are_no_partitions(tmp_path):
    """Rows of two dates in one file: how many are whose is not in the log."""
    both = pl.concat([trades(MONDAY, 1.0, 2.0), trades(TUESDAY, 4.0)]).drop("Date")
    write_deltalake(tmp_path / "trades", both)
    found = source(tmp_path)
    assert found.dates("trades") == [MONDAY, TUESDAY]
    assert found.scan("trades", TUESDAY).collect()["Size"].to_list() == [4.0]
    assert found.size("trades", TUESDAY) is None


def test_what_was_published_comes_back_with_its_dtypes(tmp_path):
    for universe in ("high", "low"):
        output = DeltaOutput(DeltaOutputOptions(root="lake"), tmp_path)
        files = spooled(tmp_path / universe, rows(universe=universe))
        output.commit(output.stage(target(universe=universe), files, document("k")), "k")
    found = source(tmp_path / "lake").scan("bars", MONDAY).collect().sort("Universe", maintain_order=True)
    assert_frame_equal(found, pl.concat([rows(universe="high"), rows(universe="low")]))


def test_universes_that_were_published_with_other_dtypes_are_not_read_as_one(tmp_path):
    enums = {"high": ["Buy", "Sell"], "low": ["Sell", "Buy"]}
    for universe, labels in enums.items():
        frame = rows(universe=universe).with_columns(pl.col("Side").cast(pl.String).cast(pl.Enum(labels)))
        output = DeltaOutput(DeltaOutputOptions(root="lake"), tmp_path)
        files = spooled(tmp_path / universe, frame)
        output.commit(output.stage(target(universe=universe), files, document("k")), "k")
        assert output.scan(target(universe=universe)).collect_schema()["Side"] == pl.Enum(labels)
    with pytest.raises(DataError, match=r"published with other dtypes than the rest \(Side: "):
        source(tmp_path / "lake").scan("bars", MONDAY)


def test_tables_may_be_named_with_their_paths(lake):
    found = source(lake, tables={"trades": "trades", "cbbo": "reference"})
    assert found.tables() == ["cbbo", "trades"]
    with pytest.raises(UserError, match=r"no Delta table is at .*/nothing, which `tables` names"):
        source(lake, tables={"trades": "nothing"}).tables()


def test_what_is_not_there_is_refused(lake):
    with pytest.raises(UserError, match=r"source delta has no table quotes: .* holds reference, trades"):
        source(lake).dates("quotes")
    with pytest.raises(UserError, match="2 dates from 2026-01-05 to 2026-01-06"):
        source(lake).scan("trades", dt.date(2026, 1, 7))
    with pytest.raises(UserError, match="is no folder: set `root`"):
        source(lake / "nowhere").tables()


def test_a_label_outside_the_contract_is_no_null(lake):
    wrong = trades(MONDAY, 1.0).with_columns(AggressorSide=pl.lit("Bought"))
    write_deltalake(lake / "trades", wrong, mode="append")
    with pytest.raises(pl.exceptions.PolarsError, match="Bought"):
        source(lake).scan("trades", MONDAY).collect()


def test_a_table_that_lacks_a_column_of_the_contract_is_refused(tmp_path):
    write_deltalake(tmp_path / "trades", trades(MONDAY, 1.0).drop("Price"), partition_by=["Date"])
    with pytest.raises(DataError, match=r"table trades of .*/trades lacks Price \(Float64\)"):
        source(tmp_path).scan("trades", MONDAY)


def test_a_partition_that_is_no_date_is_refused(tmp_path):
    wrong = trades(MONDAY, 1.0).with_columns(Date=pl.lit("Monday"))
    write_deltalake(tmp_path / "trades", wrong, partition_by=["Date"])
    with pytest.raises(DataError, match="has files for Date 'Monday', which is no date"):
        source(tmp_path).dates("trades")


def test_a_column_mapping_is_refused(lake):
    """As Spark's writers may set it: the files' columns then have other names than the table's."""
    log = lake / "trades/_delta_log/00000000000000000000.json"
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    for entry in entries:
        if "protocol" in entry:
            entry["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}
        if "metaData" in entry:
            fields = json.loads(entry["metaData"]["schemaString"])
            for number, field in enumerate(fields["fields"]):
                mapping = {"id": number + 1, "physicalName": field["name"]}
                field["metadata"] = {f"delta.columnMapping.{name}": value for name, value in mapping.items()}
            entry["metaData"]["schemaString"] = json.dumps(fields)
            entry["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    with pytest.raises(DataError, match="has a column mapping, not read here"):
        source(lake).tables()


def test_a_table_that_may_mark_rows_as_deleted_and_has_none_is_read(lake):
    feature = TableFeatures.DeletionVectors
    DeltaTable(lake / "trades").alter.add_feature(feature, allow_protocol_versions_increase=True)
    assert "deletionVectors" in DeltaTable(lake / "trades").protocol().reader_features
    assert source(lake).scan("trades", MONDAY).collect().height == 2


DESK = '''
"""Large trades beside their count."""

import polars as pl

from basalt import FrameModule, Unit, hookimpl
from basalt.documents import ResultColumn
from basalt.modules import WithSides
from basalt.tables import TRADES, TableSchema

NAMES = ["ListingId", "EventTimestamp", "Price", "Size", "AggressorSide"]
LARGE = TableSchema("large", "trades of 100 shares and more", [TRADES.column(name) for name in NAMES])


class Large(FrameModule):
    """Counts large trades."""

    name = "large"
    inputs = ("trades",)
    sides = (LARGE,)

    def columns(self):
        """The count."""
        return [ResultColumn("Large", Unit.COUNT, "Large trades of the bucket.", dtype=pl.UInt32)]

    def compute(self, inputs, pass_):
        """The count and the trades."""
        large = inputs["trades"].filter(pl.col("Size") >= 100)
        bucket = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return WithSides(
            large.group_by("ListingId", TimeBucket=bucket).agg(Large=pl.len()), {"large": large.select(NAMES)}
        )


@hookimpl
def basalt_analytics():
    """The module."""
    return [Large]
'''
FIRST = """
name = "desk"
source = { type = "simulator", listings = 2, events = 300, seed = 5, dates = ["2026-01-05", "2026-01-06"] }
plugins = { files = ["desk.py"] }
outputs = [{ type = "parquet", root = "files" }, { type = "delta", root = "lake" }]

[[passes]]
name = "bars"
every = "1m"
side_outputs = { large = "always" }
modules = [{ module = "trade" }, { module = "large" }]
"""
SECOND = """
name = "orders"
source = { type = "delta", root = "lake", tables = { trades = "bars.large" } }
outputs = [{ type = "delta", root = "second" }]
passes = [{ name = "hours", every = "1h", modules = [{ module = "trade" }] }]
"""


def test_a_pipeline_publishes_to_two_outputs_and_another_reads_what_it_published(tmp_path):
    """Both outputs hold the same rows; the large trades' volume by listing and date is that of the hours made of them;
    run again, each finds nothing to do."""
    for name, text in (("desk.py", DESK), ("first.toml", FIRST), ("second.toml", SECOND)):
        (tmp_path / name).write_text(text)
    assert basalt.run(tmp_path / "first.toml").failed == []
    files = pl.read_parquet(tmp_path / "files/bars/*/*.parquet")
    lake = source(tmp_path / "lake")
    assert_frame_equal(pl.concat([lake.scan("bars", day) for day in (MONDAY, TUESDAY)]).collect(), files)
    result = basalt.run(tmp_path / "second.toml")
    assert result.failed == []
    large = pl.read_parquet(tmp_path / "files/bars.large/*/*.parquet")
    wanted = large.group_by("Date", "ListingId").agg(pl.col("Size").sum()).sort("Date", "ListingId")
    hours = result.scan("hours").group_by("Date", "ListingId").agg(Size=pl.col("TradeTotalVolume").sum())
    assert wanted.height == 4
    assert_frame_equal(hours.sort("Date", "ListingId").collect(), wanted)
    versions = {name: DeltaTable(tmp_path / name).version() for name in ("lake/bars", "second/hours")}
    for name in ("first.toml", "second.toml"):
        assert basalt.run(tmp_path / name).failed == []
    assert {name: DeltaTable(tmp_path / name).version() for name in versions} == versions
