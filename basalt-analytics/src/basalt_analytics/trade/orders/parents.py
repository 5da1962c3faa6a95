"""Parent orders: the events of each as one row, and what contradicts itself among them.

Times are nanoseconds. What was paid is told as FillsAbove: above the price of the first fill for all shares. A slippage
is a small difference of large prices, and keeps its digits where these stay out of the sums.
An order is told by (ListingId, OrderId): events of one OrderId on two listings are two orders, of which the later one
has no arrival.
"""

from collections.abc import Mapping
from math import inf

import polars as pl

from basalt.buckets import midnight
from basalt.durations import DAY
from basalt.metrics import ratio
from basalt.modules import PassContext
from basalt_analytics.trade.admissible import KEY
from basalt_analytics.trade.orders.table import ORDERS

ORDER = (KEY, "OrderId")
PROBLEM = pl.Enum(
    [
        "NoArrival",
        "RepeatedArrival",
        "RepeatedEnd",
        "NoSide",
        "SideChange",
        "BadQuantity",
        "BadFill",
        "EndBeforeArrival",
        "FillBeforeArrival",
        "FillAfterEnd",
        "Overfilled",
    ]
)
NEAR = 1 + 1e-9
_TIME = pl.col("EventTimestamp").to_physical()


def events(orders: pl.LazyFrame) -> pl.LazyFrame:
    """The order events with every declared column, and Filled: whether the row is a fill with a price and a size."""
    there = orders.collect_schema()
    missing = {c.name: pl.lit(None, c.dtype) for c in ORDERS.columns if c.name not in there}
    sound = _positive("Price") & _positive("Size")
    return orders.with_columns(**missing).with_columns(Filled=_is("Fill") & sound.fill_null(False))


def parents(rows: pl.LazyFrame, session_end: pl.LazyFrame, pass_: PassContext) -> pl.LazyFrame:
    """One row an order, in (listing, order) order: its side, times and sums, and OrderProblem.

    `session_end`: (ListingId, SessionEnd) where that is known. An order without an End ends with the session, unknown:
    with the first UTC midnight behind the date and behind the order's last event.
    """
    found = rows.group_by(ORDER).agg(**_sums()).join(session_end, on=KEY, how="left").sort(ORDER)
    last = pl.col("LastEvent")
    night = pl.max_horizontal(pl.lit(midnight(pass_.date) + DAY), -((-last).floordiv(DAY)) * DAY)
    closed = pl.when(pl.col("SessionEnd").is_not_null()).then(pl.max_horizontal("SessionEnd", last))
    return found.with_columns(End=pl.coalesce("EndEvent", closed, night)).with_columns(OrderProblem=_problem())


def average_price() -> pl.Expr:
    """P̄ of an order's fills; null without one."""
    return pl.col("FirstPrice") + ratio(pl.col("FillsAbove"), pl.col("Executed"))


def _sums() -> dict[str, pl.Expr]:
    arrival, fill, end, filled = _is("Arrival"), _is("Fill"), _is("End"), pl.col("Filled")
    price, size = pl.col("Price"), pl.col("Size")
    first = pl.when(filled).then(price).first(ignore_nulls=True)
    given = pl.when(_positive("DecisionPrice")).then("DecisionPrice")
    fee = pl.when(pl.col("Fee").is_finite()).then("Fee").fill_null(0.0)
    return {
        "OrderSide": pl.col("OrderSide").first(ignore_nulls=True),
        "Sides": pl.col("OrderSide").drop_nulls().n_unique(),
        "Arrivals": arrival.sum(),
        "Ends": end.sum(),
        "Arrival": pl.when(arrival).then(_TIME).min(),
        "EndEvent": pl.when(end).then(_TIME).min(),
        "LastEvent": _TIME.max(),
        "FirstFill": pl.when(fill).then(_TIME).min(),
        "LastFill": pl.when(fill).then(_TIME).max(),
        "Quantity": pl.when(arrival).then("OrderQuantity").first(ignore_nulls=True),
        "DecisionTime": pl.when(arrival).then(pl.col("DecisionTimestamp").to_physical()).first(ignore_nulls=True),
        "DecisionPrice": pl.when(arrival).then(given).first(ignore_nulls=True),
        "Executed": pl.when(filled).then(size).sum(),
        "FirstPrice": first,
        "FillsAbove": pl.when(filled).then((price - first) * size).sum(),
        "Fees": pl.when(fill).then(fee).sum(),
        "Fills": filled.sum().cast(pl.Int64),
        "BadFills": (fill & ~filled).sum(),
    }


def _problem() -> pl.Expr:
    """The first of the labels, in their order, that fits; null for an order without a problem."""
    quantity = pl.col("Quantity")
    fits: Mapping[str, pl.Expr] = {
        "NoArrival": pl.col("Arrivals") == 0,
        "RepeatedArrival": pl.col("Arrivals") > 1,
        "RepeatedEnd": pl.col("Ends") > 1,
        "NoSide": pl.col("Sides") == 0,
        "SideChange": pl.col("Sides") > 1,
        "BadQuantity": ~((quantity > 0) & (quantity < inf)).fill_null(False),
        "BadFill": pl.col("BadFills") > 0,
        "EndBeforeArrival": pl.col("End") < pl.col("Arrival"),
        "FillBeforeArrival": pl.col("FirstFill") < pl.col("Arrival"),
        "FillAfterEnd": pl.col("LastFill") > pl.col("End"),
        "Overfilled": pl.col("Executed") > quantity * NEAR,
    }
    labels = [pl.when(fits[label]).then(pl.lit(label, PROBLEM)) for label in PROBLEM.categories]
    return pl.coalesce(labels)


def _is(event: str) -> pl.Expr:
    return (pl.col("Event") == event).fill_null(False)


def _positive(name: str) -> pl.Expr:
    """Above 0 and finite; NaN is above infinity in Polars."""
    return (pl.col(name) > 0) & (pl.col(name) < inf)
