"""The parquet source over an object store: one listing, both layouts, footers and entity tags, over a real server."""

import datetime as dt
import pickle
from pathlib import Path

import attrs
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from s3_server import SECRET, asked

import basalt
from basalt.errors import DataError, UserError, one_line
from basalt.sources import Size
from basalt.tables import AGGRESSOR, NS_UTC
from basalt.testing import SourceLaws, market
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions

FRIDAY, MONDAY = dt.date(2024, 3, 8), dt.date(2024, 3, 11)
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
DATES = [dt.date(2026, 1, 5), dt.date(2026, 1, 6)]


def opened(s3, **options: object) -> ParquetSource:
    return ParquetSource(ParquetSourceOptions(**{"root": s3.root, "storage": s3.storage, **options}), Path("/nowhere"))


def put(s3, key: str, frame: pl.DataFrame, folder: Path) -> None:
    file = folder / "to be put"
    frame.write_parquet(file)
    s3.put(key, file)


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


@pytest.fixture
def hive(tmp_path, s3):
    """Two dates of trades, the first in two objects, and a reference that holds for every date."""
    put(s3, "trades/date=2024-03-08/a.parquet", trades(FRIDAY, 1, 2), tmp_path)
    put(s3, "trades/date=2024-03-08/b.parquet", trades(FRIDAY, 3), tmp_path)
    put(s3, "trades/date=2024-03-11/a.parquet", trades(MONDAY, 4), tmp_path)
    put(s3, "reference.parquet", pl.DataFrame({"ListingId": [1], "Ticker": ["AAA"]}), tmp_path)
    return s3


class TestParquetOnS3(SourceLaws):
    key, options, tables = "{table}/date={date}/part.parquet", {}, ["l3", "trades", "marketstate", "reference"]

    @pytest.fixture(autouse=True)
    def where(self, s3):
        self.s3 = s3

    def source(self, folder):
        for day in DATES if not any(folder.iterdir()) else ():
            for name, rows in market.simulate(listings=2, events=200, date=day, tables=self.tables).items():
                put(self.s3, self.key.format(table=name, date=day), rows, folder)
        return opened(self.s3, **self.options)


class TestByTemplateOnS3(TestParquetOnS3):
    key, options, tables = "{date}/x {table}.parquet", {"path": "{date}/* {table}.parquet"}, ["trades", "reference"]


def test_tables_and_dates_are_those_that_have_objects(tmp_path, hive):
    put(hive, "trades/date=2024-03-13/.staged.parquet", trades(FRIDAY, 9), tmp_path)
    put(hive, "notes/readme.parquet", trades(FRIDAY, 9), tmp_path)
    found = opened(hive)
    assert (found.root, found.tables()) == (hive.root, ["reference", "trades"])
    assert (found.dates("trades"), found.dates("reference")) == ([FRIDAY, MONDAY], [])
    both = pl.concat([trades(FRIDAY, 1, 2), trades(FRIDAY, 3)])
    assert_frame_equal(found.scan("trades", FRIDAY).collect(), both)
    assert found.scan("reference", dt.date(1999, 1, 1)).collect().rows() == [(1, "AAA")]


def test_rows_of_a_single_object_belong_to_their_utc_date(tmp_path, s3):
    put(s3, "trades.parquet", pl.concat([trades(FRIDAY, 1, 2), trades(MONDAY, 3)]), tmp_path)
    found = opened(s3)
    assert found.dates("trades") == [FRIDAY, MONDAY]
    assert found.scan("trades", MONDAY).collect()["Size"].to_list() == [3.0]
    assert found.size("trades", MONDAY) is None


def test_the_prefix_is_listed_once_and_the_listing_goes_to_workers(tmp_path, hive):
    """What is put later is not there for a source that has looked, nor for its copies."""
    found = opened(hive)
    assert found.dates("trades") == [FRIDAY, MONDAY]
    put(hive, "trades/date=2024-03-12/a.parquet", trades(FRIDAY, 9), tmp_path)
    copy = pickle.loads(pickle.dumps(found))
    assert SECRET.encode() not in pickle.dumps(found)
    for one in (found, copy):
        assert len(one.dates("trades")) == 2
        assert one.scan("trades", MONDAY).collect()["Size"].to_list() == [4.0]
    assert len(opened(hive).dates("trades")) == 3


def test_sizes_are_those_of_footers_and_of_the_listing(tmp_path, hive):
    bytes_ = sum(_written(tmp_path, frame) for frame in (trades(FRIDAY, 1, 2), trades(FRIDAY, 3)))
    assert opened(hive).size("trades", FRIDAY) == Size(3, bytes_)


def _written(folder: Path, frame: pl.DataFrame) -> int:
    frame.write_parquet(folder / "again")
    return (folder / "again").stat().st_size


