"""Lives of the orders of one listing, row by row: from the Insert until the order is removed, or loses its place.

Times are ns, prices are keys. An order that nobody saw inserted has a life without start. What comes behind the end of
the session is as if it never came: `within` takes it out again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any, NamedTuple

from order_replay.book import Row, key
from order_replay.flow import known
from reference.clock import Rule, stretch_of

UNPRICED_STATES = ("PRE_OPEN", "OPENING_AUCTION", "INTRADAY_AUCTION", "UNSCHEDULED_AUCTION")
UNPRICED_STATES += ("AUCTION_ON_DEMAND", "CLOSING_AUCTION")
"""An Insert without a price is an order in these only."""


class Session(NamedTuple):
    """Its end, infinite where nothing tells it, and whether what happens at that very instant is still of it."""

    end: float
    inside: bool

    def holds(self, t: int) -> bool:
        """Whether the session has not ended before t."""
        return t < self.end or (self.inside and t == self.end)


class Scope(NamedTuple):
    """Which instants count, and in which bucket."""

    rule: Rule
    runs: Sequence[tuple[float, float]]
    session: Session

    def counts(self, t: int) -> bool:
        """Whether a fact at t does."""
        return self.session.holds(t) and stretch_of(self.runs, t) is not None

    def last(self) -> int:
        """Label of the bucket that the session ends in; where nothing tells its end, before every bucket."""
        end, inside = self.session
        if end == inf:
            return -1
        return self.rule.bucket(end if inside or self.rule.closed == "right" else end - 1)

    def labels(self, rows: Sequence[Row]) -> range:
        """Those from the first event to the last one or to the session's end."""
        first, last = (self.rule.bucket(rows[i]["EventTimestamp"]) for i in (0, -1))
        return range(first, max(last, self.last()) + 1, self.rule.width)


@dataclass
class Life:
    """`side` and `size` as it began; `since`: when it was first seen, which is its start unless it was adopted. `kind`:
    Filled, Cancelled, Replaced, Lost, or Open. `removed`: what was shown before the Remove."""

    side: str
    size: float
    since: int
    start: int | None
    touch: bool
    first_fill: int | None = None
    end: int | None = None
    kind: str = "Open"
    removed: float = 0.0

    def trade(self, row: Row) -> None:
        """The row's execution, if it is one."""
        if known(row["ExecutionSize"]) and self.first_fill is None:
            self.first_fill = row["EventTimestamp"]

    def finish(self, at: int, kind: str) -> None:
        """It is over."""
        self.end, self.kind = at, kind


@dataclass
class Order:
    """As it is tracked. `joined`: when it last went to the back of a queue; None, like `inserted`, if nobody saw."""

    side: str
    price: int | None
    size: float
    inserted: int | None
    joined: int | None
    life: Life

    @property
    def shown(self) -> bool:
        """Whether the book displays it."""
        return self.price is not None and self.size > 0


def bad_size(size: Any) -> bool:
    """Of a row that says what an order shows now."""
    return size is None or not isfinite(size) or size < 0


def skipped(row: Row) -> bool:
    """Whether no order changes by it."""
    if row["OrderId"] is None or (row["Action"] != "Remove" and bad_size(row["Size"])):
        return True
    return row["Action"] == "Insert" and key(row["Price"]) is None and row["MarketState"] not in UNPRICED_STATES


def best(orders: Sequence[Order], side: str) -> int | None:
    """Price key of the best order displayed there."""
    keys = [order.price for order in orders if order.side == side and order.shown]
    return (max if side == "Bid" else min)(keys, default=None)


