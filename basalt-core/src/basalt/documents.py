"""The column document: what a pass returns, described, as it travels in the plan and stands beside every output.

Descriptions never travel in Polars frames, which drop them.
"""

from collections.abc import Sequence
from datetime import timedelta

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.columns import DType, Unit
from basalt.metrics import NONE, Empty, Known, Rollup


@attrs.frozen
class ResultColumn:
    """One described column of a result: a Metric after planning, its expression replaced by what it `reads`.

    `reads` names table columns (`trades.Price`) or columns of an earlier pass (`bars.TradeTotalVolume`).
    `hidden` columns are weights that later passes need; lists and reports leave them out.
    """

    name: str
    unit: Unit
    doc: str
    dtype: DType = pl.Float64
    over_time: Rollup = NONE
    over_listings: Rollup = NONE
    empty: Empty = Empty.NULL
    known_after: timedelta | Known = timedelta(0)
    formula: str | None = None
    citation: str | None = None
    reads: Sequence[str] = attrs.field(default=(), converter=tuple)
    traits: frozenset[str] = frozenset()
    carries: str | None = None
    hidden: bool = False
    module: str = ""
    distribution: str = ""
    version: str = ""


@attrs.frozen
class PassResult:
    """What one pass returns: rows unique by `keys` and TimeBucket, and the described columns in order."""

    name: str
    keys: Sequence[str] = attrs.field(converter=tuple)
    rule: BucketRule | None
    columns: Sequence[ResultColumn] = attrs.field(converter=tuple)
    key_dtypes: Sequence[DType] = attrs.field(default=(), converter=tuple)

    def column(self, name: str) -> ResultColumn | None:
        """The column of that name, hidden ones included."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def visible(self) -> list[ResultColumn]:
        """Columns that lists, reports and `columns = all` show."""
        return [c for c in self.columns if not c.hidden]
