"""The schema lock: what the file says, how a plan that differs is told, and when the file is written."""

import json
from pathlib import Path

import attrs
import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.checks.schema_lock import check_lock, locked
from basalt.config.model import PipelineConfig
from basalt.config.structure import structure
from basalt.durations import NANOSECONDS
from basalt.errors import CheckError, PublishError, UserError
from basalt.tables import AGGRESSOR, US_UTC

MINUTE = NANOSECONDS["m"]
CURE = "--set schema_lock.mode=update"


def a_pipeline(mode, name="desk", **lock):
    tree = {"name": name, "source": {"type": "x"}, "passes": [{"name": "bars"}], "schema_lock": {"mode": mode, **lock}}
    return structure(PipelineConfig, tree, "pipeline")


@pytest.fixture
def bars(a_result):
    return a_result(SpreadBps=pl.Float64, Side=AGGRESSOR, LastTime=US_UTC, SpreadBpsWeight=pl.Float64)


@pytest.fixture
def agreed(tmp_path, bars):
    """A folder whose lock agrees on `bars`."""
    locked(a_pipeline("update"), tmp_path, [bars]).write()
    return tmp_path


def refused(folder, *results, **lock):
    with pytest.raises(CheckError) as caught:
        check_lock(a_pipeline("raise", **lock), folder, results)
    assert caught.value.exit_code == 4
    return str(caught.value)


def test_the_file_has_one_column_a_line_in_its_order(agreed):
    """Hidden columns too; a dtype with parameters is a list, on one line."""
    assert (
        (agreed / "basalt.lock.json").read_text()
        == """{
  "desk": {
    "bars": {
      "bucket": {
        "every": "1m",
        "origin": "0s",
        "closed": "right",
        "label": "end"
      },
      "keys": {
        "ListingId": "Int64"
      },
      "columns": {
        "SpreadBps": "Float64",
        "Side": ["Enum", "Buy", "Sell"],
        "LastTime": ["Datetime", "us", "UTC"],
        "SpreadBpsWeight": {"dtype": "Float64", "hidden": true}
      }
    }
  }
}
"""
    )
    assert [p.name for p in agreed.iterdir()] == ["basalt.lock.json"]


def test_passes_and_pipelines_stand_by_name_and_others_stay(agreed, a_result, bars):
    day = a_result("day", rule=None, Volume=pl.Float64)
    locked(a_pipeline("update", name="alpha"), agreed, [bars, day, a_result("a")]).write()
    tree = json.loads((agreed / "basalt.lock.json").read_text())
    assert {name: list(passes) for name, passes in tree.items()} == {"alpha": ["a", "bars", "day"], "desk": ["bars"]}
    assert tree["alpha"]["day"] == {"bucket": None, "keys": {"ListingId": "Int64"}, "columns": {"Volume": "Float64"}}
    assert check_lock(a_pipeline("raise"), agreed, [bars]) == []


def test_a_plan_as_agreed_passes_and_needs_no_writing(agreed, bars):
    for mode in ("off", "warn", "raise", "update"):
        assert check_lock(a_pipeline(mode), agreed, [bars]) == []
        assert locked(a_pipeline(mode), agreed, [bars]) is None


def test_only_update_writes_and_only_when_told(agreed, a_result):
    other = a_result(Volume=pl.Float64)
    before = (agreed / "basalt.lock.json").read_bytes()
    assert [locked(a_pipeline(mode), agreed, [other]) for mode in ("off", "warn", "raise")] == [None, None, None]
    waiting = locked(a_pipeline("update"), agreed, [other])
    assert (agreed / "basalt.lock.json").read_bytes() == before
    waiting.write()
    assert check_lock(a_pipeline("raise"), agreed, [other]) == []


def test_columns_that_changed_are_told_one_by_one(agreed, a_result):
    other = a_result(
        SpreadBps=pl.Float32, Side=pl.Enum(["Buy", "Sell", "Cross"]), Volume=pl.Float64, SpreadBpsWeight=pl.Float64
    )
    said = check_lock(a_pipeline("warn"), agreed, [other])
    assert said == [
        "basalt.lock.json: passes.bars: column SpreadBps was Float64, is Float32",
        "basalt.lock.json: passes.bars: column Side was Enum[Buy, Sell], is Enum[Buy, Sell, Cross]",
        "basalt.lock.json: passes.bars: column LastTime is gone, was Datetime[us, UTC]",
        "basalt.lock.json: passes.bars: column Volume is new, Float64",
    ]
    end = f"the plan is not what basalt.lock.json says: if it is right, run with {CURE}"
    assert refused(agreed, other) == "\n".join([*said, end])


