"""`basalt pipeline run`: what it prints, what it leaves alone, and how it tells what failed."""

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys

import polars as pl
import pytest

NOTE = "note: passes.bars: table trades has no known market state, so all of its rows count\n"
FILE = "pipeline.toml"
UNIVERSES = '[universes.one]\nwhere = "ListingId = 1"\n[universes.two]\nwhere = "ListingId = 2"\n'
BUYS = 'passes.bars.modules=[{module = "trade", generic = [{measures = ["Volume"], sides = ["Buy"]}]}]'
AGAIN = "what is published stays; once that is mended, the same command does just this one again"


def published(done):
    """(pass, date) of what was published, in order."""
    return [(row["pass"], row["date"]) for row in done.json]


def without_seconds(text):
    return re.sub(r"in \d+\.\d s", "in 0.0 s", text)


@pytest.fixture
def two_universes(folder):
    """Listing 2 trades on the 5th too, and reference has both; the pipeline has a universe of each."""
    folder.trades("2026-01-05", [(1, 30, 100.0, 10.0), (1, 90, 101.0, 20.0), (2, 30, 50.0, 5.0)])
    reference = pl.DataFrame({"ListingId": [1, 2], "InstrumentId": [100, 200]})
    reference.write_parquet(folder.path / "data/reference.parquet")
    file = folder.path / FILE
    file.write_text(file.read_text().replace("[[outputs]]", f"{UNIVERSES}[[outputs]]"))
    return folder


def label(folder, day, side):
    """Put a column AggressorSide on the trades of that date."""
    file = folder.path / f"data/trades/date={day}/part.parquet"
    pl.read_parquet(file).with_columns(AggressorSide=pl.lit(side)).write_parquet(file)


def sides(folder, monday, tuesday):
    """The same on both dates; a label that no table has is found only while it is read."""
    label(folder, "2026-01-05", monday)
    label(folder, "2026-01-06", tuesday)


def test_run_publishes_and_prints_what_it_published(folder):
    done = folder.basalt("pipeline", "run", FILE, "--format", "json")
    assert done.code == 0
    assert [(r["pass"], r["date"], r["rows"]) for r in done.json] == [
        ("bars", "2026-01-05", 2),
        ("hours", "2026-01-05", 1),
        ("bars", "2026-01-06", 1),
        ("hours", "2026-01-06", 1),
    ]
    assert list(done.json[0]) == ["pass", "date", "rows", "places"]
    hours = pl.read_parquet(folder.path / "out/hours/date=2026-01-05/all.parquet")
    assert hours["TradeTotalVolume"].to_list() == [30.0]
    assert hours["TradeTotalVWAP"].to_list() == [pytest.approx((1000 + 2020) / 30, rel=1e-12)]


def test_the_story_of_a_run_is_on_stderr(folder):
    done = folder.basalt("pipeline", "run", FILE, "--date", "2026-01-05", "--format", "csv")
    bars, hours = (folder.place(f"out/{name}/date=2026-01-05/all.parquet") for name in ("bars", "hours"))
    assert without_seconds(done.err) == (
        f"{NOTE}desk: 1 partition, passes bars, hours\n"
        f"2026-01-05 bars: 2 rows -> {bars}\n"
        f"2026-01-05 hours: 1 row -> {hours}\n"
        "desk: 1 of 1 partition done in 0.0 s\n"
    )
    assert done.out == f"pass,date,rows,places\nbars,2026-01-05,2,{bars}\nhours,2026-01-05,1,{hours}\n"


def test_nothing_to_do_is_one_line(folder):
    folder.basalt("pipeline", "run", FILE)
    done = folder.basalt("pipeline", "run", FILE)
    assert (done.code, done.out, done.err) == (0, "", "desk: nothing to do, all 2 partitions are done\n")
    done = folder.basalt("pipeline", "run", FILE, "--date", "2026-01-05", "--format", "json")
    assert (done.code, done.out, done.err) == (0, "[]\n", "desk: nothing to do, its partition is done\n")


def test_a_second_run_does_what_is_left(folder):
    folder.basalt("pipeline", "run", FILE, "--date", "2026-01-05")
    done = folder.basalt("pipeline", "run", FILE, "--format", "json")
    assert published(done) == [("bars", "2026-01-06"), ("hours", "2026-01-06")]
    assert "desk: 1 of 2 partitions to do, passes bars, hours\n" in done.err
    assert without_seconds(done.err).endswith("desk: 2 of 2 partitions done in 0.0 s, 1 of them before\n")


