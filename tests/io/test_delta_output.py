"""The delta output: one transaction a partition, whatever is killed, repeated or done at once."""

import datetime as dt
import json
import shutil
from pathlib import Path

import attrs
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

from basalt.errors import DataError, PublishError, UserError
from basalt.outputs import Target
from basalt.testing.partitions import document, rows, spooled, target
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions

MONDAY, TUESDAY, WEDNESDAY = (dt.date(2026, 1, day) for day in (5, 6, 7))


def opened(folder: Path, **options: object) -> DeltaOutput:
    return DeltaOutput(DeltaOutputOptions(root="lake", **options), folder)


def spool(folder: Path, *frames: pl.DataFrame) -> list[Path]:
    """A new folder each time."""
    return spooled(folder / "spool" / str(len(list(folder.glob("spool/*")))), *frames)


def publish(folder: Path, frame: pl.DataFrame, to: Target | None = None, key: str = "first", **options: object):
    output = opened(folder, **options)
    staged = output.stage(to or target(), spool(folder, frame), document(key))
    output.commit(staged, key)
    return staged


def table(folder: Path, name: str = "bars") -> DeltaTable:
    return DeltaTable(folder / "lake" / name)


def contents(folder: Path) -> dict[str, bytes]:
    """The data files by name."""
    return {str(file): file.read_bytes() for file in folder.rglob("Date=*/*/*.parquet")}


def listings(folder: Path, to: Target | None = None) -> list[int]:
    found = opened(folder).scan(to or target()).select(pl.col("ListingId").unique().sort()).collect()
    return found["ListingId"].to_list()


def test_the_table_is_partitioned_and_its_stamps_are_microseconds_in_utc(tmp_path):
    """As any Delta reader sees it: Enum is text, nanoseconds are Int64, unsigned 32 bits are Int64."""
    publish(tmp_path, rows())
    assert table(tmp_path).metadata().partition_columns == ["Date", "Universe"]
    found = pl.scan_delta(table(tmp_path)).sort("ListingId", "TimeBucket").collect()
    kinds = {"TimeBucket": pl.Datetime("us", "UTC"), "SeenAt": pl.Datetime("us", "UTC"), "Side": pl.String}
    assert found.select("TimeBucket", "SeenAt", "Side").schema == pl.Schema(kinds)
    assert found.select("LastAt", "Rank").schema == pl.Schema({"LastAt": pl.Int64, "Rank": pl.Int64})
    assert found["LastAt"].head(4).to_list() == [1_767_603_600_000_000_001, 0, -1, None]
    assert found["TimeBucket"].equals(rows()["TimeBucket"])


def test_dtypes_that_delta_lacks_come_back_as_they_were(tmp_path):
    hour = dt.timedelta(hours=1)
    frame = rows().with_columns(
        Local=pl.col("TimeBucket").dt.convert_time_zone("America/New_York"),
        Naive=pl.col("TimeBucket").dt.replace_time_zone(None),
        Age=pl.lit(hour).cast(pl.Duration("ns")),
        Millis=pl.col("TimeBucket").dt.cast_time_unit("ms"),
        Clock=pl.lit(dt.time(9, 30)),
        Tiny=pl.lit(255, pl.UInt8),
        Short=pl.lit(-1, pl.Int8),
        Sides=pl.concat_list("Side", "Side"),
        Sum=pl.lit("1.50").cast(pl.Decimal(12, 2)),
    )
    publish(tmp_path, frame)
    assert_frame_equal(opened(tmp_path).scan(target()).collect(), frame)


@pytest.mark.parametrize(("column", "told"), [(pl.struct(a=1), "Struct"), (pl.lit(None), "Null")])
def test_a_dtype_that_delta_cannot_hold_is_refused_by_its_column(tmp_path, column, told):
    with pytest.raises(PublishError, match=rf"column Odd is {told}.*, which Delta cannot hold"):
        publish(tmp_path, rows().with_columns(Odd=column))
    assert not (tmp_path / "lake").exists()


def test_an_unsigned_number_past_the_signed_ones_is_refused_whole(tmp_path):
    with pytest.raises(PublishError, match="could not be written"):
        publish(tmp_path, rows().with_columns(Big=pl.lit(2**63, pl.UInt64)))
    assert not (tmp_path / "lake").exists()


