"""The `china_l2` source: Level-2 orders, trades and snapshots of the Shanghai and Shenzhen Stock Exchanges, as CSV.

The files of a date are `entrust.csv` (orders), `trade.csv` and `snapshot.csv`, with header, of any number of
securities of one exchange. They lie in `ROOT/YYYYMMDD/`, or in zips `ROOT/CODE_YYYYMMDD….zip`, one a security; a folder
and a zip of the same date are refused, as both may hold the same rows. A file's columns tell its exchange; files in
another layout are refused.

Columns that are read, all others being ignored. The book is BidPrice1 … 10, BidVolume1 … 10, NumOrdersB1 … 10, and the
same of the asks (NumOrdersS1 … 10). Times are times of day. Of Shanghai:
* entrust.csv: SecurityID, OrderTime, OrderType (A add, D delete), OrderNO, OrderPrice, Balance, OrderBSFlag (B, S),
  BizIndex
* trade.csv: TradeIndex, SecurityID, TradTime, TradPrice, TradVolume, TradeBuyNo, TradeSellNo, TradeBSFlag (B, S, N),
  BizIndex
* snapshot.csv: SecurityID, UpdateTime, InstruStatus and the book

Of Shenzhen:
* entrust.csv: SecurityID, TransactTime, ApplSeqNum, Price, OrderQty, Side, OrdType
* trade.csv: SecurityID, TransactTime, ApplSeqNum, BidApplSeqNum, OfferApplSeqNum, LastPx, LastQty, ExecType
* snapshot.csv: SecurityID, UpdateTime, TradingPhaseCode and the book

What becomes of Shanghai's
* ListingId is SecurityID as the file has it, a String (`600519`; zeros in front stay). Times of day are Asia/Shanghai.
* SequenceNo of `trades` and `l3` is BizIndex, one sequence over orders and trades (`shared_sequence`). The other
  tables have none.
* `trades`: TradeBSFlag B is AggressorSide Buy, S Sell; both TradeType Lit and MarketState CONTINUOUS_TRADING. N is an
  auction: no side, TradeType Auction, MarketState OPENING_AUCTION before 09:30, CLOSING_AUCTION from 14:57 on, else
  UNSCHEDULED_AUCTION. TradeId is TradeIndex.
* `l3`, OrderId = OrderNO: A is Insert, D is Remove. The Balance of an A row is what was left after the order's
  immediate execution, which comes before the row: an aggressor's own part never rests, and one that is filled at once
  has no row. So a B or S trade executes the other side's order only, an N trade both (Bid first). What is left of an
  order is its Balance less all that trades took: 0 makes the execution a Remove, else it is an Update. An order whose
  A row is not in the file had all that later rows take from it; its price is that of its D row, else that of a B or S
  trade, else null. EndOfEvent ends an order's entry (all its immediate executions and its A row), a D row or an
  auction. A limit order's price and side never change, so there is no other Update.
* `l2`: a row a snapshot, ten levels with numbers of orders. A level with price 0 or none is null. In call auctions
  (OCALL, CCALL) the file has no book but the indicative match: all levels are null, and `imbalance` has the price, the
  PairedQuantity and what is left over (ImbalanceSide Buy where bids are).
* `marketstate`, and MarketState of `l2`, from InstruStatus: START PRE_OPEN, OCALL OPENING_AUCTION, TRADE
  CONTINUOUS_TRADING, CCALL CLOSING_AUCTION, CLOSE POST_TRADE, ENDTR CLOSED, SUSP HALTED, another one UNKNOWN. The feed
  says TRADE from the opening cross on and through lunch, when nothing trades: TRADE before 09:30 is PRE_OPEN, from
  11:30 to 13:00 CLOSED. The state table has rows at those times, and one where the status changes.
* `reference`: Ticker, MIC XSHG, currency (USD for codes 900…, else CNY), InstrumentId the same as ListingId.

What is different of Shenzhen's
* SequenceNo is ApplSeqNum, one sequence over orders, trades and cancels of a channel, and a security is on one channel.
  An order's ApplSeqNum is its OrderId, and what trades and cancels name in BidApplSeqNum and OfferApplSeqNum.
* Side is 1 buy or 2 sell; OrdType 1 market, 2 limit, U own best; ExecType F trade or 4 cancel: each as this letter or
  as the number of its character (49, 50, 85, 70, 52).
* `trades`: the rows of ExecType F; TradeId is ApplSeqNum. No flag tells the aggressor: from 09:30 to 14:57 it is the
  younger of the two orders, the one with the greater number. Trades before and after are an auction's, without side.
* `l3`: an order row has the whole size and comes before its own executions. To be in Shanghai's terms, what an order
  took as the younger one never rests: it is an Insert of what its entry left, with the stamp and SequenceNo of the last
  execution of that entry, and has no row if that is nothing. In an auction every order rests with its whole size. A
  cancel is a Remove of its LastQty, of the one order that it names.
* A market order's price is that at which others took from it, else that of its entry's last trade. It has no row where
  it has neither, or where it is cancelled at the stamp of its entry. An own-best order rests at the price at which
  others took from it; where none did, at null, as its order row does not tell it.
* TradingPhaseCode: S PRE_OPEN, O OPENING_AUCTION, T CONTINUOUS_TRADING, B PRE_OPEN before 09:30 and CLOSED after (the
  break at noon), C CLOSING_AUCTION, A POST_TRADE, E CLOSED, H HALTED, V UNSCHEDULED_AUCTION (volatility interruption),
  another one UNKNOWN; a 1 behind the letter is HALTED (suspended all day).
* `reference`: MIC XSHE, currency HKD for codes 200…

Assumed of Shenzhen, where no file was at hand to show it: that the columns are spelt so; that an order's immediate
executions follow it before the next order's; that trades at times of continuous trading are no auction's (after a
volatility interruption they are, and get the younger order as aggressor); that in call auctions a snapshot's first
level is the indicative match and its second what is left over, as in Shanghai; that a cancel takes all that is left;
that TurnNum counts rows of ExecType F.

A file must end with a line end, and a zip be sound. trade.csv must have as many trades of each security as the
snapshots of the date count, where these are there and have the column (TradNumber, Shenzhen TurnNum). That orders or
snapshots were cut between two rows nothing tells, as the numbers of one security have gaps; a day cut short shows in
the last stamp that `basalt data describe` prints.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs
import polars as pl

from basalt.conform import conform
from basalt.options import option
from basalt.sources import Promises, Source
from basalt.tables import IMBALANCE, L2, L3, MARKETSTATE, REFERENCE, TRADES, TableSchema
from basalt_io.files import fingerprint, one_of
from basalt_io.paths import located
from basalt_io.sources import china_l2_books, china_l2_orders
from basalt_io.sources.china_l2_counts import counted, refuse_fewer
from basalt_io.sources.china_l2_files import Part, find
from basalt_io.sources.dates import refuse_date, refuse_table


@attrs.frozen
class ChinaL2Options:
    """`[source] type = "china_l2"`."""

    root: str = option("folder of the dates' folders (20230201) or zips (600519_20230201_….zip)")


class ChinaL2Source(Source):
    """Level-2 files of one folder."""

    name = "china_l2"
    Config = ChinaL2Options
    promises = Promises(shared_sequence=True)

    @cached_property
    def root(self) -> Path:
        """The configured folder, absolute."""
        return located(self.folder, self.config.root)

    def tables(self) -> Sequence[str]:
        """Tables for which files are there on some date."""
        return [table for table in _TABLES if self.dates(table)]

    def dates(self, table: str) -> Sequence[dt.date]:
        """Dates in the names of folders and zips that hold the table's files."""
        return sorted({part.date for part in self._found if _offers(part, table)})

    def fingerprint(self, table: str, day: dt.date) -> str:
        """Changes with the names, sizes and times of the table's files of that date."""
        kinds = _TABLES[table].kinds if table in _TABLES else ()
        return fingerprint({part.file(kind) for part in self._parts(table, day) for kind in kinds})

    def lies(self, table: str, day: dt.date) -> str:
        """A file or zip that the table is made of."""
        return one_of(part.file(kind) for part in self._parts(table, day) for kind in _TABLES[table].kinds)

    def scan(self, table: str, day: dt.date) -> pl.LazyFrame:
        """That date's rows, one place after the other in the order of their names; zips are unpacked in memory.
        UserError where there is no such table or date; DataError where a file is not what the layout asks."""
        midnight = int(dt.datetime.combine(day, dt.time(), ZoneInfo("Asia/Shanghai")).timestamp()) * 1_000_000_000
        parts, made = self._parts(table, day), _TABLES[table]
        frames = [made.build(part, midnight) for part in parts]
        schema, whole = frames[0].collect_schema(), []
        for part in parts if "trade" in made.kinds else ():
            if count := counted(part):
                whole.append(pl.defer(partial(refuse_fewer, part, count, schema), schema=schema))
        return conform(pl.concat([*frames, *whole]), made.schema, f"{self.root}")

    @cached_property
    def _found(self) -> list[Part]:
        return find(self.root)

    def _parts(self, table: str, day: dt.date) -> list[Part]:
        refuse_table(self.name, table, _TABLES)
        refuse_date(self.name, table, day, self.dates(table), self.root)
        return [part for part in self._found if part.date == day and _offers(part, table)]


@attrs.frozen
class _Made:
    """How a table is made, and of which files."""

    schema: TableSchema
    build: Callable[[Part, int], pl.LazyFrame]
    kinds: tuple[str, ...]


_TABLES = {
    "reference": _Made(REFERENCE, china_l2_books.reference, ("snapshot",)),
    "marketstate": _Made(MARKETSTATE, china_l2_books.marketstate, ("snapshot",)),
    "imbalance": _Made(IMBALANCE, china_l2_books.imbalance, ("snapshot",)),
    "l3": _Made(L3, china_l2_orders.l3, ("entrust", "trade")),
    "l2": _Made(L2, china_l2_books.l2, ("snapshot",)),
    "trades": _Made(TRADES, china_l2_orders.trades, ("trade",)),
}


def _offers(part: Part, table: str) -> bool:
    return table in _TABLES and set(_TABLES[table].kinds) <= part.members.keys()
