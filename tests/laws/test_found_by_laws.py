"""Faults that the laws found, each kept from coming back by a few rows."""

from datetime import UTC, datetime

import polars as pl

import basalt
from basalt import FrameModule, Metric, Unit, analytic
from basalt.documents import ResultColumn

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
INFINITY, NAN = float("inf"), float("nan")


def at(rows, **more):
    """Rows of (listing, seconds after nine, value, …)."""
    return pl.DataFrame(rows, schema=["ListingId", "Seconds", *more], orient="row").select(
        "ListingId",
        EventTimestamp=pl.lit(NINE).dt.cast_time_unit("ns") + pl.duration(seconds="Seconds"),
        **{name: pl.col(name).cast(dtype) for name, dtype in more.items()},
    )


@analytic("l2")
def last_bid():
    bid = pl.col("BidPrice1").last()
    yield Metric("LastBid", bid, Unit.PRICE, doc="Last best bid.", empty=basalt.Empty.CARRY)


@analytic("trades")
def mean_price():
    yield Metric("MeanPrice", pl.col("Price").mean(), Unit.PRICE, doc="Mean price of the bucket's trades.")


def test_a_carried_value_is_the_listings_own():
    """Bids of 10 and 20 a minute after nine; the second listing alone trades later, and its bid is still 20."""
    l2 = at([(1, 30, 10, 1), (2, 30, 20, 1)], BidPrice1=pl.Float64, BidQuantity1=pl.Float64)
    trades = at([(2, 330, 20, 1)], Price=pl.Float64, Size=pl.Float64)
    found = basalt.compute([last_bid, mean_price], every="1m", l2=l2, trades=trades)
    assert found.select("ListingId", pl.col("TimeBucket").dt.minute(), "LastBid").rows() == [
        (1, 1, 10.0),
        (2, 1, 20.0),
        (2, 6, 20.0),
    ]


def test_nan_and_infinite_cells_are_null_to_a_function():
    """Prices 10, NaN, inf, 12: the mean of 10 and 12 is 11; a bucket that has nothing else is null."""
    rows = [(1, 1, 10, 1), (1, 2, NAN, 1), (1, 3, INFINITY, 1), (1, 4, 12, 1), (1, 61, NAN, 1)]
    found = basalt.compute(mean_price, every="1m", trades=at(rows, Price=pl.Float64, Size=pl.Float64))
    assert found["MeanPrice"].to_list() == [11.0, None]


def test_the_formula_of_a_function_names_the_tables_columns():
    from basalt.face import plan_in_memory

    trades = at([(1, 1, 10, 1)], Price=pl.Float64, Size=pl.Float64)
    column = plan_in_memory([mean_price], "1m", None, {"trades": trades}, {}).programs[0].result.columns[0]
    assert (column.formula, list(column.reads)) == ("Price.mean()", ["trades.Price"])


class Prints(FrameModule):
    """Trades of each bucket, from the table and from no earlier pass."""

    name, inputs = "prints", ("trades",)

    def columns(self):
        return [ResultColumn("Prints", Unit.COUNT, "Trades of the bucket.", pl.Int64)]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = inputs["trades"].with_columns(TimeBucket=label).group_by("ListingId", "TimeBucket")
        return rows.agg(Prints=pl.len().cast(pl.Int64))


def test_a_frame_module_may_read_tables_alone():
    trades = at([(1, 1, 10, 1), (1, 2, 10, 1), (2, 61, 10, 1)], Price=pl.Float64, Size=pl.Float64)
    found = basalt.compute([Prints], every="1m", trades=trades)
    assert found.select("ListingId", "Prints").rows() == [(1, 2), (2, 1)]
