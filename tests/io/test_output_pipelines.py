"""Pipelines that publish to each store, killed at each step of publishing: `basalt pipeline run` makes all whole."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from forked import Host, Told
from polars.testing import assert_frame_equal
from s3_server import SECRET
from stores import Store

import basalt
from basalt.cli.main import run
from basalt.errors import DataError
from basalt.outputs import Target
from basalt.running.ledger import Ledger, Record

CHILD = Path(__file__).parents[1] / "engine" / "child.py"
DATES = (date(2026, 1, 5), date(2026, 1, 6))
PASSES, KEYS = ("bars", "hours"), ("ListingId", "TimeBucket")
PIPELINE = """
name = "desk"
[source]
type = "simulator"
listings = 2
seed = 1
events = 500
from = "2026-01-05"
to = "2026-01-06"
[[outputs]]
{output}
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
generic = [{{ measures = ["Volume", "VWAP", "OHLC"], sides = ["Total", "Buy"] }}]
[[passes]]
name = "hours"
every = "1h"
[[passes.modules]]
module = "generic"
source = "bars"
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs to fork, and to see processes under /proc"),
]


@pytest.fixture(scope="module")
def runs() -> Iterator[Host]:
    """Runs that can be killed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESK_ID", "desk")
        patch.setenv("DESK_SECRET", SECRET)
        made = Host(CHILD, "outputs:delta", "outputs:sql", "sources:simulator")
    yield made
    made.close()


def written(folder: Path, kind: str, options: dict[str, Any]) -> Path:
    """The pipeline with that output."""
    lines = [f'type = "{kind}"', *(f"{name} = {_toml(value)}" for name, value in options.items() if value)]
    folder.mkdir(exist_ok=True)
    file = folder / "pipeline.toml"
    file.write_text(PIPELINE.format(output="\n".join(lines)))
    return file


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {json.dumps(one)}" for name, one in value.items()) + " }"
    return json.dumps(value)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[tuple[str, date], pl.DataFrame]:
    """What each pass publishes by date, run in one go."""
    folder = tmp_path_factory.mktemp("whole")
    result = basalt.run(written(folder, "parquet", {"root": "lake"}))
    frames = {name: result.scan(name).collect() for name in PASSES}
    return {(name, day): frame.filter(pl.col("Date") == day) for name, frame in frames.items() for day in DATES}


def found(store: Store, expected: dict[tuple[str, date], pl.DataFrame]) -> list[tuple[str, date]]:
    """Passes and dates that are published, each as expected."""
    store.settled()
    there = []
    for (name, day), frame in expected.items():
        output, to = store.output(), Target("desk", name, day, "all", store.kind)
        if output.document(to) is None:
            with pytest.raises(DataError, match="is not published"):
                output.scan(to)
        else:
            assert_frame_equal(output.scan(to).collect().sort(KEYS), frame.sort(KEYS))
            there.append((name, day))
    return there


def recorded(store: Store) -> list[tuple[str, date]]:
    """What the ledger has."""
    ledger = Ledger(store.folder / ".basalt")
    each = [(name, day) for name in PASSES for day in DATES]
    return [(n, day) for n, day in each if isinstance(ledger.read(Target("desk", n, day, "all", "")), Record)]


def at(kind: str, name: str) -> Callable[[Told], bool]:
    return lambda told: (told["kind"], told.get("name"), told.get("date")) == (kind, name, str(DATES[1]))


def test_a_pipeline_killed_at_each_step_is_made_whole_by_the_next_run(six, runs, expected, capsys):
    """Each run is killed one step after the one before, on the second date; then the command runs it to its end, and
    once more does nothing."""
    file = written(six.folder, six.kind, six.options)
    request = {"pipeline": str(file), "dates": [], "overrides": []}
    for name in PASSES:
        for kind in ("Staged", "Committed", "PassPublished"):
            runs.killed(request, at(kind, name))
            there, done = found(six, expected), recorded(six)
            assert ((name, DATES[1]) in there) == (kind != "Staged")
            assert ((name, DATES[1]) in done) == (kind == "PassPublished")
            assert set(done) <= set(there)
    assert run(["pipeline", "run", str(file)]) == 0
    assert found(six, expected) == recorded(six) == list(expected)
    for name in PASSES:
        six.tidy(name)
        assert six.rest(name) == []
    assert list((six.folder / ".basalt/work").glob("*")) == []
    seen = [six.seen(name) for name in PASSES]
    again = basalt.run(file)
    assert (len(again.published), len(again.skipped), again.failed) == (0, 4, [])
    assert [six.seen(name) for name in PASSES] == seen
