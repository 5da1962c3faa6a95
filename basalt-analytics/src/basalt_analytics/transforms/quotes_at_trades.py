"""The `quotes_at_trades` transform: the quote in force just before each trade, and mids at offsets from it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal

import attrs
import polars as pl

from basalt.config.spellings import Duration
from basalt.durations import SECOND, parse_duration
from basalt.errors import UserError
from basalt.metrics import Known
from basalt.modules import PassContext
from basalt.options import option
from basalt.transforms import Transform
from basalt_analytics.groups import distinct
from basalt_analytics.l2.book import KeepOrDrop, Rules
from basalt_analytics.transforms.next_quotes import NEXT, with_next_quotes
from basalt_analytics.transforms.offsets import Clamp, Mids, Offset, offsets
from basalt_analytics.transforms.open_times import open_times
from basalt_analytics.transforms.quote_rows import (
    LEVEL,
    QUOTE,
    STATUS,
    MidKind,
    before_trades,
    kept,
    of_listings,
    quote_rows,
)

MICROSECOND = 1_000
Columns = Mapping[str, pl.DataType]


@attrs.frozen
class QuotesAtTradesOptions:
    """Options of `quotes_at_trades`."""

    quotes: Literal["l2", "cbbo"] = option(
        "table of the quotes: the listing's book, or the best over all venues of its instrument", default="l2"
    )
    order: Literal["time_sequence", "time"] = option(
        "what says that a quote came before a trade: time and then SequenceNo, where the source declares that both "
        "tables share it, or time alone",
        default="time_sequence",
    )
    lag: Duration = option("how long before the trade the quote must have stood, as '5s'", default="0s")
    tolerance: Duration | None = option("quotes older than this count as none; default: any age", default=None)
    horizons: list[Duration] = option(
        "offsets from the trade at which the mid is added, as '5s' after it and '-1s' before", factory=list
    )
    locked: KeepOrDrop = option("whether a quote with ask = bid has a mid", default="keep")
    crossed: KeepOrDrop = option("whether a quote with ask < bid has a mid", default="drop")
    clamp: Clamp = option(
        "the mid at an offset after the session's end: none, or that of the session's end, flagged in a column Clamped",
        default="null",
    )
    mid: MidKind = option("the reference price: halfway, or weighted by the other side's size", default="mid")
    next_quote: Duration | None = option(
        "adds NextQuoteSeconds, how long until the touch changes next, null where that is more than this, as '1s'",
        default=None,
    )
    overwrite: bool = option("whether the source's own quotes on trades are replaced", default=False)


class QuotesAtTrades(Transform):
    """Quote columns, MidAtTrade, QuoteAgeSeconds, QuoteStatus, and on request what comes later, on each trade.

    The quote at the trade is the last row before it, whatever that is worth; a mid at an offset is the last valid one,
    null outside the pass's market states or hours. Trades are neither dropped nor moved. A trade that has a quote of
    its source's keeps it; MidAtTrade, age and status are those of the row in the quote table.
    """

    name = "quotes_at_trades"
    Config = QuotesAtTradesOptions
    config: QuotesAtTradesOptions
    optional = ("marketstate",)

    @property
    def inputs(self) -> Sequence[str]:
        """Trades and quotes, and reference where these are of instruments."""
        return ["trades", self.config.quotes, *(["reference"] if self.config.quotes == "cbbo" else [])]

    @property
    def output(self) -> str:
        """Trades."""
        return "trades"

    @property
    def known_after(self) -> dict[str, timedelta | Known]:
        """By column, how long after the trade its value is final. Clamped, not before the date is over: a halt looks
        like the session's end until trading resumes."""
        found = {name: self._lag(offset) for offset in self._offsets for name in offset.columns(self.config.clamp)}
        return found if self._wait is None else {**found, NEXT: _later(self._wait)}

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """The table's columns and those added; UserError for options that make no sense, or lack a column."""
        _check_durations(self.config)
        _check_columns(self.config, columns_of)
        at_trade = {**dict.fromkeys((*QUOTE, "MidAtTrade", "QuoteAgeSeconds"), pl.Float64()), "QuoteStatus": STATUS}
        at_offsets = {k: v for offset in self._offsets for k, v in offset.columns(self.config.clamp).items()}
        waits = {} if self._wait is None else {NEXT: pl.Float64()}
        return {**columns_of["trades"], **at_trade, **at_offsets, **waits}

    def notes(self, columns_of: Mapping[str, Columns], shared_sequence: bool, hours: bool) -> Iterator[str]:
        """Which order decides, and whether the session's end is known."""
        by_sequence = self._by_sequence(columns_of["trades"], columns_of[self.config.quotes], shared_sequence)
        yield f"quotes_at_trades orders quotes and trades by {'time and sequence' if by_sequence else 'time'}"
        known = "marketstate" in columns_of or "MarketState" in columns_of[self.config.quotes] or hours
        if self.config.horizons and not known:
            yield "quotes_at_trades knows no market state and no session, so that mids reach past the session's end"

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """Trades with their quotes and mids, in their order."""
        trades, table = inputs["trades"], inputs[self.config.quotes]
        if self.config.quotes == "cbbo":
            table = of_listings(table, inputs["reference"], trades)
        quotes = quote_rows(table, Rules(self.config.locked, self.config.crossed), self.config.mid)
        own, known = trades.collect_schema(), quotes.collect_schema()
        by_sequence = self._by_sequence(own, known, pass_.shared_sequence)
        found = before_trades(trades, quotes, parse_duration(self.config.lag), by_sequence)
        found = found.with_columns(self._at_trade(own)).drop("_At", "_Mid", "_Status", *(f"_{name}" for name in QUOTE))
        open_ = open_times(trades, quotes, inputs.get("marketstate"), pass_)
        mids = Mids.of(quotes, open_)
        for offset in self._offsets:
            found = mids.at(found, offset, self._tolerance, self.config.clamp)
        if self._wait is not None:
            found = with_next_quotes(found, quotes, open_, self._wait, by_sequence)
        return {"trades": found}

    def _at_trade(self, own: Columns) -> list[pl.Expr]:
        age = pl.col("EventTimestamp").to_physical() - pl.col("_At")
        stale = pl.lit(False) if self._tolerance is None else (age > self._tolerance).fill_null(False)
        status = pl.when(stale).then(pl.lit("Stale", STATUS)).otherwise(pl.col("_Status"))
        return [
            *kept(own, self.config.overwrite, stale),
            pl.when(~stale).then(pl.col("_Mid")).alias("MidAtTrade"),
            (age / SECOND).alias("QuoteAgeSeconds"),
            status.fill_null(pl.lit("Missing", STATUS)).alias("QuoteStatus"),
        ]

    def _by_sequence(self, trades: Columns, quotes: Columns, shared: bool) -> bool:
        both = "SequenceNo" in trades and "SequenceNo" in quotes
        return self.config.order == "time_sequence" and shared and both

    def _lag(self, offset: Offset) -> timedelta | Known:
        if self.config.clamp == "session_end":
            return Known.END_OF_DATE
        return _later(offset.nanoseconds)

    @property
    def _offsets(self) -> list[Offset]:
        return offsets(self.config.horizons)

    @property
    def _tolerance(self) -> int | None:
        return None if self.config.tolerance is None else parse_duration(self.config.tolerance)

    @property
    def _wait(self) -> int | None:
        return None if self.config.next_quote is None else parse_duration(self.config.next_quote)


