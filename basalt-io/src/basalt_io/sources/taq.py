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
* There is no sequence number: rows of one stamp are in file order. A plain CSV file must end with a line end, and a
  compressed one whole; that a plain one was cut between two rows nothing tells.

Cleaning. The rules of Barndorff-Nielsen, Hansen, Lunde and Shephard (2009), each only where its option says so, in this
order, which is that of the R package `highfrequency`; `basalt data describe` and `validate` tell how many rows each of
them leaves out. All options are off by default.

| option | of | the paper's | leaves out |
|---|---|---|---|
| `drop_zeros` | both | P2 | trades at price 0, quotes with a bid or an ask of 0 |
| `hours` | both | P1 | stamps outside the hours |
| `exchanges` | both | P3 | exchanges that are not named |
| `main_exchange` | both | P3 | of each security all exchanges but one, see below |
| `drop_crossed` | quotes | Q2 | asks not above the bid |
| `max_spread` | quotes | Q3 | spreads of so many times, or more, the listing's median of the date |
| (no option) | trades | T1 | corrected trades, before `merge`; without it they are flagged IsCancelled |
| `conditions` | trades | T2 | trades with another sale condition |
| `merge` | both | Q1, T3 | of the rows of a listing and stamp all but one |
| `outliers` | both | Q4 | prices, or mid-quotes, too far from their neighbours |
| `outside_quotes` | trades | T4 | trades too far outside the best quotes |

`main_exchange` keeps the exchange on which most shares of the security were traded that date by its trade files, D and
corrected trades not counted; of equal ones the first letter. `merge` gives the row that stays the median of prices,
bids and asks and the sum of sizes; it has no condition and no id.

`outliers` = 10 leaves out a row whose price (mid-quote) is further from the median of its neighbours than 10 times
their mean absolute deviation from that median. Neighbours are the 25 rows of the listing before it and the 25 behind
it, not itself, in the order of time and after the rules above; corrected trades and quotes without a side are none, and
stay. Near the ends of the date there are fewer; a row with fewer than 25 is not judged. Each row is judged once, with
all the others there. Prices are equal within a relative 1e-9. `highfrequency` differs: it takes the median absolute
deviation of the whole date.

`outside_quotes` = 1 leaves out a trade above the best ask by more than 1 spread, or as far below the best bid. The best
quotes are the highest bid and the lowest ask of the security that stand on any exchange whose quotes are kept, after
all rules for quotes, as of the last stamp at or before the trade's. Where there are none, or they are crossed, the
trade stays. The paper merges quotes (Q1) before Q2 and Q3; here they come first. These two rules hold a date's rows in
memory.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import attrs
import polars as pl

from basalt.conform import conform
from basalt.errors import DataError, UserError
from basalt.options import option
from basalt.sources import Promises, Source
from basalt.tables import L2, REFERENCE, TRADES
from basalt_io.files import fingerprint, first_line, one_of
from basalt_io.paths import located
from basalt_io.sources import taq_cleaning, taq_tables
from basalt_io.sources.clocks import midnight, zone
from basalt_io.sources.dates import refuse_date, refuse_table
from basalt_io.sources.taq_cleaning import Cleaning, Day
from basalt_io.sources.taq_files import Clock, find

_TABLES = {
    "reference": (REFERENCE, taq_tables.reference),
    "l2": (L2, taq_tables.l2),
    "trades": (TRADES, taq_tables.trades),
}


