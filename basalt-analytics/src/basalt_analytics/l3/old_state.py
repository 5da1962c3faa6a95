"""The `l3_old_state` transform: what each order was before each of its events."""

from collections.abc import Mapping, Sequence
from functools import partial

import attrs
import numpy as np
import polars as pl

from basalt.config.spellings import Name
from basalt.modules import PassContext
from basalt.options import option
from basalt.transforms import Transform
from basalt_analytics.l3.encoding import encoded, with_snapshots
from basalt_analytics.l3.inputs import Columns, check_events, each, events_and, with_states, with_stood
from basalt_analytics.l3.listings import filled, of_listings

OLD: dict[str, pl.DataType] = {"OldPrice": pl.Float64(), "OldSize": pl.Float64()}


@attrs.frozen
class L3OldStateOptions:
    """Options of `l3_old_state`."""

    replace: bool = option("whether what the source has is computed anew", default=False)
    snapshot: Name | None = option(
        "table of snapshots that replace the book, as 'l3_snapshot'; default: it begins empty", default=None
    )


class L3OldState(Transform):
    """OldPrice and OldSize: what an order was before the event, as its events since its insert tell.

    Of an insert they are null and 0. Null for orders that are not known. Where the source has a value it stays, unless
    `replace`.
    """

    name = "l3_old_state"
    Config = L3OldStateOptions
    config: L3OldStateOptions
    optional = ("marketstate",)

    @property
    def inputs(self) -> Sequence[str]:
        """Order events, and snapshots where they are named."""
        return events_and(self.config.snapshot)

    @property
    def output(self) -> str:
        """Order events."""
        return "l3"

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """The table's columns and those two."""
        check_events(columns_of["l3"], self.name)
        return {**columns_of["l3"], **OLD}

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The events in their order, with what each order was."""
        columns = {**inputs["l3"].collect_schema(), **OLD}
        rows = with_stood(with_states(inputs, pass_), inputs, self.config.snapshot)
        return {"l3": each(rows, partial(of_listings, made=self._filled, empty=columns), columns)}

    def _filled(self, events: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
        from basalt_analytics.kernels.old import before

        found = encoded(with_snapshots(events, snapshots))
        ranks, sizes = before(found.events, found.orders)
        prices = np.append(found.prices, np.nan)[ranks[found.own]]
        tracked = [
            pl.Series("OldPrice", prices, nan_to_null=True),
            pl.Series("OldSize", sizes[found.own], nan_to_null=True),
        ]
        return filled(events, tracked, self.config.replace)
