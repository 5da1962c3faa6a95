"""The `databento` source: market data as Databento delivers it, in DBN files.

`root` is a folder of `*.dbn` and `*.dbn.zst` files of one dataset. A file's metadata say its schema, the time it covers
and its symbols; its records are read by the package `databento-dbn` (`pip install 'basalt-io[dbn]'`; the client
`databento` is not needed).

| table | schemas, the fullest first |
|---|---|
| l3, l3_snapshot | mbo |
| l2 | mbp-10, mbp-1, bbo-1s, bbo-1m |
| trades | mbo, trades, tbbo, mbp-1, mbp-10, tcbbo, cmbp-1 |
| cbbo | cmbp-1, cbbo-1s, cbbo-1m |
| imbalance | imbalance |
| marketstate | status |
| reference | definition |

Where files of several schemas could make a table of a date, the first of them in this list makes it, or the first in
`schemas`, where that is set; the others are not read for it, which plans and `basalt data` tell. mbo has trades in one
sequence with the orders; trades has all prints in the smallest file; tbbo and what follows have the quote before each
trade too, so that `schemas = ["tbbo", "mbo"]` makes trades of tbbo and l3 of mbo. The first must cover the instruments
and the time of the others on that date, by their metadata; else they are refused. Bars (ohlcv-…) and statistics make no
table, as bars are computed from trades here, and no table of the contract holds settlements or open interest; plans and
`basalt data` name them.

What becomes of it
* A date is a UTC date, of the arrival stamp `ts_recv`: so Databento cuts its files, and so it sends the whole book anew
  at each date's start. A futures session that begins in the evening is part of two dates.
* EventTimestamp is the venue's stamp `ts_event`, as conventions ask; where a record has none, `ts_recv`. The books that
  Databento samples (bbo, cbbo) are stamped with `ts_recv`, the end of the interval, since their `ts_event` is that of
  the last trade.
* ListingId is the symbol that the file's mappings give for the instrument id on that date, else (no symbol, or one that
  stands for several ids, as a parent) the instrument id as text. InstrumentId is the same: ids are not stable over
  dates on all venues.
* SequenceNo is the record's number among those of the table's schema and date, from 1: the venue's own `sequence`
  repeats within a packet. Where there is l3, only the tables have it that are made of mbo on all dates, as its numbers
  order them among each other (`shared_sequence`); else all but `marketstate`, and they share it if one schema makes
  them.
* Prices are units of 1e-9. An undefined price, size or stamp is null; so is the whole level of an undefined price.
* A trade's side is its aggressor's: B Buy, A Sell, N null. An order's side is where it rests: B Bid, A Ask.

`l3` (mbo). A is Insert; M is Update to the new price and size; C is Remove, or Update where the order has shares left;
R clears the book; T goes to `trades`. F says that an order was filled, and changes nothing: the C or M of the same
order and stamp that follows takes the shares off. The two are one row, with the F's size as ExecutionSize and its price
as ExecutionPrice (several F: the sum, and the size-weighted average). So sizes are reduced once. Not executions of a
resting order, and without ExecutionSize, are fills of the order that a trade names as its aggressor (a resting order
amended to a price that crosses: it is removed, and the trade is in `trades`). An F that no C or M follows is of an
order that was never displayed, and makes no row. OldPrice and OldSize are those after the order's previous record; null
in an Update of an order that is not known to stand, and the record's own in its Remove. An A of an order that stands
replaces it. EndOfEvent marks the last row of what the venue flags as one event (F_LAST). OrderId is the venue's
unsigned 64-bit id as a signed one, the same for ids below 2**63.

`l3_snapshot`. Records with the flag F_SNAPSHOT are the book as it stood, in priority order: they are here and not in
`l3`. They replace the book of the listing, and are stamped when they were sent, or a nanosecond before the first later
event where that is earlier. A clear (R) without orders behind it is one row without OrderId. `complete_book` is
promised where the first mbo file of each date begins at midnight, as only then the book is sent.

`l2`. Every record but T and F (which repeat the book before the trade, and whose effect comes in a record of its own)
is a row: levels as deep as the schema. `trades` of mbp-1, mbp-10 and tbbo carry the quote before the trade, those of
cmbp-1 and tcbbo the consolidated one.

`cbbo`. Of cmbp-1 every record but T and F, of the others every record. `publisher` chooses no rows of it. BidVenues and
AskVenues are Databento's publisher ids as text.

`imbalance`. IndicativePrice is `ind_match_price`, or where the venue gives none (0) `cont_book_clr_price`;
ImbalanceSide is B Buy, A Sell, N null.

`marketstate`. By action: PRE_OPEN 1 PRE_OPEN; TRADING 7 CONTINUOUS_TRADING; HALT 8, PAUSE 9, SUSPEND 10 HALTED;
PRE_CLOSE 11 CLOSING_AUCTION; CLOSE 12 and NOT_AVAILABLE_FOR_TRADING 15 CLOSED; POST_CLOSE 13 POST_TRADE; PRE_CROSS 2,
QUOTING 3, CROSS 4, ROTATION 5 OPENING_AUCTION before the date's first TRADING, after it INTRADAY_AUCTION if the reason
is SCHEDULED and UNSCHEDULED_AUCTION if not. NEW_PRICE_INDICATION 6 is CONTINUOUS_TRADING where `is_trading` says yes
(CME resumes so after a halt), an auction as above where it says no. Others (NONE, SSR_CHANGE) change no state and make
no row. A state that began on an earlier date, and is repeated at a date's start, is stamped with that start.

`reference`. Ticker, MIC (`exchange`), currency, tick and round-lot size of the date's last definition; a deleted
instrument is left out. MatchingRule: F and T (FIFO, with top and lead market makers) are FIFO, every other algorithm
that is defined is PRO_RATA.

A compressed file that is cut short anywhere is refused; a plain one where it ends within a record. That a plain one was
cut between two records nothing tells.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path

import attrs
import polars as pl

from basalt.conform import conform
from basalt.errors import BasaltError, DataError, UserError
from basalt.options import option
from basalt.sources import Promises, Source
from basalt.tables import CBBO, IMBALANCE, L2, L3, L3_SNAPSHOT, MARKETSTATE, REFERENCE, TRADES, TableSchema
from basalt_io.files import fingerprint, first_line, one_of
from basalt_io.paths import located
from basalt_io.sources import databento_orders, databento_tables
from basalt_io.sources.databento_choice import Made, by_table, passed_over
from basalt_io.sources.databento_files import TABLES, DbnFile, chosen, described, ignored
from basalt_io.sources.databento_records import none, records
from basalt_io.sources.dates import refuse_date

_DAY_NANOSECONDS = 86_400_000_000_000
_UNNUMBERED = ("reference", "marketstate")


@attrs.frozen
class DatabentoOptions:
    """`[source] type = "databento"`."""

    root: str = option("folder of the .dbn and .dbn.zst files, relative to the pipeline file")
    dataset: str | None = option(
        "dataset to read, as 'GLBX.MDP3', where the folder has several; not set: the only one", default=None
    )
    schemas: list[str] | None = option(
        "schemas to read, as ['mbo', 'definition'], the first before the others where several make a table; not set: "
        "every schema, the fullest first",
        default=None,
    )
    publisher: int | None = option(
        "number of the publisher (venue) to read, where an instrument has several; not set: all", default=None
    )


class DatabentoSource(Source):
    """DBN files of one folder and dataset."""

    name = "databento"
    Config = DatabentoOptions

    @property
    def promises(self) -> Promises:  # type: ignore[override]
        """What the files' metadata tell; nothing is sorted."""
        schemas = {schema for table in self._numbered for schema in self._schemas[table]}
        orders = {day: one.files[0] for day, one in self._tables.get("l3", {}).items()}
        whole = all(first.start % _DAY_NANOSECONDS == 0 or first.dates[0] < day for day, first in orders.items())
        return Promises(shared_sequence=len(schemas) == 1, complete_book=whole)

    @cached_property
    def root(self) -> Path:
        """The configured folder, absolute."""
        return located(self.folder, self.config.root)

    def tables(self) -> Sequence[str]:
        """Tables that the files' schemas make."""
        return sorted(self._tables)

    def dates(self, table: str) -> Sequence[dt.date]:
        """UTC dates in the time that the table's files cover by their metadata, rows or not."""
        return sorted(self._dated(table))

    def unread(self) -> Sequence[str]:
        """Files whose schemas make no table, and schemas that another one takes the place of."""
        schemas = Counter(one.schema for one in ignored(self._there, self.config.dataset))
        files = ", ".join(f"{schema} ({count})" for schema, count in sorted(schemas.items()))
        bars = [f"source databento: {self.root} also holds files of schemas that no table is made of: {files}"]
        return bars * bool(schemas) + passed_over(self._tables)

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes and times of that date's files, and with `publisher`."""
        return fingerprint((one.file for one in self._made_of(table, day)), self.config.publisher)

    def lies(self, table: str, day: dt.date) -> str:
        """A file that the table is made of."""
        return one_of(one.file for one in self._made_of(table, day))

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, decoded when a query reads them. UserError where there is no such table or date; the query
        raises DataError for a file that is cut short or no sound DBN."""
        files = self._made_of(table, day)
        schema, build = _TABLES[table]
        told = conform(build(none(files[0].schema)), schema, str(self.root)).collect_schema()
        rows = pl.defer(partial(_read, table, tuple(files), day, self.config.publisher), schema=told)
        return rows if table in self._numbered else rows.drop("SequenceNo", strict=False)

    @cached_property
    def _there(self) -> list[DbnFile]:
        return described(self.root)

    @cached_property
    def _files(self) -> list[DbnFile]:
        return chosen(self.root, self._there, self.config.dataset, self.config.schemas)

    @cached_property
    def _tables(self) -> dict[str, dict[dt.date, Made]]:
        return by_table(self._files, self.config.schemas)

    @cached_property
    def _schemas(self) -> dict[str, set[str]]:
        """The schemas that make each table, on all dates."""
        return {
            table: {file.schema for one in dated.values() for file in one.files}
            for table, dated in self._tables.items()
        }

    @cached_property
    def _numbered(self) -> set[str]:
        """Tables with SequenceNo: with orders, those that are made of their schema, else all that can be numbered."""
        made = self._schemas.keys() - set(_UNNUMBERED)
        return {table for table in made if "l3" not in made or self._schemas[table] == {"mbo"}}

    def _dated(self, table: str) -> dict[dt.date, Made]:
        if table not in self._tables:
            makes = f", which a file of {' or '.join(TABLES[table])} would make" if table in TABLES else ""
            raise UserError(
                f"source databento has no table {table}{makes}: {self.root} makes {', '.join(sorted(self._tables))}"
            )
        return self._tables[table]

    def _made_of(self, table: str, day: dt.date) -> Sequence[DbnFile]:
        dated = self._dated(table)
        refuse_date(self.name, table, day, dated, self.root)
        return dated[day].files


Build = Callable[[pl.LazyFrame], pl.LazyFrame]
_TABLES: dict[str, tuple[TableSchema, Build]] = {
    "l3": (L3, databento_orders.l3),
    "l3_snapshot": (L3_SNAPSHOT, databento_orders.l3_snapshot),
    "l2": (L2, databento_tables.l2),
    "trades": (TRADES, databento_tables.trades),
    "cbbo": (CBBO, databento_tables.cbbo),
    "imbalance": (IMBALANCE, databento_tables.imbalance),
    "marketstate": (MARKETSTATE, databento_tables.marketstate),
    "reference": (REFERENCE, databento_tables.reference),
}


def _read(table: str, files: Sequence[DbnFile], day: dt.date, publisher: int | None) -> pl.DataFrame:
    schema, build = _TABLES[table]
    found = records(files, day, publisher, by_venue=table != "cbbo")
    try:
        return conform(build(found), schema, str(files[0].file)).collect()
    except BasaltError:
        raise
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{files[0].file} gives no {table} ({first_line(error)}): fetch it again") from error
