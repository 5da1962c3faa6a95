"""Bad input through the command line: one sentence on stderr, the right exit code, and nothing left behind.

2 is the user's input, found while planning; 1 is what was found in the data, 4 a check that failed. Every test ends by
walking the folder: what was there before is there, byte for byte, and nothing else but the records of runs.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import polars as pl
import pytest

from basalt.cli.main import run
from basalt.tables import NS_UTC

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOTE = "note: passes.bars: table trades has no known market state, so all of its rows count"
PIPELINE = """\
name = "desk"

[source]
type = "parquet"
root = "data"

[[outputs]]
type = "parquet"
root = "out"

[[passes]]
name = "bars"
every = "1m"

[[passes.modules]]
module = "trade"
generic = [{ measures = ["Volume"] }]
"""
DAMAGE = b"\xff" * 4096
AGAIN = "what is published stays; once that is mended, the same command does just this one again"


@attrs.frozen
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


@attrs.frozen
class Desk:
    """A folder with `pipeline.toml` and trades of 5 and 6 January 2026."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def edit(self, old: str, new: str) -> None:
        """Change the pipeline file."""
        file = self.folder / "pipeline.toml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def file(self, day: int = 5) -> Path:
        """The trades of that day of January."""
        return self.folder / f"data/trades/date=2026-01-0{day}/part.parquet"

    def run(self, *options: str) -> Ended:
        """Run the pipeline; nothing may have changed in the folder."""
        contents = self.contents()
        ended = self.call("run", *options)
        assert self.contents() == contents
        return ended

    def call(self, command: str, *options: str, before: Sequence[str] = ()) -> Ended:
        """Call `basalt pipeline run` or another command on the pipeline; `before`: options in front of it."""
        self.capsys.readouterr()
        code = run([*before, "pipeline", command, "pipeline.toml", *options])
        printed = self.capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    def refused(self, *options: str) -> str:
        """The one sentence of a run that is refused while planning, without its `error: pipeline.toml: `."""
        ended = self.run(*options)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("error: pipeline.toml: ")
        assert ended.err.count("\n") == 1
        return ended.err.removeprefix("error: pipeline.toml: ").rstrip("\n")

    def contents(self) -> Mapping[str, bytes | None]:
        """Every file's bytes and every folder, hidden ones included; records of runs are left out."""
        found = [p for p in self.folder.rglob("*") if "runs" not in p.parts]
        return {str(p.relative_to(self.folder)): p.read_bytes() if p.is_file() else None for p in found}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """20,000 trades a date, one a millisecond from nine: more than one bad byte can hide."""
    folder = tmp_path / "desk"
    made = Desk(folder, capsys)
    n = 20_000
    for day in (5, 6):
        made.file(day).parent.mkdir(parents=True)
        start = pl.lit(NINE + timedelta(days=day - 5)).cast(NS_UTC)
        pl.select(
            ListingId=pl.repeat(1, n, dtype=pl.Int64),
            EventTimestamp=start + pl.duration(milliseconds=pl.int_range(n)),
            Price=1 + pl.int_range(n) * 0.01,
            Size=1 + pl.int_range(n) * 1.5,
        ).write_parquet(made.file(day))
    (folder / "pipeline.toml").write_text(PIPELINE)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    yield made
    assert list(tmp_path.iterdir()) == [folder]


def test_an_unknown_module(desk):
    desk.edit('"trade"', '"trad"')
    assert desk.refused().endswith("there is no analytics module 'trad'; did you mean 'trade'?")


def test_a_misspelt_key_of_a_pass(desk):
    desk.edit("every", "evry")
    assert desk.refused() == (
        "passes.bars.evry is no known key (did you mean 'every'?): the keys here are name, every, label, closed, "
        "origin, keys, timeline, session, calendar, halts, market_states, preprocess, modules, outputs, side_outputs, "
        "weights, memory, quality, expect"
    )


def test_a_misspelt_option_of_a_module(desk):
    desk.edit("generic", "generics")
    assert desk.refused() == (
        "passes.bars.modules[0].generics is no known key (did you mean 'generic'?): the keys here are market_states, "
        "trade_types, where, max_publication_delay, allow_nonpositive_prices, generic, imbalance, flags, discrepancy, "
        "change, placement, twap, volatility, tca"
    )


