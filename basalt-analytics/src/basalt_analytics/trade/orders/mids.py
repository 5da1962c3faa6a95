"""Mids around orders: in force just before they were decided on and arrived, at their end and exit, and after fills.

*Just before*: the last book row before the moment, whatever it is worth. *At*: the last valid one up to it.
"""

from collections.abc import Sequence

import polars as pl

from basalt.metrics import ratio, signed
from basalt.running.as_of import looked_back
from basalt.running.in_force import latest_valid
from basalt_analytics.l2.book import NEAR, Book, Rules
from basalt_analytics.trade.admissible import KEY
from basalt_analytics.trade.orders.parents import ORDER

_BOOK = Book(pl.col, Rules())
_END, _EXIT = 0, 1


def just_before(moments: pl.LazyFrame, at: str, quotes: pl.LazyFrame) -> pl.LazyFrame:
    """The moments, in (listing, `at`) order, with Mid, Bid and Ask of the last book row before; null where it is not
    valid."""
    values = {"Mid": _BOOK.mid, "Bid": _BOOK.price("Bid", 1), "Ask": _BOOK.price("Ask", 1)}
    rows = quotes.select(KEY, _Stamp=pl.col("EventTimestamp").to_physical(), **values)
    return looked_back(moments.sort(KEY, at), rows, at, "_Stamp", KEY, strict=True).drop("_Stamp")


def before_orders(orders: pl.LazyFrame, quotes: pl.LazyFrame) -> pl.LazyFrame:
    """(order, DecisionMid, ArrivalMid)."""
    names = {"DecisionMid": "DecisionTime", "ArrivalMid": "Arrival"}
    moments = pl.concat([orders.select(*ORDER, At=time, Name=pl.lit(name)) for name, time in names.items()])
    found = just_before(moments, "At", quotes)
    return found.group_by(ORDER).agg(pl.when(pl.col("Name") == n).then("Mid").max().alias(n) for n in names)


def spread_capture(fills: pl.LazyFrame, quotes: pl.LazyFrame) -> pl.LazyFrame:
    """(order, SpreadCapture): 1 at the near touch, 0 at the far one, by shares; fills at no open spread left out."""
    bid, ask, size = pl.col("Bid"), pl.col("Ask"), pl.col("Size")
    kept = pl.when(pl.col("OrderSide") == "Buy").then(ask - pl.col("Price")).otherwise(pl.col("Price") - bid)
    captured = pl.when(ask * NEAR > bid).then(ratio(kept, ask - bid))
    weighed = pl.when(captured.is_not_null()).then(size)
    return (
        just_before(fills, "At", quotes)
        .group_by(ORDER)
        .agg(SpreadCapture=ratio((captured * size).sum(), weighed.sum()))
    )


def later(
    orders: pl.LazyFrame,
    fills: pl.LazyFrame,
    quotes: pl.LazyFrame,
    found: pl.LazyFrame | None,
    horizons: Sequence[int],
) -> pl.LazyFrame:
    """(order, EndMid, ExitMid, and by number of the horizon Reverted{i} and Markout{i}).

    End and exit outside all stretches have the last mid of the one before; later moments there have none.
    """
    moments = [_moment(orders, "End", _END, True), _moment(orders, "LastFill", _EXIT, True)]
    for i, horizon in enumerate(horizons):
        moments.append(_moment(orders, pl.col("LastFill") + horizon, 2 + 2 * i, False))
        moments.append(_moment(fills, pl.col("At") + horizon, 3 + 2 * i, False))
    points = pl.concat(moments).filter(pl.col("At").is_not_null()).sort(KEY, "At")
    placed = points if found is None else _placed(points, found).sort(KEY, "At")
    valued = latest_valid(placed, quotes, KEY, {"Mid": _BOOK.mid}, found, "At").sort(*ORDER, "Fill")
    names = {"EndMid": _END, "ExitMid": _EXIT} | {f"Reverted{i}": 2 + 2 * i for i in range(len(horizons))}
    mids = {n: pl.when(pl.col("Kind") == kind).then("Mid").max() for n, kind in names.items()}
    return valued.group_by(ORDER).agg(**mids, **{f"Markout{i}": _markout(3 + 2 * i) for i in range(len(horizons))})


def _moment(rows: pl.LazyFrame, at: str | pl.Expr, kind: int, clamp: bool) -> pl.LazyFrame:
    """Points of one kind: of an order, or of each of its fills with the fill's price and size."""
    there = rows.collect_schema()
    nothing = {n: pl.lit(None, d) for n, d in {"Price": pl.Float64, "Size": pl.Float64, "Fill": pl.Int64}.items()}
    own = {n: pl.col(n) if "Fill" in there else null for n, null in nothing.items()}
    at = pl.col(at) if isinstance(at, str) else at
    return rows.select(*ORDER, "OrderSide", At=at, Kind=pl.lit(kind), Clamp=pl.lit(clamp), **own)


def _placed(points: pl.LazyFrame, found: pl.LazyFrame) -> pl.LazyFrame:
    """The points with their StretchId; clamped ones outside all moved to the last moment of the stretch before."""
    edges = found.select(KEY, "StretchId", _Start="Start", _End="End")
    joined = looked_back(points, edges, "At", "_Start", KEY)
    inside = pl.col("_End").is_null() | (pl.col("At") < pl.col("_End"))
    moved = pl.when(inside).then("At").otherwise(pl.col("_End") - 1)
    return joined.with_columns(
        At=pl.when("Clamp").then(moved).otherwise("At"),
        StretchId=pl.when(inside | pl.col("Clamp")).then(pl.col("StretchId").cast(pl.Int64)),
    ).drop("_Start", "_End")


def _markout(kind: int) -> pl.Expr:
    """Mean by shares of the fills that have a mid at that moment."""
    there = (pl.col("Kind") == kind) & pl.col("Mid").is_not_null()
    size, moved = pl.col("Size"), ratio(pl.col("Mid") - pl.col("Price"), pl.col("Price"))
    value = 1e4 * signed("OrderSide") * moved * size
    return ratio(pl.when(there).then(value).sum(), pl.when(there).then(size).sum())
