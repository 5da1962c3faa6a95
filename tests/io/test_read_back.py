"""Passes that read an earlier one whose output adds to what is there: they get what was computed last, never the rows
of earlier runs beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

import basalt
from basalt.errors import UserError
from basalt.running.run import RunResult
from basalt_io.database import Database

ADDING = {
    "delta append": 'type = "delta"\nroot = "lake"\nmode = "append"',
    "delta merge": 'type = "delta"\nroot = "lake"\nmode = "merge"',
    "sql append": 'type = "sql"\nurl = "sqlite:///results.db"\nmode = "append"',
    "sql upsert": 'type = "sql"\nurl = "sqlite:///results.db"\nmode = "upsert"',
}
PARQUET = 'type = "parquet"\nroot = "out"'
PIPELINE = """
name = "desk"
memory = "{memory}"
[source]
type = "simulator"
listings = {listings}
seed = {seed}
events = {events}
from = "2026-01-05"
to = "2026-01-05"
[[passes]]
name = "bars"
every = "1m"
{bars}
[[passes.modules]]
module = "trade"
generic = [{{ measures = ["Volume"], sides = ["Total"] }}]
[[passes]]
name = "coarse"
every = "{every}"
[[passes.outputs]]
{PARQUET}
[[passes.modules]]
module = "generic"
source = "bars"
"""


def run(folder: Path, *outputs: str, **how: object) -> RunResult:
    """The pipeline with these outputs for its bars."""
    folder.mkdir(exist_ok=True)
    bars = "\n".join(f"[[passes.outputs]]\n{one}" for one in outputs) or "outputs = []"
    known = {"memory": "1GB", "listings": 2, "seed": 1, "events": 2000, "every": "15m"}
    text = PIPELINE.format(**{**known, "bars": bars, "PARQUET": PARQUET, **how})
    (folder / "desk.toml").write_text(text)
    result = basalt.run(folder / "desk.toml")
    assert result.failed == []
    return result


@contextmanager
def statements(folder: Path) -> Iterator[list[str]]:
    """What is asked of the database of results."""
    asked: list[str] = []
    engine = Database("sqlite:///results.db", folder)._engine
    note = lambda connection, cursor, statement, *_: asked.append(statement)  # noqa: E731
    sa.event.listen(engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", note)


def coarse(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out/coarse/date=2026-01-05/all.parquet")


@pytest.mark.parametrize("output", ADDING)
def test_bars_of_earlier_runs_are_no_part_of_what_a_later_pass_reads(tmp_path, output):
    """The bars are published of one day of trades, and then of one with fewer; at last only the hours are asked anew.
    They are those of a pipeline that saw the second day alone."""
    run(tmp_path / "desk", ADDING[output])
    run(tmp_path / "desk", ADDING[output], seed=2, events=600)
    last = run(tmp_path / "desk", ADDING[output], seed=2, events=600, every="1h")
    assert [one.name for one in last.published] == ["coarse"]
    run(tmp_path / "alone", seed=2, events=600, every="1h")
    assert_frame_equal(coarse(tmp_path / "desk"), coarse(tmp_path / "alone"))


@pytest.mark.parametrize("output", ADDING)
def test_an_output_that_replaces_is_read_back_wherever_it_stands(tmp_path, output):
    """Its rows are marked: so it is seen that the hours are made of them."""
    outputs = (ADDING[output], PARQUET)
    run(tmp_path, *outputs)
    file = tmp_path / "out/bars/date=2026-01-05/all.parquet"
    document = pl.read_parquet_metadata(file)["basalt"]
    pl.read_parquet(file).with_columns(TradeTotalVolume=1.0).write_parquet(file, metadata={"basalt": document})
    result = run(tmp_path, *outputs, every="1h")
    assert [one.name for one in result.published] == ["coarse"]
    assert result.scan("bars").collect()["TradeTotalVolume"].unique().to_list() == [1.0]
    assert coarse(tmp_path)["TradeTotalVolume"].sum() == pl.read_parquet(file).height


@pytest.mark.parametrize("output", ADDING)
def test_rows_of_a_run_cannot_be_told_from_others(tmp_path, output):
    result = run(tmp_path, ADDING[output])
    with pytest.raises(UserError) as refused:
        result.scan("bars")
    assert str(refused.value) == (
        "what pass 'bars' published cannot be read back, as it has no output that replaces partitions, as mode "
        "'replace' does: add [[outputs]], or [[passes.outputs]] to it"
    )


def test_rows_of_a_database_are_fetched_once_for_all_batches(tmp_path):
    """Hours of four listings, one a batch, of bars that were published before."""
    output = 'type = "sql"\nurl = "sqlite:///results.db"\nbulk = false'
    run(tmp_path, output, listings=4)
    with statements(tmp_path) as asked:
        last = run(tmp_path, output, listings=4, every="1h", memory="1 B")
    assert [(one.name, one.rows) for one in last.published] == [("coarse", 36)]
    assert sum('"TradeTotalVolume"' in text for text in asked) == 1


OTHER = """
name = "other"
memory = "1 B"
[source]
type = "sql"
url = "sqlite:///results.db"
bulk = false
[[outputs]]
type = "parquet"
root = "other"
[[passes]]
name = "coarse"
every = "1h"
[[passes.modules]]
module = "generic"
source = "bars"
"""


def test_rows_that_another_pipeline_published_are_not_fetched_a_batch(tmp_path):
    """One statement asks for their columns; their hours are those of the pipeline that made the bars."""
    run(tmp_path, 'type = "sql"\nurl = "sqlite:///results.db"', listings=4, every="1h")
    (tmp_path / "other.toml").write_text(OTHER)
    with statements(tmp_path) as asked:
        assert basalt.run(tmp_path / "other.toml").failed == []
    assert sum('"TradeTotalVolume"' in text for text in asked) == 1
    assert_frame_equal(pl.read_parquet(tmp_path / "other/coarse/date=2026-01-05/all.parquet"), coarse(tmp_path))
