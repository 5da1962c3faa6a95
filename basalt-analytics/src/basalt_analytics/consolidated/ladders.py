"""Ladders: the levels that venues show, as dense arrays by row, side and level, best first.

A level shows where its price is finite and its size positive, finite and not below the least. Levels out of order, or
at one price, are a *bad ladder*: it is sorted, and the loop adds up what stands at one price.
"""

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt_analytics.consolidated.options import SIDES
from basalt_analytics.l3.encoding import KEYS_A_UNIT

Array = NDArray[Any]
NOTHING = 2**62
DEAREST = 4e9  # a price whose key is below `NOTHING`


@attrs.frozen(eq=False)
class Ladders:
    """Arrays by row, side and level. `key`: the price in 1e-9, negated for bids, `NOTHING` where no level shows;
    `orders` −1 where they are not told. `bad`: how many rows have a bad ladder."""

    key: Array
    price: Array
    quantity: Array
    orders: Array
    bad: int

    @property
    def own_crossed(self) -> Any:
        """By row, whether the best bid is above the best ask."""
        bid, ask = self.key[:, 0, 0], self.key[:, 1, 0]
        return (bid != NOTHING) & (ask != NOTHING) & (-bid > ask)


def ladders(rows: pl.DataFrame, levels: int, least: Array | float) -> Ladders:
    """Those of rows of l2. `least`: size, by row or of all, below which a level is not shown."""
    price, quantity = (_stacked(rows, part, levels, pl.Float64, np.nan) for part in ("Price", "Quantity"))
    orders = _stacked(rows, "NumOrders", levels, pl.Int32, -1)
    shows = np.isfinite(price) & (np.abs(price) < DEAREST) & (quantity > 0) & np.isfinite(quantity)
    shows &= quantity >= np.broadcast_to(least, len(rows))[:, None, None]
    signs = np.array([-1, 1])[:, None]
    keys = np.rint(np.where(shows, price, 0.0) * KEYS_A_UNIT).astype(np.int64) * signs
    return _sorted(np.where(shows, keys, NOTHING), np.where(shows, price, np.nan), quantity, orders)


def _stacked(rows: pl.DataFrame, part: str, levels: int, dtype: type[pl.DataType], missing: float) -> Array:
    """That part of every level; `missing` where it is null, or no column tells it."""
    numbers = np.float64 if dtype == pl.Float64 else np.int32
    found = np.full((len(rows), 2, levels), missing, numbers)
    for side, name in enumerate(SIDES):
        for level in range(levels):
            if (column := f"{name}{part}{level + 1}") in rows.columns:
                found[:, side, level] = rows[column].cast(dtype).fill_null(missing).to_numpy()
    return found


def _sorted(key: Array, price: Array, quantity: Array, orders: Array) -> Ladders:
    """Ladders best first; of those that have gaps or disorder a sorted copy."""
    moved = _disordered(key)
    own = key[moved]
    closed = np.take_along_axis(own, np.argsort(own == NOTHING, axis=-1, kind="stable"), -1)
    bad = np.zeros(moved.shape, np.bool_)
    bad[moved] = _disordered(closed)
    order = np.argsort(own, axis=-1, kind="stable")
    for array in (key, price, quantity, orders):
        array[moved] = np.take_along_axis(array[moved], order, -1)
    return Ladders(key, price, quantity, orders, int(bad.any(axis=1).sum()))


def _disordered(key: Array) -> Any:
    """By ladder, whether a level is not behind the one before it."""
    before, behind = key[..., :-1], key[..., 1:]
    return ((before >= behind) & (behind != NOTHING)).any(axis=-1)


def cells(found: Ladders, rows: Array, name: str) -> pl.Series:
    """A column of books, as `BidPrice1`, at these rows; null where a row is negative or nothing is told."""
    side = next(side for side in SIDES if name.startswith(side))
    part = name.removeprefix(side).rstrip("0123456789")
    place = int(name.removeprefix(side + part)) - 1
    shown = (rows >= 0) & (found.key[rows, SIDES.index(side), place] != NOTHING)
    values = {"Price": found.price, "Quantity": found.quantity, "NumOrders": found.orders}[part]
    picked: Sequence[Any] = values[rows, SIDES.index(side), place]
    there = shown & (found.orders[rows, SIDES.index(side), place] >= 0) if part == "NumOrders" else shown
    return pl.select(pl.when(pl.Series(there)).then(pl.Series(picked))).to_series().alias(name)
