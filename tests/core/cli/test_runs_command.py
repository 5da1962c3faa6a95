"""`basalt runs`: which runs are listed, what is shown of one, and where records are looked for."""

import os
import subprocess
import sys
from datetime import date

import pytest

from basalt.running.events import (
    Checked,
    Noted,
    PartitionFailed,
    PartitionFinished,
    PassComputed,
    PassPublished,
    PassSkipped,
    RunFinished,
    RunStarted,
)
from basalt.running.record import RunRecord

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
FIRST, SECOND, THIRD = (f"2026010{n}T090000.000000" for n in (5, 6, 7))


def record(state, run, *events, pipeline="desk"):
    """What a run of that pipeline leaves."""
    told = RunRecord(state)
    started = f"{run[:4]}-{run[4:6]}-{run[6:8]}T09:00:00.123456+00:00"
    for event in (
        RunStarted(run, pipeline, started, ["bars", "hours"], 2, "inline", {"basalt-core": "0.1.0"}),
        *events,
    ):
        told(event)


def a_pass(name, day, peak, stages):
    computed = PassComputed(name, day, "all", 1, 10, 3, 0.5, peak)
    return [computed, PassPublished(name, day, "all", 3, [f"out/{name}.parquet"], stages)]


@pytest.fixture
def state(folder):
    """Three runs: one that failed on Tuesday, one of another pipeline that is done, one that was killed."""
    state = folder.path / ".basalt"
    record(
        state,
        FIRST,
        *a_pass("bars", MONDAY, 2_500_000, {"compute": 0.25, "publish": 0.125}),
        PassSkipped("hours", MONDAY, "all"),
        PartitionFinished(MONDAY, "all", 0.5),
        Noted(TUESDAY, "all", "listings have no state", "bars", "trade", 2, "7"),
        PassComputed("bars", TUESDAY, "all", 1, 10, 4, 0.5, 1_000_000),
        Checked("bars", TUESDAY, "all", "coverage", False, "1 of 2 listings has a row"),
        PartitionFailed(TUESDAY, "all", "passes.bars: coverage is 0.5", 4),
        RunFinished(FIRST, 1, 0, 1, 1.25),
    )
    record(state, SECOND, RunFinished(SECOND, 2, 2, 0, 0.5), pipeline="other")
    record(state, THIRD, *a_pass("bars", MONDAY, 1_000, {}))
    return state


def test_runs_are_listed_from_the_newest_with_how_they_ended(folder, state):
    called = folder.basalt("runs", "list")
    head, third, second, first = (line.split() for line in called.out.splitlines())
    assert (called.code, called.err) == (0, "")
    assert head == ["run", "pipeline", "started", "state", "partitions", "failed", "seconds", "peak"]
    assert first == [FIRST, "desk", "2026-01-05", "09:00:00", "failed", "2", "1", "1.2", "2.5", "MB"]
    assert second == [SECOND, "other", "2026-01-06", "09:00:00", "done", "2", "0", "0.5"]
    assert third[:7] == [THIRD, "desk", "2026-01-07", "09:00:00", "unfinished", "2", "0"]


def test_a_pipeline_file_lists_its_own_runs_alone(folder, state):
    """`other` keeps its records in the same folder."""
    called = folder.basalt("runs", "list", "pipeline.toml", "--format", "json")
    assert [run["run"] for run in called.json] == [THIRD, FIRST]
    (folder.path / "other.toml").write_text((folder.path / "pipeline.toml").read_text().replace('"desk"', '"other"'))
    assert [run["run"] for run in folder.basalt("runs", "list", "other.toml", "--format", "json").json] == [SECOND]


def test_json_gives_all_and_csv_all_that_fits_a_cell(folder, state):
    _, _, first = folder.basalt("runs", "list", "--format", "json").json
    assert first["finished"].endswith("+00:00")
    assert {k: v for k, v in first.items() if k != "finished"} == {
        "run": FIRST,
        "state": "failed",
        "pipeline": "desk",
        "started": "2026-01-05T09:00:00.123456+00:00",
        "seconds": 1.25,
        "executor": "inline",
        "partitions": 2,
        "done": 1,
        "skipped": 0,
        "failed": 1,
        "peak": 2_500_000,
        "versions": {"basalt-core": "0.1.0"},
    }
    head, *rows = folder.basalt("runs", "list", "--format", "csv").out.splitlines()
    assert head == "run,state,pipeline,started,finished,seconds,executor,partitions,done,skipped,failed,peak"
    assert len(rows) == 3


