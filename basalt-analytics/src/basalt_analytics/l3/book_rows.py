"""Book rows of listings from their order events: encoded, replayed by the compiled loop, written as columns."""

from collections.abc import Iterator
from typing import Any, Literal

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.tables import SIDE
from basalt_analytics.l3.emissions import Clock, Emit, Places, places
from basalt_analytics.l3.encoding import Encoded, encoded, with_snapshots
from basalt_analytics.l3.refusals import refuse

Array = NDArray[Any]
STATES = ("OK", "LOCKED", "CROSSED", "ONE_SIDED", "EMPTY")
BOOK_STATE = pl.Enum(STATES)
UNKNOWN = ("adopt", "ignore", "error")
DUPLICATE = ("replace", "ignore", "error")
CROSSED = ("emit", "null", "drop")


@attrs.frozen
class Replay:
    """How events are replayed and what is written; the options of `l3_book`. `states`: of rows that are, None: all."""

    levels: int
    emit: Emit = "end_of_event"
    only_changes: bool = False
    states: tuple[str, ...] | None = None
    unknown: Literal["adopt", "ignore", "error"] = "adopt"
    duplicate: Literal["replace", "ignore", "error"] = "replace"
    crossed: Literal["emit", "null", "drop"] = "emit"
    contiguous: bool = False
    flags: bool = False


@attrs.frozen(eq=False)
class Replayed:
    """A listing's events with its snapshots, what was written of its book, and the counters of the loop by name."""

    rows: pl.DataFrame
    encoded: Encoded
    places: Places
    out: Any
    counts: dict[str, int]


def replayed(events: pl.DataFrame, snapshots: pl.DataFrame, how: Replay, clock: Clock) -> Replayed:
    """The listing's book; DataError for an event that may not stand."""
    from basalt_analytics.kernels.book import Policies, emissions, empty_book, replay

    if how.contiguous:
        events = events.with_columns(_Gap=(pl.col("SequenceNo").diff() > 1).fill_null(False))
    rows = with_snapshots(events, snapshots)
    found, where = encoded(rows), places(rows, how.emit, clock)
    policies = DUPLICATE.index(how.duplicate), UNKNOWN.index(how.unknown), CROSSED.index(how.crossed)
    book = empty_book(found.orders, max(found.ranks, 1))
    out = emissions(where.after, _wanted(where, how), how.levels)
    refused, counts = replay(found.events, out, book, Policies(*policies, how.only_changes))
    if refused >= 0:
        refuse(rows.row(refused, named=True), "l3_book")
    return Replayed(rows, found, where, out, counts)


def _wanted(where: Places, how: Replay) -> Array:
    """Which rows are in a state in which rows are written."""
    if how.states is None:
        return np.ones(len(where.after), np.bool_)
    return where.rows["MarketState"].cast(pl.String).is_in(how.states).fill_null(False).to_numpy()


def book_rows(events: pl.DataFrame, snapshots: pl.DataFrame, how: Replay, clock: Clock) -> pl.DataFrame:
    """The rows that are written of the listing's book."""
    found = replayed(events, snapshots, how, clock)
    flags = _flags(found.out) if how.flags else ()
    return found.places.rows.with_columns(*_columns(found, how.levels), *flags).filter(pl.Series(found.out.kept))


def _flags(out: Any) -> Iterator[pl.Series]:
    states = pl.Series("BookState", out.state)
    yield states.replace_strict(list(range(len(STATES))), STATES, return_dtype=BOOK_STATE)
    yield pl.Series("BookSuspect", out.suspect)


def _columns(found: Replayed, levels: int) -> Iterator[pl.Series]:
    """Price, quantity and number of orders of each level and side; null where nobody rests."""
    out, prices = found.out, np.append(found.encoded.prices, np.nan)
    for level in range(levels):
        for side, name in enumerate(SIDE.categories):
            yield pl.Series(f"{name}Price{level + 1}", prices[out.rank[:, side, level]], nan_to_null=True)
            yield pl.Series(f"{name}Quantity{level + 1}", out.quantity[:, side, level], nan_to_null=True)
            orders = pl.Series(f"{name}NumOrders{level + 1}", out.number[:, side, level])
            yield orders.zip_with(orders >= 0, pl.Series([None], dtype=pl.Int32))


def columns_of_books(levels: int) -> dict[str, pl.DataType]:
    """Dtypes of the book's columns, level by level."""
    parts = {"Price": pl.Float64(), "Quantity": pl.Float64(), "NumOrders": pl.Int32()}
    names = [(part, side) for part in parts for side in SIDE.categories]
    return {f"{side}{part}{level + 1}": parts[part] for level in range(levels) for part, side in names}
