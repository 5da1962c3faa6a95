"""The transform l3_old_state: what an order was before each event, on E1 and E2."""

from datetime import date

import polars as pl
import pytest
from order_events import e1, e2, l3

import basalt
from basalt.buckets import BucketRule
from basalt.errors import PluginError, UserError
from basalt.modules import PassContext
from basalt_analytics.l3.old_state import L3OldState, L3OldStateOptions

OLD = ["OldPrice", "OldSize"]
PASS = PassContext("p", date(2026, 1, 5), ["ListingId"], BucketRule(10**9))


def filled(events, stood=None, **options):
    inputs = {"l3": events.lazy()} | ({} if stood is None else {"l3_snapshot": stood.lazy()})
    named = {} if stood is None else {"snapshot": "l3_snapshot"}
    transform = L3OldState(L3OldStateOptions(**options, **named))
    return transform.apply(inputs, PASS)["l3"].collect()


def test_e1_without_its_old_states_has_them_again():
    """Also the table's other columns, in their order."""
    assert filled(e1().drop(OLD)).select(e1().columns).equals(e1())


def test_what_the_source_says_stays_unless_it_is_replaced():
    """In E2 u1 is adopted at 10.01 × 40, which its remove calls 45; u1 and u2 were never inserted."""
    kept, anew = filled(e2()), filled(e2(), replace=True)
    assert kept.select(OLD).equals(e2().select(OLD))
    assert anew["OldSize"].to_list() == [0, 0, None, None, 0, 0, 0, 40, 25]
    assert anew["OldPrice"].to_list() == [None, None, None, None, None, None, None, 10.01, 10.00]


def test_a_removed_order_is_not_known_and_one_inserted_again_is():
    rows = [(1, 1, "a", "Bid", "Insert", 10, 5), (2, 2, "a", "Bid", "Remove", None, 0)]
    rows += [
        (3, 3, "a", "Bid", "Update", 10, 4),
        (4, 4, "a", "Bid", "Insert", 11, 3),
        (5, 5, "a", "Bid", "Update", None, 1),
    ]
    rows += [(6, 6, "a", "Bid", "Remove", None, 0)]
    found = filled(l3(rows).drop(OLD))
    assert found["OldSize"].to_list() == [0, 5, None, 0, 3, 1]
    assert found["OldPrice"].to_list() == [None, 10, None, None, 11, 11]


def test_a_snapshot_replaces_what_is_known():
    """Of two orders it has one, with another size."""
    rows = [(1, 1, "a", "Bid", "Insert", 10, 5), (2, 1, "b", "Bid", "Insert", 10, 5)]
    rows += [(3, 3, "a", "Bid", "Remove", None, 0), (4, 3, "b", "Bid", "Remove", None, 0)]
    events = l3(rows).drop(OLD)
    stood = events.slice(1, 1).select(
        "ListingId", "EventTimestamp", "OrderId", "Side", Price=pl.lit(9.0), Size=pl.lit(2.0)
    )
    assert filled(events, stood).select(OLD).rows() == [(None, 0), (None, 0), (None, None), (9, 2)]


def test_listings_keep_to_themselves_and_no_rows_give_none():
    both = pl.concat([e1(), e1().with_columns(ListingId=pl.lit(2, pl.Int64))])
    assert filled(both.drop(OLD)).select(both.columns).equals(both)
    assert filled(e1().clear().drop(OLD)).height == 0


def test_flows_need_it_where_the_source_is_without():
    module = {"module": "l3", "flow": [{"actions": ["UpdateDecrease"], "sides": ["Bid"]}], "ratios": []}
    bare = e1().drop(OLD)
    with pytest.raises((UserError, PluginError), match="put the transform l3_old_state in front of the module"):
        basalt.compute([module], every="10s", l3=bare)
    found = basalt.compute([module], every="10s", l3=bare, preprocess=[{"transform": "l3_old_state"}])
    assert found["BidUpdateDecreaseVolume"].to_list() == [150]
