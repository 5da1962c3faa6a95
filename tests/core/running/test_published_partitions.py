"""What a run leaves behind: partitions, ledger records, and nothing else."""

import json
from datetime import date

import polars as pl
import pytest

from basalt.config.model import PipelineConfig
from basalt.errors import DataError, UserError
from basalt.planning.partitions import Partition

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}


def test_a_run_publishes_every_pass_and_date_and_leaves_nothing_else(desk):
    result = desk.run(MINUTES, HOURS)
    assert result.failed == []
    assert desk.files("out") == [
        "out/hours/date=2026-01-05/all.parquet",
        "out/hours/date=2026-01-06/all.parquet",
        "out/minutes/date=2026-01-05/all.parquet",
        "out/minutes/date=2026-01-06/all.parquet",
    ]
    assert desk.files(".basalt") == [
        ".basalt/ledger/desk/hours/2026-01-05/all.json",
        ".basalt/ledger/desk/hours/2026-01-06/all.json",
        ".basalt/ledger/desk/minutes/2026-01-05/all.json",
        ".basalt/ledger/desk/minutes/2026-01-06/all.json",
        ".basalt/work",
    ]


def test_published_rows_begin_with_date_and_universe_and_are_sorted(desk):
    desk.run(MINUTES, HOURS)
    rows = pl.read_parquet(desk.folder / "out/minutes/date=2026-01-05/all.parquet", hive_partitioning=False)
    assert rows.columns == ["Date", "Universe", "ListingId", "TimeBucket", "Volume"]
    told = [(r[0], r[1], r[2], r[3].strftime("%H:%M"), r[4]) for r in rows.rows()]
    assert told == [
        (MONDAY, "all", 1, "09:01", 10.0),
        (MONDAY, "all", 1, "09:02", 20.0),
        (MONDAY, "all", 2, "09:01", 5.0),
    ]


def test_a_later_pass_reads_the_same_date_of_the_earlier_one(desk, by_bucket):
    """Listing 1: 10 + 20 = 30 on Monday, 7 on Tuesday."""
    hours = desk.run(MINUTES, HOURS).scan("hours").collect()
    assert hours.sort("Date", "ListingId").select("Date", "ListingId", "Volume").rows() == [
        (MONDAY, 1, 30.0),
        (MONDAY, 2, 5.0),
        (TUESDAY, 1, 7.0),
    ]


def test_the_ledger_tells_what_was_published(desk):
    result = desk.run(MINUTES, dates=[MONDAY])
    place = str((desk.folder / "out/minutes/date=2026-01-05/all.parquet").resolve())
    record = json.loads((desk.folder / ".basalt/ledger/desk/minutes/2026-01-05/all.json").read_text())
    assert (record["rows"], record["places"], record["run"]) == (3, [place], result.run)
    assert (len(record["key"]), record["versions"]) == (64, {"desk-plugin": ""})
    assert record["finished"].endswith("+00:00")
    assert all(seconds > 0 for seconds in record["seconds"].values())
    assert [p.places for p in result.published] == [[place]]


def test_running_again_replaces_only_its_own_partition(desk, events):
    desk.run(MINUTES, HOURS)
    before = desk.contents()
    desk.put("trades", "2026-01-05", events("Price Size", (1, 30, 100, 99)))
    assert desk.run(MINUTES, dates=[MONDAY]).failed == []
    after = desk.contents()
    changed = [name for name in after if after[name] != before[name]]
    assert changed == [
        ".basalt/ledger/desk/minutes/2026-01-05/all.json",
        "out/minutes/date=2026-01-05/all.parquet",
    ]
    rows = pl.read_parquet(desk.folder / "out/minutes/date=2026-01-05/all.parquet")
    assert rows["Volume"].to_list() == [99.0]
    assert after.keys() == before.keys()


def test_running_again_on_the_same_data_writes_the_same_bytes(desk):
    desk.run(MINUTES, HOURS)
    before = {name: (desk.folder / name).read_bytes() for name in desk.files("out")}
    desk.run(MINUTES, HOURS)
    assert {name: (desk.folder / name).read_bytes() for name in desk.files("out")} == before


def test_a_pass_may_have_outputs_of_its_own_or_none(desk):
    own = {**MINUTES, "outputs": [{"type": "parquet", "root": "elsewhere"}]}
    result = desk.run(own, {**HOURS, "outputs": []}, dates=[MONDAY])
    assert desk.files("elsewhere") == ["elsewhere/minutes/date=2026-01-05/all.parquet"]
    assert [(p.name, len(p.places)) for p in result.published] == [("minutes", 1), ("hours", 0)]
    assert not (desk.folder / "out").exists()
    with pytest.raises(UserError) as error:
        result.scan("hours")
    assert str(error.value) == (
        "what pass 'hours' published cannot be read back, as it has no output: add [[outputs]], or [[passes.outputs]] "
        "to it"
    )


