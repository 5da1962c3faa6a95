"""Module tca: parent orders, one after the other. D is +1 for an order to buy, −1 to sell."""

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any

import attrs

from .clock import Row, Rule, nanoseconds
from .quotes import Quote, Runs, before, valid_at
from .values import Number, near, ratio

SIGN = {"Buy": 1, "Sell": -1}
DAY = 86400 * 10**9


@attrs.frozen
class Market:
    """What orders are measured against: trades that count, quotes, stretches, the midnight that ends the date."""

    trades: Sequence[Row]
    quotes: Sequence[Quote]
    runs: Runs
    midnight: int
    hours: tuple[int, int] | None = None

    @property
    def end(self) -> float:
        """The session's end, where it is known."""
        told = self.runs[-1][1] if self.runs else float("inf")
        return min(told, self.hours[1]) if self.hours and (isinf(told) or told == self.hours[1] + 1) else told

    def before(self, t: int | None) -> Number:
        """Mid strictly before t."""
        quote = None if t is None else before(self.quotes, t)
        return quote.mid if quote else None

    def at(self, t: int) -> Number:
        """Mid at t: the last valid row's."""
        quote = valid_at(self.quotes, t, self.runs)
        return quote.mid if quote else None

    def last(self, t: int) -> Number:
        """Mid at t; outside the stretches, that at the end of the last one."""
        over = [run for run in self.runs if run[0] <= t]
        if not over or t < over[-1][1]:
            return self.at(t)
        return self.at(int(over[-1][1]) - 1)

    def between(self, start: int, end: float) -> list[Row]:
        """Trades in (start, end]."""
        return [r for r in self.trades if start < r["EventTimestamp"] <= end]


def vwap(trades: Sequence[Row]) -> Number:
    """Σ Pq / Σ q."""
    return ratio(sum(r["Price"] * r["Size"] for r in trades), volume(trades))


def volume(trades: Sequence[Row]) -> float:
    """Σ q."""
    return sum(r["Size"] for r in trades)


def bps(sign: int, price: Number, base: Number) -> Number:
    """1e4 D (price − base)/base."""
    return None if price is None or base is None else ratio(1e4 * sign * (price - base), base)


def product(*factors: Number) -> Number:
    """None where any factor is."""
    found = 1.0
    for x in factors:
        if x is None:
            return None
        found *= x
    return found


def less(x: Number, y: Number) -> Number:
    """x − y."""
    return None if x is None or y is None else x - y


@attrs.frozen
class Order:
    """One parent order as its events tell it."""

    events: Sequence[Row]
    listings: frozenset[Any]

    @property
    def arrival(self) -> Row | None:
        """Its first Arrival."""
        return next((e for e in self.events if e["Event"] == "Arrival"), None)

    @property
    def end(self) -> Row | None:
        """Its End, if it has one."""
        return next((e for e in self.events if e["Event"] == "End"), None)

    @property
    def fills(self) -> list[Row]:
        """In order."""
        return [e for e in self.events if e["Event"] == "Fill"]

    @property
    def problem(self) -> bool:
        """Whether its events contradict each other."""
        if self.arrival is None or len(self.listings) > 1 or len({e["OrderSide"] for e in self.events}) > 1:
            return True
        early = any(f["EventTimestamp"] < self.arrival["EventTimestamp"] for f in self.fills)
        late = self.end is not None and any(f["EventTimestamp"] > self.end["EventTimestamp"] for f in self.fills)
        return early or late or volume(self.fills) > self.arrival["OrderQuantity"] * (1 + 1e-9)