def test_a_missing_column(desk):
    desk.edit('"Volume"', '"NotionalEUR"')
    assert desk.refused() == (
        "passes.bars.modules[0]: metric TradeTotalNotionalEUR of module trade needs column 'NotionalEUR' of table "
        "'trades', which source 'parquet' does not have; it has: ListingId, EventTimestamp, Price, Size"
    )


def test_a_missing_column_of_a_filter(desk):
    desk.edit("generic =", 'where = "Venu = 1"\ngeneric =')
    assert desk.refused() == (
        "passes.bars.modules[0]: trade.where = 'Venu = 1' names column 'Venu', which is not there: the columns are "
        "ListingId, EventTimestamp, Price, Size"
    )


def test_an_unknown_variable_of_a_path(desk):
    desk.edit('root = "out"', 'root = "out"\npath = "{pas}.parquet"')
    assert desk.refused().endswith(
        "path = '{pas}.parquet' names {pas}, which is unknown: use {pipeline}, {pass}, {output}, {date}, {year}, "
        "{month}, {day}, {universe}, {run_id}"
    )


def test_two_modules_that_emit_one_column(desk):
    desk.edit("[[passes.modules]]", '[[passes.modules]]\nmodule = "trade"\nwhere = "Size > 1"\n\n[[passes.modules]]')
    assert desk.refused() == (
        "passes.bars.modules[0] (module trade) and passes.bars.modules[1] (module trade) both emit 'TradeTotalVolume' "
        "with different definitions: set `prefix` on one"
    )


def test_an_output_that_cannot_be_written(desk):
    (desk.folder / "out").write_text("mine")
    out = desk.folder.resolve() / "out"
    assert desk.refused() == (
        f"{out}/bars/date=2026-01-05/all.parquet cannot be written, as {out} is a file: choose another place or "
        "remove it"
    )


def test_a_date_with_no_data(desk):
    assert desk.refused("--date", "2026-01-09") == (
        "source 'parquet' has no data for 2026-01-09; it has 2 dates from 2026-01-05 to 2026-01-06"
    )


def test_a_root_that_is_not_there(desk):
    desk.edit('root = "data"', 'root = "dta"')
    assert desk.refused() == (
        f"source parquet: root {desk.folder.resolve()}/dta is no folder: set `root` to the folder of the tables"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"garbage\n", "A Parquet file must contain a header and footer with at least 12 bytes"),
        (b"", "A Parquet file must contain a header and footer with at least 12 bytes"),
        (b"PAR1" + b"x" * 1000, "The file must end with PAR1 or PARE"),
    ],
)
def test_a_file_whose_footer_is_corrupt(desk, content, said):
    desk.file().write_bytes(content)
    ended = desk.run()
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("error: ")
    assert ended.err.endswith(
        f"{desk.file().resolve()} is no readable Parquet file (parquet: File out of specification: {said}): write it "
        "again or remove it\n"
    )


def footer(raw: bytes) -> int:
    """Where the footer of a Parquet file begins: its length stands in front of the last four bytes."""
    return len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_file_that_is_damaged_inside(desk, place):
    """The footer is whole, so that planning sees nothing: the pages of the first column, or of the last, are not."""
    raw = desk.file().read_bytes()
    at = 4 if place == "first" else footer(raw) - len(DAMAGE)
    desk.file().write_bytes(raw[:at] + DAMAGE + raw[at + len(DAMAGE) :])
    (desk.folder / ".basalt/work").mkdir(parents=True)
    ended = desk.run("--date", "2026-01-05", "--format", "json")
    assert (ended.code, ended.out) == (1, "[]\n")
    note, began, failed, counts, cure = ended.err.splitlines()
    assert (note, began) == (NOTE, "desk: 1 partition, passes bars")
    assert failed.startswith("2026-01-05 failed: ")
    assert "table 'trades'" in failed
    assert "cannot be read" in failed
    assert "module" not in failed
    assert counts.startswith("desk: 0 of 1 partition done in ")
    assert counts.endswith(" s; 1 failed")
    assert cure == AGAIN


