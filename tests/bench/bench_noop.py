"""Running again what is done: 1,000 partitions of three passes, nothing of which is to do."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import polars as pl
import pytest
from children import BASALT, called

from basalt.tables import NS_UTC

PARTITIONS, LIMIT = 1_000, 3.0
PIPELINE = """
name = "many"
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
[[passes]]
name = "quarter"
every = "15m"
[[passes.modules]]
module = "generic"
source = "bars"
[[passes]]
name = "hour"
every = "1h"
[[passes.modules]]
module = "generic"
source = "quarter"
"""
RUN = [BASALT, "pipeline", "run", "pipeline.toml"]


@pytest.fixture(scope="module")
def many(tmp_path_factory, cache) -> Path:
    """The folder of a pipeline whose partitions are all published."""
    folder = tmp_path_factory.mktemp("many")
    for n in range(PARTITIONS):
        _write(folder / "data", date(2022, 1, 3) + timedelta(n))
    (folder / "pipeline.toml").write_text(PIPELINE)
    called(RUN, folder, cache)
    return folder


def _write(root: Path, day: date) -> None:
    nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    stamps = [nine + timedelta(minutes=n) for n in range(10)] * 2
    rows = {"ListingId": [1] * 10 + [2] * 10, "EventTimestamp": stamps, "Price": [10.0] * 20, "Size": [5.0] * 20}
    file = root / f"trades/date={day}/part.parquet"
    file.parent.mkdir(parents=True)
    pl.DataFrame(rows, schema_overrides={"EventTimestamp": NS_UTC}).write_parquet(file)


def test_every_partition_was_published(many):
    assert len(list((many / "out").rglob("*.parquet"))) == 3 * PARTITIONS


def test_a_run_with_nothing_to_do(many, cache, report):
    times = [_seconds(lambda: called(RUN, many, cache)) for _ in range(5)]
    again = median(times)
    report(f"{PARTITIONS} partitions done: run again in {again:.2f} s (fastest {min(times):.2f}), limit {LIMIT} s")
    assert again <= LIMIT


def _seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
