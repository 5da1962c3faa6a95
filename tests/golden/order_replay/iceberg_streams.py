"""Streams of order events at random in which orders renew what they display, under their own id and under others."""

from random import Random
from typing import Any

from order_replay.streams import START, Market

STEPS = (0, 0, 1_000, 100_000, 400_000, 600_000, 50_000_000, 100_000_000, 10**9)
"""Nanoseconds between events: of windows of 500 us and 100 ms the inside, the outside, and the edge of the second."""


class Renewing(Market):
    """A market few prices wide, that remembers what was filled, and what was emptied and is still there."""

    def __init__(self, rng: Random, defects: float) -> None:
        super().__init__(rng, defects)
        self.filled: list[tuple[str, str, float, float]] = []
        self.emptied: list[str] = []

    def price(self, side: str) -> float:
        """Three prices a side."""
        away = self.rng.randint(0, 2)
        return (100 + (away if side == "Ask" else -away)) * self.tick

    def _lawful(self, draw: float) -> dict[str, Any]:
        rng, what = self.rng, self.rng.random()
        if self.filled and what < 0.3:
            name, side, price, size = rng.choice(self.filled[-3:])
            if what < 0.2:
                self.number += 1
                name = f"o{self.number}"
            return self._row("Insert", name, side, price, size * rng.choice((1, 1, 0.5, 2)), None, 0.0)
        if self.orders and what < 0.6:
            return self._executed(rng.choice(list(self.orders)))
        if self.emptied and what < 0.7:
            name = self.emptied.pop()
            if name in self.orders:
                side, price, _ = self.orders[name]
                return self._row("Update", name, side, price, self.size(), price, 0.0)
        return super()._lawful(draw)

    def _executed(self, name: str) -> dict[str, Any]:
        """Filled whole, with more or less than it displays, emptied, renewed at once, or in part."""
        side, price, size = self.orders[name]
        what = self.rng.random()
        if what < 0.5:
            self.filled.append((name, side, price, size))
            return self._row("Remove", name, side, None, 0.0, price, size, size * self.rng.choice((1, 1, 1, 1.5, 0.5)))
        if what < 0.65:
            self.emptied.append(name)
            return self._row("Update", name, side, price, 0.0, price, size, size * self.rng.choice((1, 1, 1.5, 0.5)))
        left, x = (size * self.rng.choice((0.25, 0.5, 1, 1.5)) for _ in range(2))
        return self._row("Update", name, side, price, left, price, size, x)


def renewing(seed: int, listing: int = 1) -> list[dict[str, Any]]:
    """Events of one listing."""
    rng = Random(seed)
    market, at, rows = Renewing(rng, rng.choice((0.0, 0.0, 0.1, 0.4))), START, []
    state = rng.choice(("CONTINUOUS_TRADING", "OPENING_AUCTION"))
    for number in range(rng.choice((5, 30, 80, 200))):
        at += rng.choice(STEPS)
        if rng.random() < 0.05:
            state = rng.choice(("CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "HALTED", "OPENING_AUCTION"))
        head = {"ListingId": listing, "EventTimestamp": at, "SequenceNo": number, "MarketState": state}
        event = market.event()
        if market.defects and rng.random() < market.defects / 10:
            event[rng.choice(("Action", "Side"))] = None
        rows.append({**head, **event, "EndOfEvent": True})
    return rows
