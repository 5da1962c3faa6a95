"""The `lobster` source: NASDAQ order books as LOBSTER (lobsterdata.com) delivers them.

The format. A ticker's day is two CSV files without header, plain or gzipped, of which row i belongs to row i:

    TICKER_YYYY-MM-DD_START_END_message_LEVEL.csv      six columns (later deliveries add more; these are ignored)
    TICKER_YYYY-MM-DD_START_END_orderbook_LEVEL.csv    4 × LEVEL columns

START and END bound the file, in milliseconds after midnight (34200000 is 09:30); names without them are read too.

| message column | dtype | meaning |
|---|---|---|
| Time | decimal | seconds after midnight, New York time, with up to nine decimals |
| Type | integer | see below |
| Order ID | integer | the order's number; 0 for hidden orders |
| Size | integer | shares that the message is about |
| Price | integer | dollars × 10,000; in type 7: -1 halted, 0 quoting resumes, 1 trading resumes |
| Direction | integer | 1 the order is a bid, -1 an ask |

Types: 1 new limit order, 2 partial cancel, 3 deletion, 4 execution of a visible order, 5 execution of a hidden order,
6 cross (auction) trade, 7 trading halt.

The order book's columns are AskPrice1, AskSize1, BidPrice1, BidSize1, AskPrice2, … after the message of that row. A
level that is not there has the dummy price 9999999999 (ask) or -9999999999 (bid) and size 0. Messages are those that
touch the first LEVEL levels: of orders further back some or all messages are missing.

What becomes of it
* Stamps are read as decimal text, exactly, and counted from New York midnight with the UTC offset of that date's noon.
* SequenceNo is the row's number in the file, from 1, in every table: one sequence (`shared_sequence`).
* `l2` is the order-book file, a row a message, absent levels null. Hidden executions and halts repeat the row before
  them; `repeats = false` leaves those out, so that every row is a change.
* `trades`: types 4, 5 and 6. A resting bid was hit by a seller, so Direction 1 is AggressorSide Sell, -1 Buy; type 6
  has none, and TradeType Auction. IsHidden is true for type 5.
* `l3`: types 1 to 4, as Insert, Update and Remove. What is left of an order is its submission less all that messages
  took from it since; for an order whose submission is not in the file, all that later messages take from it. So an
  execution is a Remove if nothing is left. `complete_book` is not promised: orders behind the last level are missing.
* `marketstate`: CONTINUOUS_TRADING at START (or at the first message), CLOSED at END (if the name has it), and from
  type 7 HALTED, UNSCHEDULED_AUCTION (quoting resumes before the halt cross) and CONTINUOUS_TRADING.
* `reference`: Ticker, MIC XNAS, currency USD, InstrumentId the same as ListingId.

A gzipped file that is cut short anywhere is refused, a plain one where it ends within a row, and so are a message and
an order-book file of different lengths. That a message file alone was cut between two rows nothing tells, nor that the
order-book file's last size lost digits where no line end stands behind it (LOBSTER's samples have none).
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.conform import conform
from basalt.errors import UserError
from basalt.options import option
from basalt.sources import Promises, Source
from basalt.tables import L2, L3, MARKETSTATE, REFERENCE, TRADES
from basalt_io.files import fingerprint, one_of
from basalt_io.paths import located
from basalt_io.sources import lobster_tables
from basalt_io.sources.clocks import midnight, zone
from basalt_io.sources.dates import refuse_date, refuse_table
from basalt_io.sources.lobster_files import TickerDay, find

Listing = int | str


@attrs.frozen
class LobsterOptions:
    """`[source] type = "lobster"`."""

    root: str = option("folder of the message and orderbook files, relative to the pipeline file")
    listings: dict[str, int | str] = option(
        "tickers to read and the ListingId of each, all numbers or all strings; not set: every ticker, by its own name",
        factory=dict,
    )
    time_zone: str = option("time zone whose midnight the files count from", default="America/New_York")
    repeats: bool = option("keep order-book rows that repeat the one before (hidden executions, halts)", default=True)


class LobsterSource(Source):
    """LOBSTER files of one folder."""

    name = "lobster"
    Config = LobsterOptions
    promises = Promises(shared_sequence=True, complete_book=False)

    @cached_property
    def root(self) -> Path:
        """The configured folder, absolute."""
        return located(self.folder, self.config.root)

    def tables(self) -> Sequence[str]:
        """Always the same, but `l2` only where the folder has an order-book file."""
        return [table for table in _TABLES if self.dates(table)]

    def dates(self, table: str) -> Sequence[dt.date]:
        """Dates in the names of files that the table is made of."""
        return sorted({day.date for day in self._days if _offers(day, table)})

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes and times of that date's files, and with the options."""
        files = [file for part in self._parts(table, day) for file in (part.messages, part.book) if file is not None]
        return fingerprint(files, sorted(self.config.listings.items()), self.config.time_zone, self.config.repeats)

    def lies(self, table: str, day: dt.date) -> str:
        """The files that the table is made of."""
        parts = self._parts(table, day)
        return one_of(file for part in parts for file in (part.messages, part.book if table == "l2" else None) if file)

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, one ticker after the other in the order of ListingId. UserError where there is no such
        table or date; DataError where a file's first row is not what the format asks."""
        return self._made(table, day, self._parts(table, day))

    def scan_of(self, table: str, day: dt.date, keys: pl.Series) -> pl.LazyFrame:
        """The same of these tickers alone, as deep as the whole; the files of others are not read."""
        whole, wanted = self.scan(table, day), set(keys)
        parts = [part for part in self._parts(table, day) if self._listing(part) in wanted]
        none = pl.LazyFrame(schema=whole.collect_schema())
        return pl.concat([none, self._made(table, day, parts)], how="diagonal") if parts else none

    def _made(self, table: str, day: dt.date, parts: Sequence[TickerDay]) -> pl.LazyFrame:
        start = midnight(day, self._zone)
        schema, build = _TABLES[table]
        ordered = sorted(parts, key=lambda part: self._listing(part))
        frames = [build(part, self._listing(part), start, self.config.repeats) for part in ordered]
        return conform(pl.concat(frames, how="diagonal"), schema, f"{self.root}")

    @cached_property
    def _zone(self) -> str:
        return zone(self.name, self.config.time_zone)

    @cached_property
    def _days(self) -> list[TickerDay]:
        found = find(self.root)
        listings = self.config.listings
        if not listings:
            return found
        if len({type(listing) for listing in listings.values()}) > 1:
            raise UserError("source lobster: `listings` mixes numbers and strings: give every ticker the same kind")
        absent = sorted(listings.keys() - {day.ticker for day in found})
        if absent:
            there = ", ".join(sorted({day.ticker for day in found}))
            raise UserError(f"source lobster: `listings` names {absent[0]}, and {self.root} holds files of {there}")
        return [day for day in found if day.ticker in listings]

    def _listing(self, part: TickerDay) -> Any:
        listings: Mapping[str, Listing] = self.config.listings
        return listings.get(part.ticker, part.ticker)

    def _parts(self, table: str, day: dt.date) -> list[TickerDay]:
        refuse_table(self.name, table, _TABLES)
        refuse_date(self.name, table, day, self.dates(table), self.root)
        return [part for part in self._days if part.date == day and _offers(part, table)]


Build = Callable[[TickerDay, Listing, int, bool], pl.LazyFrame]
_TABLES: dict[str, tuple[Any, Build]] = {
    "reference": (REFERENCE, lobster_tables.reference),
    "marketstate": (MARKETSTATE, lobster_tables.marketstate),
    "l3": (L3, lobster_tables.l3),
    "l2": (L2, lobster_tables.l2),
    "trades": (TRADES, lobster_tables.trades),
}


def _offers(day: TickerDay, table: str) -> bool:
    return table != "l2" or day.book is not None
