"""The `taq` source: US trades and quotes in TAQ's columns, as CSV (plain or gzipped) or Parquet.

A file holds the trades or the quotes of one date, which its name says (`trades_20180102.csv`,
`2018-01-02_quotes.parquet`); several files of a date are read one after the other. Names of columns, in any case:

| column | of | meaning |
|---|---|---|
| DT, or DATE with TIME_M or TIME | both | stamp; without zone (no `Z` behind a text) in `time_zone` |
| SYMBOL, or SYM_ROOT with SYM_SUFFIX | both | security |
| EX | both | exchange, one letter |
| PRICE, SIZE | trades | |
| COND or TR_SCOND | trades, optional | sale condition, letters |
| CORR or TR_CORR | trades, optional | correction, 0 for a trade that stands |
| TR_ID | trades, optional | id |
| BID, ASK or OFR, BIDSIZ, ASKSIZ or OFRSIZ | quotes | an exchange's own best quote; sizes in lots |

What becomes of it
* A listing is a security on an exchange: ListingId `XXX.N`, of a root with suffix `BRK.B.N`; InstrumentId is the
  security, `XXX`. `reference` has MIC by exchange letter (null for one that is not known), Ticker and currency USD.
* `trades`: IsCancelled for every correction but 0, as the standard procedure leaves all of them out. TradeType is
  Auction for conditions O, 5 and 6 (opening, reopening and closing prints), else OffBook for exchange D (FINRA's
  facilities), else Lit. IsOddLot is condition I. Venue is the exchange letter. TAQ tells no side: AggressorSide is
  absent (`trade_signs` infers it). Official opens and closes (Q, M) repeat prints: `conditions` leaves them out.
* `l2`: one level; a side with price 0 is null. Quantities are lots × `lot`.
* There is no sequence number: rows of one stamp are in file order.

Cleaning happens in the order of the standard procedure (Barndorff-Nielsen, Hansen, Lunde and Shephard 2009), each
step only where its option says so: `drop_zeros`, `hours`, `exchanges`; of trades corrections and `conditions`, of
quotes `drop_crossed` and `max_spread`; `merge` last: rows of one listing and stamp become one, with the median of
prices, bids and asks and the sum of sizes. A merged trade has no condition and no id, and cancelled ones are left out.
"""

import datetime as dt
import math
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import attrs
import polars as pl

from basalt.conform import conform
from basalt.errors import UserError
from basalt.options import option
from basalt.sources import Promises, Source
from basalt.tables import L2, REFERENCE, TRADES
from basalt_io.files import fingerprint
from basalt_io.paths import located
from basalt_io.sources import taq_tables
from basalt_io.sources.clocks import midnight, zone
from basalt_io.sources.dates import refuse_date, refuse_table
from basalt_io.sources.taq_files import Clock, find
from basalt_io.sources.taq_tables import Cleaning

_TABLES = {"reference": REFERENCE, "l2": L2, "trades": TRADES}


@attrs.frozen
class TaqOptions:
    """`[source] type = "taq"`."""

    root: str = option("folder of the files, relative to the pipeline file")
    trades: str = option("pattern of the trade files below `root`, as '*trade*' or '**/ctm_*.csv'", default="*trade*")
    quotes: str = option("pattern of the quote files below `root`, as '*quote*' or '**/cqm_*.csv'", default="*quote*")
    time_zone: str = option("time zone of stamps that have none, and of `hours`", default="America/New_York")
    lot: float = option("shares that a size of 1 in a quote stands for", default=100.0)
    exchanges: list[str] = option("letters of the exchanges to keep; not set: all", factory=list)
    hours: list[str] = option(
        "first and last time of day to keep, as ['09:30', '16:00']; not set: the whole day", factory=list
    )
    drop_zeros: bool = option("leave out trades at price 0 and quotes with a bid or ask of 0", default=False)
    conditions: str | None = option(
        "letters that a trade's sale condition may consist of, '@EFI' being the standard; not set: any", default=None
    )
    drop_crossed: bool = option("leave out quotes whose ask is not above the bid", default=False)
    max_spread: float | None = option(
        "leave out quotes whose spread is this many times its listing's median of the date, or more, 50 being the "
        "standard; not set: none",
        default=None,
    )
    merge: bool = option("make rows of one listing and stamp one: median price, summed size", default=False)


