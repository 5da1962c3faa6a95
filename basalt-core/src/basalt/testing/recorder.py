"""What one listing's venue publishes: rows in one sequence, and at the end one frame a table.

The *tape* numbers every row of l3, trades and imbalance as it happens; an *exchange event* is everything between
`open` and `close` and has one stamp. Prices stay whole ticks until the frames are made, so that a price is the float
nearest to its decimal.
"""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import polars as pl

from basalt.columns import Column, Unit
from basalt.tables import IMBALANCE, L2, L3, MARKETSTATE, REFERENCE, TRADES, TableSchema

if TYPE_CHECKING:
    from basalt.testing.matching import Book

Quote = tuple[int | None, int | None, int | None, int | None]
PRICE_UNITS = 10_000
"""A tick is a whole number of 1/PRICE_UNITS of the currency."""

RECORDED = {
    "l3": (
        *("EventTimestamp", "SequenceNo", "MarketState", "OrderId", "Side", "Action", "Price", "Size"),
        *("OldPrice", "OldSize", "SizeAhead", "OrdersAhead", "ExecutionPrice", "ExecutionSize", "TradeId"),
    ),
    "trades": (
        *("EventTimestamp", "SequenceNo", "MarketState", "TradeId", "Price", "Size", "AggressorSide", "TradeType"),
        *("BidPrice", "AskPrice", "BidQuantity", "AskQuantity"),
    ),
    "imbalance": (
        *("EventTimestamp", "SequenceNo", "ReferencePrice", "IndicativePrice"),
        *("PairedQuantity", "ImbalanceQuantity", "ImbalanceSide"),
    ),
}
SIDES = ("Bid", "Ask")
MEASURES = ("Price", "Quantity", "NumOrders")
SCHEMAS = {table.name: table for table in (REFERENCE, MARKETSTATE, L3, L2, TRADES, IMBALANCE)}


class Tape:
    """Records one listing's day. `time` (ns) and `state` are those of the event that is open."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.time = 0
        self.state = ""
        self.orders: list[tuple[Any, ...]] = []
        self.ends: list[bool] = []
        self.trades: list[tuple[Any, ...]] = []
        self.indications: list[tuple[Any, ...]] = []
        self.books: list[tuple[int, int, str]] = []
        self.shown: dict[str, list[int | None]] = {"Bid": [], "Ask": []}
        self._sequence = 0
        self._last_trade = 0

    def order(
        self,
        number: int,
        side: str,
        action: str,
        price: int | None,
        size: int,
        old_price: int | None,
        old_size: int,
        size_ahead: int,
        orders_ahead: int,
        executed_at: int | None = None,
        executed: int = 0,
        trade: int | None = None,
    ) -> None:
        """One l3 row."""
        self._sequence = sequence = self._sequence + 1
        head = (self.time, sequence, self.state, number, side, action, price, size, old_price, old_size)
        self.orders.append((*head, size_ahead, orders_ahead, executed_at, executed, trade))

    def next_trade(self) -> int:
        """The number of the print that comes next."""
        self._last_trade += 1
        return self._last_trade

    def trade(self, number: int, price: int, size: int, aggressor: str | None, kind: str, quote: Quote) -> None:
        """One print, with the sequence number of the l3 row just recorded."""
        self.trades.append((self.time, self._sequence, self.state, number, price, size, aggressor, kind, *quote))

    def indicate(self, time: int, reference: int, price: int | None, paired: int, surplus: int) -> None:
        """One auction indication, a number of its own."""
        self._sequence += 1
        side = "Buy" if surplus > 0 else "Sell" if surplus < 0 else None
        self.indications.append((time, self._sequence, reference, price, paired, abs(surplus), side))

    def close(self, book: "Book") -> None:
        """End the exchange event: mark its last l3 row, and show the book if the public sees a change."""
        rows = len(self.orders) - len(self.ends)
        if not rows:
            return
        self.ends.extend([False] * (rows - 1))
        self.ends.append(True)
        bids_changed, asks_changed = book.bids.refresh(), book.asks.refresh()
        if bids_changed or asks_changed:
            self.books.append((self.time, self._sequence, self.state))
            self.shown["Bid"].extend(book.bids.shown)
            self.shown["Ask"].extend(book.asks.shown)

    def frame(self, table: str, listing: int, mic: str, tick: int) -> pl.DataFrame:
        """The recorded rows of one table. `tick` is in PRICE_UNITS."""
        if table == "l2":
            columns = self._l2(tick)
        else:
            rows = {"l3": self.orders, "trades": self.trades, "imbalance": self.indications}[table]
            columns = _columns(SCHEMAS[table], RECORDED[table], rows, tick)
        if table == "l3":
            columns["EndOfEvent"] = pl.Series("EndOfEvent", self.ends, dtype=pl.Boolean)
        frame = pl.DataFrame(list(columns.values())).with_columns(ListingId=pl.lit(listing, pl.Int64))
        if table == "trades":
            frame = frame.with_columns(Venue=pl.lit(mic))
        return frame.select(_ordered(table, self.depth, frame.columns))

    def _l2(self, tick: int) -> dict[str, pl.Series]:
        columns = _columns(L2, ("EventTimestamp", "SequenceNo", "MarketState"), self.books, tick)
        for side, flat in self.shown.items():
            values = pl.Series(flat, dtype=pl.Int64)
            for offset, (what, level) in enumerate(product(MEASURES, range(1, self.depth + 1))):
                name = f"{side}{what}{level}"
                columns[name] = _series(L2, name, values.gather_every(3 * self.depth, offset), tick)
        return columns


def _columns(table: TableSchema, names: Sequence[str], rows: list[tuple[Any, ...]], tick: int) -> dict[str, pl.Series]:
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: _series(table, name, pl.Series(column), tick) for name, column in zip(names, values, strict=True)}


def _series(table: TableSchema, name: str, values: pl.Series, tick: int) -> pl.Series:
    column = declared(table, name)
    if column.unit is Unit.PRICE:
        # Division by a scalar is a multiplication by its reciprocal in Polars, one bit off for a third of the prices.
        values = (values.cast(pl.Int64) * tick / PRICE_UNITS).round(4)
    return values.cast(column.dtype).alias(name)


def declared(table: TableSchema, name: str) -> Column:
    """The contract's column; KeyError where the simulator would record what the contract does not know."""
    column = table.column(name)
    if column is None:
        raise KeyError(f"{table.name} has no column {name}")
    return column


def _ordered(table: str, depth: int, columns: Sequence[str]) -> list[str]:
    """The contract's order; book levels one after the other."""
    if table == "l2":
        levels = [f"{side}{what}{level + 1}" for level in range(depth) for what in MEASURES for side in SIDES]
        return ["ListingId", "EventTimestamp", "SequenceNo", *levels, "MarketState"]
    return [column.name for column in SCHEMAS[table].columns if column.name in columns]
