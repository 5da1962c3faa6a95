"""Frames in memory as a source: what `basalt.compute` reads."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from basalt.errors import UserError
from basalt.sources import Promises, Size, Source

NO_DATE = date(1970, 1, 1)


class MemorySource(Source):
    """Tables given as frames. The trading date of a row is its stamp's UTC date, unless the caller names one.

    Tables without any row are of one date all the same, so that they give an empty result.
    """

    name = "memory"
    promises = Promises()
    prunes = True

    def __init__(self, frames: Mapping[str, pl.DataFrame | pl.LazyFrame], day: date | None) -> None:
        super().__init__(None, Path())
        self._frames = {name: frame.lazy() for name, frame in frames.items()}
        self._given = frames
        self._day = day
        self._dates: dict[str, list[date]] = {}
        if day is None and not any(self.dates(name) for name in frames):
            self._day, self._dates = NO_DATE, {}

    def tables(self) -> Sequence[str]:
        """The tables given."""
        return list(self._frames)

    def dates(self, table: str) -> Sequence[date]:
        """Dates of the table's stamps; none for a table without."""
        if table not in self._dates:
            self._dates[table] = self._read_dates(self._frames[table])
        return self._dates[table]

    def fingerprint(self, table: str, day: date) -> str:
        """Digest of the table's rows."""
        rows = self.scan(table, day).collect().write_ipc(None)
        return hashlib.sha256(rows.getvalue()).hexdigest()

    def size(self, table: str, day: date) -> Size | None:
        """Of a frame whose rows are all of one date; None for a lazy one, and for one of several dates."""
        frame = self._given[table]
        if isinstance(frame, pl.LazyFrame) or (self._day is None and len(self.dates(table)) > 1):
            return None
        return Size(frame.height, int(frame.estimated_size()))

    def scan(self, table: str, day: date) -> pl.LazyFrame:
        """That date's rows, and those without a stamp, which are refused when they are read."""
        frame = self._frames[table]
        if self._day is not None or not self.dates(table):
            return frame
        found = pl.col("EventTimestamp").dt.convert_time_zone("UTC").dt.date()
        return frame.filter((found == day) | found.is_null())

    def _read_dates(self, frame: pl.LazyFrame) -> list[date]:
        dtype = frame.collect_schema().get("EventTimestamp")
        if dtype is None:
            return []
        if self._day is not None:
            return [self._day]
        if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
            raise UserError(
                f"EventTimestamp is {dtype}, which names no instant: make it Datetime in UTC, as with "
                ".dt.replace_time_zone('Europe/London').dt.convert_time_zone('UTC')"
            )
        utc = pl.col("EventTimestamp").dt.convert_time_zone("UTC").dt.date()
        return frame.select(utc.unique().sort()).collect().to_series().drop_nulls().to_list()