def test_force_runs_what_is_done(folder):
    folder.basalt("pipeline", "run", FILE)
    file = folder.path / "out/bars/date=2026-01-05/all.parquet"
    before = file.stat().st_ino
    done = folder.basalt("pipeline", "run", FILE, "--force", "--date", "2026-01-05", "--format", "json")
    assert published(done) == [("bars", "2026-01-05"), ("hours", "2026-01-05")]
    assert file.stat().st_ino != before


def test_only_missing_leaves_stale_partitions_alone(folder):
    """The 5th is published, then the width of the bars changes: the 5th is stale and the 6th missing."""
    folder.basalt("pipeline", "run", FILE, "--date", "2026-01-05")
    wider = ["pipeline", "run", FILE, "--set", "passes.bars.every=2m", "--only-missing"]
    assert published(folder.basalt(*wider, "--format", "json")) == [("bars", "2026-01-06"), ("hours", "2026-01-06")]
    done = folder.basalt(*wider)
    assert (done.code, done.err) == (0, "desk: nothing to do, all 2 partitions are published\n")
    assert folder.basalt("pipeline", "run", FILE, "--set", "passes.bars.every=2m", "--format", "json").json != []


def test_a_dry_run_is_the_plan_and_does_nothing(folder):
    """But for the memory, of which this process holds more and more."""
    planned = folder.basalt("pipeline", "plan", FILE, "--format", "csv", "--date", "2026-01-05")
    done = folder.basalt("pipeline", "run", FILE, "--dry-run", "--format", "csv", "--date", "2026-01-05")
    ours, theirs = ([*csv.DictReader(called.out.splitlines())] for called in (done, planned))
    for row in (*ours, *theirs):
        assert int(row.pop("peak memory")) > 64 * 10**6
    assert (done.code, ours, done.err) == (0, theirs, planned.err)
    assert [row["pass"] for row in ours] == ["bars", "hours"]
    assert sorted(p.name for p in folder.path.iterdir()) == ["data", "pipeline.toml"]


def test_a_dry_run_with_force_counts_everything(folder):
    folder.basalt("pipeline", "run", FILE)
    for options, todo in (([], 0), (["--force"], 2), (["--only-missing"], 0)):
        tree = folder.basalt("pipeline", "run", FILE, "--dry-run", "--format", "json", *options).json
        assert tree["to_do"] == todo
        assert [e["partitions"] for one in tree["passes"] for e in one["estimates"]] == [todo, todo]


def test_universes_are_named_where_there_are_any(two_universes):
    done = two_universes.basalt("pipeline", "run", FILE, "--date", "2026-01-05", "--format", "csv")
    assert done.code == 0
    assert [line.split(",")[:4] for line in done.out.splitlines()] == [
        ["pass", "date", "universe", "rows"],
        ["bars", "2026-01-05", "one", "2"],
        ["hours", "2026-01-05", "one", "1"],
        ["bars", "2026-01-05", "two", "1"],
        ["hours", "2026-01-05", "two", "1"],
    ]
    assert "2026-01-05 two bars: 1 row -> " in done.err


def test_a_universe_may_be_run_alone(two_universes):
    done = two_universes.basalt("pipeline", "run", FILE, "--universe", "two", "--format", "json")
    assert {(r["universe"], r["date"]) for r in done.json} == {("two", "2026-01-05"), ("two", "2026-01-06")}
    assert "2026-01-06 two note: the universe" not in done.err
    both = two_universes.basalt("pipeline", "run", FILE, "--universe", "one", "--universe", "two", "--format", "json")
    assert {r["universe"] for r in both.json} == {"one"}


def test_a_failed_partition_ends_with_1_and_the_others_are_published(folder):
    sides(folder, "buy", "Buy")
    done = folder.basalt("pipeline", "run", FILE, "--format", "json", "--set", BUYS)
    assert (done.code, published(done)) == (1, [("bars", "2026-01-06"), ("hours", "2026-01-06")])
    live, again = [line for line in done.err.splitlines() if line.startswith("2026-01-05")]
    assert live == again
    assert live.startswith("2026-01-05 failed: passes.bars on 2026-01-05: table 'trades' cannot be read: ")
    *_, counts, repeated, cure = done.err.splitlines()
    assert (without_seconds(counts), repeated) == ("desk: 1 of 2 partitions done in 0.0 s; 1 failed", again)
    assert cure == AGAIN


def test_a_failure_that_nothing_hides_is_told_once(folder):
    sides(folder, "Buy", "buy")
    done = folder.basalt("pipeline", "run", FILE, "--set", BUYS)
    assert (done.code, done.err.count("2026-01-06 failed: ")) == (1, 1)


