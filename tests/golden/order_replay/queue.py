"""Queues of one listing as lists of orders by price: what `l3_queue` must give, written from its rules."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from order_replay.book import AUCTION_STATES, key

Row = Mapping[str, Any]
Level = tuple[str, int | None]


class Queues:
    """`lines`: order ids by (side, price key), first in front. `sizes` of orders, and the `level` each stands at."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.lines: dict[Level, list[Any]] = {}
        self.sizes: dict[Any, float] = {}
        self.level: dict[Any, Level] = {}

    def snapshot(self, rows: Sequence[Row]) -> None:
        """The whole book anew, in order of priority."""
        self.lines, self.sizes, self.level = {}, {}, {}
        for row in rows:
            if row["OrderId"] is not None:
                self._leave(row["OrderId"])
                self._join(row["OrderId"], (row["Side"], key(row["Price"])), row["Size"])

    def event(self, row: Row) -> tuple[float, int] | None:
        """(size, orders) in front before it."""
        name, size = row["OrderId"], row["Size"]
        if name is None:
            return None
        if row["Action"] == "Remove":
            front = self._front(name)
            self._leave(name)
            return front
        if size is None or not isfinite(size) or size < 0:
            return None
        return self._insert(row) if row["Action"] == "Insert" else self._update(row)

    def _insert(self, row: Row) -> tuple[float, int] | None:
        name, level = row["OrderId"], (row["Side"], key(row["Price"]))
        if level[1] is None and row["MarketState"] not in AUCTION_STATES:
            return None
        self._leave(name)
        found = None if level[1] is None else self._displayed(self.lines.get(level, []))
        self._join(name, level, row["Size"])
        return found

    def _update(self, row: Row) -> tuple[float, int] | None:
        name, size = row["OrderId"], row["Size"]
        if name not in self.level:
            if self.options.get("unknown_order", "adopt") == "adopt":
                self._join(name, (row["Side"], key(row["Price"])), size)
            return None
        front, own = self._front(name), self.level[name]
        level = (row["Side"], own[1] if key(row["Price"]) is None else key(row["Price"]))
        executed = row["ExecutionSize"] if (row["ExecutionSize"] or 0) > 0 else 0.0
        grown = size - max(self.sizes[name] - executed, 0) > 1e-9
        rule = "refill_loses_priority" if executed else "increase_loses_priority"
        if level != own or (grown and self.options.get(rule, True)):
            self._leave(name)
            self._join(name, level, size)
        else:
            self.sizes[name] = size
        return front

    def _front(self, name: Any) -> tuple[float, int] | None:
        level = self.level.get(name)
        if level is None or level[1] is None:
            return None
        line = self.lines[level]
        return self._displayed(line[: line.index(name)])

    def _displayed(self, names: Sequence[Any]) -> tuple[float, int]:
        shown = [self.sizes[name] for name in names if self.sizes[name] > 0]
        return sum(shown), len(shown)

    def _leave(self, name: Any) -> None:
        if name in self.level:
            self.lines[self.level.pop(name)].remove(name)

    def _join(self, name: Any, level: Level, size: float) -> None:
        self.lines.setdefault(level, []).append(name)
        self.level[name], self.sizes[name] = level, size


def in_front(
    events: Sequence[Row], snapshots: Sequence[Row], options: Mapping[str, Any]
) -> list[tuple[float, int] | None]:
    """Of each event."""
    queues, found = Queues(options), []
    waiting = sorted({row["EventTimestamp"] for row in snapshots})
    for row in events:
        while waiting and waiting[0] < row["EventTimestamp"]:
            stamp = waiting.pop(0)
            queues.snapshot([one for one in snapshots if one["EventTimestamp"] == stamp])
        found.append(queues.event(row))
    return found
