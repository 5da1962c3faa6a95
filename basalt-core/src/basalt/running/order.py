"""The order promise: every frame a module sees is sorted by (key, EventTimestamp, SequenceNo).

As-of joins on unsorted input answer wrongly with a mere warning, and first/last mean file order; so the order is
checked once a table, and only where that fails are the rows sorted. The *survey* of a table is that check and the
exact count of its rows by key, in one reading of its key columns.
"""

from collections.abc import Sequence

import attrs
import polars as pl

TIME = "EventTimestamp"


@attrs.frozen(eq=False)
class Survey:
    """`rows`: key and Rows, how many it has, ascending; a null key first. `timeless`: rows without EventTimestamp.

    `in_order`: rows ascend by (key, EventTimestamp, SequenceNo).
    """

    rows: pl.DataFrame
    timeless: int
    in_order: bool


def surveyed(frame: pl.LazyFrame, key: str, order: Sequence[str], promised: bool = False) -> Survey:
    """Reads key and order columns of an event table once, streaming. `promised`: it is in order, so only count."""
    counts = frame.group_by(key).agg(pl.len().cast(pl.Int64).alias("Rows"))
    rows, told = pl.collect_all([counts, _told(frame, [] if promised else [key, *order])], engine="streaming")
    timeless, unsorted = told.row(0)
    return Survey(rows.sort(key), timeless, not unsorted)


def _told(frame: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    """Rows without a stamp, and whether some row is smaller than the row before; the first one has none before it.

    Ties keep file order, nulls sort first.
    """
    unsorted = descends(names).any() if names else pl.lit(False)
    wide = frame.select(*dict.fromkeys([TIME, *names]), *before(names))
    return wide.select(pl.col(TIME).null_count().alias("Timeless"), unsorted.alias("Unsorted"))


def before(names: Sequence[str]) -> list[pl.Expr]:
    """`{name}_before`: the values of the row before. Selected apart from what reads them, a shift streams."""
    return [pl.col(name).shift(1).alias(f"{name}_before") for name in names]


def descends(names: Sequence[str]) -> pl.Expr:
    """Row is smaller than the row before, lexicographically, null smallest; reads `before(names)`."""
    name, *rest = names
    now, last = pl.col(name), pl.col(f"{name}_before")
    less = (now < last).fill_null(False) | (now.is_null() & last.is_not_null())
    return less | (now.eq_missing(last) & descends(rest)) if rest else less


def sorted_by(frame: pl.LazyFrame, key: str, order: Sequence[str]) -> pl.LazyFrame:
    """Rows by (key, *order), ties in file order: stable one-column sorts from the last column to the first.

    Three single-key sorts of mostly ordered data beat one multi-key sort severalfold.
    """
    for name in reversed([key, *order]):
        frame = frame.sort(name, maintain_order=True)
    return frame
