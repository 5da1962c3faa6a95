"""Icebergs of one listing, one event after another over dictionaries: what module `iceberg` must find and sum.

F is the size that an order shows openly and C what was executed of it, as in the rules of the module. What was executed
cannot be taken back: a decrease takes F no lower than C. What is added openly is added to what was executed, hidden or
not.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from order_replay.book import AUCTION_STATES, key
from order_replay.flow import known

Row = Mapping[str, Any]
DUST = 1e-9
DEFAULTS = {
    "detect": ["excess", "refill", "synthetic"],
    "refill_within": 10**8,
    "synthetic_within": 500_000,
    "synthetic_size": "not_larger",
    "min_tranches": 3,
    "min_hidden": 0.0,
}


def executed_by(row: Row) -> float:
    """Shares executed by the event; an insert executes nothing of the order, nor does what is no known action."""
    return known(row["ExecutionSize"]) if row["Action"] in ("Update", "Remove") else 0.0


def _fits(row: Row) -> bool:
    """Whether the row tells a side and a size; a removal need not."""
    sized = row["Size"] is not None and isfinite(row["Size"]) and row["Size"] >= 0
    return row["Action"] == "Remove" or (row["Side"] is not None and sized)


class Icebergs:
    """`chains`, orders by id, open `slots` in order, and `facts`: (row, chain, executed, hidden, peak or None)."""

    def __init__(self, options: Mapping[str, Any], counts: Callable[[Row], bool]) -> None:
        self.options, self.counts = {**DEFAULTS, **options}, counts
        self.orders: dict[Any, dict[str, Any]] = {}
        self.chains: list[dict[str, Any]] = []
        self.slots: list[dict[str, Any]] = []
        self.facts: list[tuple[int, dict[str, Any], float, float, float | None]] = []

    def replay(self, rows: Sequence[Row]) -> "Icebergs":
        """All of the events."""
        for place, row in enumerate(rows):
            if row["OrderId"] is not None and row["Action"] is not None and _fits(row):
                {"Insert": self._insert, "Update": self._update, "Remove": self._remove}[row["Action"]](place, row)
        return self

    def _insert(self, place: int, row: Row) -> None:
        name, price, at = row["OrderId"], key(row["Price"]), row["EventTimestamp"]
        old = self.orders.get(name)
        if old and self._renews(old, row["Side"], price, row["Size"], at):
            return self._renew(place, row, old)
        if price is None and row["MarketState"] not in AUCTION_STATES:
            return None
        if old and old["there"]:
            self._leave(place, old, "CANCELLED")
        fitting = [] if old or price is None else self._fitting(row["Side"], price, row["Size"], at)
        if fitting:
            chain = fitting[0]["chain"]
            self.slots.remove(fitting[0])
            chain["ambiguous"] += len(fitting) > 1
        else:
            chain = {"first": place, "side": row["Side"], "price": row["Price"], "F": row["Size"], "C": 0.0}
            chain |= {"kind": None, "confirmed": None, "tranches": 0, "ambiguous": 0, "live": 0, "end": None}
            self.chains.append(chain)
        order = {"chain": chain, "side": row["Side"], "price": price, "emptied": None, "slot": None, "there": False}
        self.orders[name] = order
        self._stand(order)
        self._tranche(place, order, row["Size"])
        if fitting and chain["tranches"] >= self.options["min_tranches"]:
            self._confirm(place, row, chain, "SYNTHETIC")
        return None

    def _update(self, place: int, row: Row) -> None:
        order, x, at = self.orders.get(row["OrderId"]), executed_by(row), row["EventTimestamp"]
        if order is None:
            return None
        price = order["price"] if key(row["Price"]) is None else key(row["Price"])
        side = row["Side"]
        if not x and self._renews(order, side, price, row["Size"], at):
            return self._renew(place, row, order)
        if not order["there"]:
            return None
        size, was, chain = row["Size"], order["shown"], order["chain"]
        if x:
            hidden = self._execute(chain, x)
            self._decrease(chain, max(was - x - size, 0))
            excess = "excess" in self.options["detect"] and x - (was - size) > self.options["min_hidden"] + DUST
            if excess:
                self._confirm(place, row, chain, "EXCESS")
            self.facts.append((place, chain, x, hidden, None))
            if excess and size > 0:
                self._tranche(place, order, size)
            order["emptied"] = at if size == 0 and x >= was - DUST else None
        else:
            if size > was:
                chain["F"] = max(chain["F"], chain["C"]) + size - was
            self._decrease(chain, max(was - size, 0))
            if size > 0 or (side, price) != (order["side"], order["price"]):
                order["emptied"] = None
        order["shown"], order["price"], order["side"] = size, price, side
        return None

    def _remove(self, place: int, row: Row) -> None:
        order, x, at = self.orders.get(row["OrderId"]), executed_by(row), row["EventTimestamp"]
        if order is None or not order["there"]:
            return
        was, chain = order["shown"], order["chain"]
        if x:
            self.facts.append((place, chain, x, self._execute(chain, x), None))
            if "excess" in self.options["detect"] and x - was > self.options["min_hidden"] + DUST:
                self._confirm(place, row, chain, "EXCESS")
            order["emptied"] = at if x >= was - DUST else None
        whole = order["emptied"] is not None
        self._leave(place, order, "FILLED" if whole else "CANCELLED")
        if whole and self.counts(row) and order["price"] is not None:
            slot = {"chain": chain, "side": order["side"], "price": order["price"], "at": at, "peak": order["peak"]}
            self.slots.append(slot)
            order["slot"] = slot

    def _renews(self, order: dict[str, Any], side: str, price: int | None, size: float, at: int) -> bool:
        if order["emptied"] is None or "refill" not in self.options["detect"] or size <= 0 or price is None:
            return False
        same = (side, price) == (order["side"], order["price"])
        return same and at - order["emptied"] <= self.options["refill_within"]

    def _renew(self, place: int, row: Row, order: dict[str, Any]) -> None:
        if order["slot"] in self.slots:
            self.slots.remove(order["slot"])
        if not order["there"]:
            self._stand(order)
        order["emptied"] = order["slot"] = None
        self._tranche(place, order, row["Size"])
        self._confirm(place, row, order["chain"], "REFILL")

    def _fitting(self, side: str, price: int, size: float, at: int) -> list[dict[str, Any]]:
        """Slots that a new order may take, the oldest first."""
        if "synthetic" not in self.options["detect"] or size <= 0:
            return []
        fits = {
            "any": lambda peak: True,
            "equal": lambda peak: abs(size - peak) <= DUST,
            "not_larger": lambda peak: size <= peak + DUST,
        }[self.options["synthetic_size"]]
        near = [one for one in self.slots if at - one["at"] <= self.options["synthetic_within"]]
        return [one for one in near if (one["side"], one["price"]) == (side, price) and fits(one["peak"])]

    def _stand(self, order: dict[str, Any]) -> None:
        order["there"] = True
        order["chain"]["live"] += 1
        order["chain"]["end"] = None

    def _leave(self, place: int, order: dict[str, Any], how: str) -> None:
        order["there"] = False
        order["chain"]["live"] -= 1
        if order["chain"]["live"] == 0:
            order["chain"]["end"] = (how, place)

    def _tranche(self, place: int, order: dict[str, Any], size: float) -> None:
        order["shown"] = order["peak"] = size
        order["chain"]["tranches"] += 1
        self.facts.append((place, order["chain"], 0.0, 0.0, size))

    def _confirm(self, place: int, row: Row, chain: dict[str, Any], kind: str) -> None:
        if chain["kind"] is None and self.counts(row):
            chain["kind"], chain["confirmed"] = kind, place

    def _execute(self, chain: dict[str, Any], x: float) -> float:
        hidden = max(chain["C"] + x - chain["F"], 0) - max(chain["C"] - chain["F"], 0)
        chain["C"] += x
        return hidden

    def _decrease(self, chain: dict[str, Any], by: float) -> None:
        chain["F"] = max(chain["F"] - by, min(chain["F"], chain["C"]))


def survival(members: Sequence[tuple[float, bool]], size: float) -> float | None:
    """Kaplan and Meier's share of (size, filled) that is larger."""
    left = 1.0
    for step in sorted({own for own, filled in members if filled and own <= size + DUST}):
        at_risk = sum(own >= step for own, _ in members)
        left *= 1 - sum(filled and own == step for own, filled in members) / at_risk
    return left if members else None


