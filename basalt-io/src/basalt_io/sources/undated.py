"""Fingerprints of tables by their rows, so that a file which holds for every date makes nothing stale where it is
written again, or grows by what other dates read.

Of a table whose contract has a column Date, as `calendar`, a date's rows are its own; of others, as `reference`, all.
Only small tables are read for that: of large ones, and of those with lists or bytes, the caller's own facts tell.
"""

import datetime as dt
from collections.abc import Callable
from hashlib import sha256

import polars as pl

from basalt.conform import unfit
from basalt.errors import DataError
from basalt.sources import Source
from basalt.tables import CONTRACTS
from basalt_io.parquet_errors import UNREAD

SMALL = 16 * 2**20  # bytes on disk: half a second, once for each state of the files


class RowDigests:
    """Digests of the rows of tables, each read once while its facts stay."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, dt.date | None], tuple[str, str | dict[dt.date, str]]] = {}

    def of(self, source: Source, table: str, day: dt.date, facts: str, size: Callable[[], int] = int) -> str:
        """Changes with the rows that the date reads of a table of that source. `facts`: what tells cheaply that they
        may have changed, and all that is told of a table that is large or has columns without a text. `size`: bytes on
        disk. DataError where the rows cannot be read."""
        key = (table, day if source.dates(table) else None)
        if self._known.get(key, ("", ""))[0] != facts:
            self._known[key] = (facts, _digests(source, table, day, facts) if size() <= SMALL else facts)
        found = self._known[key][1]
        return found if isinstance(found, str) else found.get(day, "no rows")


def _digests(source: Source, table: str, day: dt.date, facts: str) -> str | dict[dt.date, str]:
    rows, contract = source.scan(table, day), CONTRACTS.get(table)
    dtypes = rows.collect_schema().dtypes()
    if any(dtype.is_nested() or dtype in (pl.Binary, pl.Object) for dtype in dtypes):
        return facts
    try:
        frame = rows.collect()
    except UNREAD as error:
        said = unfit(error, contract, source.lies(table, day))
        raise DataError(f"table {table} cannot be read: {said}; mend it and run again") from error
    if contract is None or contract.column("Date") is None:
        return _digest(frame)
    dated = frame.drop_nulls("Date").partition_by("Date", as_dict=True, maintain_order=True)
    return {day: _digest(of_day) for (day,), of_day in dated.items()}


def _digest(frame: pl.DataFrame) -> str:
    return sha256(f"{frame.schema}\n{frame.write_csv(null_value=chr(0))}".encode()).hexdigest()
