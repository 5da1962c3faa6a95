"""Which executions of order events are which prints: by their id, else by price, side, size and time."""

from typing import Any

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.tables import AGGRESSOR, SIDE
from basalt_analytics.l3.encoding import price_keys

Array = NDArray[Any]
NEAR = 1e-9
"""Sizes that differ by less are equal."""
PRINT, MATCH = "_Print", "_Match"
MATCHES = pl.Enum(["TRADE_ID", "NEAREST"])
MET = {"Buy": "Ask", "Sell": "Bid"}


@attrs.frozen
class Nearness:
    """How far an execution may be from its print: in time (ns) and size; and whether it must be of the side it met."""

    within: int
    apart: float
    sided: bool


def matched(prints: pl.DataFrame, executions: pl.DataFrame, nearness: Nearness) -> pl.DataFrame:
    """The executions of one listing with `_Print`, the row of the print each belongs to, and `_Match`, what told it;
    null of executions that were not printed. Cancelled prints have none."""
    numbered = prints.with_columns(pl.int_range(pl.len()).alias(PRINT))
    if "IsCancelled" in prints.columns:
        numbered = numbered.filter(~pl.col("IsCancelled").fill_null(False))
    named = _by_id(numbered, executions)
    left, free = numbered.filter(~pl.col(PRINT).is_in(named.implode())), np.flatnonzero(named.is_null())
    found = _nearest(left, executions[free], nearness)
    print_of, near = named.fill_null(-1).to_numpy().copy(), np.flatnonzero(found >= 0)
    print_of[free[found[near]]] = left[PRINT].to_numpy()[near]
    printed, by_id = pl.Series(PRINT, print_of), named.is_not_null()
    how = pl.when(pl.lit(by_id)).then(pl.lit("TRADE_ID", MATCHES)).when(pl.col(PRINT).is_not_null())
    return executions.with_columns(printed.zip_with(printed >= 0, printed.clear(1))).with_columns(
        how.then(pl.lit("NEAREST", MATCHES)).alias(MATCH)
    )


def _by_id(prints: pl.DataFrame, executions: pl.DataFrame) -> pl.Series:
    """Of each execution the first print of its id."""
    if "TradeId" not in prints.columns or "TradeId" not in executions.columns:
        return pl.Series(PRINT, [None], dtype=pl.Int64).new_from_index(0, executions.height)
    told = prints.select("TradeId", PRINT).filter(pl.col("TradeId").str.len_bytes() > 0)
    first = told.unique("TradeId", keep="first", maintain_order=True)
    return executions.select("TradeId").join(first, on="TradeId", how="left", maintain_order="left")[PRINT]


def _nearest(prints: pl.DataFrame, executions: pl.DataFrame, nearness: Nearness) -> Array:
    """Of each print the place of its execution, -1 where it has none."""
    from basalt_analytics.kernels.nearest import nearest

    keys = price_keys(executions["ExecutionPrice"])
    known = keys.drop_nulls().unique().sort()
    priced = np.flatnonzero(keys.is_not_null())
    ordered = priced[np.argsort(keys.drop_nulls().to_numpy(), kind="stable")]
    rows = executions[ordered]
    found = nearest(
        _times(prints),
        _levels(price_keys(prints["Price"]), known),
        _met(prints) if nearness.sided else np.full(prints.height, -1, np.int8),
        prints["Size"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        _times(rows),
        _codes(rows["Side"]),
        rows["Executed"].to_numpy(),
        np.append(keys.gather(ordered).search_sorted(known).to_numpy(), len(ordered)).astype(np.int64),
        nearness.within,
        nearness.apart + NEAR,
    )
    return np.where(found >= 0, np.append(ordered, -1)[found], -1)


def _times(rows: pl.DataFrame) -> Array:
    return rows["EventTimestamp"].to_physical().to_numpy()


def _levels(keys: pl.Series, known: pl.Series) -> Array:
    """Which of the known keys each is, -1 where none."""
    places = known.search_sorted(keys).to_numpy().astype(np.int64)
    there = keys.is_in(known.implode()).fill_null(False).to_numpy()
    return np.where(there, places, -1)


def _met(prints: pl.DataFrame) -> Array:
    """Codes of the resting side that each print met."""
    if "AggressorSide" not in prints.columns:
        return np.full(prints.height, -1, np.int8)
    return _codes(prints["AggressorSide"].cast(AGGRESSOR).replace_strict(MET, default=None, return_dtype=SIDE))


def _codes(sides: pl.Series) -> Array:
    return sides.cast(SIDE).to_physical().cast(pl.Int8).fill_null(-1).to_numpy()
