"""Random order flow: who sends which order when, for one listing and one day.

The *reference path* is the price the crowd believes in, the same for all listings of an instrument. Limit orders come
around it, takers lean towards it, and stale orders on its wrong side are executed. A *phase* is a stretch of one
market state; a *call* is a phase in which orders gather without matching until the uncross.
"""

import math
from random import Random

import attrs

from basalt.durations import NANOSECONDS, SECOND
from basalt.testing.matching import Book, Half, Order
from basalt.testing.recorder import Tape

MINUTE = NANOSECONDS["m"]
HOUR = NANOSECONDS["h"]
PATH_STEP = 30 * SECOND
RESTING = 160
"""Orders the book holds when insertions and cancellations are in balance."""
SIZES = (100, 100, 100, 200, 200, 300, 300, 500, 500, 800, 1_000, 1_000, 1_500, 2_000, 5_000)


@attrs.frozen
class Session:
    """When one listing's phases begin, in ns. The calls end at a random moment, up to 30 s after their earliest."""

    pre_open: int
    opening: int
    continuous: int
    closing: int
    post_trade: int
    closed: int

    @classmethod
    def draw(cls, midnight: int, rng: Random) -> "Session":
        """The venue's day: continuous trading from 08:00 (and a little) to 16:30 UTC, a call before and after it."""

        def late(earliest: int) -> int:
            return midnight + earliest + int(rng.random() * 30 * SECOND)

        opens, closes = 8 * HOUR, 16 * HOUR + 30 * MINUTE
        return cls(
            pre_open=midnight + 7 * HOUR,
            opening=midnight + opens - 10 * MINUTE,
            continuous=late(opens),
            closing=midnight + closes,
            post_trade=late(closes + 5 * MINUTE),
            closed=midnight + 17 * HOUR + 15 * MINUTE,
        )

    def states(self) -> list[tuple[int, str]]:
        """(start, market state) of each phase."""
        return [
            (self.pre_open, "PRE_OPEN"),
            (self.opening, "OPENING_AUCTION"),
            (self.continuous, "CONTINUOUS_TRADING"),
            (self.closing, "CLOSING_AUCTION"),
            (self.post_trade, "POST_TRADE"),
            (self.closed, "CLOSED"),
        ]


