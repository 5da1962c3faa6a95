"""Widths: bytes a row takes in memory, by the dtypes of its columns."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import polars as pl

from basalt.columns import DType

TEXT = 32  # bytes: 16 of the column itself, and as much text behind it
UNKNOWN = 8  # a column that a transform makes
SAMPLE = 8_000


def row_bytes(columns: Mapping[str, DType], names: Iterable[str]) -> int:
    """Bytes of one row of these columns, at least 1."""
    return max(1, round(sum(width(columns[name]) if name in columns else UNKNOWN for name in names)))


@lru_cache(maxsize=1024)
def width(dtype: DType) -> float:
    """Bytes of one value, its bit of validity included; of text and nested values a guess."""
    measured = pl.repeat(None, SAMPLE, dtype=dtype, eager=True).estimated_size() / SAMPLE
    return TEXT if dtype in (pl.String, pl.Binary) else max(measured, 1 / 8)
