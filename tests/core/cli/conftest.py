"""A pipeline over two small dates, and the command line called in this process."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import polars as pl
import pytest

from basalt.cli.main import run
from basalt.tables import NS_UTC

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
generic = [{ measures = ["Volume", "VWAP"] }]

[[passes]]
name = "hours"
every = "1h"

[[passes.modules]]
module = "generic"
source = "bars"
"""


@attrs.frozen
class Called:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)


@attrs.frozen
class Folder:
    """The working folder of a user: `pipeline.toml`, and trades of 5 and 6 January 2026."""

    path: Path
    capsys: pytest.CaptureFixture[str]

    def trades(self, day: str, rows: Sequence[tuple[int, int, float, float]]) -> Path:
        """One date's trades: (listing, seconds after nine, price, size)."""
        nine = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=9)
        placed = [(listing, nine + timedelta(seconds=at), price, size) for listing, at, price, size in rows]
        schema = {"ListingId": pl.Int64, "EventTimestamp": NS_UTC, "Price": pl.Float64, "Size": pl.Float64}
        file = self.path / f"data/trades/date={day}/part.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(placed, schema=schema, orient="row").write_parquet(file)
        return file

    def basalt(self, *args: str) -> Called:
        """Call the command line."""
        self.capsys.readouterr()
        code = run(args)
        printed = self.capsys.readouterr()
        return Called(code, printed.out, printed.err)

    def place(self, name: str) -> str:
        """A path below the folder as commands print it."""
        return str((self.path / name).resolve())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Folder:
    """On the 5th listing 1 trades 10 at 100 and 20 at 101 in two minutes; on the 6th 7 at 102."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    made = Folder(tmp_path, capsys)
    made.trades("2026-01-05", [(1, 30, 100.0, 10.0), (1, 90, 101.0, 20.0)])
    made.trades("2026-01-06", [(1, 30, 102.0, 7.0)])
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    return made
