"""Findings: what checks say of the rows of one partition, in sentences with figures and an example."""

from collections.abc import Iterable, Mapping

import attrs
import polars as pl

from basalt.columns import DType

MOST = 3  # names that a sentence lists before it says how many more there are
STAMP = "%Y-%m-%dT%H:%M:%S%.fZ"


@attrs.frozen
class Finding:
    """What one check found in one partition of a pass.

    `check` is its key path inside the pass, as `quality[0].min`, and the same on every date. Where `raises`, rows that
    have not `passed` must not be published. `said` is one sentence.
    """

    check: str
    passed: bool
    raises: bool
    said: str


def rows_of(count: int) -> str:
    """`1 row`, `1,000 rows`."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def some(names: Iterable[str], most: int = MOST) -> str:
    """`A, B, C and 2 more`."""
    every = list(names)
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def first_row(rows: pl.LazyFrame, columns: Mapping[str, DType], where: pl.Expr) -> dict[str, str]:
    """These columns of the first row for which `where` holds, as text; there must be one."""
    texts = [_written(name, dtype) for name, dtype in columns.items()]
    found = rows.filter(where).select(texts).head(1).collect(engine="streaming")
    return {name: _plain(value) for name, value in found.row(0, named=True).items()}


def named(row: Mapping[str, str]) -> str:
    """`ListingId 1001, TimeBucket 2026-01-05T08:05:00Z`."""
    return ", ".join(f"{name} {value}" for name, value in row.items())


def _written(name: str, dtype: DType) -> pl.Expr:
    """Stamps as text in UTC, nanoseconds included, which Python's datetime would cut."""
    if not isinstance(dtype, pl.Datetime):
        return pl.col(name)
    stamp = pl.col(name).dt.convert_time_zone("UTC") if dtype.time_zone else pl.col(name)
    return stamp.dt.to_string(STAMP)


def _plain(value: object) -> str:
    return "null" if value is None else str(value)