def bars(found: Icebergs, rows: Sequence[Row], bucket: Callable[[int], Any], in_hindsight: bool) -> dict[Any, Any]:
    """By (bucket, side): sums of what icebergs did; sides are Bid, Ask and Total."""
    sums: dict[Any, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def add(place: int, side: str, **values: float) -> None:
        for one in dict.fromkeys(("Total", side)):
            for name, value in values.items():
                sums[bucket(rows[place]["EventTimestamp"]), one][name] += value

    for place, chain, x, hidden, peak in found.facts:
        if chain["kind"] is not None and found.counts(rows[place]):
            when = place if in_hindsight else max(place, chain["confirmed"])
            started = {"TrancheCount": 1, "Peaks": peak} if peak is not None else {}
            executed = {"ExecutedVolume": x, "ExecutedCount": 1, "HiddenVolume": hidden} if x else {}
            add(when, chain["side"], **started, **executed)
    for chain in found.chains:
        if chain["kind"] is not None:
            add(chain["confirmed"], chain["side"], ConfirmedCount=1)
    return sums


def nearest(
    prints: Sequence[Row], executions: Sequence[Row], within: int, apart: float, sided: bool
) -> dict[int, tuple[int, str]]:
    """Of executions by their place: the place of the print each belongs to, and how that was found."""
    found: dict[int, tuple[int, str]] = {}
    standing = [place for place, one in enumerate(prints) if not one["IsCancelled"]]
    for place, execution in enumerate(executions):
        same = [p for p in standing if prints[p]["TradeId"] and prints[p]["TradeId"] == execution["TradeId"]]
        if same:
            found[place] = (same[0], "TRADE_ID")
    named = {own for own, _ in found.values()}
    for own in (p for p in standing if p not in named):
        near = []
        for place, execution in enumerate(executions):
            if place in found or not _alike(prints[own], execution, apart, sided):
                continue
            away = abs(prints[own]["EventTimestamp"] - execution["EventTimestamp"])
            if away <= within:
                near.append((away, place))
        if near:
            found[min(near)[1]] = (own, "NEAREST")
    return found


def _alike(printed: Row, execution: Row, apart: float, sided: bool) -> bool:
    prices = key(printed["Price"]), key(execution["ExecutionPrice"])
    met = {"Buy": "Ask", "Sell": "Bid"}.get(printed["AggressorSide"])
    facing = not sided or met is None or met == execution["Side"]
    close = printed["Size"] is not None and abs(printed["Size"] - executed_by(execution)) <= apart + DUST
    return prices[0] is not None and prices[0] == prices[1] and facing and close