class Path:
    """The reference price in ticks: a random walk, one step every PATH_STEP."""

    def __init__(self, rng: Random, start: int, first: int, last: int) -> None:
        self.first = first
        self.previous_close = start
        at = start + rng.gauss(0, 8)
        self.steps: list[int] = []
        for _ in range((last - first) // PATH_STEP + 1):
            self.steps.append(round(at))
            at += rng.gauss(0, 1)

    def at(self, time: int) -> int:
        """The price at a time between `first` and `last`."""
        return self.steps[(time - self.first) // PATH_STEP]


class Arrivals:
    """Random stamps strictly inside (start, end), never falling, busier at both ends; one in thirty repeats the last.

    The stamps still to come are spread over what is left, so that the phase is filled however many rows an order makes.
    """

    def __init__(self, rng: Random, start: int, end: int) -> None:
        self.random = rng.random
        self.start, self.end = start, end
        self.done = 0.0
        self.last = start

    def next(self, remaining: int) -> int:
        """The next stamp, when this and `remaining` − 1 more are to come."""
        if self.last > self.start and self.random() < 1 / 30:
            return self.last
        self.done += (1 - self.done) * (1 - (1 - self.random()) ** (1 / remaining))
        busier = 0.75 * self.done + 0.125 * (1 - math.cos(math.pi * self.done))
        self.last = min(max(self.last, self.start + 1 + int(busier * (self.end - self.start - 1))), self.end - 1)
        return self.last


class Flow:
    """Drives one listing's book through a day."""

    def __init__(self, rng: Random, path: Path, book: Book) -> None:
        self.rng = rng
        self.random = rng.random
        self.path = path
        self.book = book
        self.tape: Tape = book.tape

    def day(self, session: Session, events: int) -> None:
        """About `events` order events: one in twelve in each call, the rest in continuous trading."""
        called, close = events // 12, self.path.previous_close
        self._call("OPENING_AUCTION", session.opening, session.continuous, called, 30 * SECOND, close)
        self._trade(session.continuous, session.closing, events - called)
        last = self.book.last_price
        reference = close if last is None else last
        self._call("CLOSING_AUCTION", session.closing, session.post_trade, events, 15 * SECOND, reference)

    def _call(self, state: str, start: int, end: int, until: int, every: int, reference: int) -> None:
        """Gather orders until the listing has `until` rows, publishing every `every` ns; uncross within the last ms."""
        uncross = end - 1 - int(self.random() * NANOSECONDS["ms"])
        due = [at + int(self.random() * NANOSECONDS["ms"]) for at in range(start + every, uncross - every // 2, every)]
        due.reverse()
        arrivals = Arrivals(self.rng, start, uncross)
        self.tape.state = state
        while (remaining := until - len(self.tape.orders)) > 0:
            time = arrivals.next(remaining)
            while due and due[-1] < time:
                self._indicate(due.pop(), reference)
            self.tape.time = time
            self._called_order(self.path.at(time))
            self.tape.close(self.book)
        while due:
            self._indicate(due.pop(), reference)
        self._indicate(uncross, reference)
        self.tape.time = uncross
        self.book.uncross(reference)
        self.tape.close(self.book)

    def _trade(self, start: int, end: int, until: int) -> None:
        arrivals = Arrivals(self.rng, start, end)
        self.tape.state = "CONTINUOUS_TRADING"
        while (remaining := until - len(self.tape.orders)) > 0:
            self.tape.time = time = arrivals.next(remaining)
            self._continuous_order(self.path.at(time))
            self.tape.close(self.book)

    def _indicate(self, time: int, reference: int) -> None:
        price, paired, surplus = self.book.clearing(reference)
        self.tape.indicate(time, reference, price, paired, surplus)

    def _called_order(self, believed: int) -> None:
        """Mostly new orders, on both sides of the reference, so that the book crosses."""
        drawn = self.random()
        if drawn < 0.8 or not self.book.live:
            half = self._half(0.5)
            price = believed + round(self.rng.gauss(2 * half.sign, 4))
            self.book.rest(half, price, self._size())
        elif drawn < 0.9:
            self.book.cancel(self._resting())
        else:
            self._amend(self._resting(), free=True)

    def _continuous_order(self, believed: int) -> None:
        drawn = self.random()
        book = self.book
        if drawn < 0.10:
            self._taker(believed)
        elif book.live and drawn < 0.18:
            self._amend(self._resting(), free=False)
        elif book.live and drawn < 0.18 + 0.40 * min(len(book.live) / RESTING, 1.5):
            book.cancel(self._resting())
        else:
            half = self._half(0.5)
            away = int(-6 * math.log(1 - self.random()))
            price = believed - away if half is book.bids else believed + 1 + away
            book.submit(half, price, self._size())

    def _taker(self, believed: int) -> None:
        """An order that crosses the spread: one in five large, up to five ticks deep; half of them then rest."""
        book = self.book
        bid, ask = book.bids.best(), book.asks.best()
        lean = believed + 0.5 - (bid.price + ask.price) / 2 if bid and ask else 0.0
        half = self._half(0.5 + min(max(0.1 * lean, -0.4), 0.4))
        best = ask if half is book.bids else bid
        if best:
            size = self._size() * (8 if self.random() < 0.2 else 1)
            price = best.price - half.sign * int(6 * self.random())
            book.submit(half, price, size, rests=self.random() < 0.5)

    def _amend(self, order: Order, free: bool) -> None:
        """Half of them smaller, a quarter larger, a quarter to a near price, which crosses only if `free`."""
        drawn, book = self.random(), self.book
        if drawn < 0.5:
            if order.size > 1:
                book.amend(order, order.price, 1 + int(self.random() * (order.size - 1)))
        elif drawn < 0.75:
            book.amend(order, order.price, order.size + self._size())
        else:
            price = order.price + (1 if self.random() < 0.5 else -1) * (1 + int(2 * self.random()))
            other = (book.asks if order.half is book.bids else book.bids).best()
            if free or other is None or order.half.sign * (price - other.price) > 0:
                book.amend(order, price, order.size)

    def _half(self, bids: float) -> Half:
        return self.book.bids if self.random() < bids else self.book.asks

    def _resting(self) -> Order:
        live = self.book.live
        return live[int(self.random() * len(live))]

    def _size(self) -> int:
        """Round as a rule, odd for one order in eight."""
        size = SIZES[int(self.random() * len(SIZES))]
        return size if self.random() < 0.875 else 1 + int(self.random() * size)
