"""Orders of icebergs, small enough to follow by hand, and what module `iceberg` finds in them. One listing, seconds
after 09:00:00."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import attrs
import polars as pl
from order_events import l3

import basalt
from basalt.buckets import BucketRule
from basalt.config.structure import structure
from basalt.durations import SECOND
from basalt.modules import PassContext
from basalt.tables import STATE
from basalt_analytics.iceberg.module import Iceberg
from basalt_analytics.iceberg.options import IcebergOptions

Event = tuple[Any, ...]
RULE = BucketRule(SECOND)
CONTEXT = PassContext("icebergs", date(2026, 1, 5), ["ListingId"], RULE)
EVERY_SIDE = frozenset(schema.name for schema in Iceberg.sides)


class Orders:
    """Events of orders in the order they are told; each takes what the order displayed before from the last one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.shown: dict[str, tuple[str, float, float]] = {}

    def insert(self, at: float, name: str, side: str, price: float, size: float) -> "Orders":
        """A new order, or one of the same id again."""
        self.shown[name] = (side, price, size)
        return self._event(at, name, side, "Insert", price, size)

    def update(self, at: float, name: str, size: float, x: float = 0.0, price: float | None = None) -> "Orders":
        """It displays another size, after `x` were executed, at another price if one is given."""
        side, was, had = self.shown[name]
        now = was if price is None else price
        self.shown[name] = (side, now, size)
        return self._event(at, name, side, "Update", now, size, was, had, was if x else None, x)

    def remove(self, at: float, name: str, x: float = 0.0) -> "Orders":
        """It leaves, after `x` were executed."""
        side, was, had = self.shown[name]
        return self._event(at, name, side, "Remove", None, 0.0, was, had, was if x else None, x)

    def fill(self, at: float, name: str) -> "Orders":
        """All that it displays is executed."""
        return self.remove(at, name, self.shown[name][2])

    def table(self, listing: int = 1) -> pl.DataFrame:
        """The events in order of time."""
        return table(self.events, listing)

    def _event(self, *event: Any) -> "Orders":
        self.events.append(event)
        return self


def table(events: Sequence[Event], listing: int = 1) -> pl.DataFrame:
    """Events (seconds, order, side, …) in order of time, those of one instant as they come."""
    ordered = sorted(events, key=lambda event: event[0])
    return l3([(n, *event) for n, event in enumerate(ordered, 1)], listing)


def i1() -> Orders:
    """Two refills under the same id, each after a full fill, a partial fill, a cancel of the rest."""
    x = Orders().insert(1, "X", "Ask", 20.0, 100).fill(2, "X").insert(2, "X", "Ask", 20.0, 100).fill(3, "X")
    return x.insert(3, "X", "Ask", 20.0, 100).update(4, "X", 60, x=40).remove(6, "X")


def i2() -> Orders:
    """160 of a displayed 100 are executed at once."""
    return Orders().insert(1.5, "Y", "Bid", 19.9, 100).remove(2.5, "Y", x=160)


def i3() -> Orders:
    """130 of a displayed 100 are executed, and 100 stay; then 30 of these."""
    return Orders().insert(1.2, "Z", "Bid", 19.8, 100).update(2.2, "Z", 100, x=130).update(3.2, "Z", 70, x=30)


def s1() -> Orders:
    """Three ids take each other's place within 500 us; a fourth is too late, and a fifth follows nothing."""
    s = Orders().insert(1.0, "s1", "Ask", 50.10, 200).fill(2.0, "s1")
    s = s.insert(2.0002, "s2", "Ask", 50.10, 200).fill(3.0, "s2")
    s = s.insert(3.0004, "s3", "Ask", 50.10, 200).update(4.0, "s3", 120, x=80).fill(6.0, "s3")
    return s.insert(6.0006, "s4", "Ask", 50.10, 200).insert(7.0, "s5", "Ask", 50.10, 50)


def all_four() -> pl.DataFrame:
    """I1, I2, I3 and S1 as one listing."""
    return table([event for one in (i1, i2, i3, s1) for event in one().events])


def filled(name: str = "a", size: float = 100, price: float = 10.0) -> Orders:
    """An ask of that size that is filled whole at 2 s."""
    return Orders().insert(1, name, "Ask", price, size).fill(2, name)


def chain(*sizes: float, apart: float = 0.0001) -> Orders:
    """Bids of other ids that each come so long behind the fill of the one before."""
    orders = Orders()
    for i, size in enumerate(sizes):
        orders.insert(1 + i + (apart if i else 0), f"o{i}", "Bid", 10.0, size).fill(2 + i, f"o{i}")
    return orders


def stated(events: pl.DataFrame, *from_row: tuple[int, str]) -> pl.DataFrame:
    """Events in other states from rows on: (row, state)."""
    row, state = pl.int_range(pl.len()), pl.col("MarketState")
    for first, name in from_row:
        state = pl.when(row >= first).then(pl.lit(name, STATE)).otherwise(state)
    return events.with_columns(MarketState=state)


def module(events: pl.DataFrame, **options: Any) -> Iceberg:
    """Configured so over these events."""
    return Iceberg(structure(IcebergOptions, options, "modules[0]"), {"l3": events.schema}, None, RULE)


def sides(
    events: pl.DataFrame, sessions: Any = None, marketstate: Any = None, **options: Any
) -> dict[str, pl.DataFrame]:
    """The side outputs."""
    inputs = {"l3": events.lazy()} | ({} if marketstate is None else {"marketstate": marketstate.lazy()})
    context = attrs.evolve(CONTEXT, sessions=sessions, sides=EVERY_SIDE)
    made = module(events, **options).compute(inputs, context).sides
    return {name: side.collect() for name, side in made.items()}


def icebergs(orders: Orders | pl.DataFrame, **options: Any) -> list[dict[str, Any]]:
    """Rows of the side output."""
    events = orders.table() if isinstance(orders, Orders) else orders
    return sides(events, **options)["icebergs"].to_dicts()


def kinds(orders: Orders | pl.DataFrame, **options: Any) -> list[tuple[str, int]]:
    """Kind and tranches of each."""
    return [(row["IcebergKind"], row["TrancheCount"]) for row in icebergs(orders, **options)]


def whole(events: pl.DataFrame, **options: Any) -> dict[str, Any]:
    """One row of an hour."""
    (row,) = basalt.compute([{"module": "iceberg", **options}], every="1h", l3=events).to_dicts()
    return row
