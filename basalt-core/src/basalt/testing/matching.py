"""A price-time-priority order book, and what orders do to it.

Prices are whole ticks and sizes whole shares: nothing here is a float. A *half* is one side of the book, a *level*
the queue at one price. Every change is told to a `Tape`, which turns it into rows; the book itself keeps no history.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from basalt.testing.recorder import Quote, Tape


class Order:
    """A resting order. `place` is its index in `Book.live`, so that it can be drawn and dropped in constant time."""

    __slots__ = ("half", "number", "place", "price", "size")

    def __init__(self, number: int, half: "Half", price: int, size: int) -> None:
        self.number = number
        self.half = half
        self.price = price
        self.size = size
        self.place = 0


class Level:
    """The queue at one price, first in first out, and its total size."""

    __slots__ = ("price", "queue", "size")

    def __init__(self, price: int) -> None:
        self.price = price
        self.size = 0
        self.queue: dict[int, Order] = {}


class Half:
    """One side of the book. `keys` are sign × price, ascending, so that the best price comes first on either side.

    `shown` is what the public sees: prices, sizes and order counts of the first `depth` levels, one after the other,
    None where a level is missing. It is made anew only after a change within those levels.
    """

    __slots__ = ("depth", "keys", "levels", "shown", "side", "sign", "touched")

    def __init__(self, side: str, sign: int, depth: int) -> None:
        self.side = side
        self.sign = sign
        self.depth = depth
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.shown: list[int | None] = [None] * (3 * depth)
        self.touched = False

    def best(self) -> Level | None:
        """The best level; None where the side is empty."""
        return self.levels[self.keys[0]] if self.keys else None

    def touch(self, key: int) -> None:
        """Remember a change at this key if it is one the public sees; to be called after the change."""
        keys, depth = self.keys, self.depth
        if not self.touched and (len(keys) <= depth or key <= keys[depth - 1]):
            self.touched = True

    def refresh(self) -> bool:
        """Bring `shown` up to date; True if that changed it."""
        if not self.touched:
            return False
        self.touched = False
        shown = [self.levels[key] for key in self.keys[: self.depth]]
        missing = [None] * (self.depth - len(shown))
        before = self.shown
        self.shown = [
            *[level.price for level in shown],
            *missing,
            *[level.size for level in shown],
            *missing,
            *[len(level.queue) for level in shown],
            *missing,
        ]
        return self.shown != before

    def at(self, price: int) -> tuple[int, int]:
        """(size, orders) resting at the price."""
        level = self.levels.get(self.sign * price)
        return (level.size, len(level.queue)) if level else (0, 0)

    def ahead(self, order: Order) -> tuple[int, int]:
        """(size, orders) in front of the order in its queue."""
        size = count = 0
        for other in self.levels[self.sign * order.price].queue.values():
            if other is order:
                break
            size += other.size
            count += 1
        return size, count

    def join(self, order: Order) -> None:
        """Put the order at the back of the queue at its price."""
        key = self.sign * order.price
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(order.price)
            insort(self.keys, key)
        level.queue[order.number] = order
        level.size += order.size
        self.touch(key)

    def leave(self, order: Order) -> None:
        """Take the order out of its queue."""
        key = self.sign * order.price
        level = self.levels[key]
        del level.queue[order.number]
        level.size -= order.size
        if not level.queue:
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]
        self.touch(key)

    def shrink(self, order: Order, size: int) -> None:
        """Lower the order's size where it stands."""
        key = self.sign * order.price
        self.levels[key].size -= order.size - size
        order.size = size
        self.touch(key)

    def sizes(self) -> dict[int, int]:
        """Size resting at each price."""
        return {level.price: level.size for level in self.levels.values()}

    def front(self) -> Iterator[Order]:
        """The order whose turn it is, again and again until the side is empty."""
        while self.keys:
            yield next(iter(self.levels[self.keys[0]].queue.values()))


