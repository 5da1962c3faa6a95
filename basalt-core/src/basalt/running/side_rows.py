"""Rows of side outputs as they are kept: in the dtypes they were planned with, in the order of their key.

A module returns them in whatever order it made them, so that without one the cut into batches would show in what is
published.
"""

import polars as pl

from basalt.errors import PluginError
from basalt.planning.sides import Side
from basalt.running.order import before, descends, sorted_by


def in_order(side: Side, rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """Sorted by key and, of events, by their order; ties as they came. PluginError, beginning with `where`, for other
    columns than planned."""
    wrong = [name for name in {**side.columns, **rows.schema} if rows.schema.get(name) != side.columns.get(name)]
    if wrong:
        found, planned = (columns.get(wrong[0]) or "absent" for columns in (rows.schema, side.columns))
        raise PluginError(
            f"{where}: side output {side.side} has {wrong[0]} as {found}, and as {planned} on frames without rows: "
            "cast it"
        )
    order = [name for name in side.schema.order if name in side.columns]
    names = [side.schema.key, *order]
    moved = rows.lazy().select(*names, *before(names)).select(descends(names).any()).collect().item()
    return sorted_by(rows.lazy(), side.schema.key, order).collect() if moved else rows
