"""Publishing to PostgreSQL in bulk against inserts through SQLAlchemy: stage and commit of the same rows, both ways.

Rows that are inserted one by one take minutes for a million: the ratio is taken of 100,000 rows of 60 columns, and the
million is published in bulk alone.
"""

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basalt.outputs import Target

sys.path.insert(0, str(Path(__file__).parents[1] / "io"))

PAIRED, WHOLE, COLUMNS, LIMIT = 100_000, 1_000_000, 60, 5
DAY = dt.date(2026, 1, 5)


@pytest.fixture(scope="module")
def postgresql():
    from sql_servers import started

    with started() as url:
        yield url


def batch(folder: Path, rows: int) -> Path:
    """A pass's rows in one file: 60 columns, of which four are keys, one in ten values null."""
    random = np.random.default_rng(1)
    metrics = {
        f"Metric{n}": pl.Series(random.random(rows)).set(pl.Series(random.random(rows) < 0.1), None)
        for n in range(COLUMNS - 4)
    }
    start = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
    keys = {
        "Date": pl.Series([DAY]).new_from_index(0, rows),
        "Universe": pl.Series(["all"]).new_from_index(0, rows),
        "ListingId": pl.Series(np.arange(rows) // 500),
        "TimeBucket": pl.Series([start]).cast(pl.Datetime("us", "UTC")).new_from_index(0, rows),
    }
    file = folder / f"{rows}.parquet"
    minutes = pl.duration(minutes=pl.int_range(pl.len()) % 500)
    pl.DataFrame({**keys, **metrics}).with_columns(pl.col("TimeBucket") + minutes).write_parquet(file)
    return file


@pytest.fixture
def published(postgresql, tmp_path):
    """`published(rows, **options)`: a function that publishes so many rows."""
    from sql_servers import postgresql_store

    store, target = postgresql_store(postgresql, tmp_path), Target("bench", "bars", DAY, "all", "sql")

    def ready(rows: int, table: str, bulk: bool):
        file, output = batch(tmp_path, rows), store.output(table=table, bulk=bulk)
        return lambda: output.commit(output.stage(target, [file], {}), "key")

    return ready


def test_bulk_is_five_times_faster_than_inserts(paired, report, published):
    inserts, bulk = published(PAIRED, "inserts", False), published(PAIRED, "bulk", True)
    ratio, slow, fast = paired(inserts, bulk, runs=3)
    report(f"PostgreSQL, {PAIRED:,} rows × {COLUMNS}: inserts {slow:.1f} s, bulk {fast:.2f} s, {ratio:.1f} × ≥ {LIMIT}")
    assert ratio >= LIMIT


def test_a_million_wide_rows(paired, report, published):
    one = published(WHOLE, "whole", True)
    _, seconds, _ = paired(one, lambda: None, runs=2)
    report(f"PostgreSQL, {WHOLE:,} rows × {COLUMNS} replaced in bulk: {seconds:.1f} s")
