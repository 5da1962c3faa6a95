"""Passes of a few columns, and partitions of them as they would be published: batches, a Parquet file each.

A row is (listing, bucket, values…); a bucket is `09:05`, UTC, of 5 January 2026.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.checks.findings import Finding
from basalt.checks.planned import planned_checks
from basalt.columns import Unit
from basalt.config.model import PassConfig
from basalt.config.structure import structure
from basalt.documents import PassResult, ResultColumn
from basalt.durations import NANOSECONDS
from basalt.tables import US_UTC

DAY = date(2026, 1, 5)
MINUTE = BucketRule(NANOSECONDS["m"])


def a_result(name: str = "bars", key: Any = pl.Int64, rule: BucketRule | None = MINUTE, **columns: Any) -> PassResult:
    """A pass keyed by ListingId with columns of these dtypes; one whose name ends with Weight is hidden."""
    described = [
        ResultColumn(n, Unit.BPS, "Of these tests.", dtype, hidden=n.endswith("Weight")) for n, dtype in columns.items()
    ]
    return PassResult(name, ["ListingId"], rule, described, [key])


def a_config(quality: Sequence[Mapping[str, Any]] = (), **expect: Any) -> PassConfig:
    """The configuration of pass `bars` with these checks."""
    return structure(PassConfig, {"name": "bars", "quality": list(quality), "expect": expect}, "passes.bars")


def stamp(text: str) -> datetime:
    """09:05, or 2026-01-06T00:00."""
    full = text if "T" in text else f"{DAY}T{text}"
    return datetime.fromisoformat(full).replace(tzinfo=UTC)


@pytest.fixture
def batches(tmp_path: Path) -> Callable[..., pl.LazyFrame]:
    """Writes batches of rows of a pass, a file each, and scans them as one."""
    written: list[Path] = []

    def write(result: PassResult, *batches: Sequence[Sequence[Any]]) -> pl.LazyFrame:
        columns = {c.name: c.dtype for c in result.columns}
        schema = {result.keys[0]: result.key_dtypes[0], "TimeBucket": US_UTC, **columns}
        files = []
        for rows in batches:
            placed = [(key, stamp(at) if isinstance(at, str) else at, *values) for key, at, *values in rows]
            frame = pl.DataFrame(placed, schema=schema, orient="row")
            published = frame.select(pl.lit(DAY).alias("Date"), pl.lit("all").alias("Universe"), pl.all())
            written.append(tmp_path / f"{len(written):05d}.parquet")
            published.write_parquet(written[-1])
            files.append(written[-1])
        return pl.scan_parquet(files)

    return write


@pytest.fixture
def findings(batches: Callable[..., pl.LazyFrame]) -> Callable[..., dict[str, Finding]]:
    """What these checks find in these batches, by check."""

    def find(
        result: PassResult, config: PassConfig, *rows: Sequence[Any], members: Any = None, day: date = DAY
    ) -> dict[str, Finding]:
        found = planned_checks(config, result, {}).findings(batches(result, *rows), day, members)
        assert len({one.check for one in found}) == len(found)
        return {one.check: one for one in found}

    return find


@pytest.fixture(name="a_result")
def a_result_() -> Callable[..., PassResult]:
    """The builder of results."""
    return a_result


@pytest.fixture(name="a_config")
def a_config_() -> Callable[..., PassConfig]:
    """The builder of configurations."""
    return a_config
