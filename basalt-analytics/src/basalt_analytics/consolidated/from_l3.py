"""The `cbbo_from_l3` transform: `l3_book` for each venue, and `consolidated_book` of what they give, in one step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import attrs
import polars as pl

from basalt.config.spellings import Name
from basalt.modules import PassContext
from basalt.options import option
from basalt.transforms import Transform
from basalt_analytics.consolidated.options import Columns, ConsolidatedBookOptions
from basalt_analytics.consolidated.report import CONSOLIDATION_REPORT
from basalt_analytics.consolidated.transform import ConsolidatedBook
from basalt_analytics.l3.book import L3Book, L3BookOptions
from basalt_analytics.l3.integrity import L3_INTEGRITY


@attrs.frozen
class CbboFromL3Options(ConsolidatedBookOptions):
    """Options of `cbbo_from_l3`: those of `consolidated_book`, and of `l3_book` what is said of orders. Each venue is
    read `levels_in` levels deep, by default as deep as is written."""

    snapshot: Name | None = option(
        "table of snapshots that replace a venue's book, as 'l3_snapshot'; default: books begin empty", default=None
    )
    unknown_order: Literal["adopt", "ignore", "error"] = option(
        "what becomes of an update of an order that was never inserted", default="adopt"
    )
    duplicate_insert: Literal["replace", "ignore", "error"] = option(
        "what becomes of an insert of an order that is there", default="replace"
    )


class CbboFromL3(Transform):
    """One book of an instrument out of the order events of its venues.

    Market states choose the venues that count, not the events: orders that came before the open are in the book when
    it opens.
    """

    name = "cbbo_from_l3"
    Config = CbboFromL3Options
    config: CbboFromL3Options
    scope = "instrument"
    optional = ("marketstate",)
    sides = (L3_INTEGRITY, CONSOLIDATION_REPORT)
    whole_book = True

    def __init__(self, config: CbboFromL3Options) -> None:
        super().__init__(config)
        books = L3BookOptions(
            levels=config.top_n if config.levels_in is None else config.levels_in,
            snapshot=config.snapshot,
            unknown_order=config.unknown_order,
            duplicate_insert=config.duplicate_insert,
        )
        self._books = L3Book(books)
        self._pooled = ConsolidatedBook(config)

    @property
    def inputs(self) -> Sequence[str]:
        """Order events, which listings are one instrument, and snapshots where they are named."""
        return [*self._books.inputs, "reference"]

    @property
    def output(self) -> str:
        """As of `consolidated_book`."""
        return self._pooled.output

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """As of `consolidated_book` over the books of the events."""
        return self._pooled.columns(self._with_books(columns_of))

    def notes(self, columns_of: Mapping[str, Columns], shared_sequence: bool, hours: bool) -> Iterator[str]:
        """As of `consolidated_book`."""
        yield from self._pooled.notes(self._with_books(columns_of), shared_sequence, hours)

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The books, and both reports."""
        made = self._books.apply(inputs, pass_)
        kept = {name: inputs[name] for name in ("reference", "marketstate") if name in inputs}
        pooled = self._pooled.apply({"l2": made["l2"], **kept}, pass_)
        return {**pooled, "l3_integrity": made["l3_integrity"]}

    def _with_books(self, columns_of: Mapping[str, Columns]) -> dict[str, Columns]:
        return {**columns_of, "l2": self._books.columns(columns_of)}
