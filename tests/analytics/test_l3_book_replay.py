"""Books from random streams of order events, computed twice: by `l3_book` and row by row over dictionaries.

BASALT_STREAMS=100000 replays that many streams (default 300).
"""

import os
import sys
from pathlib import Path
from random import Random

import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.errors import DataError
from basalt.modules import PassContext
from basalt_analytics.l3.book import L3Book, L3BookOptions
from basalt_analytics.l3.inputs import STOOD

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.book import Refused, alike, books
from order_replay.streams import frame, stream

STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
TOGETHER = 50
CHOICES = {
    "levels": [1, 2, 5],
    "emit": ["event", "end_of_event", "timestamp"],
    "only_changes": [False, True],
    "emit_states": [None, ["CONTINUOUS_TRADING"]],
    "unknown_order": ["adopt", "ignore"],
    "duplicate_insert": ["replace", "ignore"],
    "crossed": ["emit", "null", "drop"],
    "sequence_contiguous": [False, True],
}


def made(events, snapshots, options):
    """Books and reports of these listings."""
    tables = {"l3": frame(events).lazy(), "l3_snapshot": frame(snapshots, STOOD).lazy()}
    context = PassContext(
        "books", tables["l3"].collect()["EventTimestamp"][0].date(), ["ListingId"], BucketRule(SECOND)
    )
    found = L3Book(L3BookOptions(**options, snapshot="l3_snapshot", flags=True)).apply(tables, context)
    return found["l2"].collect(), found["l3_integrity"].collect()


def sides(row, levels):
    """Levels of both sides that are there."""
    cells = [
        [tuple(row[f"{s}{p}{i + 1}"] for p in ("Price", "Quantity", "NumOrders")) for i in range(levels)]
        for s in ("Bid", "Ask")
    ]
    return [[cell for cell in side if cell[0] is not None] for side in cells]


def disagreements(first, options):
    """Of the streams from that number on, those whose books or counters differ."""
    streams = {n: stream(n, n) for n in range(first, first + TOGETHER)}
    events = [row for rows, _ in streams.values() for row in rows]
    rows, reports = made(events, [row for _, stood in streams.values() for row in stood], options)
    by_listing = rows.partition_by("ListingId", as_dict=True)
    for n, (own, stood) in streams.items():
        expected, counts = books(own, stood, options)
        found = by_listing.get((n,), rows.clear()).to_dicts()
        report = reports.filter(ListingId=n).row(0, named=True)
        wrong = {
            name: (counts[name], report[name]) for name in report if name in counts and counts[name] != report[name]
        }
        told = [(own[i]["SequenceNo"], state, suspect) for i, _, _, state, suspect in expected]
        seen = [(row["SequenceNo"], row["BookState"], row["BookSuspect"]) for row in found]
        shown = all(all(map(alike, e[1:3], sides(f, options["levels"]))) for e, f in zip(expected, found, strict=False))
        if wrong or told != seen or not shown:
            yield n, options, wrong


@pytest.mark.slow
def test_books_and_counters_are_those_of_a_plain_replay():
    found = []
    for first in range(1, STREAMS + 1, TOGETHER):
        rng = Random(first)
        found += disagreements(first, {name: rng.choice(values) for name, values in CHOICES.items()})
    assert found == []


@pytest.mark.parametrize(
    ("policy", "what"), [("unknown_order", "is not there"), ("duplicate_insert", "is there already")]
)
def test_an_order_that_may_not_be_is_an_error_that_names_it(policy, what):
    """Stream for stream, the plain replay refuses where the transform does."""
    refused = 0
    for n in range(40):
        own, _ = stream(n)
        options = {"levels": 1, policy: "error"}
        try:
            books(own, [], options)
        except Refused:
            refused += 1
            with pytest.raises(
                (DataError, pl.exceptions.ComputeError), match=f"order .* of listing 1 at 2026.*: the order {what}"
            ):
                made(own, [], options)
    assert refused > 5
