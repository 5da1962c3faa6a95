"""What is conserved, whatever orders do: orders inserted, places in queues, the best of venues."""

import sys
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from venue_books import books, consolidated, of

import basalt
from basalt.buckets import BucketRule
from basalt.modules import PassContext
from basalt_analytics.l3.queue import L3Queue, L3QueueOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.streams import frame, stream

LISTINGS = range(1, 201)
LIVES = {"resting": [{"ends": ["Life"], "sides": ["Total"]}], "flow": [{"actions": ["Insert"], "sides": ["Total"]}]}


@pytest.fixture(scope="module", name="events")
def events_():
    """Random streams, a listing each: with defects, and without."""
    return frame([row for n in LISTINGS for row in stream(n, n)[0]])


def test_what_is_inserted_is_removed_or_rests(events):
    """Of streams in which no order is lost: where an id is inserted twice, or an insert is left out, one is."""
    module = {"module": "l3", **LIVES, "ratios": [], "market_states": "all"}
    found = basalt.compute([module], every="24h", l3=events)
    inserts = events.filter(pl.col("Action") == "Insert")
    sized = pl.col("Size").is_finite() & (pl.col("Size") >= 0) & pl.col("Price").is_finite()
    odd = inserts.group_by("ListingId").agg(
        Odd=(~sized | pl.col("OrderId").is_null()).fill_null(True).any() | pl.col("OrderId").is_duplicated().any()
    )
    told = found.join(odd, on="ListingId").filter(~pl.col("Odd"))
    there = told["TotalAdoptedCount"] == 0
    assert there.sum() > 50
    ended = told["TotalRestingToLifeCount"] + told["TotalOpenOrderCount"]
    assert told["TotalInsertCount"].filter(there).to_list() == ended.filter(there).to_list()


def test_what_is_in_front_never_grows_while_an_order_keeps_its_place(events):
    """From an event that leaves an order where it is, or puts it at the end, to its next one."""
    context = PassContext("p", date(2026, 1, 5), ["ListingId"], BucketRule(10**9))
    step = L3Queue(L3QueueOptions(replace=True))
    lawful = [n for n in LISTINGS if Random(n).choice((0.0, 0.1, 0.5)) == 0.0]  # as the stream draws its defects
    queued = step.apply({"l3": events.filter(pl.col("ListingId").is_in(lawful)).lazy()}, context)["l3"].collect()
    compared = 0
    for _, own in queued.group_by("ListingId", "OrderId", maintain_order=True):
        for row, following in pairwise(own.to_dicts()):
            if (
                _stays(row)
                and following["Action"] != "Insert"
                and None not in (row["SizeAhead"], following["SizeAhead"])
            ):
                assert following["SizeAhead"] <= row["SizeAhead"] + 1e-9
                compared += 1
    assert compared > 500


def _stays(row):
    """Whether the order is behind nobody else after the event than before it, as the event itself tells."""
    if row["Action"] == "Insert":
        return True
    same = row["Action"] == "Update" and row["Price"] == row["OldPrice"]
    return (
        same
        and None not in (row["Size"], row["OldSize"])
        and row["Size"] <= row["OldSize"] - (row["ExecutionSize"] or 0)
    )


LADDER = st.tuples(st.integers(995, 1002), st.integers(1, 5))


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ABC"), LADDER, LADDER), min_size=1, max_size=25))
def test_the_consolidated_best_is_no_worse_than_that_of_any_venue(quotes):
    """With crossed books kept, at every row."""
    rows = [
        (second, venue, [(bid[0], bid[1], 1)], [(ask[0], ask[1], 1)])
        for second, venue, bid, ask in sorted(quotes, key=lambda q: q[0])
    ]
    table = books(*rows, levels=1)
    found, _ = consolidated(of(table), crossed="keep", own_crossed="keep", top_n=1)
    for row in found.iter_rows(named=True):
        last = table.filter(pl.col("EventTimestamp") <= row["EventTimestamp"]).group_by("ListingId").last()
        assert row["BidPrice1"] == last["BidPrice1"].max()
        assert row["AskPrice1"] == last["AskPrice1"].min()
