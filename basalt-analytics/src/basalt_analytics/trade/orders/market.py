"""The market around orders: volume and prices of its trades between arrival and last fill, after arrival, of the day.

*Prints* are the trades that count, numbered within their listing, with running sums of volume and of value above the
listing's first price: sums of small numbers, whose differences keep their digits.
"""

from collections.abc import Sequence

import polars as pl

from basalt.metrics import ratio
from basalt.running.as_of import looked_back
from basalt_analytics.trade.admissible import KEY
from basalt_analytics.trade.orders.parents import ORDER, average_price
from basalt_analytics.trade.prices import near

_PRICE, _SIZE = pl.col("Price"), pl.col("Size")
SHORT = 1e-12
"""Share of a volume that may be missing from it: running sums of sizes are not exact."""


def prints(trades: pl.LazyFrame) -> pl.LazyFrame:
    """The trades, in order, as prints."""
    base = _PRICE.first().over(KEY)
    numbered = trades.select(
        KEY,
        "Price",
        "Size",
        At=pl.col("EventTimestamp").to_physical(),
        Base=base,
        Number=pl.int_range(pl.len()).over(KEY),
    )
    return numbered.with_columns(
        Volume=_SIZE.cum_sum().over(KEY), Above=((_PRICE - pl.col("Base")) * _SIZE).cum_sum().over(KEY)
    )


def up_to(orders: pl.LazyFrame, at: str, marks: pl.LazyFrame, **columns: str) -> pl.LazyFrame:
    """The orders with these columns, by their new names, of the last print at or before `at`."""
    rows = marks.select(KEY, _At="At", **columns)
    return looked_back(orders.sort(KEY, at), rows, at, "_At", KEY).drop("_At")


def of_interval(orders: pl.LazyFrame, marks: pl.LazyFrame) -> pl.LazyFrame:
    """(order, IntervalVolume, IntervalVwap, Beaten) over the prints after arrival up to the last fill.

    Beaten: their volume at prices worse than the order's average, and half of that at the same.
    """
    started = up_to(orders, "Arrival", marks, _From="Number", _Volume="Volume", _Above="Above")
    ended = up_to(started, "LastFill", marks, _To="Number", Volume="Volume", Above="Above", Base="Base")
    volume, above = (pl.col(name) - pl.col(f"_{name}").fill_null(0.0) for name in ("Volume", "Above"))
    found = ended.select(*ORDER, IntervalVolume=volume, IntervalVwap=pl.col("Base") + ratio(above, volume))
    return found.join(_beaten(ended, marks), on=ORDER, how="left")


def _beaten(ended: pl.LazyFrame, marks: pl.LazyFrame) -> pl.LazyFrame:
    """(order, Beaten): each order is put together with the prints of its own interval alone."""
    numbers = pl.int_ranges(pl.col("_From").fill_null(-1) + 1, pl.col("_To").fill_null(-1) + 1)
    own = ended.select(*ORDER, "OrderSide", Average=average_price(), Number=numbers)
    joined = own.explode("Number").join(marks.select(KEY, "Number", "Price", "Size"), on=[KEY, "Number"])
    away = _PRICE - pl.col("Average")
    same = near(_PRICE, pl.col("Average"))
    worse = pl.when(pl.col("OrderSide") == "Buy").then(away > 0).otherwise(away < 0)
    beaten = pl.when(same).then(_SIZE / 2).when(worse).then(_SIZE).otherwise(0.0)
    return joined.group_by(ORDER).agg(Beaten=beaten.sum())


def own_volume(fills: pl.LazyFrame, trades: pl.LazyFrame) -> pl.LazyFrame:
    """(order, OwnVolume): what of the interval's volume are the order's own prints.

    By TradeId where both tables tell it, so that a print which does not count is not taken away; else all fills.
    """
    counted = _SIZE
    if "TradeId" in trades.collect_schema():
        times = trades.select(KEY, "TradeId", _Print=pl.col("EventTimestamp").to_physical())
        fills = fills.join(times.unique([KEY, "TradeId"], keep="first"), on=[KEY, "TradeId"], how="left")
        inside = (pl.col("_Print") > pl.col("Arrival")) & (pl.col("_Print") <= pl.col("LastFill"))
        counted = pl.when(pl.col("TradeId").is_null() | inside).then(_SIZE)
    return fills.group_by(ORDER).agg(OwnVolume=counted.sum())


def of_day(marks: pl.LazyFrame) -> pl.LazyFrame:
    """(ListingId, DayVwap) of all prints."""
    last = {name: pl.col(name).last() for name in ("Base", "Above", "Volume")}
    return marks.group_by(KEY).agg(DayVwap=last["Base"] + ratio(last["Above"], last["Volume"]))


def participation(orders: pl.LazyFrame, marks: pl.LazyFrame, rates: Sequence[float]) -> pl.LazyFrame:
    """(order, Pwp{i}): average price of the first Executed / rate shares after arrival, the last print cut.

    Null where the rest of the session trades less. A search in the running volume for each rate.
    """
    ahead = marks.select(KEY, "Volume", "Above", "Base", Last=_PRICE)
    started = up_to(orders, "Arrival", marks, _Volume="Volume", _Above="Above")
    placed = started.with_columns(pl.col("_Volume", "_Above").fill_null(0.0)).select(
        *ORDER, "Executed", "_Volume", "_Above"
    )
    found = orders.select(ORDER)
    for i, rate in enumerate(rates):
        found = found.join(_at_rate(placed, ahead, rate).rename({"Pwp": f"Pwp{i}"}), on=ORDER, how="left")
    return found


def _at_rate(placed: pl.LazyFrame, ahead: pl.LazyFrame, rate: float) -> pl.LazyFrame:
    wanted, target = pl.col("Executed") / rate, pl.col("_Target")
    sought = placed.filter(pl.col("Executed") > 0).with_columns(_Target=pl.col("_Volume") + wanted)
    joined = (
        sought.with_columns(_Sought=target * (1 - SHORT))
        .sort(KEY, "_Sought")
        .join_asof(
            ahead,
            left_on="_Sought",
            right_on="Volume",
            by=KEY,
            strategy="forward",
            coalesce=False,
            check_sortedness=False,
        )
    )
    cut = (pl.col("Volume") - target) * (pl.col("Last") - pl.col("Base"))
    above = pl.col("Above") - pl.col("_Above") - cut
    return joined.select(*ORDER, Pwp=pl.col("Base") + ratio(above, wanted))
