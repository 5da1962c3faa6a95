"""Bad input through the command line: one sentence on stderr, the right exit code, and nothing left behind.

2 is the user's input, found while planning; 1 is what was found in the data. Every test ends by walking the folder:
what was there before is there, byte for byte, and nothing else.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
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
        before = self.contents()
        self.capsys.readouterr()
        code = run(["pipeline", "run", "pipeline.toml", *options])
        printed = self.capsys.readouterr()
        assert self.contents() == before
        return Ended(code, printed.out, printed.err)

    def refused(self, *options: str) -> str:
        """The one sentence of a run that is refused while planning, without its `error: pipeline.toml: `."""
        ended = self.run(*options)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("error: pipeline.toml: ")
        assert ended.err.count("\n") == 1
        return ended.err.removeprefix("error: pipeline.toml: ").rstrip("\n")

    def contents(self) -> Mapping[str, bytes | None]:
        """Every file's bytes and every folder, hidden ones included."""
        found = self.folder.rglob("*")
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
        "origin, market_states, preprocess, modules, outputs, weights"
    )


def test_a_misspelt_option_of_a_module(desk):
    desk.edit("generic", "generics")
    assert desk.refused() == (
        "passes.bars.modules[0].generics is no known key (did you mean 'generic'?): the keys here are market_states, "
        "trade_types, where, max_publication_delay, allow_nonpositive_prices, generic"
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
        "{month}, {day}, {universe}"
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
    note, began, failed, ended_with = ended.err.splitlines()
    assert (note, began) == (NOTE, "desk: 1 partition, passes bars")
    assert failed.startswith("2026-01-05 failed: ")
    assert "table 'trades'" in failed
    assert "cannot be read" in failed
    assert "module" not in failed
    assert ended_with == "1 of 1 partitions failed; what is published stays, run again for the rest"


def test_a_bad_date_leaves_the_published_version_as_it_is(desk):
    """Published once, then damaged: the run fails, and the old partition and its record are untouched."""
    assert run(["pipeline", "run", "pipeline.toml"]) == 0
    raw = desk.file().read_bytes()
    at = footer(raw) - len(DAMAGE)
    desk.file().write_bytes(raw[:at] + DAMAGE + raw[at + len(DAMAGE) :])
    assert desk.run("--date", "2026-01-05").code == 1
    assert (desk.folder / "out/bars/date=2026-01-05/all.parquet").is_file()


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
