"""Streams of order events at random: lawful ones of a small market, and defects strewn among them."""

from random import Random
from typing import Any

import polars as pl
from order_events import SCHEMA as OF_EVENTS

from basalt.tables import NS_UTC, STATE

START = 1_767_603_600 * 10**9
SCHEMA: dict[str, Any] = {
    "ListingId": pl.Int64,
    "EventTimestamp": pl.Int64,
    **{name: dtype for name, dtype in OF_EVENTS.items() if name != "Seconds"},
    "MarketState": STATE,
}
DEFECTS = ("unknown", "duplicate", "size", "price", "old", "side", "id", "gap", "hidden")


class Market:
    """Orders that are there, and the next event. Prices are whole ticks of .01, or of a third, whose floats are not."""

    def __init__(self, rng: Random, defects: float) -> None:
        self.rng, self.defects, self.orders, self.number = rng, defects, {}, 0
        self.tick = rng.choice((0.01, 0.01, 1 / 3))
        self.whole = rng.random() < 0.7

    def price(self, side: str) -> float:
        """Near 100 ticks, rarely through the other side."""
        away = self.rng.randint(-1, 6)
        return round(100 + (away if side == "Ask" else -away), 0) * self.tick

    def size(self) -> float:
        """Whole shares, or fractions of a coin."""
        return float(self.rng.randint(1, 9) * 100) if self.whole else round(self.rng.uniform(0.001, 3), 8)

    def event(self) -> dict[str, Any]:
        """(action, order, before, after), and executions."""
        rng = self.rng
        row = self._lawful(rng.random())
        if rng.random() < self.defects:
            row = self._spoiled(row, rng.choice(DEFECTS))
        return row

    def _lawful(self, draw: float) -> dict[str, Any]:
        if draw < 0.45 or not self.orders:
            side, self.number = self.rng.choice(("Bid", "Ask")), self.number + 1
            return self._row("Insert", f"o{self.number}", side, self.price(side), self.size(), None, 0.0)
        name = self.rng.choice(list(self.orders))
        side, price, size = self.orders[name]
        if draw < 0.7:
            executed = size if self.rng.random() < 0.4 else 0.0
            return self._row("Remove", name, side, None, 0.0, price, size, executed)
        if draw < 0.85:
            left = size / 2
            return self._row("Update", name, side, price, left, price, size, size - left)
        return self._row("Update", name, side, self.price(side), self.size(), price, size)

    def _row(
        self, action: str, name: str, side: str, price: Any, size: float, old: Any, had: float, x: float = 0.0
    ) -> Any:
        if action == "Remove":
            self.orders.pop(name, None)
        else:
            self.orders[name] = (side, price, size)
        traded = (old if x else None, x)
        return dict(zip(list(SCHEMA)[3:12], (name, side, action, price, size, old, had, *traded), strict=True))

    def _spoiled(self, row: dict[str, Any], defect: str) -> dict[str, Any]:
        rng = self.rng
        other = rng.choice([*self.orders, "o1", "nobody"])
        changes: dict[str, dict[str, Any]] = {
            "unknown": {"OrderId": f"u{rng.randint(1, 3)}", "Action": rng.choice(("Update", "Remove"))},
            "duplicate": {"OrderId": other, "Action": "Insert"},
            "size": {"Size": rng.choice((-5.0, None, float("nan"), float("inf"), 0.0))},
            "price": {"Price": rng.choice((None, float("nan")))},
            "old": {"OldSize": rng.choice((1.0, None)), "OldPrice": rng.choice((self.price("Bid"), None))},
            "side": {"Side": "Ask" if row["Side"] == "Bid" else "Bid"},
            "id": {"OrderId": None},
            "hidden": {"ExecutionSize": 1e4, "ExecutionPrice": row["OldPrice"]},
            "gap": {},
        }
        return row | changes[defect]


def stream(seed: int, listing: int = 1) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Events, and snapshots, of which there may be none."""
    rng = Random(seed)
    market, at, number, rows = Market(rng, rng.choice((0.0, 0.1, 0.5))), START, 0, []
    state = rng.choice(("CONTINUOUS_TRADING", "OPENING_AUCTION"))
    for _ in range(rng.choice((1, 5, 30, 80))):
        at += rng.choice((0, 0, 1, 1000, 10**9))
        number += rng.choice((1, 1, 1, 1, 3))
        state = "CONTINUOUS_TRADING" if rng.random() < 0.1 else state
        head = {"ListingId": listing, "EventTimestamp": at, "SequenceNo": number, "MarketState": state}
        rows.append({**head, **market.event(), "EndOfEvent": rng.choice((True, True, False, None))})
    return rows, _snapshots(rng, rows, market) if rng.random() < 0.3 else []


def _snapshots(rng: Random, rows: list[dict[str, Any]], market: Market) -> list[dict[str, Any]]:
    found = []
    for stamp in sorted(
        {rng.choice(rows)["EventTimestamp"] + rng.choice((-1, 0, 1)) for _ in range(rng.randint(1, 3))}
    ):
        for n in range(rng.randint(1, 4)):
            side = rng.choice(("Bid", "Ask"))
            order = None if n == 0 and rng.random() < 0.3 else rng.choice([*market.orders, f"s{n}"])
            row = {"OrderId": order, "Side": side, "Price": market.price(side), "Size": market.size()}
            found.append({"ListingId": rows[0]["ListingId"], "EventTimestamp": stamp, **row})
    return found


def frame(rows: list[dict[str, Any]], columns: tuple[str, ...] = tuple(SCHEMA)) -> pl.DataFrame:
    """Rows as a table."""
    made = pl.DataFrame(rows, schema={name: SCHEMA[name] for name in columns})
    return made.with_columns(pl.col("EventTimestamp").cast(NS_UTC))
