"""Module tca in a pipeline: orders of a desk in a source's folder, their costs published, and put together by size."""

from datetime import date

import polars as pl
import pytest
from laws.orders_days import with_orders

import basalt
from basalt.testing import market

DAY = "2026-01-05"
PIPELINE = """
name = "desk"
dates = { list = ["2026-01-05"] }
[source]
type = "parquet"
root = "data"
[[outputs]]
type = "parquet"
path = "out/{pass}.parquet"
[[passes]]
name = "orders"
every = "1d"
weights = true
[[passes.modules]]
module = "tca"
horizons = ["1s", "1m"]
participation_rates = [0.1, 0.2]
[[passes]]
name = "bars"
every = "15m"
[[passes.modules]]
module = "liquidity"
every_sub = "1m"
measures = ["KyleLambda", "Amihud", "Vpin"]
vpin = { bucket_volume = 5000, buckets = 5 }
[[passes]]
name = "hours"
every = "1h"
[[passes.modules]]
module = "generic"
source = "bars"
"""


@pytest.fixture
def desk(tmp_path):
    """A folder with two listings' trades, books and orders of one date."""
    day = market.simulate(listings=2, seed=3, events=600, tables=("trades", "l2", "marketstate"))
    for name, frame in with_orders(day | {"trades": day["trades"].sort("ListingId", "EventTimestamp")}).items():
        folder = tmp_path / "data" / name / f"date={DAY}"
        folder.mkdir(parents=True)
        frame.write_parquet(folder / "0.parquet")
    (tmp_path / "desk.toml").write_text(PIPELINE)
    return tmp_path / "desk.toml"


def test_orders_are_published_by_listing_and_order(desk):
    """One row an order of the table, whatever the date's bucket; labels and hidden weights included."""
    result = basalt.run(desk)
    assert not result.failed
    rows = result.scan("orders").collect()
    keys = ["ListingId", "OrderId"]
    placed = pl.read_parquet(desk.parent / "data/orders" / f"date={DAY}" / "0.parquet")
    assert rows.select(keys).rows() == placed.select(keys).unique().sort(keys).rows()
    assert set(rows["OrderProblem"].drop_nulls()) == {"NoArrival", "SideChange"}
    assert rows["Date"].unique().to_list() == [date(2026, 1, 5)]
    shortfall = pl.col("ShortfallCost") - 1e-4 * pl.col("ShortfallBps") * pl.col("OrderNotionalWeight")
    assert rows.select(shortfall.abs().max()).item() == pytest.approx(0, abs=1e-6)


def test_liquidity_is_rolled_up_by_its_weights(desk):
    """An hour's ratio is the mean of its quarters', by the number of sub-intervals; Vpin is the last."""
    result = basalt.run(desk)
    fine, coarse = result.scan("bars").collect(), result.scan("hours").collect()
    assert coarse["AmihudCount"].sum() == fine["AmihudCount"].sum() > 0
    total, counted = pl.col("Amihud") * pl.col("AmihudCount"), pl.col("AmihudCount")
    assert coarse.select(total.sum()).item() == pytest.approx(fine.select(total.sum()).item())
    assert fine.filter(counted == 0)["Amihud"].null_count() == fine.filter(counted == 0).height
    assert coarse["Vpin"].drop_nulls().is_between(0, 1).all()
    assert "KyleLambda" not in coarse.columns
