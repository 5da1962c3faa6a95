"""The sample days with icebergs: orders that are filled whole are renewed, followed by others, or execute more.

Of every three fills that remove an order of a listing, the first is renewed under its own id and executed in two
parts, of which the second leaves a rest on every other; the second is followed by two other ids, each filled whole in
turn; the third executes half as much again as it displays. All of it happens at the instant of the fill.
"""

from collections.abc import Callable, Mapping
from functools import cache

import polars as pl

from basalt.tables import ACTION
from basalt.testing.days import DAYS

Day = dict[str, pl.DataFrame]
ROOM = 8
"""Numbers of the sequence between two events of the day."""
FILLED = (pl.col("Action") == "Remove") & (pl.col("ExecutionSize") > 0) & pl.col("OldPrice").is_finite()


def with_icebergs(day: Day) -> Day:
    """The day's tables, its order events with what icebergs add."""
    l3 = day["l3"].with_columns(pl.col("SequenceNo") * ROOM, pl.col("OrderId").cast(pl.String))
    number = FILLED.fill_null(False).cum_sum().over("ListingId")
    kind = pl.when(FILLED).then(number % 3).fill_null(-1)
    told = l3.with_columns(_Kind=kind, _Odd=number % 2 == 1)
    fills = told.filter(pl.col("_Kind") >= 0)
    more = pl.when(pl.col("_Kind") == 0).then(1.5).otherwise(1.0)
    parts = [told.with_columns(ExecutionSize=pl.col("ExecutionSize") * more)]
    parts += [_renewed(fills.filter(_Kind=1)), _followed(fills.filter(_Kind=2))]
    rows = pl.concat(parts).sort("ListingId", "EventTimestamp", "SequenceNo")
    return day | {"l3": rows.select(l3.columns).cast(l3.schema)}


def _renewed(fills: pl.DataFrame) -> pl.DataFrame:
    half = pl.col("OldSize") / 2
    last = pl.when("_Odd").then(half).otherwise(half / 2)
    return pl.concat(
        [
            _event(fills, 1, "Insert", pl.col("OldSize"), pl.lit(0.0), pl.lit(0.0)),
            _event(fills, 2, "Update", half, pl.col("OldSize"), half),
            _event(fills.filter("_Odd"), 3, "Remove", pl.lit(0.0), half, last),
            _event(fills.filter(~pl.col("_Odd")), 3, "Update", half - last, half, last),
        ]
    )


def _followed(fills: pl.DataFrame) -> pl.DataFrame:
    others = [fills.with_columns(OrderId=pl.format("{} then {}", "OrderId", pl.lit(i))) for i in (1, 2)]
    size, none = pl.col("OldSize"), pl.lit(0.0)
    found = []
    for i, other in enumerate(others):
        found += [
            _event(other, 1 + 2 * i, "Insert", size, none, none),
            _event(other, 2 + 2 * i, "Remove", none, size, size),
        ]
    return pl.concat(found)


def _event(fills: pl.DataFrame, after: int, action: str, size: pl.Expr, old: pl.Expr, x: pl.Expr) -> pl.DataFrame:
    """An event of the order behind each fill."""
    price = pl.col("OldPrice")
    return fills.with_columns(
        pl.col("SequenceNo") + after,
        Action=pl.lit(action, ACTION),
        Price=pl.lit(None, pl.Float64) if action == "Remove" else price,
        Size=size,
        OldPrice=pl.lit(None, pl.Float64) if action == "Insert" else price,
        OldSize=old,
        ExecutionPrice=pl.when(x > 0).then(price),
        ExecutionSize=x,
        TradeId=pl.lit(None, pl.String),
    )


def _day(name: str) -> Callable[[], Day]:
    made = cache(lambda: with_icebergs(DAYS[name]()))
    return lambda: dict(made())


ICEBERG_DAYS: Mapping[str, Callable[[], Day]] = {name: _day(name) for name in DAYS}
FEW_ICEBERGS = {name: ICEBERG_DAYS[name] for name in ("ties", "halt", "nulls")}
