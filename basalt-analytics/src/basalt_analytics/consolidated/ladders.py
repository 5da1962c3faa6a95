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
from basalt_analytics.trade.prices import KEYS_A_UNIT

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

    def cut(self, levels: int) -> "Ladders":
        """The first levels, and one behind where nothing shows: no deeper one of a venue is among the best so many."""
        if levels + 1 >= self.key.shape[2]:
            return self
        parts = (self.key, self.price, self.quantity, self.orders)
        key, price, quantity, orders = (part[..., : levels + 1].copy() for part in parts)
        key[..., levels] = NOTHING
        return Ladders(key, price, quantity, orders, self.bad)

    @property
    def own_crossed(self) -> Any:
        """By row, whether the best bid is above the best ask."""
        bid, ask = self.key[:, 0, 0], self.key[:, 1, 0]
        return (bid != NOTHING) & (ask != NOTHING) & (-bid > ask)


def ladders(rows: pl.DataFrame, levels: int, least: Array | float) -> Ladders:
    """Those of rows of l2, with a last level where nothing shows. `least`: size, by row or of all, below which a level
    is not shown."""
    price, quantity = (_stacked(rows, part, levels, pl.Float64, np.nan) for part in ("Price", "Quantity"))
    orders = _stacked(rows, "NumOrders", levels, pl.Int32, -1)
    shows = np.isfinite(price) & (np.abs(price) < DEAREST) & (quantity > 0) & np.isfinite(quantity)
    shows &= quantity >= np.broadcast_to(least, len(rows))[:, None, None]
    signs = np.array([-1, 1])[:, None]
    keys = np.rint(np.where(shows, price, 0.0) * KEYS_A_UNIT).astype(np.int64) * signs
    keys = np.where(shows, keys, NOTHING)
    bad = _closed(keys, price, quantity, orders)
    return Ladders(keys, price, quantity, orders, bad)


def _stacked(rows: pl.DataFrame, part: str, levels: int, dtype: type[pl.DataType], missing: float) -> Array:
    """That part of every level; `missing` where it is null, or no column tells it."""
    numbers = np.float64 if dtype == pl.Float64 else np.int32
    found = np.full((len(rows), 2, levels + 1), missing, numbers)
    for side, name in enumerate(SIDES):
        for level in range(levels):
            if (column := f"{name}{part}{level + 1}") in rows.columns:
                found[:, side, level] = rows[column].cast(dtype).fill_null(missing).to_numpy()
    return found


def _closed(key: Array, price: Array, quantity: Array, orders: Array) -> int:
    """Close gaps and mend disorder in place: best first, one level a price. How many rows had bad ladders."""
    moved = _disordered(key)
    parts = [array[moved] for array in (key, price, quantity, orders)]
    closed = np.take_along_axis(parts[0], np.argsort(parts[0] == NOTHING, axis=-1, kind="stable"), -1)
    bad = np.zeros(moved.shape, np.bool_)
    bad[moved] = _disordered(closed)
    parts = _sorted(parts)
    _add_up(*parts)
    for array, part in zip((key, price, quantity, orders), _sorted(parts), strict=True):
        array[moved] = part
    return int(bad.any(axis=1).sum())


def _disordered(key: Array) -> Any:
    """By ladder, whether a level is not behind the one before it."""
    before, behind = key[..., :-1], key[..., 1:]
    return ((before >= behind) & (behind != NOTHING)).any(axis=-1)


def _sorted(parts: Sequence[Array]) -> list[Array]:
    order = np.argsort(parts[0], axis=-1, kind="stable")
    return [np.take_along_axis(part, order, -1) for part in parts]


def _add_up(key: Array, price: Array, quantity: Array, orders: Array) -> None:
    """Of levels at one price, which stand together, the last takes what the others have, at the price of the first."""
    for level in range(1, key.shape[-1]):
        same = (key[:, level] == key[:, level - 1]) & (key[:, level] != NOTHING)
        price[same, level] = price[same, level - 1]
        quantity[same, level] += quantity[same, level - 1]
        told = (orders[:, level] >= 0) & (orders[:, level - 1] >= 0)
        orders[same, level] = np.where(told, orders[:, level] + orders[:, level - 1], -1)[same]
        key[same, level - 1] = NOTHING


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
