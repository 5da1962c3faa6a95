"""Dates of rows, as the server tells them: of a column Date, else of stamps, in UTC."""

import datetime as dt
from enum import Enum
from typing import Any

import attrs
import polars as pl
import sqlalchemy as sa

from basalt.durations import DAY
from basalt_io.outputs.sql_tables import column
from basalt_io.sources.sql_columns import Columns

_EPOCH = dt.date(1970, 1, 1)


class Kind(Enum):
    """How a column tells dates."""

    DATE = "date"
    TEXT_DATE = "text that is an ISO date"
    NANOSECONDS = "whole nanoseconds since 1970 UTC"
    TEXT_STAMP = "text that SQLite takes for a time"
    ZONED = "time stamps with time zone"
    NAIVE = "time stamps without"


@attrs.frozen
class Dated:
    """The column that dates the rows of a table."""

    name: str
    kind: Kind

    @property
    def asked(self) -> sa.ColumnElement[Any]:
        """What the server is asked for; `read` makes a date of it."""
        match self.kind:
            case Kind.NANOSECONDS:
                return sa.type_coerce(self._column, sa.BigInteger) // sa.literal(DAY, sa.BigInteger)
            case Kind.TEXT_STAMP:
                return sa.func.date(self._column)
            case Kind.ZONED:
                return sa.cast(sa.func.timezone("UTC", self._column), sa.Date)
            case Kind.NAIVE:
                return sa.cast(self._column, sa.Date)
        return self._column

    def read(self, value: Any) -> dt.date:
        """The date of an answer; ValueError for what is none."""
        if isinstance(value, int):
            return _EPOCH + dt.timedelta(value)
        if type(value) is dt.date:
            return value
        found = dt.date.fromisoformat(str(value))
        if str(value) != found.isoformat():  # the server would find no row of it
            raise ValueError(f"{value!r}")
        return found

    def on(self, day: dt.date) -> list[sa.ColumnElement[bool]]:
        """What is true of that date's rows; of stamps a range, for which an index serves."""
        if self.kind in (Kind.TEXT_DATE, Kind.TEXT_STAMP):
            return [self.asked == day.isoformat()]
        if self.kind is Kind.DATE:
            return [self._column == day]
        if self.kind is Kind.NANOSECONDS:
            first = (day - _EPOCH).days * DAY
            return [self._column >= first, self._column < first + DAY]
        midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC if self.kind is Kind.ZONED else None)
        return [self._column >= midnight, self._column < midnight + dt.timedelta(days=1)]

    @property
    def _column(self) -> sa.ColumnElement[Any]:
        return column(self.name)


def dated_by(columns: Columns, date: str, stamp: str, dialect: str) -> Dated | None:
    """The column by those names of Date and EventTimestamp that dates the rows; None where there is neither."""
    if columns.dtypes.get(date) == pl.Date:
        return Dated(date, Kind.TEXT_DATE if dialect == "sqlite" else Kind.DATE)
    if columns.dtypes.get(date) == pl.String:
        return Dated(date, Kind.TEXT_DATE)
    dtype = columns.dtypes.get(stamp)
    if not isinstance(dtype, pl.Datetime):
        return None
    if stamp in columns.whole:
        return Dated(stamp, Kind.NANOSECONDS)
    if dialect == "sqlite":
        return Dated(stamp, Kind.TEXT_STAMP)
    return Dated(stamp, Kind.ZONED if dtype.time_zone and dialect == "postgresql" else Kind.NAIVE)
