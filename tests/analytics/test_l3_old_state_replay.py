"""The transform l3_old_state beside plain dictionaries, on random streams with defects."""

import os
import sys
from datetime import date
from pathlib import Path

import pytest

from basalt.buckets import BucketRule
from basalt.modules import PassContext
from basalt_analytics.l3.old_state import L3OldState, L3OldStateOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.streams import frame, stream

STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
OLD = ["OldPrice", "OldSize"]
PASS = PassContext("p", date(2026, 1, 5), ["ListingId"], BucketRule(10**9))


def tracked(rows):
    """By plain dictionaries."""
    known = {}
    for row in rows:
        name, action, size = row["OrderId"], row["Action"], row["Size"]
        old = known.get(name) if action != "Insert" and name is not None else None
        yield (None, 0.0) if action == "Insert" else old or (None, None)
        if name is None:
            continue
        if action == "Remove":
            known.pop(name, None)
        elif size is not None and 0 <= size < float("inf"):
            price = row["Price"] if row["Price"] is not None and row["Price"] == row["Price"] else None
            known[name] = (price if price is not None or name not in known else known[name][0], size)


def test_random_streams_are_tracked_as_by_plain_dictionaries():
    for seed in range(0, STREAMS, 25):
        streams = {n: stream(seed + n, n)[0] for n in range(1, 26)}
        table = frame([row for rows in streams.values() for row in rows])
        step = L3OldState(L3OldStateOptions(replace=True))
        found = step.apply({"l3": table.lazy()}, PASS)["l3"].select(OLD).collect().rows()
        wanted = [pair for rows in streams.values() for pair in tracked(rows)]
        assert found == [tuple(None if v is None else pytest.approx(v) for v in pair) for pair in wanted]