def test_the_fingerprint_changes_with_that_dates_objects_alone(tmp_path, hive):
    def told(day):
        return opened(hive).fingerprint("trades", day)

    friday, monday = told(FRIDAY), told(MONDAY)
    put(hive, "trades/date=2024-03-08/b.parquet", trades(FRIDAY, 3), tmp_path)
    assert told(FRIDAY) == friday
    put(hive, "trades/date=2024-03-08/b.parquet", trades(FRIDAY, 8), tmp_path)
    changed = told(FRIDAY)
    hive.remove("trades/date=2024-03-08/b.parquet")
    assert len({friday, changed, told(FRIDAY)}) == 3
    assert told(MONDAY) == monday


def test_rows_and_columns_are_asked_of_the_store(hive):
    plan = opened(hive).scan("trades", FRIDAY).filter(pl.col("ListingId") == 1).select("Size").explain()
    assert "WITH_COLUMNS" not in plan
    assert "PROJECT 2/5 COLUMNS" in plan or "PROJECT 1/5 COLUMNS" in plan
    assert "SELECTION" in plan


def test_keys_may_have_any_name(tmp_path, s3):
    for number, name in enumerate(["50% é;=x", "a b", "[1]*?", "#", "%20"]):
        put(s3, f"trades/date=2024-03-08/{name}.parquet", trades(FRIDAY, number), tmp_path)
    assert sorted(opened(s3).scan("trades", FRIDAY).collect()["Size"].to_list()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"root": "s3://nowhere/x"}, "root s3://nowhere/x cannot be listed, as there is no bucket nowhere: create it"),
        ({"root": "s3:///x"}, "root names no bucket"),
        ({"root": "lake"}, "`storage` is for object stores, and root 'lake' is a folder: leave `storage` out"),
        ({"path": "{table}.parquet"}, "must name {table}, and {date}"),
    ],
)
def test_what_cannot_be_listed_is_told_while_planning(s3, options, told):
    with pytest.raises(UserError) as error:
        opened(s3, **options).tables()
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_server_that_does_not_answer_is_told(s3):
    with pytest.raises(UserError, match=r"cannot be listed, as no server answers: see that aws_endpoint_url") as error:
        opened(s3, storage={**s3.storage, "aws_endpoint_url": "http://127.0.0.1:9"}).tables()
    assert "\n" not in str(error.value)


def test_an_empty_prefix_has_no_table(s3):
    assert opened(s3).tables() == []
    with pytest.raises(UserError, match=f"has no table trades: {s3.root} holds no table"):
        opened(s3).scan("trades", FRIDAY)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet at all", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_a_corrupt_object_is_named_before_anything_is_read(tmp_path, hive, content):
    (tmp_path / "bad").write_bytes(content)
    hive.put("trades/date=2024-03-08/b.parquet", tmp_path / "bad")
    with pytest.raises(DataError, match=r"date=2024-03-08/b\.parquet is no readable Parquet file") as error:
        opened(hive).scan("trades", FRIDAY)
    assert "\n" not in str(error.value)


def test_an_object_that_was_removed_since_is_named(hive):
    found = opened(hive)
    assert found.tables()
    hive.remove("trades/date=2024-03-11/a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet cannot be read, as it is gone: see who removed it") as error:
        found.scan("trades", MONDAY)
    assert "\n" not in str(error.value)


def test_an_object_that_is_removed_while_a_query_runs_is_told_without_the_servers_answer(hive):
    rows = opened(hive).scan("trades", MONDAY)
    hive.remove("trades/date=2024-03-11/a.parquet")
    with pytest.raises(OSError, match="<Error>") as raised:
        rows.collect()
    assert "404 Not Found" in one_line(raised.value)
    assert "<" not in one_line(raised.value)


FIRST = """
name = "desk"
source = {{ type = "parquet", root = "{root}/feed", storage = {storage} }}
outputs = [{{ type = "parquet", root = "{root}", path = "desk/trades/date={{date}}/a.parquet", storage = {storage} }}]
passes = [{{ name = "bars", every = "1m", modules = [{{ module = "trade" }}] }}]
"""
SECOND = """
name = "hours"
outputs = [{{ type = "parquet", root = "{root}/hours", storage = {storage} }}]
passes = [{{ name = "hours", every = "1h", modules = [{{ module = "trade" }}] }}]
[source]
type = "parquet"
root = "{root}/desk"
storage = {storage}
columns.trades = {{ EventTimestamp = "TimeBucket", Price = "TradeTotalVWAP", Size = "TradeTotalVolume" }}
"""
THEIRS = {"Price": "TradeTotalVWAP", "Size": "TradeTotalVolume"}
WORKERS = ["executor=processes", "workers=2"]