class Book:
    """Both halves, and the orders that rest in them. Public methods are one order event each."""

    def __init__(self, tape: Tape, depth: int) -> None:
        self.tape = tape
        self.bids = Half("Bid", -1, depth)
        self.asks = Half("Ask", 1, depth)
        self.live: list[Order] = []
        self.last_price: int | None = None
        self._orders = 0

    def quote(self) -> Quote:
        """Best bid and ask price, size at the best bid and ask; None where a side is empty."""
        bid, ask = self.bids.best(), self.asks.best()
        return (
            bid.price if bid else None,
            ask.price if ask else None,
            bid.size if bid else None,
            ask.size if ask else None,
        )

    def rest(self, half: Half, price: int, size: int) -> None:
        """A new order joins its queue without matching."""
        self._orders += 1
        order = Order(self._orders, half, price, size)
        order.place = len(self.live)
        self.live.append(order)
        size_ahead, orders_ahead = half.at(price)
        half.join(order)
        self.tape.order(order.number, half.side, "Insert", price, size, None, 0, size_ahead, orders_ahead)

    def submit(self, half: Half, price: int, size: int, rests: bool = True) -> None:
        """A new order for `half` executes as far as its limit allows; what is left rests, or is given up."""
        other = self.asks if half is self.bids else self.bids
        limit = other.sign * price
        if other.keys and other.keys[0] <= limit:
            size = self._take(other, limit, size)
        if size and rests:
            self.rest(half, price, size)

    def cancel(self, order: Order) -> None:
        """The order leaves."""
        half, price, size = order.half, order.price, order.size
        size_ahead, orders_ahead = half.ahead(order)
        half.leave(order)
        self._forget(order)
        self.tape.order(order.number, half.side, "Remove", None, 0, price, size, size_ahead, orders_ahead)

    def amend(self, order: Order, price: int, size: int) -> None:
        """A smaller size keeps the order's place; a larger one or another price sends it to the back of the queue."""
        half, old_price, old_size = order.half, order.price, order.size
        size_ahead, orders_ahead = half.ahead(order)
        if price == old_price and size < old_size:
            half.shrink(order, size)
        else:
            half.leave(order)
            order.price, order.size = price, size
            half.join(order)
        self.tape.order(order.number, half.side, "Update", price, size, old_price, old_size, size_ahead, orders_ahead)

    def clearing(self, reference: int) -> tuple[int | None, int, int]:
        """(price, executable, surplus) of the call as the book stands."""
        return clearing_price(self.bids.sizes(), self.asks.sizes(), reference)

    def uncross(self, reference: int) -> None:
        """Execute, at the clearing price and in price-time priority, all that can be."""
        price, left, _ = self.clearing(reference)
        if price is None:
            return
        quote = self.quote()
        bids, asks = self.bids.front(), self.asks.front()
        while left:
            bid, ask = next(bids), next(asks)
            size = min(left, bid.size, ask.size)
            trade = self.tape.next_trade()
            self._fill(bid, size, price, trade)
            self._fill(ask, size, price, trade)
            self.tape.trade(trade, price, size, None, "Auction", quote)
            left -= size
        self.last_price = price

    def _take(self, other: Half, limit: int, size: int) -> int:
        """Execute up to `size` against `other` as deep as key `limit`; what could not be."""
        quote = self.quote()
        aggressor = "Buy" if other is self.asks else "Sell"
        for order in other.front():
            if not size or other.sign * order.price > limit:
                break
            price, taken = order.price, min(size, order.size)
            trade = self.tape.next_trade()
            self._fill(order, taken, price, trade)
            self.tape.trade(trade, price, taken, aggressor, "Lit", quote)
            self.last_price = price
            size -= taken
        return size

    def _fill(self, order: Order, size: int, price: int, trade: int) -> None:
        """Execute part or all of an order that stands in front of its queue."""
        half, old_price, old_size = order.half, order.price, order.size
        if size == old_size:
            half.leave(order)
            self._forget(order)
            action, new_price, new_size = "Remove", None, 0
        else:
            half.shrink(order, old_size - size)
            action, new_price, new_size = "Update", old_price, order.size
        self.tape.order(
            order.number, half.side, action, new_price, new_size, old_price, old_size, 0, 0, price, size, trade
        )

    def _forget(self, order: Order) -> None:
        last = self.live.pop()
        if last is not order:
            last.place = order.place
            self.live[order.place] = last


def clearing_price(buys: Mapping[int, int], sells: Mapping[int, int], reference: int) -> tuple[int | None, int, int]:
    """(price, executable, surplus) at which sizes by limit price clear; (None, 0, 0) where nothing can.

    Among the limit prices: the largest executable size; then the smallest |buy − sell|; then, if all that remain have
    buyers left the highest, if all have sellers left the lowest; else the nearest to `reference`, the higher of two.
    """
    wanted, offered = sum(buys.values()), 0
    found: list[tuple[int, int, int]] = []
    for price in sorted({*buys, *sells}):
        offered += sells.get(price, 0)
        found.append((price, min(wanted, offered), wanted - offered))
        wanted -= buys.get(price, 0)
    most = max((executable for _, executable, _ in found), default=0)
    if not most:
        return None, 0, 0
    found = [row for row in found if row[1] == most]
    least = min(abs(surplus) for _, _, surplus in found)
    found = [row for row in found if abs(row[2]) == least]
    if all(surplus > 0 for _, _, surplus in found):
        return found[-1]
    if all(surplus < 0 for _, _, surplus in found):
        return found[0]
    return min(found, key=lambda row: (abs(row[0] - reference), -row[0]))
