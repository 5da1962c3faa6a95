"""Books and queues of simulated days from their order events: those that the simulator's own matching recorded."""

import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.face import plan_in_memory
from basalt.modules import PassContext
from basalt.testing import market
from basalt_analytics.l3.book import L3Book, L3BookOptions
from basalt_analytics.l3.queue import L3Queue, L3QueueOptions

pytestmark = pytest.mark.slow
DATE = dt.date(2026, 1, 5)
CONTEXT = PassContext("simulated", DATE, ["ListingId"], BucketRule(SECOND))
DAYS = range(50)


@pytest.fixture(scope="module")
def days():
    return [market.simulate(2, seed, DATE, 150, 1 + seed % 5) for seed in DAYS]


def test_books_of_fifty_days_are_the_simulator_s(days):
    """Row by row, in price, quantity and number of orders: a row for each exchange event that changes the levels."""
    for seed, day in zip(DAYS, days, strict=True):
        options = L3BookOptions(levels=1 + seed % 5, only_changes=True)
        found = L3Book(options).apply({"l3": day["l3"].lazy()}, CONTEXT)
        assert_frame_equal(found["l2"].collect(), day["l2"])
        assert not found["l3_integrity"].collect()["Suspect"].any()


def test_queues_of_fifty_days_are_the_simulator_s(days):
    """Whose book matches by price and time; larger amends and new prices go to the back."""
    for day in days:
        found = L3Queue(L3QueueOptions(replace=True)).apply({"l3": day["l3"].lazy()}, CONTEXT)
        assert_frame_equal(found["l3"].collect(), day["l3"])
        report = found["l3_queue_integrity"].collect()
        assert report["Executions"].sum() == day["l3"].filter(pl.col("ExecutionSize") > 0).height


def test_the_source_s_own_books_are_not_read(days):
    """Where the pass makes them of its order events."""
    plan = plan_in_memory(["l2"], "1m", DATE, days[0], {"preprocess": [{"transform": "l3_book"}]})
    assert sorted(plan.programs[0].reads) == ["l3", "marketstate"]