def test_the_document_is_a_property_of_the_table_and_the_run_key_stands_in_the_commit(tmp_path):
    publish(tmp_path, rows(), key="abc")
    properties = table(tmp_path).metadata().configuration
    told = json.loads(properties["basalt"])
    assert told["columns"] == document("abc")["columns"]
    assert told["provenance"] == {"pipeline": "desk"}
    assert json.loads(properties["basalt.dtypes"])["Side"] == ["Enum", "Buy", "Sell"]
    assert table(tmp_path).history(1)[0]["basalt.run_key"] == "abc"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda frame: frame.drop("Price"), r"missing: Price\): set `evolve = true`"),
        (lambda frame: frame.with_columns(New=1), r"new: New\): set `evolve = true`"),
        (
            lambda frame: frame.with_columns(Price=pl.lit("text")),
            r"of another dtype: Price \(there Float64, here String\)\): publish to another path",
        ),
    ],
)
def test_other_columns_are_refused_by_name_and_nothing_changes(tmp_path, wrong, told):
    publish(tmp_path, rows())
    before, version = contents(tmp_path / "lake"), table(tmp_path).version()
    with pytest.raises(PublishError, match=told):
        publish(tmp_path, wrong(rows()), key="second")
    assert contents(tmp_path / "lake") == before
    assert table(tmp_path).version() == version
    assert sorted(tmp_path.rglob("*.staged")) == []


def test_columns_are_added_where_that_is_asked_for(tmp_path):
    """Monday's file has no such column, so its rows show null; Tuesday's lacks Price, so there that is null."""
    publish(tmp_path, rows())
    new = rows(TUESDAY).drop("Price").with_columns(Kind=pl.lit("a", pl.Enum(["a", "b"])))
    publish(tmp_path, new, target(TUESDAY), evolve=True)
    assert opened(tmp_path).scan(target(MONDAY)).collect()["Kind"].null_count() == 8
    found = opened(tmp_path).scan(target(TUESDAY)).collect()
    assert_frame_equal(found.drop("Price"), new)
    assert found["Price"].null_count() == 8
    with pytest.raises(PublishError, match="of another dtype: Kind"):
        publish(tmp_path, new.with_columns(Kind=1), target(TUESDAY), key="third", evolve=True)


def test_rows_of_another_partition_are_refused(tmp_path):
    with pytest.raises(PublishError, match="rows of bars are of another date or universe: none is published"):
        publish(tmp_path, pl.concat([rows(), rows(TUESDAY)]))
    with pytest.raises(PublishError, match="rows of bars lack Universe"):
        publish(tmp_path, rows().drop("Universe"))
    assert not (tmp_path / "lake").exists()


def test_rows_are_appended_once_a_key_though_the_acknowledgement_was_lost(tmp_path):
    """The process that staged again knows nothing of the first: the table tells that the key is there."""
    publish(tmp_path, rows(listings=(1,)), mode="append")
    version = table(tmp_path).version()
    publish(tmp_path, rows(listings=(1,)), mode="append")
    assert table(tmp_path).version() == version
    assert listings(tmp_path) == [1]
    assert len(contents(tmp_path / "lake")) == 1
    publish(tmp_path, rows(listings=(2,)), mode="append", key="second")
    assert opened(tmp_path).scan(target()).collect()["ListingId"].to_list() == [1] * 4 + [2] * 4
    publish(tmp_path, rows(listings=(1,)), mode="append")
    assert opened(tmp_path).scan(target()).collect().height == 8


def test_appended_rows_are_known_after_a_compaction(tmp_path):
    for key, listing in (("first", 1), ("second", 2)):
        publish(tmp_path, rows(listings=(listing,)), mode="append", key=key)
    table(tmp_path).optimize.compact()
    publish(tmp_path, rows(listings=(1,)), mode="append")
    found = opened(tmp_path).scan(target()).collect().sort("ListingId", "TimeBucket")
    assert_frame_equal(found, rows())
    assert opened(tmp_path).document(target())["provenance"] == {}


@pytest.mark.parametrize("mode", ["replace", "append", "overwrite", "merge"])
def test_a_table_without_rows_has_no_partition_and_takes_one(tmp_path, mode):
    """As after a crash between making the table and the first commit, or after somebody deleted everything."""
    publish(tmp_path, rows(), mode=mode)
    table(tmp_path).delete()
    assert opened(tmp_path).document(target()) is None
    with pytest.raises(DataError, match="is not published at"):
        opened(tmp_path).scan(target())
    publish(tmp_path, rows(), mode=mode)
    assert_frame_equal(opened(tmp_path).scan(target()).collect(), rows())


