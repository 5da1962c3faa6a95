"""Queues of random streams of order events, computed twice: by `l3_queue` and with lists of orders by price.

BASALT_STREAMS=100000 replays that many streams (default 300).
"""

import os
import sys
from pathlib import Path
from random import Random

import pytest

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.modules import PassContext
from basalt_analytics.l3.inputs import STOOD
from basalt_analytics.l3.queue import L3Queue, L3QueueOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.queue import in_front
from order_replay.streams import frame, stream

STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
TOGETHER = 50
CHOICES = {
    "increase_loses_priority": [True, False],
    "refill_loses_priority": [True, False],
    "unknown_order": ["adopt", "ignore"],
}


def queued(events, snapshots, options):
    """What is in front of each event: (listing, size, orders)."""
    tables = {"l3": frame(events), "l3_snapshot": frame(snapshots, STOOD)}
    context = PassContext("queues", tables["l3"]["EventTimestamp"][0].date(), ["ListingId"], BucketRule(SECOND))
    lazy = {name: table.lazy() for name, table in tables.items()}
    found = L3Queue(L3QueueOptions(**options, snapshot="l3_snapshot")).apply(lazy, context)["l3"].collect()
    assert found.select(tables["l3"].columns).equals(tables["l3"])
    return found.select("ListingId", "SizeAhead", "OrdersAhead").rows()


def same(told, seen):
    """Sizes but for rounding of sums."""
    if told is None or seen[1] is None:
        return told is None and seen[0] is None and seen[1] is None
    return told[1] == seen[1] and seen[0] == pytest.approx(told[0], rel=1e-9, abs=1e-9)


@pytest.mark.slow
def test_what_is_in_front_is_that_of_lists_of_orders():
    wrong = []
    for first in range(1, STREAMS + 1, TOGETHER):
        rng = Random(first)
        options = {name: rng.choice(values) for name, values in CHOICES.items()}
        streams = {n: stream(n, n) for n in range(first, first + TOGETHER)}
        events = [row for rows, _ in streams.values() for row in rows]
        seen = queued(events, [row for _, stood in streams.values() for row in stood], options)
        told = [(n, one) for n, (rows, stood) in streams.items() for one in in_front(rows, stood, options)]
        for (n, one), (listing, *other) in zip(told, seen, strict=True):
            assert n == listing
            if not same(one, other):
                wrong.append((n, options, one, other))
    assert wrong == []


@pytest.mark.slow
def test_less_and_less_is_in_front_of_an_order_that_keeps_its_place():
    """From its insert, or the event by which it went to the back, to each event while price and side stay and its size
    grows by nothing: what is in front never grows."""
    compared = 0
    for n in range(1, 200):
        rows, _ = stream(n)
        held = {}
        for row, (_, size, orders) in zip(rows, queued(rows, [], {}), strict=True):
            name, place = row["OrderId"], (row["Side"], row["Price"])
            known = held.get(name)
            if row["Action"] == "Update" and orders is not None and known and known[0] == place:
                assert size <= known[2] + 1e-6
                assert orders <= known[3]
                compared += 1
                left = known[1] - (row["ExecutionSize"] or 0)
                held[name] = (place, row["Size"], size, orders) if row["Size"] <= left + 1e-9 else None
            else:
                held[name] = None
            if row["Action"] == "Insert" and orders is not None:
                held[name] = (place, row["Size"], size, orders)
    assert compared > 100
