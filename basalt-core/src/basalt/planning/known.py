"""What planning knows before it looks at a pass: tables with their real columns, plugins, earlier passes."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import attrs
import polars as pl

from basalt.documents import PassResult
from basalt.errors import UserError
from basalt.modules import Lag
from basalt.plugins.registry import Registry
from basalt.tables import TableSchema

Columns = Mapping[str, pl.DataType]


@attrs.frozen(eq=False)
class Known:
    """`columns_of`: the dtypes each table of the source really has. `results`: earlier passes by name. `published`:
    results of other pipelines that the source has, by table. `rolled_up`: passes that a later pass reads, so that their
    hidden weights are emitted. `folder`: what relative paths of options start from.
    `complete_book`: as the source promises. `lags`: of side outputs of earlier passes, by table and column, how much
    later than its row one is known, where it is later."""

    registry: Registry
    schemas: Mapping[str, TableSchema]
    columns_of: Mapping[str, Columns]
    source: str
    day: date
    shared_sequence: bool = False
    results: Mapping[str, PassResult] = attrs.field(factory=dict)
    published: Mapping[str, PassResult] = attrs.field(factory=dict)
    rolled_up: frozenset[str] = frozenset()
    folder: Path = Path()
    complete_book: bool = True
    lags: Mapping[str, Mapping[str, Lag]] = attrs.field(factory=dict)

    def table(self, name: str, asker: str) -> Columns:
        """The table's columns; UserError that names who asked where the source has no such table."""
        if name in self.columns_of:
            return self.columns_of[name]
        have = ", ".join(sorted(self.columns_of)) or "none"
        raise UserError(
            f"{asker} reads table {name!r}, which source {self.source!r} does not have on {self.day}; it has: {have}"
        )