def test_a_bad_date_leaves_the_published_version_as_it_is(desk):
    """Published once, then damaged: the run fails, and the old partition and its record are untouched."""
    assert run(["pipeline", "run", "pipeline.toml"]) == 0
    raw = desk.file().read_bytes()
    at = footer(raw) - len(DAMAGE)
    desk.file().write_bytes(raw[:at] + DAMAGE + raw[at + len(DAMAGE) :])
    assert desk.run("--date", "2026-01-05").code == 1
    assert (desk.folder / "out/bars/date=2026-01-05/all.parquet").is_file()


def test_a_date_that_is_no_parquet_fails_alone_and_is_done_once_it_is_mended(desk):
    """The 6th is garbage: the 5th is published, the plan says what it cannot know, and running again does the 6th."""
    whole = desk.file(6).read_bytes()
    desk.file(6).write_bytes(b"garbage")
    ended = desk.call("run", "--format", "json")
    assert (ended.code, [row["date"] for row in json.loads(ended.out)]) == (1, ["2026-01-05"])
    assert f"2026-01-06 failed: {desk.file(6).resolve()} is no readable Parquet file" in ended.err
    assert ended.err.endswith(f"{AGAIN}\n")
    planned = desk.call("plan", "--format", "json")
    tree = json.loads(planned.out)
    assert (planned.code, tree["to_do"], tree["passes"][0]["on_disk"]["trades"]) == (0, 1, None)
    assert tree["notes"][-1].startswith("the size of trades on 2026-01-06 is unknown: ")
    desk.file(6).write_bytes(whole)
    ended = desk.call("run", "--format", "json")
    assert (ended.code, [row["date"] for row in json.loads(ended.out)]) == (0, ["2026-01-06"])


def test_a_failed_check_publishes_nothing_and_ends_with_4(desk):
    """Of a date's 20,000 trades one is at nine sharp, in a bucket of its own: two rows, where at most one may be. The
    5th was published before it was checked, and stays."""
    assert desk.call("run", "--date", "2026-01-05").code == 0
    ended = desk.run("--set", "passes.bars.quality=[{ max_rows = 1 }]")
    assert (ended.code, ended.out) == (4, "")
    failed = [line for line in ended.err.splitlines() if " failed: " in line]
    assert failed == [
        f"{day} failed: passes.bars on {day} was not published: quality[0].max_rows: 2 rows, more than max_rows = 1"
        for day in ("2026-01-05", "2026-01-06")
    ]
    assert (desk.folder / "out/bars/date=2026-01-05/all.parquet").is_file()


def test_checks_and_data_that_fail_together_end_with_1(desk):
    """The 5th fails a check, 4, and the 6th cannot be read, 1: not every failure is a check's."""
    desk.file(6).write_bytes(b"garbage")
    ended = desk.call("run", "--set", "passes.bars.quality=[{ max_rows = 1 }]")
    assert ended.code == 1
    assert "2026-01-05 failed: passes.bars on 2026-01-05 was not published: " in ended.err
    assert "2026-01-06 failed: " in ended.err


@pytest.mark.parametrize("executor", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
def test_debug_shows_how_a_failed_partition_failed_in_whatever_process(desk, executor):
    desk.file(6).write_bytes(b"garbage")
    assert "Traceback" not in desk.call("run").err
    ended = desk.call("run", "--executor", executor, before=["--debug"])
    assert ended.code == 1
    trace = ended.err[ended.err.index("Traceback") :]
    assert "polars.exceptions.ComputeError: parquet: File out of specification" in trace
    assert "The above exception was the direct cause of the following exception" in trace
    assert f"basalt.errors.DataError: {desk.file(6).resolve()} is no readable Parquet file" in trace
    assert ended.err.endswith(f"{AGAIN}\n")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1}', b"\xff\xfe", b"null"])