class TaqSource(Source):
    """TAQ files of one folder."""

    name = "taq"
    Config = TaqOptions
    promises = Promises(complete_book=False)

    @cached_property
    def root(self) -> Path:
        """The configured folder, absolute."""
        return located(self.folder, self.config.root)

    def tables(self) -> Sequence[str]:
        """Always the same three; UserError for options that mean nothing."""
        _ = self._cleaning, self._zone
        return list(_TABLES)

    def dates(self, table: str) -> Sequence[dt.date]:
        """Dates in the names of the table's files; of `reference`, of either."""
        return sorted({day for files in self._files(table) for day in files})

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes and times of the table's files of that date, and with the options."""
        return fingerprint(self._of(table, day), attrs.astuple(self._cleaning), self._zone)

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, in file order. UserError where there is no such table or date; DataError where a file's
        columns are not TAQ's."""
        self._of(table, day)
        clock = Clock(day, self._zone, midnight(day, self._zone))
        trades, quotes = (files.get(day, []) for files in self._files("reference"))
        if table == "reference":
            found = taq_tables.reference(trades, quotes, clock, self._cleaning)
        elif table == "l2":
            found = taq_tables.l2(quotes, clock, self._cleaning)
        else:
            found = taq_tables.trades(trades, clock, self._cleaning)
        return conform(found, _TABLES[table], f"{self.root}")

    @cached_property
    def _zone(self) -> str:
        return zone(self.name, self.config.time_zone)

    @cached_property
    def _cleaning(self) -> Cleaning:
        config = self.config
        for name, value in (("lot", config.lot), ("max_spread", config.max_spread)):
            if value is not None and not 0 < value < math.inf:
                raise UserError(f"source taq: {name} = {value} must be above 0: set it, or leave it out")
        for letter in config.exchanges:
            if len(letter) != 1 or not letter.isupper():
                raise UserError(f"source taq: exchanges has {letter!r}: write them as TAQ's letters, ['N', 'P']")
        return Cleaning(
            tuple(config.exchanges),
            _hours(config.hours),
            config.drop_zeros,
            config.conditions,
            config.drop_crossed,
            config.max_spread,
            config.merge,
            config.lot,
        )

    @cached_property
    def _found(self) -> tuple[dict[dt.date, list[Path]], dict[dt.date, list[Path]]]:
        trades = find(self.root, self.config.trades, "trades")
        quotes = find(self.root, self.config.quotes, "quotes")
        both = {file for day in trades for file in trades[day]} & {file for day in quotes for file in quotes[day]}
        if both:
            raise UserError(f"source taq: {min(both)} matches `trades` and `quotes`: narrow one of the two patterns")
        if not trades and not quotes:
            raise UserError(
                f"source taq: {self.root} holds no file as {self.config.trades} or {self.config.quotes}: set `trades` "
                "and `quotes` to patterns of their names"
            )
        return trades, quotes

    def _files(self, table: str) -> Sequence[dict[dt.date, list[Path]]]:
        trades, quotes = self._found
        return {"trades": [trades], "l2": [quotes], "reference": [trades, quotes]}.get(table, [])

    def _of(self, table: str, day: dt.date) -> list[Path]:
        refuse_table(self.name, table, _TABLES)
        refuse_date(self.name, table, day, self.dates(table), self.root)
        return [file for files in self._files(table) for file in files.get(day, [])]


def _hours(written: Sequence[str]) -> tuple[int, int] | None:
    if not written:
        return None
    times: list[dt.time] = []
    with suppress(ValueError):
        times = [dt.time.fromisoformat(text) for text in written]
    if len(times) != 2 or any(time.tzinfo for time in times):
        raise UserError(f"source taq: hours = {list(written)} are no two times: write ['09:30', '16:00']")
    first, last = times
    if first >= last:
        raise UserError(f"source taq: hours = {list(written)} end before they begin: write ['09:30', '16:00']")
    return _nanoseconds(first), _nanoseconds(last)


def _nanoseconds(time: dt.time) -> int:
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000_000 + time.microsecond * 1000