@pytest.fixture
def pipelines(tmp_path, s3) -> list[Path]:
    """Minutes of two simulated dates, published as a table of trades, and hours made of that; all in the store."""
    for day in DATES:
        for name, rows in market.simulate(listings=2, events=200, date=day, tables=["trades"]).items():
            put(s3, f"feed/{name}/date={day}/part.parquet", rows, tmp_path)
    storage = _table(s3.storage)
    files = [tmp_path / "first.toml", tmp_path / "second.toml"]
    for file, text in zip(files, (FIRST, SECOND), strict=True):
        file.write_text(text.format(root=s3.root, storage=storage))
    return files


def _table(storage: dict[str, str]) -> str:
    """As TOML has it."""
    return "{ " + ", ".join(f"{key} = '{value}'" for key, value in storage.items()) + " }"


@pytest.mark.slow
def test_a_pipeline_publishes_to_the_store_and_another_reads_what_it_published(s3, pipelines):
    """What the second reads is what the first published, and the hours' volume by listing and date is the minutes'; run
    again, each finds nothing to do."""
    first, second = (basalt.run(file, overrides=how) for file, how in zip(pipelines, ([], WORKERS), strict=True))
    assert (first.failed, second.failed) == ([], [])
    minutes = first.scan("bars").collect()
    read = opened(s3, root=f"{s3.root}/desk", columns={"trades": {"EventTimestamp": "TimeBucket", **THEIRS}})
    assert sum(read.scan("trades", day).collect().height for day in DATES) == minutes.height > 0
    wanted, hours = (
        frame.lazy().group_by("Date", "ListingId").agg(pl.col("TradeTotalVolume").sum()).sort("Date", "ListingId")
        for frame in (minutes, second.scan("hours"))
    )
    assert wanted.collect().height == 4
    assert_frame_equal(hours.collect(), wanted.collect())
    before = s3.tags()
    assert [result.failed for result in map(basalt.run, pipelines)] == [[], []]
    assert s3.tags() == before


@pytest.mark.parametrize("kind", ["parquet", "delta"])
@pytest.mark.parametrize("spelt", ["{root}//feed/", "{root}/feed/results"])
def test_no_result_goes_into_the_prefix_that_is_read(s3, pipelines, kind, spelt):
    """Told while planning, however the address is written; a prefix that merely begins alike is another."""
    outputs = f"[{{type='{kind}', root='{spelt.format(root=s3.root)}', storage={_table(s3.storage)}}}]"
    before = s3.tags()
    with pytest.raises(UserError, match=rf"inside {s3.root}/feed, which source 'parquet' reads: give the output anoth"):
        basalt.run(pipelines[0], overrides=[f"outputs={outputs}"])
    assert s3.tags() == before
    beside = outputs.replace(spelt.format(root=s3.root), f"{s3.root}/feeds")
    assert not basalt.run(pipelines[0], overrides=[f"outputs={beside}"], dates=DATES[:1]).failed


@pytest.mark.parametrize("step", [".", ".."])
def test_a_root_has_no_step_that_leads_nowhere(s3, step):
    with pytest.raises(
        UserError, match=r"has a step '\.' or '\.\.', which leads nowhere in a bucket: write it without"
    ):
        opened(s3, root=f"{s3.root}/{step}/feed").tables()


def test_a_root_may_be_a_whole_bucket(tmp_path, s3, s3_server):
    asked(f"{s3_server}/whole-bucket", "PUT")
    bucket = attrs.evolve(s3, root="s3://whole-bucket")
    put(bucket, "trades/date=2024-03-08/a.parquet", trades(FRIDAY, 1, 2), tmp_path)
    assert opened(bucket).tables() == ["trades"]
    assert_frame_equal(opened(bucket).scan("trades", FRIDAY).collect(), trades(FRIDAY, 1, 2))


def test_the_bmll_dialect_reads_the_same_as_from_a_folder(s3):
    """With the reference, which other tables need, as an object beside them."""
    folder = SHARED / "bmll-layout"
    if not folder.is_dir():
        pytest.skip("the folder `shared/data/bmll-layout` is not beside the checkout")
    for file in folder.glob("*.parquet"):
        s3.put(file.name, file)
    there = opened(s3, dialect="bmll")
    here = ParquetSource(ParquetSourceOptions(root=str(folder.resolve()), dialect="bmll"), Path("/nowhere"))
    assert there.tables() == here.tables() != []
    for table in here.tables():
        assert there.dates(table) == here.dates(table)
        for day in here.dates(table) or [FRIDAY]:
            assert_frame_equal(there.scan(table, day).collect(), here.scan(table, day).collect())