def test_the_state_folder_of_a_file_is_beside_it_wherever_one_stands(folder, state, monkeypatch):
    (folder.path / "pipeline.toml").write_text('state = "ledger"\n' + (folder.path / "pipeline.toml").read_text())
    record(folder.path / "ledger", FIRST, RunFinished(FIRST, 2, 0, 0, 1.0))
    (folder.path / "elsewhere").mkdir()
    monkeypatch.chdir(folder.path / "elsewhere")
    assert [run["state"] for run in folder.basalt("runs", "list", "../pipeline.toml", "--format", "json").json] == [
        "done"
    ]
    assert len(folder.basalt("runs", "list", "--state", "../.basalt", "--format", "json").json) == 3


def test_a_python_file_and_one_that_is_broken_since_list_their_runs(folder, state):
    """A misspelt key stops a run, and hides none that was."""
    file = folder.path / "pipeline.toml"
    file.write_text("worker = 3\n" + file.read_text())
    assert folder.basalt("pipeline", "check", "pipeline.toml").code == 2
    assert len(folder.basalt("runs", "list", "pipeline.toml").out.splitlines()) == 3
    (folder.path / "desk.py").write_text(
        "from basalt.config.model import PipelineConfig, SourceEntry\n"
        "pipeline = PipelineConfig(name='other', source=SourceEntry(type='parquet'), passes=[])\n"
    )
    assert folder.basalt("runs", "list", "desk.py").code == 2
    text = (folder.path / "desk.py").read_text().replace("[])", "[PassConfig(name='bars')])")
    (folder.path / "desk.py").write_text(text.replace("import ", "import PassConfig, ", 1))
    assert [run["run"] for run in folder.basalt("runs", "list", "desk.py", "--format", "json").json] == [SECOND]


def test_no_run_at_all_is_said_and_is_no_error(folder):
    called = folder.basalt("runs", "list")
    assert (called.code, called.out) == (0, "")
    assert called.err == "no run is recorded in .basalt: name a pipeline file, or a state folder with --state\n"
    called = folder.basalt("runs", "list", "pipeline.toml", "--format", "json")
    assert (called.code, called.json) == (0, [])
    assert called.err == "no run of pipeline 'desk' is recorded in .basalt\n"


def test_a_run_shows_each_pass_of_each_partition_then_checks_notes_and_errors(folder, state):
    called = folder.basalt("runs", "show", FIRST)
    head, bars, hours, failed = (line.split() for line in called.out.splitlines())
    assert head == [
        "date",
        "universe",
        "pass",
        "status",
        "rows",
        "in",
        "rows",
        "compute",
        "s",
        "publish",
        "s",
        "peak",
        "checks",
        "failed",
    ]
    assert bars == ["2026-01-05", "all", "bars", "done", "10", "3", "0.25", "0.125", "2.5", "MB", "0"]
    assert hours == ["2026-01-05", "all", "hours", "skipped", "0"]
    assert failed == ["2026-01-06", "all", "bars", "failed", "10", "4", "0.5", "1", "MB", "1"]
    assert called.err.splitlines() == [
        f"{FIRST} of desk: failed, started 2026-01-05T09:00:00.123456+00:00; 1 of 2 partitions done, 1 failed",
        "2026-01-06 all bars, coverage: 1 of 2 listings has a row",
        "2026-01-06 all note: listings have no state (2)",
        "2026-01-06 all failed: passes.bars: coverage is 0.5",
    ]
    assert called.code == 0


