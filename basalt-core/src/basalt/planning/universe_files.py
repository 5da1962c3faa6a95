"""Membership files: the listings of a universe in CSV, text or Parquet, for every date or by date.

A file has a column ListingId, and may have a column Date: then a row is for that date alone.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

import attrs
import polars as pl

from basalt.config.words import did_you_mean
from basalt.errors import UserError, one_line
from basalt.planning.listing_ids import LISTING, as_listings

SUFFIXES = (".csv", ".txt", ".parquet")


@attrs.frozen(eq=False)
class FileMembers:
    """Rows of ListingId as the file has them, nulls included: by date, or for every date."""

    always: pl.Series | None
    dated: Mapping[date, pl.Series]
    dtype: pl.DataType

    def on(self, day: date) -> pl.Series:
        """The rows of that date."""
        if self.always is not None:
            return self.always
        return self.dated.get(day, pl.Series(LISTING, [], self.dtype))


def read_members(path: Path, dtype: pl.DataType, whose: str) -> FileMembers:
    """What the file says, read once for each version of it; UserError, beginning with `whose`, where it cannot be."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{whose} is of no known kind: name a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file")
    if not path.is_file():
        raise UserError(f"{whose} does not exist: there is no file {path}")
    stat = path.stat()
    return _read(path, dtype, whose, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, dtype: pl.DataType, whose: str, _size: int, _modified: int) -> FileMembers:
    try:
        rows = _parquet(path) if path.suffix.lower() == ".parquet" else _text(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{whose} cannot be read: {one_line(error)}") from error
    if LISTING not in rows.columns:
        between = "" if path.suffix.lower() == ".parquet" else ", between commas,"
        raise UserError(
            f"{whose} has no column {LISTING}{did_you_mean(LISTING, rows.columns)}: its columns{between} are "
            f"{', '.join(rows.columns) or 'none'}"
        )
    rows = rows.filter(~pl.all_horizontal(pl.all().is_null()))
    rows = rows.with_columns(as_listings(rows[LISTING], dtype, whose))
    if "Date" not in rows.columns:
        return FileMembers(rows[LISTING], {}, dtype)
    parts = rows.select(LISTING, _dates(rows["Date"], whose)).partition_by("Date", as_dict=True, maintain_order=True)
    return FileMembers(None, {key[0]: part[LISTING] for key, part in parts.items()}, dtype)


def _text(path: Path) -> pl.DataFrame:
    """Every value as it is written: `007` stays `007`."""
    return pl.read_csv(path, infer_schema=False, glob=False, raise_if_empty=False)


def _parquet(path: Path) -> pl.DataFrame:
    wanted = [name for name in pl.read_parquet_schema(path) if name in (LISTING, "Date")]
    return pl.read_parquet(path, columns=wanted, glob=False, hive_partitioning=False)


def _dates(found: pl.Series, whose: str) -> pl.Series:
    if found.dtype == pl.String:
        text = found.str.strip_chars()
        made = text.str.to_date("%Y-%m-%d", strict=False)
        wrong = text.filter(made.is_null() & text.is_not_null())
        if len(wrong):
            raise UserError(f"{whose} has {wrong[0]!r} as a Date: write dates as 2024-01-31")
        found = made
    if found.dtype != pl.Date:
        raise UserError(f"{whose} has a column Date of type {found.dtype}: make it dates")
    if found.has_nulls():
        raise UserError(f"{whose} has {found.null_count()} rows without Date: date them, or leave the column out")
    return found
