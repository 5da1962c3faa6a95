"""The rows that are checked: one partition of a pass as it would be published, and a *rule*, which looks at them.

All rules of a pass count in one streaming query. Only where one fails are rows looked up, to name an example.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import attrs
import polars as pl

from basalt.columns import DType
from basalt.running.order import before


@attrs.frozen(eq=False)
class Rows:
    """One partition, and what was counted of it.

    `frame`: the published rows, and the keys of the row before as `{key}_before`. `key_dtypes`: of the pass's keys and
    TimeBucket. `members`: what the universe should have of the first key, or how many. `earlier`: passes by name.
    """

    frame: pl.LazyFrame
    key_dtypes: Mapping[str, DType]
    day: date
    members: pl.Series | int | None = None
    earlier: Mapping[str, pl.LazyFrame] = attrs.field(factory=dict)
    counted: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.counted[COUNT])

    @property
    def keys(self) -> list[str]:
        """The pass's keys and TimeBucket."""
        return list(self.key_dtypes)


class Rule(Protocol):
    """One planned check, a `Finding` in each partition. `check` is its key path inside the pass."""

    @property
    def check(self) -> str: ...

    @property
    def raises(self) -> bool: ...

    def counts(self, day: date) -> Sequence[pl.Expr]:
        """Aggregations over the rows, whose names nothing else has."""

    def found(self, rows: Rows) -> tuple[bool, str]:
        """Whether it passed, and what is to be said; the counts are in `rows.counted`."""


COUNT = "rows"


def counted(rows: Rows, rules: Sequence[Rule]) -> Rows:
    """The same rows with everything counted that the rules ask for, in one pass over them."""
    frame = rows.frame.with_columns(before(rows.keys))
    counts = [expr for rule in rules for expr in rule.counts(rows.day)]
    found = frame.select(pl.len().alias(COUNT), *counts).collect(engine="streaming")
    return attrs.evolve(rows, frame=frame, counted=found.row(0, named=True))
