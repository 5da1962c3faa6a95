"""Differences between two results of one pass that should be equal: keys, nulls and integers exactly, floats nearly.

Floats agree within 1e-12 of the larger one: sums in another order differ by less, and nothing else may differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import polars as pl

RELATIVE = 1e-12
TINY = 1e-12
"""Absolute: what is left of numbers that cancel."""
BESIDE = " beside"


@attrs.frozen
class Difference:
    """`what` changed, or rows that came or went; in how many `rows`; and the first of them, as an example."""

    what: str
    rows: int
    example: str

    def when(self, circumstance: str) -> str:
        """A clause: `DeskSpreadBps changed in 4 rows when later rows were added (ListingId …)`."""
        return f"{self.what} in {self.rows} row{'s' * (self.rows > 1)} {circumstance} ({self.example})"


def differences(
    before: pl.DataFrame, after: pl.DataFrame, keys: Sequence[str], columns: Sequence[str]
) -> Iterator[Difference]:
    """Each way in which `after` is not `before`: rows by key, then the columns one by one."""
    before, after = (rows.select(*keys, *columns).sort(keys) for rows in (before, after))
    if before.equals(after):
        return
    for what, some, other in (("a bucket vanished", before, after), ("a bucket appeared", after, before)):
        alone = some.join(other, on=keys, how="anti").sort(keys)
        if alone.height:
            yield Difference(what, alone.height, _row(alone.row(0, named=True), keys))
    both = before.join(after, on=keys, suffix=BESIDE).sort(keys)
    differs = {name: ~_same(name, dtype) for name, dtype in before.schema.items() if name not in keys}
    counts = both.select(expr.sum().alias(name) for name, expr in differs.items())
    for column in (name for name in columns if counts.item(0, name)):
        changed = both.filter(differs[column]).row(0, named=True)
        values = f"{_shown(changed[column])} → {_shown(changed[column + BESIDE])}"
        yield Difference(f"{column} changed", counts.item(0, column), f"{_row(changed, keys)}: {values}")


def _same(column: str, dtype: pl.DataType) -> pl.Expr:
    was, now = pl.col(column), pl.col(column + BESIDE)
    equal = was.eq_missing(now)
    if not dtype.is_float():
        return equal
    largest = pl.max_horizontal(was.abs(), now.abs())
    near = ((was - now).abs() <= RELATIVE * largest + TINY) & largest.is_finite()
    return equal | near.fill_null(False)


def _row(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The row's key: `ListingId 1001 at 09:30`."""
    *names, bucket = keys
    whose = ", ".join(f"{name} {row[name]}" for name in names)
    return f"{whose} at {clock(row[bucket])}"


def clock(time: datetime) -> str:
    """The time of day, without the seconds that are 0."""
    return f"{time:%H:%M}" if time.time().replace(hour=0, minute=0) == datetime.min.time() else f"{time.time()}"


def _shown(value: object) -> str:
    return f"{value!r}" if isinstance(value, float) else "null" if value is None else str(value)
