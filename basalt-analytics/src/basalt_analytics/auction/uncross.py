"""Uncross: the price at which the orders of a call auction execute, by the rules most venues share.

    from basalt_analytics.auction.uncross import uncross

    uncross([(10.03, 300), (10.02, 200), (10.00, 400)], [(9.99, 250), (10.01, 200), (10.02, 300)])

At a price p, Buy(p) is what is bid at p or more or at any price, Sell(p) what is offered at p or less or at any price;
the smaller of the two is *executable*, and Buy − Sell the *surplus*.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt
import polars as pl

from basalt.errors import UserError
from basalt_analytics.trade.prices import KEYS_A_UNIT

Order = tuple[float | None, float]
Orders = Sequence[Order] | pl.DataFrame
Candidates = Literal["orders", "ticks"]
Keys = npt.NDArray[np.int64]
Volumes = npt.NDArray[np.float64]
MOST = 10_000_000
"""Candidate prices that are looked at: more means a tick that is none."""


@attrs.frozen
class Uncrossed:
    """What a call auction comes to: `price` None and volumes 0 where nothing would execute.

    `surplus` is above 0 where buyers are left over; `ratio` is surplus/(buy + sell).
    """

    price: float | None
    executable: float = 0.0
    buy: float = 0.0
    sell: float = 0.0

    @property
    def surplus(self) -> float:
        """What is left over, + where buyers are."""
        return self.buy - self.sell

    @property
    def ratio(self) -> float | None:
        """The surplus as a share of both sides, from −1 to 1; None where there is no price."""
        return None if self.price is None else self.surplus / (self.buy + self.sell)


@attrs.frozen(eq=False)
class Curves:
    """Volumes by candidate price, both sides, prices ascending as integer keys (price × 1e9)."""

    keys: Keys
    buy: Volumes
    sell: Volumes


def uncross(
    buys: Orders,
    sells: Orders,
    reference: float | None = None,
    candidates: Candidates = "orders",
    tick: float | None = None,
) -> Uncrossed:
    """The price of largest executable volume; of several that of the smallest surplus; where all of these have buyers
    left the highest, sellers the lowest; else the nearest to `reference`, or without one to their middle, of two the
    higher.

    Orders are pairs (limit price, quantity), or a frame of Price and Size; a price of None is a market order.
    Candidates are the limit prices, or every `tick` from the lowest limit to the highest. Where all orders are market
    orders they execute at the reference. UserError for a price or quantity that is no number, a negative quantity, or
    a tick that is needed, or is none.
    """
    _check_tick(candidates, tick)
    bids, asks = (_Side.of(name, orders) for name, orders in (("buys", buys), ("sells", sells)))
    limits = np.unique(np.concatenate([bids.keys, asks.keys]))
    if not limits.size:
        return _at_reference(bids.market, asks.market, reference)
    keys = limits if tick is None else _ticks(limits, tick)
    curves = Curves(keys, bids.market + bids.at_least(keys), asks.market + asks.at_most(keys))
    return chosen(curves, reference, exact=bids.whole and asks.whole)


def chosen(curves: Curves, reference: float | None, exact: bool) -> Uncrossed:
    """The candidate that the rules choose. `exact`: volumes are whole, so that equal ones are the same number; else
    within 1e-9 of the largest."""
    executable, surplus = np.minimum(curves.buy, curves.sell), curves.buy - curves.sell
    most = executable.max()
    if most <= 0:
        return Uncrossed(None)
    near = 0.0 if exact else 1e-9 * max(curves.buy.max(), curves.sell.max())
    left = np.flatnonzero(executable >= most - near)
    size = np.abs(surplus[left])
    left = left[size <= size.min() + near]
    at = left[_tied(curves.keys[left], surplus[left], reference, near)]
    return Uncrossed(
        float(curves.keys[at] / KEYS_A_UNIT), *(float(x[at]) for x in (executable, curves.buy, curves.sell))
    )


def _tied(keys: Keys, surplus: Volumes, reference: float | None, near: float) -> int:
    """Which of the candidates with most volume and least surplus."""
    if (surplus > near).all():
        return len(keys) - 1
    if (surplus < -near).all():
        return 0
    twice = int(keys[0]) + int(keys[-1]) if reference is None else 2 * _key(reference)
    distance = np.abs(2 * keys - twice)
    return int(np.flatnonzero(distance == distance.min())[-1])


def _at_reference(buy: float, sell: float, reference: float | None) -> Uncrossed:
    executable = min(buy, sell)
    if reference is None or executable <= 0:
        return Uncrossed(None)
    return Uncrossed(reference, executable, buy, sell)


@attrs.frozen(eq=False)
class _Side:
    """Limit orders by key, ascending, and the volume of market orders. `whole`: every quantity is a whole number."""

    keys: Keys
    sizes: Volumes
    market: float
    whole: bool

    @classmethod
    def of(cls, name: str, orders: Orders) -> "_Side":
        pairs = _pairs(name, orders)
        limits = sorted((_key(price), size) for price, size in pairs if price is not None)
        keys = np.array([key for key, _ in limits], dtype=np.int64)
        sizes = np.array([size for _, size in limits], dtype=np.float64)
        market = float(sum(size for price, size in pairs if price is None))
        return cls(keys, sizes, market, all(float(size).is_integer() for _, size in pairs))

    def at_most(self, keys: Keys) -> Volumes:
        """Volume limited at each key or below."""
        upto: Volumes = np.concatenate([[0.0], np.cumsum(self.sizes)])
        return upto[np.searchsorted(self.keys, keys, side="right")]

    def at_least(self, keys: Keys) -> Volumes:
        """Volume limited at each key or above."""
        down: Volumes = np.concatenate([np.cumsum(self.sizes[::-1])[::-1], [0.0]])
        return down[np.searchsorted(self.keys, keys, side="left")]


def _pairs(name: str, orders: Orders) -> list[Order]:
    rows: Iterable[Order] = orders.select("Price", "Size").iter_rows() if isinstance(orders, pl.DataFrame) else orders
    found = list(rows)
    for price, size in found:
        if price is not None and not isfinite(price):
            raise UserError(f"{name} has an order at the price {price}: give a number, or None for a market order")
        if size is None or not isfinite(size) or size < 0:
            raise UserError(f"{name} has an order of the quantity {size}: give a number from 0 on")
    return [(price, size) for price, size in found if size > 0]


def _key(price: float) -> int:
    return round(price * KEYS_A_UNIT)


def _check_tick(candidates: Candidates, tick: float | None) -> None:
    if candidates not in ("orders", "ticks"):
        raise UserError(f"candidates = {candidates!r}: take 'orders', the limit prices, or 'ticks'")
    if (candidates == "ticks") != (tick is not None):
        cure = "give tick, as 0.01" if tick is None else "take candidates = 'ticks', or leave tick out"
        raise UserError(f"candidates = {candidates!r} and tick = {tick} do not go together: {cure}")
    if tick is not None and (not isfinite(tick) or _key(tick) <= 0):
        raise UserError(f"tick = {tick} is no step between prices: give one above 0, as 0.01")


def _ticks(limits: Keys, tick: float) -> Keys:
    """Every tick from the lowest limit to the highest."""
    first, last, step = int(limits[0]), int(limits[-1]), _key(tick)
    if (last - first) // step >= MOST:
        raise UserError(f"tick = {tick} makes more than {MOST} candidate prices: give the listing's tick")
    return np.arange(first, last + 1, step, dtype=np.int64)
