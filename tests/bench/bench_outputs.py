"""Publishing a million rows of 60 columns as Parquet and as a Delta table, against a bare Polars write of the frame;
and reading one listing of 2,000 from what is published, against Polars' own row groups.

The outputs stage and commit from spooled files, as the engine hands them over; the bare write has the frame in memory,
and is not made sure to be on disk.
"""

import shutil
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from basalt.outputs import Target
from basalt_io.outputs.delta import DeltaOutput, DeltaOutputOptions
from basalt_io.outputs.parquet import ParquetOutput, ParquetOutputOptions

ROWS, COLUMNS, LIMIT, OF_LISTING = 1_000_000, 60, 1.5, 0.7
TARGET = Target("bench", "wide", date(2026, 1, 5), "all", "bench")
DOCUMENT = {"format": 1, "pass": "wide", "keys": ["ListingId"], "key_dtypes": ["Int64"], "bucket": None, "columns": []}


@pytest.fixture(scope="module")
def wide():
    """Two keys, Date and Universe, and 56 columns of prices, sizes and counts; a tenth of each is null."""
    chance = np.random.default_rng(1)
    nine = datetime(2026, 1, 5, 9, tzinfo=UTC)
    columns = {}
    for n in range(COLUMNS - 4):
        values = [chance.normal(100, 1, ROWS).round(4), chance.integers(1, 10_000, ROWS).astype(float)][n % 2]
        columns[f"Column{n}"] = pl.Series(values).set(pl.Series(chance.random(ROWS) < 0.1), None)
    minutes = pl.Series(np.arange(ROWS) % 500)
    return pl.DataFrame(columns).select(
        Date=pl.lit(date(2026, 1, 5)),
        Universe=pl.lit("all"),
        ListingId=pl.Series(np.arange(ROWS) // 500),
        TimeBucket=pl.lit(nine) + pl.duration(minutes=minutes),
        **{name: pl.col(name) for name in columns},
    )


@pytest.fixture
def spooled(wide, tmp_path):
    """Four batches, as files."""
    files = [tmp_path / f"{n}.parquet" for n in range(4)]
    for n, file in enumerate(files):
        wide.slice(n * ROWS // 4, ROWS // 4).write_parquet(file, compression="lz4")
    return files


@pytest.fixture
def published(spooled, tmp_path):
    """`published(output)`: stage and commit it anew."""

    def run(output):
        shutil.rmtree(tmp_path / "lake", ignore_errors=True)
        output.commit(output.stage(TARGET, spooled, {**DOCUMENT, "provenance": {"pipeline": "bench"}}), "key")

    return run


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("parquet", lambda folder: ParquetOutput(ParquetOutputOptions(root="lake"), folder)),
        ("delta", lambda folder: DeltaOutput(DeltaOutputOptions(root="lake"), folder)),
    ],
    ids=["parquet", "delta"],
)
def test_ratio_to_a_bare_write(wide, published, tmp_path, paired, report, name, made):
    output, bare = made(tmp_path), tmp_path / "bare.parquet"
    ratio, ours, theirs = paired(lambda: published(output), lambda: wide.write_parquet(bare, compression="zstd"))
    report(f"{name}, 1 M rows × {COLUMNS} / bare write: {ratio:.2f} ({ours:.2f} s / {theirs:.2f} s), limit {LIMIT}")
    assert ratio <= LIMIT


def test_reading_one_listing(wide, published, tmp_path, paired, report):
    """Rows of three listings, one after the other, and then the whole file, which must not become slower."""
    published(ParquetOutput(ParquetOutputOptions(root="lake"), tmp_path))
    (ours,), bare = (tmp_path / "lake").rglob("*.parquet"), tmp_path / "bare.parquet"
    wide.lazy().sink_parquet(bare, compression="zstd")

    def of_listings(file):
        for listing in (100, 1_000, 1_900):
            assert pl.scan_parquet(file).filter(pl.col("ListingId") == listing).collect().height == 500

    ratio, here, there = paired(lambda: of_listings(ours), lambda: of_listings(bare))
    larger = ours.stat().st_size / bare.stat().st_size
    report(
        f"3 of 2,000 listings / with Polars' row groups: {ratio:.2f} ({1e3 * here:.0f} ms / {1e3 * there:.0f} ms), "
        f"limit {OF_LISTING}; file {larger:.2f} times as large"
    )
    whole, here, there = paired(lambda: pl.read_parquet(ours), lambda: pl.read_parquet(bare))
    report(f"the whole file: {whole:.2f} ({here:.2f} s / {there:.2f} s)")
    assert ratio <= OF_LISTING
