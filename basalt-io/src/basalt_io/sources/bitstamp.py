"""The `bitstamp` source: order events of one pair, in the CSV layout that obAnalytics and `ob-analytics` record.

`root` is the folder of a capture, every file plain or gzipped (`.gz`):

| file | columns, by name, in any order |
|---|---|
| orders.csv | id, exchange_timestamp (or exchange.timestamp), price, volume, action, direction |
| trades.csv | trade_id, exchange_timestamp, price, amount, buy_order_id, sell_order_id, side; may be absent |
| meta.json | pair, snapshot_microtimestamp, synthetic_deleted, total_order_rows, trades (rows); may be absent |

Stamps are milliseconds since the epoch; that of the receiver, `timestamp`, is not read. `volume` is what the order has
left after the event (a `deleted` order: what is withdrawn, 0 if it was filled). `action` is created, changed or
deleted; `direction` bid or ask; a trade's `side` buy or sell, the taker's.

What becomes of it
* EventTimestamp is `exchange_timestamp`; a date is a UTC date of it. SequenceNo is the number of the row in its file,
  from 1. Events of an order are taken in the order of these two.
* ListingId is `listing`, or the pair that meta.json names.
* `trades`: side buy is AggressorSide Buy, sell is Sell.
* `l3`: created is Insert, changed Update, deleted Remove. The venue has no amendments, so an order rests at the price
  of its creation to its end: later prices are those of fills (or of the order that replaces it), and OldPrice is not
  taken from them.
* Executions. The venue has no reduction either, so a volume smaller than after the event before is a fill by the
  difference (rounded to 8 decimals, the venue's own), at the price of the event. An order that a trade of that stamp
  names as its taker took from others at the stamp of its creation, and what it took never rested: its events of that
  stamp are one Insert with what they leave of it, or nothing if they leave nothing. Every other fill is an execution
  against the order: ExecutionSize and ExecutionPrice. Without trades.csv, an order with a fill at the stamp of its
  creation is taken for a taker, which is wrong for one that is hit in the very millisecond. An order created with
  volume 0 (a market order, by amount) never rests either.
* A deleted order that was never created in the file is a Remove with its own price and volume; a changed one is an
  Update without Old*.
* meta.json tells which rows the recorder made up. Orders created at `snapshot_microtimestamp` are the book at the
  start: they are `l3_snapshot`, in file order, and not in `l3`. The last `synthetic_deleted` rows withdraw what stands
  at the end: they are left out, as the orders stood. Without meta.json all these rows are events like the others.

A row with a field too few, too many or without sense is refused, and so are an order file without rows and a file with
another number of rows than meta.json says, and a plain file without a line end at its end. Without that number, a file
cut short between two rows looks whole.
"""

import datetime as dt
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path

import attrs
import polars as pl

from basalt.conform import conform
from basalt.errors import UserError
from basalt.options import option
from basalt.sources import Source
from basalt.tables import L3, L3_SNAPSHOT, TRADES
from basalt_io.files import fingerprint, one_of
from basalt_io.paths import located
from basalt_io.sources import bitstamp_orders
from basalt_io.sources.bitstamp_files import NO_ORDERS, NO_TRADES, Capture, days, find, orders, prints
from basalt_io.sources.dates import refuse_date

_SCHEMAS = {"l3": L3, "l3_snapshot": L3_SNAPSHOT, "trades": TRADES}


@attrs.frozen
class BitstampOptions:
    """`[source] type = "bitstamp"`."""

    root: str = option("folder of orders.csv, trades.csv and meta.json, relative to the pipeline file")
    listing: int | str | None = option("ListingId of the pair; not set: the pair in meta.json", default=None)


class BitstampSource(Source):
    """One capture of one pair."""

    name = "bitstamp"
    Config = BitstampOptions

    @cached_property
    def root(self) -> Path:
        """The configured folder, absolute."""
        return located(self.folder, self.config.root)

    def tables(self) -> Sequence[str]:
        """l3; trades where the capture has them, and l3_snapshot where its meta.json tells the snapshot's stamp."""
        found = self._capture
        there = {"l3": True, "l3_snapshot": found.snapshot is not None, "trades": found.trades is not None}
        return [table for table, is_there in there.items() if is_there]

    def dates(self, table: str) -> Sequence[dt.date]:
        """UTC dates of the stamps of the file that the table is made of, which are read."""
        return sorted(self._dated(table))

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes and times of the capture's files, and with `listing`."""
        self._refuse_absent(table, day)
        return fingerprint(self._capture.files, self._listing)

    def lies(self, table: str, day: dt.date) -> str:
        """The file that the table is made of."""
        found = self._capture
        return one_of([found.trades if table == "trades" and found.trades is not None else found.orders])

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, read when a query runs. UserError where there is no such table or date; the query raises
        DataError for a file that is cut short or has a row without sense."""
        self._refuse_absent(table, day)
        told = _named(_build(table, self._capture, NO_ORDERS, NO_TRADES), self._listing, table, self.root)
        return pl.defer(partial(_read, table, self._capture, self._listing, day), schema=told.collect_schema())

    @cached_property
    def _capture(self) -> Capture:
        return find(self.root)

    @cached_property
    def _listing(self) -> int | str:
        listing = self.config.listing if self.config.listing is not None else self._capture.pair
        if listing is None:
            raise UserError(f"source bitstamp: no meta.json in {self.root} names the pair: set `listing`")
        return listing

    @cached_property
    def _days(self) -> dict[str, list[dt.date]]:
        found = self._capture
        dated = {"l3": days(found.orders, found.rows)}
        if found.trades is not None:
            dated["trades"] = days(found.trades, found.prints)
        if found.snapshot is not None:
            dated["l3_snapshot"] = [found.snapshot.date()]
        return dated

    def _dated(self, table: str) -> list[dt.date]:
        if table not in self.tables():
            raise UserError(f"source bitstamp has no table {table}: {self.root} makes {', '.join(self.tables())}")
        return self._days[table]

    def _refuse_absent(self, table: str, day: dt.date) -> None:
        refuse_date(self.name, table, day, self._dated(table), self.root)


def _build(table: str, capture: Capture, events: pl.DataFrame, prints: pl.DataFrame) -> pl.LazyFrame:
    if table == "trades":
        return bitstamp_orders.trades(prints.lazy())
    if table == "l3_snapshot":
        return bitstamp_orders.l3_snapshot(events.lazy(), capture.snapshot)
    takers = None if capture.trades is None else bitstamp_orders.takers(prints.lazy())
    return bitstamp_orders.l3(events.lazy(), capture.snapshot, takers)


def _named(rows: pl.LazyFrame, listing: int | str, table: str, where: Path) -> pl.LazyFrame:
    kind = pl.Int64 if isinstance(listing, int) else pl.String
    return conform(rows.select(pl.lit(listing, kind).alias("ListingId"), pl.all()), _SCHEMAS[table], str(where))


def _read(table: str, capture: Capture, listing: int | str, day: dt.date) -> pl.DataFrame:
    events = NO_ORDERS if table == "trades" else orders(capture)
    trades = NO_TRADES if table == "l3_snapshot" or capture.trades is None else prints(capture)
    rows = _build(table, capture, events, trades).filter(pl.col("EventTimestamp").dt.date() == day)
    return _named(rows, listing, table, capture.orders).collect()
