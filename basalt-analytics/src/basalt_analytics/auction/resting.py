"""Resting orders: what each order event makes of its order, before it and after.

The rules are those of `l3_book`: an update of an unknown order enters it, a remove of one does nothing, a second insert
replaces, an update without a price keeps it. What old columns of an event say is not read.
"""

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.tables import SIDE
from basalt_analytics.auction.phases import KEY
from basalt_analytics.l3.encoding import UNPRICED_STATES
from basalt_analytics.trade.prices import price_key

if TYPE_CHECKING:
    from basalt_analytics.kernels.uncross import Steps

Array = NDArray[Any]
ORDER = (KEY, "OrderId")
STATE = ("Side", "Limit", "Left")
_PRICE, _SIZE, _ACTION = pl.col("Price"), pl.col("Size"), pl.col("Action")


def steps_of_orders(events: pl.LazyFrame) -> pl.LazyFrame:
    """The events that are sound, with Limit (a price key, null of a market order) and Left (0 where the order rests no
    longer) behind each, and OldSide, OldLimit and OldLeft before it, null where the order was not there."""
    left = pl.when(_ACTION == "Remove").then(0.0).otherwise(_SIZE)
    kept = events.filter(_sound()).with_columns(Limit=price_key(_PRICE), Left=left)
    begins = (_ACTION == "Insert") | (_ACTION.shift(1) == "Remove").over(ORDER).fill_null(True)
    told = kept.with_columns(Life=begins.cum_sum().over(ORDER)).with_columns(
        pl.col("Limit").forward_fill().over(*ORDER, "Life")
    )
    return told.with_columns(pl.col(name).shift(1).over(ORDER).alias(f"Old{name}") for name in STATE)


def _sound() -> pl.Expr:
    """An order with a size and a number for a price; without one only where market orders wait for an auction."""
    sized = _SIZE.is_finite() & (_SIZE >= 0)
    priced = _PRICE.is_null() | _PRICE.is_finite()
    waits = pl.col("MarketState").cast(pl.String).is_in(UNPRICED_STATES).fill_null(False)
    entered = (_ACTION != "Insert") | _PRICE.is_not_null() | waits
    return pl.col("OrderId").is_not_null() & ((_ACTION == "Remove") | (sized & priced & entered)).fill_null(False)


@attrs.frozen(eq=False)
class Dense:
    """`steps` of the orders of a listing; `keys`: the price keys of the ranks, ascending; `whole`: whether every size
    is a whole number."""

    steps: "Steps"
    keys: Array
    whole: bool


def dense(rows: pl.DataFrame) -> Dense:
    """The rows of `steps_of_orders` of one listing as arrays."""
    from basalt_analytics.kernels.uncross import Steps

    keys = pl.concat([rows["Limit"], rows["OldLimit"]]).drop_nulls().unique().sort()
    sizes = rows["Left"].to_numpy()
    steps = Steps(
        _sides(rows["OldSide"]),
        _ranks(rows["OldLimit"], keys),
        rows["OldLeft"].fill_null(0.0).to_numpy(),
        _sides(rows["Side"]),
        _ranks(rows["Limit"], keys),
        sizes,
    )
    return Dense(steps, keys.to_numpy(), bool((sizes == np.floor(sizes)).all()))


def _sides(names: pl.Series) -> Array:
    return names.cast(SIDE).to_physical().cast(pl.Int8).fill_null(0).to_numpy()


def _ranks(limits: pl.Series, keys: pl.Series) -> Array:
    found = keys.search_sorted(limits).cast(pl.Int32)
    return found.zip_with(limits.is_not_null(), pl.Series([-1], dtype=pl.Int32)).to_numpy()