def _later(nanoseconds: int) -> timedelta:
    """Not before the row, and in whole microseconds no sooner."""
    return timedelta(microseconds=max(-(-nanoseconds // MICROSECOND), 0))


def _check_durations(config: QuotesAtTradesOptions) -> None:
    for name, text in (("lag", config.lag), ("tolerance", config.tolerance), ("next_quote", config.next_quote)):
        if text is not None and parse_duration(text) < 0:
            raise UserError(f"{name} = {text!r} is negative: give a duration from '0s' on")
    distinct(config.horizons, "horizons")


def _check_columns(config: QuotesAtTradesOptions, columns_of: Mapping[str, Columns]) -> None:
    asked = ["AskPrice1"] + [LEVEL[f"{side}Quantity"] for side in ("Bid", "Ask") if config.mid == "weighted_mid"]
    missing = [name for name in asked if name not in columns_of[config.quotes]]
    if missing:
        what = "mid = 'weighted_mid'" if missing[0] != "AskPrice1" else "quotes_at_trades"
        raise UserError(
            f"{what} needs {' and '.join(missing)}, which table {config.quotes} does not have: name another table in "
            "`quotes`, or add the column"
        )
    if config.quotes == "cbbo" and "InstrumentId" not in columns_of["reference"]:
        raise UserError(
            "quotes = 'cbbo' needs InstrumentId, which table reference does not have: add it, or take quotes = 'l2'"
        )