def test_a_damaged_ledger_entry_is_told_and_made_anew(desk, damage):
    assert desk.call("run").code == 0
    entry = desk.folder / ".basalt/ledger/desk/bars/2026-01-05/all.json"
    published = (desk.folder / "out/bars/date=2026-01-06/all.parquet").stat().st_ino
    entry.write_bytes(damage)
    tree = json.loads(desk.call("plan", "--format", "json").out)
    (reason,) = [p["passes"]["bars"].get("reason") for p in tree["partitions"] if p["date"] == "2026-01-05"]
    assert (reason or "").startswith("its ledger record ")
    ended = desk.call("run", "--format", "json")
    assert (ended.code, [row["date"] for row in json.loads(ended.out)]) == (0, ["2026-01-05"])
    assert json.loads(entry.read_text())["rows"] == 2
    assert (desk.folder / "out/bars/date=2026-01-06/all.parquet").stat().st_ino == published


SOURCE = """
import polars as pl
from datetime import date
from basalt import Source, hookimpl
from basalt.tables import NS_UTC

class Flaky(Source):
    "Breaks while it is read."
    name = "flaky"
    def tables(self): return ["trades"]
    def dates(self, table): return [date(2026, 1, 5), date(2026, 1, 6)]
    def fingerprint(self, table, day): return str(day)
    def scan(self, table, day):
        def broken(batch):
            if day.day == 6:
                raise RuntimeError("the line went dead")
            return batch
        rows = {"ListingId": [1], "EventTimestamp": [0], "Price": [1.0], "Size": [2.0]}
        frame = pl.LazyFrame(rows).with_columns(pl.col("EventTimestamp").cast(NS_UTC))
        return frame.map_batches(broken, schema=dict(frame.collect_schema()))

@hookimpl
def basalt_sources(): return [Flaky]
"""


def test_a_source_that_breaks_midway_fails_its_date_alone(desk):
    (desk.folder / "flaky.py").write_text(SOURCE)
    desk.edit('[source]\ntype = "parquet"\nroot = "data"', '[plugins]\nfiles = ["flaky.py"]\n[source]\ntype = "flaky"')
    ended = desk.call("run", "--format", "json")
    assert (ended.code, [row["date"] for row in json.loads(ended.out)]) == (1, ["2026-01-05"])
    (failed,) = [line for line in ended.err.splitlines() if line.startswith("2026-01-06 failed: ")]
    assert "table 'trades' of source 'flaky' cannot be read for 2026-01-06" in failed
    assert "the line went dead" in failed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--universe", "london"], "there is no universe 'london'; universes: all"),
        (["--executor", "proceses"], "there is no executor 'proceses'; did you mean 'processes'?"),
        (["--workers", "2"], "executor 'inline' runs one partition at a time and workers is 2: set executor = "),
        (["--from", "2026-01-06", "--to", "2026-01-05"], "the dates from 2026-01-06 to 2026-01-05 end before they "),
    ],
)
def test_what_is_asked_for_and_is_not_there(desk, options, said):
    assert desk.refused(*options).startswith(said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--date", "2026-01-05", "--to", "2026-01-06"], "--date names dates alone: give either it or --from and --to"),
        (
            ["--force", "--only-missing"],
            "--force runs what is done, and --only-missing leaves it alone: give one of them",
        ),
        (["--date", "5.1.2026"], "invalid value for '--date': '5.1.2026' does not match the format '%Y-%m-%d'"),
        (["--workers", "0"], "invalid value for '--workers': 0 is not in the range x>=1"),
    ],
)
def test_options_that_cannot_be(desk, options, said):
    ended = desk.run(*options)
    assert (ended.code, ended.out, ended.err) == (2, "", f"error: {said}; see `basalt pipeline run --help`\n")


def test_the_process_ends_as_the_command_line_says(desk):
    """The same through a process of its own: exit code, and an stdout that a pipe can trust."""
    desk.edit('"trade"', '"trad"')
    ended = subprocess.run(
        [sys.executable, "-c", "from basalt.cli.main import main; main()", "pipeline", "run", "pipeline.toml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.endswith("there is no analytics module 'trad'; did you mean 'trade'?\n")
    assert ended.stderr.count("\n") == 1
