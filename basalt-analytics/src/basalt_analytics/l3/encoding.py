"""Order events of one listing as dense arrays, for the compiled loops.

A *price key* is the price times 1e9 as a whole number: prices are equal, and levels the same, where their keys are.
Orders get codes 0, 1, … and keys ranks in ascending order; what is null is −1 as a code and NaN as a size. Snapshots of
the whole book stand between the events, each behind every event stamped up to it.
"""

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.tables import ACTION, SIDE
from basalt_analytics.trade.prices import KEYS_A_UNIT

if TYPE_CHECKING:
    from basalt_analytics.kernels.book import Events

ROW = "_Event"
UNPRICED_STATES = (
    "PRE_OPEN",
    "OPENING_AUCTION",
    "INTRADAY_AUCTION",
    "UNSCHEDULED_AUCTION",
    "AUCTION_ON_DEMAND",
    "CLOSING_AUCTION",
)
"""States in which an order without a price is a market order that waits for the auction."""
Array = NDArray[Any]


@attrs.frozen(eq=False)
class Encoded:
    """`prices`: that of each rank. `orders`: how many codes there are. `own`: of each row, whether it is an event and
    not of a snapshot."""

    events: "Events"
    prices: Array
    orders: int
    own: Array

    @property
    def ranks(self) -> int:
        """How many prices there are."""
        return len(self.prices)


def with_snapshots(rows: pl.DataFrame, snapshots: pl.DataFrame | None) -> pl.DataFrame:
    """The listing's events with its snapshots where they belong; `_Event` is their place among the events, null of a
    snapshot's rows, and `_First` whether one of these begins a snapshot."""
    numbered = rows.with_columns(pl.int_range(pl.len()).alias(ROW), _First=pl.lit(False))
    if snapshots is None or not snapshots.height:
        return numbered
    first = pl.col("EventTimestamp").is_first_distinct()
    added = snapshots.select("EventTimestamp", "OrderId", "Side", "Price", "Size", _First=first)
    behind = numbered["EventTimestamp"].search_sorted(added["EventTimestamp"], side="right")
    added = added.with_columns(pl.lit(None, pl.Int64).alias(ROW), _Place=behind.cast(pl.Float64) - 0.5)
    both = pl.concat([numbered.with_columns(_Place=pl.col(ROW).cast(pl.Float64)), added], how="diagonal_relaxed")
    return both.sort("_Place", maintain_order=True).drop("_Place")


def encoded(rows: pl.DataFrame) -> Encoded:
    """The rows of `with_snapshots`. Columns that are not there count as null."""
    from basalt_analytics.kernels.book import Events

    codes, orders = _orders(rows["OrderId"])
    keys = [price_keys(_column(rows, name, pl.Float64)) for name in ("Price", "OldPrice")]
    known = pl.concat(keys).drop_nulls().unique().sort()
    gaps = _column(rows, "_Gap", pl.Boolean).fill_null(False)
    facts = [_actions(rows), codes, _codes(rows["Side"].cast(SIDE)), *(_ranks(one, known) for one in keys)]
    amounts = [_floats(rows, name) for name in ("Size", "OldSize", "ExecutionSize")]
    events = Events(
        np.column_stack([*facts, _unpriced(rows), gaps.to_numpy()]).astype(np.int32), np.column_stack(amounts)
    )
    return Encoded(events, known.to_numpy() / KEYS_A_UNIT, orders, rows[ROW].is_not_null().to_numpy())


def price_keys(prices: pl.Series) -> pl.Series:
    """Int64 keys; null where the price is null or no number."""
    finite = prices.is_finite().fill_null(False)
    return (prices.zip_with(finite, pl.Series([None], dtype=pl.Float64)) * KEYS_A_UNIT).round().cast(pl.Int64)


def _column(rows: pl.DataFrame, name: str, dtype: Any) -> pl.Series:
    return rows[name] if name in rows.columns else pl.Series(name, [None], dtype=dtype).new_from_index(0, rows.height)


def _floats(rows: pl.DataFrame, name: str) -> Array:
    return _column(rows, name, pl.Float64).cast(pl.Float64).fill_null(np.nan).to_numpy()


def _orders(ids: pl.Series) -> tuple[Array, int]:
    """Codes of the ids, −1 where null, and how many there are."""
    found = ids.cast(pl.Categorical).to_physical() if ids.dtype == pl.String else ids
    codes = found.rank("dense").cast(pl.Int32) - 1
    return codes.fill_null(-1).to_numpy(), int(found.n_unique() - (found.null_count() > 0))


def _codes(names: pl.Series) -> Array:
    return names.to_physical().cast(pl.Int8).fill_null(-1).to_numpy()


def _actions(rows: pl.DataFrame) -> Array:
    from basalt_analytics.kernels.book import SNAPSHOT, SNAPSHOT_ROW

    actions = _codes(rows["Action"].cast(ACTION)) if "Action" in rows.columns else np.full(rows.height, -1, np.int8)
    of_snapshot = rows[ROW].is_null().to_numpy()
    return np.where(of_snapshot, np.where(rows["_First"].to_numpy(), SNAPSHOT, SNAPSHOT_ROW), actions).astype(np.int8)


def _ranks(keys: pl.Series, known: pl.Series) -> Array:
    found = known.search_sorted(keys).cast(pl.Int32)
    return found.zip_with(keys.is_not_null(), pl.Series([-1], dtype=pl.Int32)).to_numpy()


def _unpriced(rows: pl.DataFrame) -> Array:
    if "MarketState" not in rows.columns:
        return np.zeros(rows.height, np.bool_)
    return rows["MarketState"].cast(pl.String).is_in(UNPRICED_STATES).fill_null(False).to_numpy()