def test_pipelines_that_share_a_table_change_it_once_a_partition(tmp_path):
    """The table is made, and a partition published by each: versions 0, 1 and 2."""
    for universe in ("low", "high"):
        output, to = opened(tmp_path), target(universe=universe)
        told = {**document("k"), "provenance": {"pipeline": universe, "key": "k"}}
        output.commit(output.stage(to, spool(tmp_path, rows(universe=universe)), told), "k")
    assert table(tmp_path).version() == 2
    assert json.loads(table(tmp_path).metadata().configuration["basalt"])["provenance"] == {"pipeline": "low"}
    found = [opened(tmp_path).document(target(universe=name))["provenance"]["pipeline"] for name in ("low", "high")]
    assert found == ["low", "high"]


def test_the_property_follows_what_columns_say(tmp_path):
    publish(tmp_path, rows())
    told = document("k")
    told["columns"][0]["doc"] = "Said better."
    output = opened(tmp_path)
    output.commit(output.stage(target(TUESDAY), spool(tmp_path, rows(TUESDAY)), told), "k")
    found = json.loads(table(tmp_path).metadata().configuration["basalt"])
    assert found["columns"][0]["doc"] == "Said better."
    assert opened(tmp_path).document(target(MONDAY))["columns"] == document("k")["columns"]


def test_overwriting_leaves_this_partition_alone_in_the_table(tmp_path):
    publish(tmp_path, rows())
    publish(tmp_path, rows(TUESDAY), target(TUESDAY), mode="overwrite")
    assert opened(tmp_path).document(target(MONDAY)) is None
    assert pl.scan_delta(table(tmp_path)).collect()["Date"].unique().to_list() == [TUESDAY]


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_rows_that_mean_another_thing_are_not_put_beside_those_that_are_there(tmp_path, mode):
    """Delta holds both Enums as text, and a stamp and a count as whole numbers: nothing else tells them apart."""
    publish(tmp_path, rows())
    other = rows(listings=(3,)).with_columns(pl.col("Side").cast(pl.Enum(["Buy", "Sell", "None"])))
    with pytest.raises(PublishError, match=r"Side: Enum.*replace the partition"):
        publish(tmp_path, other, key="second", mode=mode)
    with pytest.raises(PublishError, match=r"LastAt: Datetime.* and None\): replace the partition"):
        publish(tmp_path, rows(listings=(3,)).with_columns(pl.col("LastAt").cast(pl.Int64)), key="second", mode=mode)
    assert_frame_equal(opened(tmp_path).scan(target()).collect(), rows())
    publish(tmp_path, other, key="third")
    assert_frame_equal(opened(tmp_path).scan(target()).collect(), other)


def test_merging_replaces_rows_of_the_same_keys_and_keeps_the_others(tmp_path):
    """Listings 1 and 2 are there, 2 and 3 come: 1 stays, 2 is new, 3 is added; and once more changes nothing."""
    publish(tmp_path, rows(listings=(1, 2)), mode="merge")
    publish(tmp_path, rows(TUESDAY), target(TUESDAY), mode="merge")
    new = rows(listings=(2, 3)).with_columns(Price=pl.lit(7.0))
    wanted = pl.concat([rows(listings=(1,)), new])
    for _ in range(2):
        staged = publish(tmp_path, new, key="second", mode="merge")
        assert staged.rows == 12
        assert_frame_equal(opened(tmp_path).scan(target()).collect(), wanted)
    assert_frame_equal(opened(tmp_path).scan(target(TUESDAY)).collect(), rows(TUESDAY))
    with pytest.raises(PublishError, match="not unique by ListingId, TimeBucket"):
        publish(tmp_path, pl.concat([new, new]), key="third", mode="merge")


def test_of_two_that_staged_one_partition_the_first_to_commit_wins(tmp_path):
    output = opened(tmp_path)
    first, second = (
        output.stage(target(), spool(tmp_path, rows(listings=(listing,))), document("k")) for listing in (1, 2)
    )
    output.commit(first, "k")
    with pytest.raises(PublishError, match="was published by another writer meanwhile, whose rows stay"):
        output.commit(second, "k")
    output.discard(second)
    assert listings(tmp_path) == [1]
    assert len(contents(tmp_path / "lake")) == 1