@attrs.frozen
class TaqOptions:
    """`[source] type = "taq"`."""

    root: str = option("folder of the files, relative to the pipeline file")
    trades: str = option("pattern of the trade files below `root`, as '*trade*' or '**/ctm_*.csv'", default="*trade*")
    quotes: str = option("pattern of the quote files below `root`, as '*quote*' or '**/cqm_*.csv'", default="*quote*")
    time_zone: str = option("time zone of stamps that have none, and of `hours`", default="America/New_York")
    lot: float = option("shares that a size of 1 in a quote stands for", default=100.0)
    exchanges: list[str] = option("letters of the exchanges to keep; not set: all", factory=list)
    main_exchange: bool = option(
        "of each security, keep only the exchange on which most shares were traded that date", default=False
    )
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
    outliers: float | None = option(
        "leave out rows further from the median of the 25 rows before and the 25 behind than this many of their mean "
        "absolute deviations, 10 being the standard; not set: none",
        default=None,
    )
    outside_quotes: float | None = option(
        "leave out trades outside the best quotes by more than this many spreads, 1 being the standard; not set: none",
        default=None,
    )


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
        """Tables for which files are there; UserError for options that mean nothing."""
        _ = self._cleaning, self._zone
        return [table for table in _TABLES if self.dates(table)]

    def dates(self, table: str) -> Sequence[dt.date]:
        """Dates in the names of the table's files; of `reference`, of either."""
        return sorted({day for files in self._files(table) for day in files})

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes and times of the files that the table is made of, and with the options."""
        found = self._day(table, day)
        return fingerprint([*found.trades, *found.quotes], attrs.astuple(self._cleaning), self._zone)

    def left_out(self, table: str, day: dt.date) -> Mapping[str, int]:
        """Rows by the rule that leaves them out; DataError where the files cannot be read."""
        found = self._day(table, day)
        if table == "reference":
            return {}
        clean = taq_cleaning.trades if table == "trades" else taq_cleaning.quotes
        steps = clean(found, self._cleaning)
        try:
            counts = [one.item() for one in pl.collect_all(rows.select(pl.len()) for _, rows in steps)]
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{self.root}: {table} of {day} cannot be read ({first_line(error)})") from error
        return {
            option: before - after for (option, _), (before, after) in zip(steps[1:], pairwise(counts), strict=True)
        }

    def lies(self, table: str, day: dt.date) -> str:
        """A file that the table is made of."""
        found = self._day(table, day)
        return one_of([*found.trades, *found.quotes])

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, in file order. UserError where there is no such table or date; DataError where a file's
        columns are not TAQ's."""
        found = self._day(table, day)
        schema, build = _TABLES[table]
        return conform(build(found, self._cleaning), schema, f"{self.root}")

    @cached_property
    def _zone(self) -> str:
        return zone(self.name, self.config.time_zone)

    @cached_property
    def _cleaning(self) -> Cleaning:
        config = self.config
        for name in ("lot", "max_spread", "outliers", "outside_quotes"):
            value = getattr(config, name)
            if value is not None and not 0 < value < math.inf:
                raise UserError(f"source taq: {name} = {value} must be above 0: set it, or leave it out")
        for letter in config.exchanges:
            if len(letter) != 1 or not letter.isupper():
                raise UserError(f"source taq: exchanges has {letter!r}: write them as TAQ's letters, ['N', 'P']")
        return Cleaning(
            tuple(config.exchanges),
            config.main_exchange,
            _hours(config.hours),
            config.drop_zeros,
            config.conditions,
            config.drop_crossed,
            config.max_spread,
            config.merge,
            config.outliers,
            config.outside_quotes,
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

    def _day(self, table: str, day: dt.date) -> Day:
        """The files that the table is made of, those that a rule needs among them."""
        refuse_table(self.name, table, _TABLES)
        refuse_date(self.name, table, day, self.dates(table), self.root)
        trades, quotes = (files.get(day, []) for files in self._found)
        main = self._cleaning.main_exchange
        inside = self._cleaning.outside_quotes is not None and table == "trades"
        if main and not trades:
            raise self._lacks("main_exchange", "trades", day)
        if inside and not quotes:
            raise self._lacks("outside_quotes", "quotes", day)
        return Day(
            trades if table != "l2" or main else [], quotes if table != "trades" or inside else [], self._clock(day)
        )

    def _lacks(self, option: str, kind: str, day: dt.date) -> UserError:
        return UserError(
            f"source taq: {option} needs the {kind} of {day}, and {self.root} has none: add the file, or leave "
            f"{option} out"
        )

    def _clock(self, day: dt.date) -> Clock:
        return Clock(day, self._zone, midnight(day, self._zone))


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
