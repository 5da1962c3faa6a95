"""The book of one listing, row by row over dictionaries: what `l3_book` must give, written from its rules."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isclose, isfinite
from typing import Any

Row = Mapping[str, Any]
AUCTION_STATES = ("PRE_OPEN", "OPENING_AUCTION", "CLOSING_AUCTION", "INTRADAY_AUCTION")
STATES = {(True, True): "EMPTY", (True, False): "ONE_SIDED", (False, True): "ONE_SIDED"}


def key(price: Any) -> int | None:
    """Price key; None of a price that is none."""
    return None if price is None or not isfinite(price) else round(price * 1e9)


class Refused(Exception):
    """A row that may not stand."""


class Tracked:
    """Orders by id: (side, price, size); a price of None is of a market order."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.orders: dict[Any, tuple[str, Any, float]] = {}
        self.options, self.counts, self.suspect = options, defaultdict(int), False
        self.sequence: int | None = None

    def levels(self, side: str) -> list[tuple[float, float, int]]:
        """(price, quantity, orders) from the best on."""
        held: dict[int, list[Any]] = {}
        for own, price, size in self.orders.values():
            if own == side and price is not None and size > 0:
                level = held.setdefault(key(price), [price, 0.0, 0])  # type: ignore[arg-type]
                level[1] += size
                level[2] += 1
        return [(level[0], level[1], level[2]) for _, level in sorted(held.items(), reverse=side == "Bid")]

    def state(self) -> str:
        """Of the best prices."""
        bids, asks = self.levels("Bid"), self.levels("Ask")
        if not bids or not asks:
            return STATES[not bids, not asks]
        bid, ask = key(bids[0][0]), key(asks[0][0])
        return "LOCKED" if bid == ask else "CROSSED" if bid > ask else "OK"  # type: ignore[operator]

    def snapshot(self, rows: Sequence[Row]) -> None:
        """The whole book anew."""
        self.orders, self.suspect = {}, False
        for row in rows:
            if row["OrderId"] is not None and not self._bad_size(row["Size"]):
                self.orders[row["OrderId"]] = (row["Side"], self._price(row["Price"]), row["Size"])

    def event(self, row: Row) -> None:
        """One event, what does not fit counted."""
        self._follow(row["SequenceNo"])
        action = row["Action"]
        self.counts["Executions"] += (row["ExecutionSize"] or 0) > 0
        if action == "Remove":
            self._remove(row)
        elif self._bad_size(row["Size"]):
            return
        elif row["OrderId"] is None:
            self.counts["BadRows"] += 1
        elif action == "Insert":
            self._insert(row)
        else:
            self._update(row)

    def _follow(self, number: Any) -> None:
        if self.sequence is not None and self.options.get("sequence_contiguous") and number - self.sequence > 1:
            self.counts["SequenceGaps"] += 1
            self.counts["MissingSequence"] += number - self.sequence - 1
            self.suspect = True
        self.sequence = number

    def _bad_size(self, size: Any) -> bool:
        if size is not None and isfinite(size) and size >= 0:
            return False
        self.counts["BadRows"] += 1
        self.counts["NegativeSizes"] += size is not None and size < 0
        return True

    @staticmethod
    def _price(price: Any) -> Any:
        return None if key(price) is None else price

    def _insert(self, row: Row) -> None:
        name, price = row["OrderId"], self._price(row["Price"])
        if price is None and row["MarketState"] not in AUCTION_STATES:
            self.counts["BadRows"] += 1
            return
        if name in self.orders:
            self.counts["DuplicateInserts"] += 1
            policy = self.options.get("duplicate_insert", "replace")
            if policy == "error":
                raise Refused
            if policy == "ignore":
                return
        self.counts["MarketOrders"] += price is None
        self.counts["ZeroSizeInserts"] += row["Size"] == 0
        self.orders[name] = (row["Side"], price, row["Size"])

    def _update(self, row: Row) -> None:
        name, price = row["OrderId"], self._price(row["Price"])
        if name not in self.orders:
            self.counts["UnknownUpdates"] += 1
            policy = self.options.get("unknown_order", "adopt")
            if policy == "error":
                raise Refused
            if policy == "adopt":
                self.orders[name] = (row["Side"], price, row["Size"])
            return
        self._compare(row)
        self.orders[name] = (row["Side"], self.orders[name][1] if price is None else price, row["Size"])

    def _remove(self, row: Row) -> None:
        if row["OrderId"] not in self.orders:
            self.counts["UnknownRemoves"] += 1
            if self.options.get("unknown_order") == "error":
                raise Refused
            return
        self._compare(row)
        del self.orders[row["OrderId"]]

    def _compare(self, row: Row) -> None:
        side, price, size = self.orders[row["OrderId"]]
        old_price, old_size = key(row["OldPrice"]), row["OldSize"]
        other = old_size is not None and isfinite(old_size) and abs(old_size - size) > 1e-9 * max(1, abs(size))
        self.counts["StateMismatches"] += other or (old_price is not None and old_price != key(price))
        if (row["ExecutionSize"] or 0) > 0:
            self.counts["HiddenExecutions"] += row["ExecutionSize"] > size + 1e-9
            levels = self.levels(side)
            best = key(levels[0][0]) if levels else None
            self.counts["ExecutionsThroughBook"] += price is not None and key(price) != best


def books(
    events: Sequence[Row], snapshots: Sequence[Row], options: Mapping[str, Any]
) -> tuple[list[Any], Mapping[str, int]]:
    """(place of the event, bids, asks, state, suspect) of each row that is written, and the counters."""
    tracked, written = Tracked(options), []
    waiting = sorted({row["EventTimestamp"] for row in snapshots})
    for i, row in enumerate(events):
        while waiting and waiting[0] < row["EventTimestamp"]:
            stamp = waiting.pop(0)
            tracked.snapshot([one for one in snapshots if one["EventTimestamp"] == stamp])
        tracked.event(row)
        if _ends(events, i, options.get("emit", "end_of_event")):
            written += _written(tracked, i, row, written, options)
    for stamp in waiting:
        tracked.snapshot([one for one in snapshots if one["EventTimestamp"] == stamp])
    tracked.counts["LiveAtEnd"] = len(tracked.orders)
    tracked.counts["Events"] = len(events)
    return written, tracked.counts


def _ends(events: Sequence[Row], i: int, emit: str) -> bool:
    last = i + 1 == len(events)
    if emit == "event" or last:
        return True
    if emit == "timestamp":
        return bool(events[i + 1]["EventTimestamp"] != events[i]["EventTimestamp"])
    return events[i]["EndOfEvent"] is not False


def _written(tracked: Tracked, i: int, row: Row, before: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    state, n = tracked.state(), options["levels"]
    tracked.counts["LockedStates"] += state == "LOCKED"
    tracked.counts["CrossedStates"] += state == "CROSSED"
    states, policy = options.get("emit_states"), options.get("crossed", "emit")
    if (states and row["MarketState"] not in states) or (state == "CROSSED" and policy == "drop"):
        return []
    sides = [[], []] if state == "CROSSED" and policy == "null" else [tracked.levels(s)[:n] for s in ("Bid", "Ask")]
    if options.get("only_changes") and before and all(map(alike, before[-1][1:3], sides)):
        return []
    return [(i, *sides, state, tracked.suspect)]


def alike(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two sides show the same, but for rounding of sums."""
    keyed = [[(key(price), orders) for price, _, orders in side] for side in (one, other)]
    return keyed[0] == keyed[1] and all(isclose(a[1], b[1], rel_tol=1e-9) for a, b in zip(one, other, strict=True))
