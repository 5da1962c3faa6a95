"""The ledger: what stands in a record, and that a damaged one is never a traceback and never "done"."""

import json
import os
import subprocess
import sys
from datetime import date

import attrs
import pytest

from basalt.outputs import Target
from basalt.running.ledger import Ledger, Record, Unreadable

TARGET = Target("desk", "minutes", date(2026, 1, 5), "all", "")
RECORD = Record(
    key="a1",
    parts={"configuration": "c", "inputs": {"trades": "f"}},
    definition="d",
    run="20260105T090000.000000",
    finished="2026-01-05T09:00:01+00:00",
    rows_in=7,
    rows=3,
    seconds={"compute": 0.5, "publish": 0.25},
    peak=1024,
    batches=2,
    versions={"desk-plugin": "1.0"},
    checks=[{"check": "coverage", "passed": False, "said": "1 of 2 listings has a row — 50 %"}],
    places=["out/minutes.parquet"],
    side_outputs={"icebergs": 4},
)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


def put(ledger, text):
    """A file in the record's place."""
    path = ledger.path(TARGET)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ledger.read(TARGET)


def changed(**fields):
    """The record's JSON with other fields."""
    return json.dumps({"format": 1, **attrs.asdict(RECORD), **fields})


def test_a_record_reads_back_as_it_was_written(ledger):
    assert ledger.read(TARGET) is None
    ledger.write(TARGET, RECORD)
    assert ledger.read(TARGET) == RECORD


def test_a_record_is_one_json_document_that_names_its_format(ledger):
    ledger.write(TARGET, RECORD)
    path = ledger.state / "ledger/desk/minutes/2026-01-05/all.json"
    assert json.loads(path.read_text()) == {"format": 1, **attrs.asdict(RECORD)}


def test_a_record_is_replaced_in_one_step_and_leaves_nothing_beside(ledger):
    ledger.write(TARGET, RECORD)
    before = ledger.path(TARGET).stat().st_ino
    ledger.write(TARGET, attrs.evolve(RECORD, rows=9))
    assert ledger.read(TARGET).rows == 9
    assert ledger.path(TARGET).stat().st_ino != before
    assert [p.name for p in ledger.path(TARGET).parent.iterdir()] == ["all.json"]


def test_a_record_cut_short_at_any_byte_is_stale_and_nothing_else(ledger):
    """Without its last byte, a line break, it is whole still."""
    ledger.write(TARGET, RECORD)
    whole = ledger.path(TARGET).read_bytes()
    said = {put(ledger, whole[:n]) for n in range(len(whole) - 1)}
    assert said == {Unreadable("stale", "its ledger record cannot be read (it is no whole JSON document)")}
    assert put(ledger, whole[:-1]) == RECORD


@pytest.mark.parametrize("text", [b"\x00" * 512, b"\xff\xfe{", "[" * 100_000, '{"format": ' + "9" * 5000 + "}"])
def test_what_a_power_cut_or_a_stranger_leaves_is_stale(ledger, text):
    assert put(ledger, text).kind == "stale"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"rows": "3"}, "rows is not what it must be"),
        ({"rows": True}, "rows is not what it must be"),
        ({"key": None}, "key is not what it must be"),
        ({"places": "out"}, "places is not what it must be"),
        ({"parts": {"inputs": 5}}, "parts is not what it must be"),
        ({"seconds": {"compute": "long"}}, "seconds is not what it must be"),
        ({"checks": ["coverage"]}, "checks is not what it must be"),
    ],
)
def test_a_record_of_a_wrong_shape_is_stale_and_names_the_field(ledger, fields, why):
    assert put(ledger, changed(**fields)) == Unreadable("stale", f"its ledger record cannot be read ({why})")


def test_a_record_without_its_key_is_stale(ledger):
    without = {"format": 1, **attrs.asdict(RECORD)}
    del without["key"]
    assert put(ledger, json.dumps(without)).said == "its ledger record cannot be read (key is not in it)"
    assert put(ledger, "[]").said == "its ledger record cannot be read (it holds no record)"


def test_a_record_of_another_format_counts_as_missing(ledger):
    said = "its ledger record has format {}, and this version of basalt reads 1"
    assert put(ledger, changed(format=2)) == Unreadable("missing", said.format(2))
    without = attrs.asdict(RECORD)
    assert put(ledger, json.dumps(without)) == Unreadable("missing", said.format("none"))


def test_a_record_whose_rows_are_being_replaced_counts_as_missing_until_it_is_written(ledger):
    ledger.write(TARGET, RECORD)
    ledger.suspend(TARGET, "20260106T090000")
    assert ledger.read(TARGET) == Unreadable("missing", "run 20260106T090000 stopped while it replaced it")
    ledger.write(TARGET, RECORD)
    assert ledger.read(TARGET) == RECORD


def test_a_field_of_a_later_version_is_ignored_and_one_it_lacks_has_its_default(ledger):
    """So a record stays readable when fields are added."""
    later = {"format": 1, **attrs.asdict(RECORD), "mood": "good"}
    del later["side_outputs"], later["peak"]
    assert put(ledger, json.dumps(later)) == attrs.evolve(RECORD, side_outputs={}, peak=0)


def test_a_folder_in_the_records_place_is_stale(ledger):
    ledger.path(TARGET).mkdir(parents=True)
    assert ledger.read(TARGET) == Unreadable("stale", "its ledger record cannot be read (Is a directory)")


def test_pipelines_passes_dates_and_universes_of_one_state_folder_do_not_mix(ledger):
    targets = [
        TARGET,
        attrs.evolve(TARGET, pipeline="other"),
        attrs.evolve(TARGET, pass_name="hours"),
        attrs.evolve(TARGET, date=date(2026, 1, 6)),
        attrs.evolve(TARGET, universe="xlon"),
    ]
    for rows, target in enumerate(targets):
        ledger.write(target, attrs.evolve(RECORD, rows=rows))
    assert [ledger.read(target).rows for target in targets] == [0, 1, 2, 3, 4]
    assert len({ledger.path(target) for target in targets}) == 5


def test_the_leftover_of_a_killed_process_is_removed_by_the_next_write(ledger, tmp_path):
    """The child is killed between writing beside and renaming: its record never was, and its file is swept."""
    code = """
import os, signal, sys
from pathlib import Path
from basalt import leftovers
leftovers.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
leftovers.replace(Path(sys.argv[1]), b"{}")
"""
    path = ledger.path(TARGET)
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, env=os.environ)
    assert done.returncode == -9
    (left,) = path.parent.iterdir()
    assert left.name.startswith(".all.json.")
    assert ledger.read(TARGET) is None
    ledger.write(TARGET, RECORD)
    assert [p.name for p in path.parent.iterdir()] == ["all.json"]


def test_a_record_that_cannot_be_written_leaves_the_old_one(ledger):
    """A folder in its place cannot be replaced; nothing stays beside it."""
    path = ledger.path(TARGET)
    (path / "occupied").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        ledger.write(TARGET, RECORD)
    assert [p.name for p in path.parent.iterdir()] == ["all.json"]