class Replay:
    """`orders` that are live, by id, and `lives` as they began. `life`: "order", or "priority", where an order that
    loses its place in the queue begins another life."""

    def __init__(self, life: str = "order") -> None:
        self.splits = life == "priority"
        self.orders: dict[Any, Order] = {}
        self.lives: list[Life] = []

    def event(self, row: Row) -> None:
        """One event."""
        if not skipped(row):
            {"Insert": self._insert, "Update": self._update, "Remove": self._remove}[row["Action"]](row)

    def snapshot(self, at: int, rows: Sequence[Row]) -> None:
        """The orders that are there, all of them."""
        before, self.orders = self.orders, {}
        for row in rows:
            name, size, price = row["OrderId"], row["Size"], key(row["Price"])
            if name is None or bad_size(size):
                continue
            order = before.pop(name, None) or self.orders.get(name) or self._adopted(row["Side"], price, size, at)
            order.side, order.price, order.size = row["Side"], price, size
            self.orders[name] = order
        for order in before.values():
            order.life.finish(at, "Lost")

    def _adopted(self, side: str, price: int | None, size: float, at: int) -> Order:
        return Order(side, price, size, None, None, self._begun(side, price, size, at, start=None))

    def _begun(self, side: str, price: int | None, size: float, at: int, start: int | None) -> Life:
        """The life of an order that is not among `orders` now."""
        ahead = best(list(self.orders.values()), side)
        better = ahead is None or price is None or (price >= ahead if side == "Bid" else price <= ahead)
        self.lives.append(Life(side, size, at, start, touch=price is not None and better))
        return self.lives[-1]

    def _insert(self, row: Row) -> None:
        name, at, shows = row["OrderId"], row["EventTimestamp"], (row["Side"], key(row["Price"]), row["Size"])
        if name in self.orders:
            self.orders.pop(name).life.finish(at, "Lost")
        order = Order(*shows, at, at, self._begun(*shows, at, start=at))
        order.life.trade(row)
        self.orders[name] = order

    def _update(self, row: Row) -> None:
        name, at, price = row["OrderId"], row["EventTimestamp"], key(row["Price"])
        order = self.orders.pop(name, None)
        if order is None:
            self.orders[name] = self._adopted(row["Side"], price, row["Size"], at)
            return
        order.life.trade(row)
        shows = (row["Side"], order.price if price is None else price, row["Size"])
        if self._to_the_back(order, shows, known(row["ExecutionSize"])):
            order.joined = at
            if self.splits:
                order.life.finish(at, "Replaced")
                order.life = self._begun(*shows, at, start=at)
        order.side, order.price, order.size = shows
        self.orders[name] = order

    @staticmethod
    def _to_the_back(order: Order, shows: tuple[str, int | None, float], executed: float) -> bool:
        side, price, size = shows
        return (side, price) != (order.side, order.price) or size - max(order.size - executed, 0) > 1e-9

    def _remove(self, row: Row) -> None:
        order = self.orders.pop(row["OrderId"], None)
        if order is not None:
            order.life.trade(row)
            order.life.removed = order.size
            order.life.finish(row["EventTimestamp"], "Filled" if known(row["ExecutionSize"]) else "Cancelled")


Moment = tuple[int, Row | None, Sequence[Row]]


def moments(rows: Sequence[Row], snapshots: Sequence[Row]) -> list[Moment]:
    """(stamp, event, none) or (stamp, none, snapshot) in order, a snapshot behind the events up to its stamp; one from
    before the first event has that event's stamp."""
    found: list[Any] = [(row["EventTimestamp"], row, []) for row in rows]
    for stamp in {row["EventTimestamp"] for row in snapshots}:
        found.append((stamp, None, [row for row in snapshots if row["EventTimestamp"] == stamp]))
    ordered = sorted(found, key=lambda one: (one[0], one[1] is None))
    return [(max(at, rows[0]["EventTimestamp"]), *rest) for at, *rest in ordered]


def step(replay: Replay, moment: Moment) -> None:
    """Let it happen."""
    at, event, snapshot = moment
    if event is None:
        replay.snapshot(at, snapshot)
    else:
        replay.event(event)


def lives(rows: Sequence[Row], snapshots: Sequence[Row], life: str) -> list[Life]:
    """All of the day."""
    replay = Replay(life)
    for moment in moments(rows, snapshots):
        step(replay, moment)
    return replay.lives


def within(session: Session, found: Sequence[Life]) -> list[Life]:
    """What is known of lives when the session ends."""
    return [_cut(session, life) for life in found if session.holds(life.since)]


def _cut(session: Session, life: Life) -> Life:
    if life.first_fill is not None and not session.holds(life.first_fill):
        life = replace(life, first_fill=None)
    if life.end is not None and not session.holds(life.end):
        life = replace(life, end=None, kind="Open", removed=0.0)
    return life


def standing(
    rows: Sequence[Row], snapshots: Sequence[Row], rule: Rule, labels: Sequence[int]
) -> Iterator[tuple[int, int, list[Order]]]:
    """(label, end, orders) of each bucket, as they are when it ends: to be looked at before the next."""
    replay, waiting = Replay(), moments(rows, snapshots)
    for label in labels:
        edge = rule.interval(label)[1]
        while waiting and (waiting[0][0] < edge or (rule.closed == "right" and waiting[0][0] == edge)):
            step(replay, waiting.pop(0))
        yield label, edge, list(replay.orders.values())
