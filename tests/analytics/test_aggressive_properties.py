"""What must hold of aggressive orders whatever the prints are: each is in one order, and no share is lost."""

import polars as pl
import pytest
from aggressive_prints import START, made
from hypothesis import given
from hypothesis import strategies as st

from basalt.tables import AGGRESSOR, NS_UTC

EXECUTION = st.tuples(
    st.integers(0, 30),
    st.sampled_from(["Buy", "Sell", None]),
    st.one_of(st.none(), st.integers(998, 1002).map(lambda ticks: ticks / 100)),
    st.one_of(st.none(), st.integers(-1, 9).map(float)),
    st.sampled_from([1, 2]),
)
OPTIONS = st.fixed_dictionaries(
    {
        "max_gap": st.sampled_from(["0us", "2us", "10us"]),
        "unknown_side": st.sampled_from(["alone", "drop"]),
        "monotone": st.booleans(),
        "max_duration": st.sampled_from([None, "3us"]),
    }
)


def random_prints(rows):
    schema = {
        "us": pl.Int64,
        "AggressorSide": AGGRESSOR,
        "Price": pl.Float64,
        "Size": pl.Float64,
        "ListingId": pl.Int64,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("ListingId", "us", maintain_order=True)
    return frame.with_columns(EventTimestamp=(START + pl.col("us") * 1000).cast(NS_UTC)).drop("us")


@pytest.mark.slow
@given(st.lists(EXECUTION, max_size=25), OPTIONS)
def test_every_execution_is_in_one_order_and_no_share_is_lost(rows, options):
    """Σ over orders of shares, value and executions is that over the prints that count."""
    trades = random_prints(rows)
    counts = trades.filter(pl.col("Size") > 0)
    if options["unknown_side"] == "drop":
        counts = counts.filter(pl.col("AggressorSide").is_not_null())
    found = made({"trades": trades}, **options)
    order, execution = found["aggressive_orders"], found["aggressive_executions"]
    assert execution.drop("AggressiveOrderId", "ExecutionIndex").equals(counts.select(execution.columns[:-2]))
    assert (order["Size"].sum(), order["Executions"].sum()) == (counts["Size"].sum(), counts.height)
    assert order["Notional"].sum() == pytest.approx((counts["Price"] * counts["Size"]).sum())
    keys = ["ListingId", "AggressiveOrderId"]
    assert execution.select(*keys, "ExecutionIndex").is_unique().all()
    assert execution.group_by(keys).len().height == order.height
    by_order = execution.group_by(keys).agg(pl.col("Size").sum()).sort(keys)
    assert by_order.rows() == order.select(*keys, "Size").sort(keys).rows()


@pytest.mark.slow
@given(st.lists(EXECUTION, max_size=25), OPTIONS)
def test_orders_follow_one_another_in_time(rows, options):
    found = made({"trades": random_prints(rows)}, **options)["aggressive_orders"]
    for _, of_listing in found.group_by("ListingId"):
        assert of_listing["AggressiveOrderId"].to_list() == list(range(of_listing.height))
        assert (of_listing["LastTimestamp"].shift(1) <= of_listing["FirstTimestamp"]).all()
        assert (of_listing["FinalTimestamp"] >= of_listing["LastTimestamp"]).all()