def test_a_partition_goes_to_every_output(desk):
    two = [{"type": "parquet", "root": "out", "path": "{output}/{pass}-{date}.parquet", "name": name} for name in "ab"]
    result = desk.run(MINUTES, outputs=two, dates=[MONDAY])
    assert desk.files("out") == ["out/a/minutes-2026-01-05.parquet", "out/b/minutes-2026-01-05.parquet"]
    assert len(result.published[0].places) == 2
    first, second = [(desk.folder / name).read_bytes() for name in desk.files("out")]
    assert first == second


def test_the_result_of_a_run_reads_back_its_own_partitions_alone(desk):
    desk.run(MINUTES)
    result = desk.run(MINUTES, dates=[TUESDAY])
    assert result.scan("minutes").select("Date", "Volume").collect().rows() == [(TUESDAY, 7.0)]
    with pytest.raises(UserError, match="no pass 'seconds' in pipeline 'desk'; passes: minutes"):
        result.scan("seconds")


def test_the_result_of_a_run_has_the_column_document(desk):
    document = desk.run(MINUTES, dates=[MONDAY]).document("minutes")
    assert (document["pass"], document["keys"], document["provenance"]) == (
        "minutes",
        ["ListingId"],
        {"pipeline": "desk"},
    )
    (column,) = document["columns"]
    assert (column["name"], column["unit"], column["reads"]) == ("Volume", "shares", ["trades.Size"])
    assert document["bucket"] == {"every": "1m", "origin": "0s", "closed": "right", "label": "end"}


def test_only_some_passes_read_earlier_ones_from_their_output(desk):
    """The minutes are published first, then changed on disk: hours alone must see the published ones."""
    from basalt.running.run import run_plan

    desk.run(MINUTES, dates=[MONDAY])
    file = desk.folder / "out/minutes/date=2026-01-05/all.parquet"
    rows, metadata = pl.read_parquet(file, hive_partitioning=False), pl.read_parquet_metadata(file)
    rows.with_columns(pl.col("Volume") * 10).write_parquet(file, metadata={"basalt": metadata["basalt"]})
    before = file.read_bytes()
    result = run_plan(desk.plan(MINUTES, HOURS, dates=[MONDAY]), only=["hours"])
    assert result.failed == []
    assert result.scan("hours").sort("ListingId").select("Volume").collect()["Volume"].to_list() == [300.0, 50.0]
    assert file.read_bytes() == before
    assert [p.name for p in result.published] == ["hours"]


def test_only_a_pass_whose_source_is_not_published_fails_in_one_sentence(desk):
    from basalt.running.run import run_plan

    result = run_plan(desk.plan(MINUTES, HOURS, dates=[MONDAY]), only=["hours"])
    assert [f.error for f in result.failed] == [
        "passes.hours on 2026-01-05 reads passes.minutes, which is not published for that date: run minutes first"
    ]
    with pytest.raises(DataError, match="pass 'hours' published nothing in run"):
        result.scan("hours")


def test_unsorted_files_give_what_sorted_ones_give(desk, events):
    rows = [(2, 40, 21, 1), (1, 90, 13, 2), (2, 10, 20, 4), (1, 50, 12, 8), (1, 10, 11, 16)]
    desk.put("trades", "2026-01-05", events("Price Size", *rows))
    shuffled = desk.run(MINUTES, dates=[MONDAY]).scan("minutes").collect()
    desk.put("trades", "2026-01-05", events("Price Size", *rows).sort("ListingId", "EventTimestamp"))
    assert desk.run(MINUTES, dates=[MONDAY]).scan("minutes").collect().equals(shuffled)
    assert shuffled["Volume"].to_list() == [24.0, 2.0, 5.0]


def test_a_date_whose_table_is_empty_publishes_a_partition_without_rows(desk, events):
    desk.put("trades", "2026-01-05", events("Price Size"))
    result = desk.run(MINUTES, HOURS, dates=[MONDAY])
    assert (result.failed, [p.rows for p in result.published]) == ([], [0, 0])
    assert result.scan("hours").collect().height == 0


def test_the_work_folder_of_a_run_is_where_the_pipeline_says(desk):
    desk.run(MINUTES, dates=[MONDAY], work="scratch", state="state")
    assert desk.files("state") == ["state/ledger/desk/minutes/2026-01-05/all.json"]
    assert list((desk.folder / "scratch").rglob("*")) == []
    assert not (desk.folder / ".basalt").exists()


def test_partitions_are_in_date_order(desk):
    plan = desk.plan(MINUTES, dates=[TUESDAY, MONDAY])
    assert plan.partitions == [Partition(MONDAY), Partition(TUESDAY)]
    assert isinstance(plan.config, PipelineConfig)
