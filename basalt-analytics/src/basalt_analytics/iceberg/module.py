"""The module `iceberg`."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import attrs
import polars as pl

from basalt.columns import DType
from basalt.documents import ResultColumn
from basalt.metrics import Empty
from basalt.modules import FrameModule, PassContext, WithSides
from basalt.tables import US_UTC, TableSchema
from basalt_analytics.iceberg.columns import EVENTS, columns
from basalt_analytics.iceberg.events import ALONG, check, counting, with_session_end
from basalt_analytics.iceberg.happenings import ON, executions, happenings, icebergs
from basalt_analytics.iceberg.options import WHO, IcebergOptions
from basalt_analytics.iceberg.sizes import distribution, survival
from basalt_analytics.iceberg.tables import ICEBERG_EXECUTIONS, ICEBERG_SIZES, ICEBERGS
from basalt_analytics.l3.inputs import Columns, each
from basalt_analytics.trade.admissible import check_keys

if TYPE_CHECKING:
    from basalt_analytics.iceberg.detection import Detected

Made = Callable[["Detected"], pl.DataFrame]


class Iceberg(FrameModule):
    """Orders that renew what they display, found in order events, and how much of them was hidden.

    Every event is replayed, in every market state; what counts are events in the states asked for. Orders that were
    never inserted, as those of a snapshot, are none.
    """

    name = WHO
    inputs = ("l3",)
    optional = ("marketstate",)
    whole_book = True
    sides = (ICEBERGS, ICEBERG_EXECUTIONS, ICEBERG_SIZES)
    Config = IcebergOptions
    config: IcebergOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        check(self.columns_of["l3"], "marketstate" in self.columns_of, self.config.market_states, WHO)
        self._columns = list(columns(self.config))

    def columns(self) -> list[ResultColumn]:
        """The measures of each kind and side, then the imbalance of each kind."""
        reads = tuple(f"l3.{name}" for name in EVENTS if name in self.columns_of["l3"])
        return [attrs.evolve(one.column, reads=reads) for one in self._columns]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> WithSides:
        """One row a listing and bucket in which an iceberg does something."""
        from basalt_analytics.iceberg.detection import Detected, detected

        check_keys(pass_, WHO)
        assert self.rule is not None
        config = self.config
        counted = counting(inputs, pass_, config.market_states)
        events = with_session_end(counted, inputs, pass_, config.market_states, self.rule)
        own = events.collect_schema()
        # one node that all outputs share, so that a query for several runs it once
        found = each(events, lambda rows: detected(rows, config).together, Detected.dtypes(own))
        columns = {c.column.name: c.column.dtype for c in self._columns}
        tables: list[tuple[TableSchema, Made]] = [
            (ICEBERGS, icebergs),
            (ICEBERG_EXECUTIONS, executions),
            (ICEBERG_SIZES, partial(distribution, config=config)),
        ]
        return WithSides(
            _each(
                found,
                partial(self._rows, day=pass_.date),
                pl.Schema({"ListingId": own["ListingId"], "TimeBucket": US_UTC, **columns}),
            ),
            {
                schema.name: _each(found, made, _dtypes(schema, own))
                for schema, made in tables
                if schema.name in pass_.sides
            },
        )

    def _rows(self, found: "Detected", day: date) -> pl.DataFrame:
        assert self.rule is not None
        summed = {c.column.name: c.value for c in self._columns if c.value is not None}
        whole = happenings(found, self.config, self.rule, day).group_by(ON, maintain_order=True).agg(**summed)
        if self.config.survival_sizes:
            ended = survival(found, self.config, self.rule, day)
            whole = whole.join(ended, on=ON, how="full", coalesce=True)
            zeros = [c.column.name for c in self._columns if c.column.empty is Empty.ZERO]
            whole = whole.with_columns(pl.col(zeros).fill_null(0))
        return whole.select(*ON, *(c.column.name for c in self._columns))


def _each(found: pl.LazyFrame, made: Made, dtypes: Columns) -> pl.LazyFrame:
    """What is made of all icebergs of the batch."""
    from basalt_analytics.iceberg.detection import Detected

    return each(found, lambda together: made(Detected.apart(together)), dtypes)


def _dtypes(schema: TableSchema, events: Columns) -> Columns:
    """Dtypes of the side output's columns, those left out that the events do not tell."""
    told: dict[str, DType] = {c.name: c.dtype for c in schema.columns if c.name not in ALONG or c.name in events}
    return pl.Schema(told | {name: events[name] for name in ("ListingId", "OrderId") if name in told})
