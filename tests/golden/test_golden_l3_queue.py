"""Places in the queue of E1: displayed size and number of orders in front before each event."""

import polars as pl
import pytest
from order_events import e1, l3

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.errors import DataError
from basalt.modules import PassContext
from basalt_analytics.l3.queue import L3Queue, L3QueueOptions


def queued(events, reference=None, **options):
    """Events with what is in front, and the report."""
    context = PassContext("queues", events["EventTimestamp"][0].date(), ["ListingId"], BucketRule(SECOND))
    tables = {"l3": events.lazy()} | ({} if reference is None else {"reference": reference.lazy()})
    made = L3Queue(L3QueueOptions(**options)).apply(tables, context)
    return made["l3"].collect(), made["l3_queue_integrity"].collect().row(0, named=True)


def ahead(rows):
    """(size, orders) in front by sequence, where anything is."""
    return {n: (s, o) for n, s, o in rows.select("SequenceNo", "SizeAhead", "OrdersAhead").rows() if (s, o) != (0, 0)}


def test_e1_in_front_of_each_event():
    """Sequence 9: b1's 150 before b2, which goes to the back for its increase, so that b4 is first at sequence 11."""
    rows, report = queued(e1())
    assert ahead(rows) == {3: (500, 1), 8: (350, 2), 9: (150, 1), 17: (150, 1)}
    assert (report["Executions"], report["ExecutionsOutOfPriority"]) == (4, 0)
    assert rows.drop("SizeAhead", "OrdersAhead").equals(e1())


def test_e1_an_increase_that_keeps_its_place_stands_before_the_fill():
    """b2's 300 is still before b4, which is filled at sequence 11 nevertheless."""
    rows, report = queued(e1(), increase_loses_priority=False)
    assert ahead(rows)[11] == (300, 1)
    assert report["ExecutionsOutOfPriority"] == 1


@pytest.mark.parametrize(("refill", "in_front"), [(True, (200, 1)), (False, (0, 0))])
def test_a_renewed_size_goes_to_the_back_or_stays(refill, in_front):
    """a shows 100, and 130 trade: 30 more than it showed, and it shows 100 anew. b's 200 is before it then, or not."""
    rows, _ = queued(
        l3(
            [
                (1, 1, "a", "Bid", "Insert", 10, 100),
                (2, 2, "b", "Bid", "Insert", 10, 200),
                (3, 3, "a", "Bid", "Update", 10, 100, 10, 100, 10, 130),
                (4, 4, "a", "Bid", "Remove", None, 0, 10, 100),
            ]
        ),
        refill_loses_priority=refill,
    )
    assert rows.row(3, named=True)["SizeAhead"] == in_front[0]
    assert rows.row(3, named=True)["OrdersAhead"] == in_front[1]


def test_an_unknown_order_has_no_place_and_joins_at_the_back():
    rows, _ = queued(
        l3(
            [
                (1, 1, "a", "Ask", "Insert", 10, 100),
                (2, 2, "u", "Ask", "Update", 10, 40, 10, 60),
                (3, 3, "u", "Ask", "Remove", None, 0, 10, 40),
                (4, 4, "v", "Ask", "Remove", None, 0, 10, 40),
            ]
        )
    )
    assert rows.select("SizeAhead", "OrdersAhead").rows() == [(0, 0), (None, None), (100, 1), (None, None)]


def test_what_the_source_says_is_kept_unless_it_is_to_be_replaced():
    told = e1().with_columns(
        SizeAhead=pl.when(pl.col("SequenceNo") == 3).then(77.0), OrdersAhead=pl.lit(None, pl.Int64)
    )
    assert queued(told)[0].row(2, named=True)["SizeAhead"] == 77
    assert queued(told, replace=True)[0].row(2, named=True)["SizeAhead"] == 500


def test_a_listing_that_is_not_first_come_first_served_is_refused():
    reference = pl.DataFrame({"ListingId": [1], "MatchingRule": ["PRO_RATA"]})
    with pytest.raises((DataError, pl.exceptions.ComputeError), match="listing 1 matches orders by PRO_RATA"):
        queued(e1(), reference)