def test_discarding_what_was_committed_removes_nothing(tmp_path):
    """As after a commit whose acknowledgement was lost: the file is part of the table."""
    staged = publish(tmp_path, rows())
    opened(tmp_path).discard(staged)
    assert_frame_equal(opened(tmp_path).scan(target()).collect(), rows())


def test_universes_may_have_any_name_that_a_path_can_hold(tmp_path):
    for universe in ("50% é", "a=b;c"):
        publish(tmp_path, rows(universe=universe), target(universe=universe))
    for universe in ("50% é", "a=b;c"):
        assert_frame_equal(opened(tmp_path).scan(target(universe=universe)).collect(), rows(universe=universe))


def test_a_folder_with_a_space_in_its_name_will_do(tmp_path):
    home = tmp_path / "a desk é"
    publish(home, rows())
    assert_frame_equal(opened(home).scan(target()).collect(), rows())


def test_bad_options_are_refused_while_planning(tmp_path):
    with pytest.raises(UserError, match="row_group_size = 0 must be positive"):
        opened(tmp_path, row_group_size=0).check(target())
    with pytest.raises(UserError, match=r"\{wrong\}, which is unknown"):
        opened(tmp_path, path="{wrong}").check(target())
    with pytest.raises(UserError, match="Delta takes no '%' there"):
        opened(tmp_path, path="{universe}").check(target(universe="50%"))
    with pytest.raises(UserError, match="is a folder: leave `storage` out"):
        opened(tmp_path, storage={"aws_region": "x"}).check(target())


def test_a_table_of_another_layout_is_refused_while_planning(tmp_path):
    write_deltalake(tmp_path / "lake" / "bars", pl.DataFrame({"ListingId": [1]}))
    with pytest.raises(UserError, match="is a Delta table partitioned by nothing, not by Date, Universe"):
        opened(tmp_path).check(target())
    with pytest.raises(PublishError, match="partitioned by nothing"):
        publish(tmp_path, rows())


def test_a_partition_that_nobody_published_has_no_document(tmp_path):
    frame = rows().select("Date", "Universe", "ListingId")
    write_deltalake(tmp_path / "lake" / "bars", frame, partition_by=["Date", "Universe"])
    with pytest.raises(DataError, match="carries no column document"):
        opened(tmp_path).document(target())


def test_a_log_that_is_no_log_is_told_in_a_sentence(tmp_path):
    publish(tmp_path, rows())
    (tmp_path / "lake/bars/_delta_log/00000000000000000001.json").write_text("no log")
    with pytest.raises(DataError, match=r"the Delta table .*/bars cannot be read"):
        opened(tmp_path).scan(target())


def test_what_is_staged_is_written_before_it_is_committed(tmp_path):
    """The batches may go: commit reads none of them."""
    output, files = opened(tmp_path), spool(tmp_path, rows())
    staged = output.stage(target(), files, document("first"))
    for file in files:
        file.unlink()
    output.commit(staged, "first")
    assert_frame_equal(output.scan(target()).collect(), rows())


def test_a_scan_keeps_to_its_version(tmp_path):
    publish(tmp_path, rows())
    held = opened(tmp_path).scan(target())
    publish(tmp_path, rows(listings=(5,)), key="second")
    assert_frame_equal(held.collect(), rows())


def test_documents_are_those_of_the_newest_version_though_the_table_is_opened_once(tmp_path):
    """One output looks on while others publish, and while the table is made anew."""
    output = opened(tmp_path)
    assert output.document(target()) is None
    for key in ("first", "second"):
        publish(tmp_path, rows(), key=key)
        assert [output.document(target())["provenance"]["key"] for _ in range(2)] == [key, key]
    shutil.rmtree(tmp_path / "lake")
    assert output.document(target()) is None
    for key in ("third", "fourth"):
        publish(tmp_path, rows(), key=key)
    assert output.document(target())["provenance"]["key"] == "fourth"


def test_places_are_told_apart_by_partition(tmp_path):
    output = opened(tmp_path, path="{pipeline}/{pass}")
    assert output.place(target()) == f"{tmp_path}/lake/desk/bars/Date=2026-01-05/Universe=all"
    other = attrs.evolve(target(), universe="a b")
    assert output.place(other) == f"{tmp_path}/lake/desk/bars/Date=2026-01-05/Universe=a%20b"