def test_an_order_that_changed_is_told_and_a_new_column_alone_is_no_new_order(agreed, a_result):
    names = ["SpreadBps", "LastTime", "Volume", "Side", "SpreadBpsWeight"]
    dtypes = {"SpreadBps": pl.Float64, "Side": AGGRESSOR, "LastTime": US_UTC, "SpreadBpsWeight": pl.Float64}
    said = check_lock(a_pipeline("warn"), agreed, [a_result(**{n: dtypes.get(n, pl.Int64) for n in names})])
    assert said == [
        "basalt.lock.json: passes.bars: column Volume is new, Int64",
        "basalt.lock.json: passes.bars: columns are in another order: LastTime is where Side was",
    ]
    first = a_result(**{n: dtypes.get(n, pl.Int64) for n in ("Volume", *dtypes)})
    assert check_lock(a_pipeline("warn"), agreed, [first]) == said[:1]


def test_a_column_that_is_shown_now_is_told(tmp_path, a_result):
    hidden = a_result(XWeight=pl.List(pl.Datetime("ns")))
    locked(a_pipeline("update"), tmp_path, [hidden]).write()
    visible = attrs.evolve(hidden, columns=[attrs.evolve(hidden.columns[0], hidden=False)])
    assert check_lock(a_pipeline("warn"), tmp_path, [visible]) == [
        "basalt.lock.json: passes.bars: column XWeight was List[Datetime[ns, None]] and hidden, "
        "is List[Datetime[ns, None]]"
    ]


def test_keys_buckets_and_passes_that_changed_are_told(agreed, a_result, bars):
    other = attrs.evolve(bars, key_dtypes=[pl.String], rule=BucketRule(5 * MINUTE, label="start"))
    assert check_lock(a_pipeline("warn"), agreed, [other, a_result("day")]) == [
        "basalt.lock.json: passes.bars: every was 1m, is 5m",
        "basalt.lock.json: passes.bars: label was end, is start",
        "basalt.lock.json: passes.bars: key ListingId was Int64, is String",
        "basalt.lock.json: passes.day is new",
    ]
    daily = attrs.evolve(bars, rule=None, keys=["InstrumentId"])
    assert check_lock(a_pipeline("warn"), agreed, [daily]) == [
        "basalt.lock.json: passes.bars: rows were buckets of 1m, are one a date",
        "basalt.lock.json: passes.bars: key ListingId is gone, was Int64",
        "basalt.lock.json: passes.bars: key InstrumentId is new, Int64",
    ]
    assert check_lock(a_pipeline("warn"), agreed, []) == ["basalt.lock.json: passes.bars is gone"]


def test_what_was_never_locked_says_how_to_lock_it(agreed, tmp_path, bars):
    said = f"schema lock no.json has nothing on pipeline 'desk': run once with {CURE} to make it"
    assert check_lock(a_pipeline("warn", file="no.json"), agreed, [bars]) == [said]
    assert refused(agreed, bars, file="no.json") == said
    assert "nothing on pipeline 'other'" in refused(agreed, bars, name="other")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<<<<<<< ours\n{}",
        "[" * 100_000,
        "[]",
        '{"desk": 1}',
        '{"desk": {"bars": {}}}',
        '{"desk": {"bars": {"bucket": 1, "keys": {}, "columns": {}}}}',
        '{"desk": {"bars": {"bucket": null, "keys": [], "columns": {}}}}',
        '{"desk": {"bars": {"bucket": null, "keys": {}, "columns": {"A": 1}}}}',
        '{"desk": {"bars": {"bucket": null, "keys": {}, "columns": {"A": []}}}}',
        '{"desk": {"bars": {"bucket": null, "keys": {}, "columns": {"A": {"dtype": {}, "hidden": true}}}}}',
        b"\xff\xfe{",
    ],
)
def test_a_file_that_is_no_lock_is_refused_and_kept(tmp_path, bars, text):
    file = tmp_path / "basalt.lock.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = file.read_bytes()
    for check in (check_lock, locked):
        for mode in ("warn", "raise", "update"):
            if (check is locked) == (mode == "update"):
                with pytest.raises(UserError, match=r"schema_lock.file: .*basalt.lock.json .*: restore it, name ano"):
                    check(a_pipeline(mode), tmp_path, [bars])
    assert file.read_bytes() == before


def test_a_folder_in_the_files_place_is_refused(tmp_path, bars):
    (tmp_path / "basalt.lock.json").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        check_lock(a_pipeline("warn"), tmp_path, [bars])


def test_a_file_that_cannot_be_written_is_told(tmp_path, bars):
    (tmp_path / "file").write_text("")
    waiting = locked(a_pipeline("update", file="file/basalt.lock.json"), tmp_path, [bars])
    with pytest.raises(PublishError, match=r"schema lock .*file/basalt.lock.json could not be written"):
        waiting.write()


def test_the_file_is_relative_to_the_pipeline_file(tmp_path, bars):
    locked(a_pipeline("update", file="locks/desk.json"), tmp_path, [bars]).write()
    assert Path(tmp_path, "locks", "desk.json").is_file()