def order_row(order: Order, market: Market, options: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an order without a problem."""
    fills, arrival = order.fills, order.arrival
    assert arrival is not None
    sign, quantity, done = SIGN[arrival["OrderSide"]], arrival["OrderQuantity"], volume(fills)
    average = vwap(fills)
    return {
        "OrderExecutedQuantity": done,
        "OrderFillRatio": ratio(done, quantity),
        "OrderAvgPrice": average,
        "OrderFillCount": len(fills),
        **_costs(order, market, options, sign, done),
        **_interval(order, market, options, sign, done, average),
        **_fill_by_fill(order, market, options, sign),
    }


def _costs(order: Order, market: Market, options: Mapping[str, Any], sign: int, done: float) -> dict[str, Any]:
    arrival, fills = order.arrival, order.fills
    assert arrival is not None
    quantity = arrival["OrderQuantity"]
    arrived = market.before(arrival["EventTimestamp"])
    decided = decision_price(arrival, market, arrived)
    ended = end_price(order, market, options)
    fees = sum(f.get("Fee") or 0.0 for f in fills)
    paid = sum(f["Price"] * f["Size"] for f in fills)
    execution = 0.0 if not fills else None if arrived is None else sign * (paid - done * arrived)
    delay = 0.0 if not fills else product(sign, done, less(arrived, decided))
    opportunity = 0.0 if near(quantity, done) else product(sign, quantity - done, less(ended, decided))
    shortfall = None
    if decided is not None and opportunity is not None:
        shortfall = sign * (paid - done * decided) + opportunity + fees
    return {
        "ArrivalSlippageBps": bps(sign, vwap(fills), arrived),
        "DelayCost": delay,
        "ExecutionCost": execution,
        "OpportunityCost": opportunity,
        "FeeCost": fees,
        "ShortfallCost": shortfall,
        "ShortfallBps": None if shortfall is None else ratio(1e4 * shortfall, quantity * decided),
    }


def decision_price(arrival: Row, market: Market, arrived: Number) -> Number:
    """As given, else the mid strictly before the decision, else the mid on arrival."""
    given = arrival.get("DecisionPrice")
    if given is not None:
        return float(given)
    mid = market.before(arrival.get("DecisionTimestamp"))
    return arrived if mid is None else mid


def end_price(order: Order, market: Market, options: Mapping[str, Any]) -> Number:
    """Mid, or last trade, at the order's end."""
    t = end_of(order, market)
    if options.get("end_price", "mid") == "last_trade":
        before = [r["Price"] for r in market.trades if r["EventTimestamp"] <= t]
        return before[-1] if before else None
    return market.last(t)


def end_of(order: Order, market: Market) -> int:
    """When the order ended. Where it does not say: with the session, or with the first midnight behind the date, if
    its last event is not behind that."""
    if order.end is not None:
        return int(order.end["EventTimestamp"])
    last = max(e["EventTimestamp"] for e in order.events)
    if not isinf(market.end):
        return max(int(market.end), last)
    return max(market.midnight, -(-last // DAY) * DAY)


def _interval(
    order: Order, market: Market, options: Mapping[str, Any], sign: int, done: float, average: Number
) -> dict[str, Any]:
    assert order.arrival is not None
    start = order.arrival["EventTimestamp"]
    inside = market.between(start, order.fills[-1]["EventTimestamp"]) if order.fills else []
    own = _own(order.fills, inside) if options.get("own_volume", "include") == "exclude" else 0.0
    found = {
        "OrderIntervalVwap": vwap(inside),
        "VwapSlippageBps": bps(sign, average, vwap(inside)),
        "DayVwapSlippageBps": bps(sign, average, vwap(market.trades)),
        "Participation": ratio(done, max(volume(inside) - own, 0.0)) if order.fills else None,
        "RelativePerformance": _relative(inside, average, sign),
    }
    for rate in options.get("participation_rates", [0.1]):
        price = _pwp(market.between(start, float("inf")), done / rate) if order.fills else None
        found |= {f"PwpPrice{100 * rate:g}": price, f"PwpSlippageBps{100 * rate:g}": bps(sign, average, price)}
    return found


def _own(fills: Sequence[Row], inside: Sequence[Row]) -> float:
    """Volume of the order's own prints in the interval; fills without a print are as large as themselves."""
    linked = {f["TradeId"] for f in fills if f.get("TradeId") is not None}
    prints = sum(r["Size"] for r in inside if r.get("TradeId") in linked)
    return prints + sum(f["Size"] for f in fills if f.get("TradeId") is None)


def _relative(inside: Sequence[Row], average: Number, sign: int) -> Number:
    """Share of volume at worse prices, half of that at the same."""
    if average is None:
        return None
    same = [r for r in inside if near(r["Price"], average)]
    worse = [r for r in inside if sign * (r["Price"] - average) > 0 and not near(r["Price"], average)]
    return ratio(volume(worse) + volume(same) / 2, volume(inside))


def _pwp(trades: Sequence[Row], shares: float) -> Number:
    left, paid = shares, 0.0
    for row in trades:
        part = min(left, row["Size"])
        paid, left = paid + part * row["Price"], left - part
        if left <= shares * 1e-12:
            return ratio(paid, shares)
    return None


def _fill_by_fill(order: Order, market: Market, options: Mapping[str, Any], sign: int) -> dict[str, Any]:
    fills = order.fills
    found = {"SpreadCapture": _weighted(fills, [_capture(f, market, sign) for f in fills])}
    exit_time = fills[-1]["EventTimestamp"] if fills else None
    out = None if exit_time is None else market.last(exit_time)
    for horizon in options.get("horizons", ["1m"]):
        h = nanoseconds(horizon)
        later = [market.at(f["EventTimestamp"] + h) for f in fills]
        marks = [bps(sign, mid, f["Price"]) for f, mid in zip(fills, later, strict=True)]
        found[f"OrderMarkoutBps{horizon}"] = _weighted(fills, marks)
        back = None if exit_time is None else market.at(exit_time + h)
        moved = bps(sign, back, out)
        found[f"ReversionBps{horizon}"] = None if moved is None else -moved
    return found


def _capture(fill: Row, market: Market, sign: int) -> Number:
    """1 at the near touch, 0 at the far one; None without an open spread."""
    quote = before(market.quotes, fill["EventTimestamp"])
    if quote is None or quote.bid is None or quote.ask is None or near(quote.bid, quote.ask) or quote.ask < quote.bid:
        return None
    gained = quote.ask - fill["Price"] if sign > 0 else fill["Price"] - quote.bid
    return float(gained / (quote.ask - quote.bid))


def _weighted(fills: Sequence[Row], values: Sequence[Number]) -> Number:
    there = [(f["Size"], x) for f, x in zip(fills, values, strict=True) if x is not None]
    return ratio(sum(q * x for q, x in there), sum(q for q, _ in there)) if there else None


def order_rows(
    events: Mapping[Any, Sequence[Row]], markets: Mapping[Any, Market], rule: Rule, options: Mapping[str, Any]
) -> dict[tuple[Any, str, int], dict[str, Any] | None]:
    """Rows by (listing, order, bucket of the end); None for an order with a problem. `events`: of each listing."""
    homes: dict[str, set[Any]] = {}
    for listing, rows in events.items():
        for row in rows:
            homes.setdefault(row["OrderId"], set()).add(listing)
    found: dict[tuple[Any, str, int], dict[str, Any] | None] = {}
    for listing, rows in events.items():
        for name in dict.fromkeys(row["OrderId"] for row in rows):
            order = Order([r for r in rows if r["OrderId"] == name], frozenset(homes[name]))
            end = end_of(order, markets[listing])
            row = None if order.problem else order_row(order, markets[listing], options)
            found[listing, name, rule.bucket(end)] = row
    return found
