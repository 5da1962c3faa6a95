"""From a file to its plan: what the caller may choose instead of what the file says."""

from datetime import UTC, datetime

import polars as pl
import pytest

from basalt.config.model import ExecutorEntry
from basalt.errors import UserError
from basalt.planning.pipeline_file import plan_file
from basalt.tables import NS_UTC

PIPELINE = """
name = "desk"
{top}
[source]
type = "parquet"
root = "data"
[[passes]]
name = "bars"
every = "1m"
modules = [{{ module = "trade" }}]
"""
CLUSTER = 'executor = { type = "dask", address = "tcp://10.0.0.5:8786" }\nworkers = 32'


@pytest.fixture
def pipeline(tmp_path):
    """Writes a pipeline over one trade; `top` are its keys before the tables."""
    trades = pl.DataFrame({"ListingId": [1], "Price": [1.0], "Size": [1.0]})
    stamp = pl.lit(datetime(2026, 1, 5, 9, tzinfo=UTC), dtype=NS_UTC)
    file = tmp_path / "data/trades/date=2026-01-05/part.parquet"
    file.parent.mkdir(parents=True)
    trades.with_columns(EventTimestamp=stamp).write_parquet(file)

    def written(top=""):
        (tmp_path / "pipeline.toml").write_text(PIPELINE.format(top=top))
        return tmp_path / "pipeline.toml"

    return written


def spread(plan):
    return plan.config.executor, plan.config.workers


def test_another_executor_has_neither_options_nor_workers_of_the_files(pipeline):
    assert spread(plan_file(pipeline(CLUSTER), executor="inline")) == ("inline", None)
    assert spread(plan_file(pipeline(CLUSTER), executor="processes", workers=2)) == ("processes", 2)


def test_the_same_executor_keeps_them(pipeline):
    entry = ExecutorEntry(type="dask", options={"address": "tcp://10.0.0.5:8786"})
    assert spread(plan_file(pipeline(CLUSTER), executor="dask")) == (entry, 32)
    assert spread(plan_file(pipeline(CLUSTER), workers=8)) == (entry, 8)
    assert spread(plan_file(pipeline("workers = 1"), executor="inline")) == ("inline", 1)


def test_what_cannot_be_is_refused_with_the_file_in_front(pipeline):
    file = pipeline()
    with pytest.raises(UserError) as error:
        plan_file(file, executor="inline", workers=2)
    assert str(error.value).startswith(f"{file}: executor 'inline' runs one partition at a time and workers is 2: ")
    with pytest.raises(UserError) as error:
        plan_file(file, executor="grid")
    assert str(error.value).startswith(f"{file}: there is no executor 'grid'")