def test_running_again_does_just_what_failed(folder):
    sides(folder, "Buy", "buy")
    folder.basalt("pipeline", "run", FILE, "--set", BUYS)
    label(folder, "2026-01-06", "Buy")
    done = folder.basalt("pipeline", "run", FILE, "--set", BUYS, "--format", "json")
    assert (done.code, published(done)) == (0, [("bars", "2026-01-06"), ("hours", "2026-01-06")])


def test_a_forced_run_names_the_dates_that_failed(folder):
    """They may be published as they stand, so that the same command without --force would leave them alone."""
    done = folder.basalt("pipeline", "run", FILE, "--force", "--set", "passes.hours.quality=[{ max_rows = 0 }]")
    assert done.code == 4
    assert done.err.endswith(
        "what was published stays; once that is mended, run these again with --force and --date 2026-01-05 "
        "--date 2026-01-06\n"
    )


def test_fail_fast_starts_nothing_more(folder):
    sides(folder, "buy", "Buy")
    done = folder.basalt("pipeline", "run", FILE, "--fail-fast", "--set", BUYS)
    assert (done.code, done.out) == (1, "")
    assert without_seconds(done.err).endswith(
        "desk: 0 of 2 partitions done in 0.0 s; 1 failed, 1 not started\n"
        "not started, for reading or following what failed: 2026-01-06\n"
        "what is published stays; once that is mended, the same command does just these again\n"
    )


def test_a_check_that_only_warns_is_told_and_published(folder):
    warned = ["--set", 'passes.bars.quality=[{ max_rows = 1, on_fail = "warn" }]']
    done = folder.basalt("pipeline", "run", FILE, "--date", "2026-01-05", *warned)
    assert done.code == 0
    assert (
        "2026-01-05 bars, quality[0].max_rows: 2 rows, more than max_rows = 1; published all the same\n"
        "2026-01-05 bars: 2 rows -> "
    ) in done.err


def test_a_check_that_raises_is_told_in_the_failure_alone(folder):
    done = folder.basalt("pipeline", "run", FILE, "--date", "2026-01-05", "--set", "passes.bars.quality=[{max_rows=1}]")
    assert (done.code, done.out) == (4, "")
    assert done.err.count("more than max_rows = 1") == 1


def test_notes_tell_whose_they_are_and_of_how_many(folder):
    """A universe whose file names a listing without trades, on a date on which nobody trades."""
    (folder.path / "listed.csv").write_text("ListingId,Date\n1,2026-01-05\n")
    file = folder.path / FILE
    file.write_text(file.read_text() + '[universes.some]\nfile = "listed.csv"\n')
    done = folder.basalt("pipeline", "run", FILE)
    assert done.code == 0
    assert "2026-01-06 some note: the universe has no listing on this date, so its results are empty\n" in done.err


@pytest.mark.slow
def test_another_executor_prints_the_same(folder):
    first = folder.basalt("pipeline", "run", FILE, "--format", "csv", "--executor", "processes", "--workers", "2")
    again = folder.basalt("pipeline", "run", FILE, "--format", "csv", "--force")
    assert (first.code, first.out) == (0, again.out)


def test_the_workers_of_a_file_are_of_its_own_executor(folder):
    """`workers = 4` is for processes; inline, asked for instead, would refuse it."""
    file = folder.path / FILE
    file.write_text('executor = "processes"\nworkers = 4\n' + file.read_text())
    done = folder.basalt("pipeline", "run", FILE, "--executor", "inline", "--format", "json")
    assert (done.code, len(done.json)) == (0, 4)


SLEEPER = """
import time
import polars as pl
from basalt import FrameModule, Unit, hookimpl
from basalt.documents import ResultColumn

class Sleeper(FrameModule):
    "Sleeps on the 6th."
    name = "sleeper"
    inputs = ("trades",)
    def columns(self):
        return [ResultColumn("Slept", Unit.COUNT, "Nothing.", dtype=pl.Int64)]
    def compute(self, inputs, pass_):
        if pass_.date.day == 6:
            time.sleep(60)
        bucket = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return inputs["trades"].group_by("ListingId", TimeBucket=bucket).agg(Slept=pl.lit(1, pl.Int64))

@hookimpl
def basalt_analytics():
    return [Sleeper]
"""


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_an_interrupted_run_says_that_the_same_command_does_the_rest(folder, executor):
    """The 5th is published when Ctrl-C comes; while nothing is done, a plan never calls `compute` of a real date."""
    (folder.path / "sleeper.py").write_text(SLEEPER)
    (folder.path / FILE).write_text(
        'name = "desk"\nsource = { type = "parquet", root = "data" }\noutputs = [{ type = "parquet", root = "out" }]\n'
        'plugins = { files = ["sleeper.py"] }\n[[passes]]\nname = "slept"\nevery = "1m"\n'
        'modules = [{ module = "sleeper" }]\n'
    )
    begin = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a background shell ignores it
    command = [sys.executable, "-c", f"{begin}; from basalt.cli.main import main; main()", "pipeline", "run", FILE]
    running = subprocess.Popen([*command, "--executor", executor], stderr=subprocess.PIPE, text=True)
    told = [running.stderr.readline()]
    while not told[-1].startswith("2026-01-05 slept: 2 rows") and told[-1]:
        told.append(running.stderr.readline())
    running.send_signal(signal.SIGINT)
    rest = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert rest.split("\n\n") == [
        "desk was stopped: what is published stays, and the same command does the rest",
        "interrupted\n",
    ]
    tree = folder.basalt("pipeline", "plan", FILE, "--format", "json").json
    assert [p["passes"]["slept"]["status"] for p in tree["partitions"]] == ["done", "missing"]
    assert not list((folder.path / ".basalt/work").iterdir())


