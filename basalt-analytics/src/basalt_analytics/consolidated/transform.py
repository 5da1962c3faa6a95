"""The `consolidated_book` transform."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from basalt.modules import PassContext
from basalt.transforms import Transform
from basalt_analytics.consolidated.options import (
    PARTS,
    SIDES,
    WHO,
    Columns,
    ConsolidatedBookOptions,
    check,
    counts_orders,
    read_levels,
)
from basalt_analytics.consolidated.report import CONSOLIDATION_REPORT, report_row, schema
from basalt_analytics.consolidated.rows import Book, book, book_rows, columns
from basalt_analytics.consolidated.streams import Counting, stream
from basalt_analytics.consolidated.venues import venues
from basalt_analytics.l3.emissions import Clock
from basalt_analytics.l3.inputs import each
from basalt_analytics.trade.admissible import counted_states

EachBook = Callable[[pl.DataFrame], Iterator[tuple[pl.DataFrame, Book | None, pl.DataFrame | None]]]


class ConsolidatedBook(Transform):
    """One book of an instrument out of the last books of its listings, as long as each of them counts.

    A venue that is silent keeps its last quote, within its market states and `max_age`; nothing comes from before the
    date. Prices are one level where they are equal in 1e-9. Listings that reference gives no instrument are left out.
    """

    name = "consolidated_book"
    Config = ConsolidatedBookOptions
    config: ConsolidatedBookOptions
    scope = "instrument"
    optional = ("marketstate",)
    sides = (CONSOLIDATION_REPORT,)

    @property
    def inputs(self) -> Sequence[str]:
        """Books of listings, and which of these are one instrument."""
        return ["l2", "reference"]

    @property
    def output(self) -> str:
        """Best quotes of instruments, or books under the id of the primary listing."""
        return "cbbo" if self.config.index_by == "InstrumentId" else "l2"

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """Key, stamp, levels, venues and what the options add; UserError for options that make no sense."""
        check(self.config, columns_of)
        return self._columns(columns_of)

    def notes(self, columns_of: Mapping[str, Columns], shared_sequence: bool, hours: bool) -> Iterator[str]:
        """Whether market states are known."""
        if not _knows_states(columns_of):
            yield f"{WHO} knows no market state, so that quotes of every state count"

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The books, and the report."""
        columns_of = {name: inputs[name].collect_schema() for name in inputs}
        rows = _quotes_and_states(inputs, self.config)
        clock = Clock.of(pass_)
        made = partial(_made, options=self.config, counting=self._counting(columns_of, pass_), clock=clock)
        wanted, reported = self._columns(columns_of), schema(columns_of["reference"]["InstrumentId"])
        written = partial(book_rows, options=self.config, wanted=wanted)
        every = partial(
            _each_book, key="Instrument" if self.output == "cbbo" else "Primary", made=made, written=written
        )
        return {
            self.output: each(rows, partial(_books, each=every, wanted=wanted), wanted),
            "consolidation_report": each(rows, partial(_report, each=every, wanted=reported), reported),
        }

    def _columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        listing = columns_of["l2"]["ListingId"]
        key = columns_of["reference"]["InstrumentId"] if self.output == "cbbo" else listing
        return columns(self.config, counts_orders(columns_of["l2"]), _knows_states(columns_of), key, listing)

    def _counting(self, columns_of: Mapping[str, Columns], pass_: PassContext) -> Counting:
        own = self.config
        states = counted_states(own.market_states, pass_) if _knows_states(columns_of) else None
        least = None if own.min_quantity == "lot" else float(own.min_quantity)
        return Counting(read_levels(own, columns_of["l2"]), own.age, states, least, own.own_crossed == "keep")


def _knows_states(columns_of: Mapping[str, Columns]) -> bool:
    return "MarketState" in columns_of["l2"] or "marketstate" in columns_of


def _quotes_and_states(inputs: Mapping[str, pl.LazyFrame], options: ConsolidatedBookOptions) -> pl.LazyFrame:
    """Rows of l2, with `Quoted`, and of marketstate, each with what reference tells of its listing."""
    known, books = venues(inputs["reference"], options), inputs["l2"]
    there = books.collect_schema()
    levels = range(1, read_levels(options, there) + 1)
    read = [f"{side}{part}{i}" for i in levels for side in SIDES for part in PARTS]
    own = ["ListingId", "EventTimestamp", "MarketState", *read]
    both = [books.select(name for name in own if name in there).with_columns(Quoted=pl.lit(True))]
    if "marketstate" in inputs:
        told = inputs["marketstate"].select("ListingId", "EventTimestamp", "MarketState")
        both.append(told.with_columns(Quoted=pl.lit(False)))
    return pl.concat(both, how="diagonal").join(known, on="ListingId", how="left", maintain_order="left")


def _made(rows: pl.DataFrame, options: ConsolidatedBookOptions, counting: Counting, clock: Clock) -> Book | None:
    """The book of one instrument; None where it has no quote that may count."""
    found = stream(rows, counting)
    return None if found is None else book(found, options, clock)


def _each_book(
    rows: pl.DataFrame, key: str, made: Callable[[pl.DataFrame], Book | None], written: Callable[..., pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, Book | None, pl.DataFrame | None]]:
    """Of every instrument, in order of that key, its quotes and states, its book and the rows of that, None where no
    quote may count."""
    for one in _each(rows.filter(pl.col("Instrument").is_not_null()), key):
        found = made(one)
        yield one, found, None if found is None else written(found, instrument=one["Instrument"][0])


def _books(rows: pl.DataFrame, each: EachBook, wanted: Any) -> pl.DataFrame:
    """The rows of every book."""
    return pl.concat([pl.DataFrame(schema=wanted), *(one for _, _, one in each(rows) if one is not None)])


def _report(rows: pl.DataFrame, each: EachBook, wanted: Any) -> pl.DataFrame:
    """The report of every instrument with a quote, and of every listing without one."""
    strangers = _each(rows.filter(pl.col("Instrument").is_null(), "Quoted"), "ListingId")
    parts = [report_row(one, None, 0, wanted) for one in strangers]
    for one, made, written in each(rows):
        if one["Quoted"].any():
            parts.append(report_row(one, made, 0 if written is None else written.height, wanted))
    return pl.concat([pl.DataFrame(schema=wanted), *parts])


def _each(rows: pl.DataFrame, key: str) -> Sequence[pl.DataFrame]:
    """The rows by this key, ascending, each in their order."""
    return rows.sort(key, maintain_order=True).partition_by(key, maintain_order=True)