def test_json_of_a_run_gives_checks_places_notes_and_errors_too(folder, state):
    shown = folder.basalt("runs", "show", FIRST, "--format", "json").json
    assert (shown["run"], shown["state"], shown["versions"]) == (FIRST, "failed", {"basalt-core": "0.1.0"})
    assert shown["passes"][0] == {
        "date": "2026-01-05",
        "universe": "all",
        "status": "done",
        "rows_in": 10,
        "rows": 3,
        "batches": 1,
        "seconds": {"compute": 0.25, "publish": 0.125},
        "peak": 2_500_000,
        "checks": [],
        "places": ["out/bars.parquet"],
        "error": None,
        "pass": "bars",
    }
    said = {"check": "coverage", "passed": False, "said": "1 of 2 listings has a row"}
    assert (shown["passes"][2]["checks"], shown["passes"][2]["error"]) == ([said], "passes.bars: coverage is 0.5")
    assert [note["what"] for note in shown["notes"]] == ["listings have no state"]
    assert [(error["date"], error["code"]) for error in shown["errors"]] == [("2026-01-06", 4)]


def test_csv_of_a_run_has_bytes_and_no_words_around(folder, state):
    head, bars, *_ = folder.basalt("runs", "show", FIRST, "--format", "csv").out.splitlines()
    assert head == "date,universe,pass,status,rows in,rows,compute s,publish s,peak,checks failed"
    assert bars == "2026-01-05,all,bars,done,10,3,0.25,0.125,2500000,0"


def test_the_latest_run_is_the_newest_of_the_pipeline_that_is_named(folder, state):
    assert folder.basalt("runs", "show", "latest", "--format", "json").json["run"] == THIRD
    (folder.path / "other.toml").write_text((folder.path / "pipeline.toml").read_text().replace('"desk"', '"other"'))
    shown = folder.basalt("runs", "show", "latest", "other.toml")
    assert shown.err.startswith(f"{SECOND} of other: done")
    assert "2 of 2 partitions done (2 of them before)" in shown.err
    assert folder.basalt("runs", "show", "latest").err.startswith(f"{THIRD} of desk: unfinished")


def test_an_unknown_run_is_the_users_error_and_names_what_is_near(folder, state):
    called = folder.basalt("runs", "show", "20260105T09000.000000")
    assert (called.code, called.out) == (2, "")
    assert called.err == (
        "error: no run '20260105T09000.000000' is recorded in .basalt; near it: "
        f"{FIRST}, {THIRD}, {SECOND}; basalt runs list shows them all\n"
    )
    assert folder.basalt("runs", "show", "20260106").err.startswith(
        "error: no run '20260106' is recorded in .basalt; near"
    )
    assert f"; the latest is {THIRD}; " in folder.basalt("runs", "show", "yesterday").err


def test_a_run_of_another_pipeline_is_not_the_files(folder, state):
    called = folder.basalt("runs", "show", SECOND, "pipeline.toml")
    assert called.code == 2
    assert f"no run '{SECOND}' is recorded in" in called.err


@pytest.mark.parametrize("args", [["list"], ["show", "latest"]])
def test_a_file_and_a_folder_at_once_are_refused(folder, state, args):
    called = folder.basalt("runs", *args, "pipeline.toml", "--state", ".basalt")
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith("error: give either FILE, whose state folder it is, or --state")


def test_a_torn_record_is_listed_and_shown_as_far_as_it_goes(folder, state):
    """The first file holds half of its first line: not even its pipeline is known."""
    (state / f"runs/{FIRST}.jsonl").write_text('{"event": "RunSta')
    called = folder.basalt("runs", "list", "--format", "json")
    assert [(run["run"], run["state"], run["pipeline"]) for run in called.json][-1] == (FIRST, "unfinished", "")
    shown = folder.basalt("runs", "show", FIRST)
    assert (shown.code, shown.out.splitlines()) == (
        0,
        ["date  universe  pass  status  rows in  rows  peak  checks failed"],
    )
    assert shown.err == f"{FIRST} of an unknown pipeline: unfinished; 0 of 0 partitions done\n"


@pytest.mark.parametrize("args", [["list"], ["list", "pipeline.toml"], ["show", "latest"]])
def test_neither_polars_nor_a_plugin_is_imported(folder, state, args):
    code = f"""
import sys
from basalt.cli.main import run
code = run({["runs", *args]!r})
heavy = ["polars", "pluggy", "cattrs", "rich", "basalt.plugin", "basalt_io", "basalt_analytics"]
sys.stdout.write(repr((code, [name for name in heavy if name in sys.modules])))
"""
    out = subprocess.check_output([sys.executable, "-c", code], env=os.environ, text=True)
    assert out.endswith("(0, [])")
