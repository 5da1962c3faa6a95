"""The module `cbbo`."""

from collections.abc import Iterator, Mapping

import attrs
import polars as pl

from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.expressions import roots, table_columns
from basalt.modules import FrameModule, PassContext
from basalt_analytics.cbbo.measures import asked, known_after
from basalt_analytics.cbbo.options import OF_INSTRUMENTS, WHO, CbboOptions
from basalt_analytics.cbbo.pieces import SIDES, behind, pieces
from basalt_analytics.cbbo.worth import derived
from basalt_analytics.groups import Template, without_repeats
from basalt_analytics.trade.admissible import KEY, Admissible, check_column, check_keys, check_states

FIELDS = ("measure", "side", "agg")
SIZED = ("QuantityAtBest", "QuantityWhenAtBest", "QuoteShare", "QuoteShareMean")
SHARED = ("QuoteShare", "QuoteShareMean")
BEHIND = {f"{side}{what}": columns for side in SIDES for what, columns in behind(side).items()}
"""By column of a piece, without what says whose it is, the columns of a table: a level has a price and a size."""
WITHOUT = "add it, or drop the measures that need it"


class Cbbo(FrameModule):
    """A listing's own best quote against that of its instrument over all venues, by time.

    Time is the admissible time of the listing, where states and hours are not known that of whole buckets from its
    first l2 row to its last. A listing without an instrument, or whose instrument has no cbbo row, has no valid time.
    """

    name = "cbbo"
    inputs = ("l2", "cbbo", "reference")
    optional = ("marketstate",)
    Config = CbboOptions
    config: CbboOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        check_states(self.config.market_states, {"l2": self.columns_of["l2"]}, WHO)
        check_column(
            "InstrumentId", self.columns_of["reference"], WHO, "add it, to tell whose cbbo is whose", "reference"
        )
        for table, column in self._needed():
            check_column(column, self.columns_of[table], WHO, WITHOUT, table)
        self._check_venues()
        template = Template.checked(self.config.name, f"{WHO}.name", FIELDS)
        self._timed = known_after(list(asked(self.config, template)), self.config.shift)
        without_repeats((WHO, one.column.name) for one in self._timed)

    def columns(self) -> list[ResultColumn]:
        """The measures, the valid seconds of each side, and hidden weights."""
        return [attrs.evolve(one.column, reads=tuple(dict.fromkeys(self._lineage(one.value)))) for one in self._timed]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """One row for each bucket whose admissible time has a quote in force, of the listing or of its instrument."""
        check_keys(pass_, WHO)
        assert self.rule is not None
        found = pieces(Admissible(inputs, self.rule, pass_, self.config.market_states), self.config.shift)
        for step in derived(self.config):
            found = found.with_columns(**step)
        return found.group_by(KEY, "TimeBucket").agg(**{one.column.name: one.value for one in self._timed})

    def _needed(self) -> Iterator[tuple[str, str]]:
        """(table, column) that the measures need and the tables need not have."""
        own = set(self.config.measures)
        if own - set(OF_INSTRUMENTS) and "Ask" in self.config.books:
            yield "l2", "AskPrice1"
        for side in self.config.books:
            if own & set(SIZED):
                yield "l2", f"{side}Quantity1"
            if own & set(SHARED):
                yield "cbbo", f"{side}Quantity1"
            if "ExclusiveTimeAtBest" in own:
                yield "cbbo", f"{side}Venues"

    def _check_venues(self) -> None:
        """UserError where cbbo names the venues at best, and does not count them."""
        columns = self.columns_of["cbbo"]
        for side in self.config.books if "ExclusiveTimeAtBest" in self.config.measures else ():
            if not columns[f"{side}Venues"].is_numeric():
                raise UserError(
                    f"{WHO}: ExclusiveTimeAtBest needs the number of venues at best, and {side}Venues of table cbbo is "
                    f"{columns[f'{side}Venues']}: make the table with consolidated_book, or drop the measure"
                )

    def _lineage(self, value: pl.Expr) -> Iterator[str]:
        """The table columns behind an aggregation of pieces."""
        steps = {name: expr for step in derived(self.config) for name, expr in step.items()}
        yield "reference.InstrumentId"
        for name in table_columns(roots(value), steps):
            table, column = ("cbbo", name.removeprefix("Best")) if name.startswith("Best") else ("l2", name)
            yield from (f"{table}.{one}" for one in BEHIND.get(column, ()) if one in self.columns_of[table])