@pytest.mark.slow
def test_bars_on_a_terminal_leave_failures_and_the_summary(folder):
    """stderr is a terminal: bars come and go; what stays is the note, the failure, and the counts; stdout is data."""
    sides(folder, "Buy", "buy")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from basalt.cli.main import main; main()", "pipeline", "run", FILE]
    ended = subprocess.Popen([*command, "--set", BUYS], stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    told = b""
    try:
        while chunk := os.read(ours, 65536):
            told += chunk
    except OSError:  # the other end is closed
        pass
    out = ended.communicate(timeout=60)[0].decode()
    os.close(ours)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told.decode()).replace("\r", "\n")
    assert ended.returncode == 1
    assert "of 4 passes" in shown
    assert NOTE in shown.replace("\n\n", "\n")
    assert "2026-01-06 failed: passes.bars on 2026-01-06: table 'trades' cannot be read" in shown
    assert shown.rstrip().endswith(AGAIN)
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["bars", "2026-01-05"], ["hours", "2026-01-05"]]


NOISY = """
import polars as pl
from basalt import FrameModule, Unit, hookimpl
from basalt.documents import ResultColumn

class Noisy(FrameModule):
    "Prints whenever it is asked for something."
    name = "noisy"
    inputs = ("trades",)

    def columns(self):
        print("columns!")
        return [ResultColumn("Trades", Unit.COUNT, "Trades.", dtype=pl.UInt32)]

    def compute(self, inputs, pass_):
        print("compute!")
        label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return inputs["trades"].group_by("ListingId", TimeBucket=label).agg(Trades=pl.len())

@hookimpl
def basalt_analytics():
    return [Noisy]

@hookimpl
def basalt_run_event(event):
    print("event!")
"""


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_what_plugins_print_is_no_data(folder, executor):
    """Not while planning, nor while computing in this process or another, nor while watching the run."""
    (folder.path / "noisy.py").write_text(NOISY)
    text = (folder.path / FILE).read_text().partition("[[passes]]")[0] + '[plugins]\nfiles = ["noisy.py"]\n'
    (folder.path / FILE).write_text(text + '[[passes]]\nname = "n"\nevery = "1m"\nmodules = [{module = "noisy"}]\n')
    main = [sys.executable, "-c", "from basalt.cli.main import main; main()"]
    command = [*main, "pipeline", "run", FILE, "--format", "json"]
    done = subprocess.run([*command, "--executor", executor], cwd=folder.path, capture_output=True, text=True)
    assert [(row["pass"], row["rows"]) for row in json.loads(done.stdout)] == [("n", 2), ("n", 1)]
    assert {"columns!", "compute!", "event!"} <= set(done.stderr.splitlines())
    assert folder.basalt("pipeline", "schema", FILE, "--format", "json").json[0]["column"] == "Trades"


def test_what_a_module_drops_is_told_of_the_run(folder):
    """Of the 6th's three trades one has no size and one a negative price; what they count is told once."""
    folder.trades("2026-01-06", [(1, 30, 102.0, 7.0), (1, 31, 102.0, 0.0), (1, 32, -1.0, 5.0)])
    done = folder.basalt("pipeline", "run", "pipeline.toml", "--date", "2026-01-06")
    said = "2026-01-06 note: passes.bars: trades are dropped for a price or size that no trade can have (2)\n"
    assert done.err.count(said) == 1
    shown = folder.basalt("pipeline", "run", "pipeline.toml", "--date", "2026-01-05")
    assert "trades are dropped" not in shown.err
