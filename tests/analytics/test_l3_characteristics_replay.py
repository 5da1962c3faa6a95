"""The module l3_characteristics against plain Python on random streams, and against what else counts the same.

BASALT_STREAMS=100000 replays that many streams (default 300).
"""

import os
import sys
from pathlib import Path
from random import Random

import polars as pl
import pytest

import basalt
from basalt.buckets import BucketRule
from basalt.modules import PassContext
from basalt.testing.days import DAYS
from basalt_analytics.characteristics.orders import WHO
from basalt_analytics.l3.book import L3Book, L3BookOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.characteristics import of_buckets
from order_replay.streams import START, frame, stream

STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
NAN = float("nan")
ADDED = {"TradeId": pl.String, "SizeAhead": pl.Float64, "OrdersAhead": pl.Int64}
PLACES = ((0.0, 0), (100.0, 1), (0.0, 1), (None, 1), (NAN, 0), (5.0, None))
WIDTH = 2 * 10**9
CONTIGUOUS = {"module": WHO, "sequence_contiguous": True}


def with_more(n, placed):
    """A random stream with ids of trades, places in queues and further states, `placed` in a file of another order."""
    rng, rows = Random(-n), stream(n, n)[0]
    for place, row in enumerate(rows):
        row["TradeId"] = rng.choice((None, None, "", "t1"))
        row["SizeAhead"], row["OrdersAhead"] = rng.choice(PLACES)
        if rng.random() < 0.1:
            row["MarketState"] = rng.choice(("PRE_OPEN", "POST_TRADE", "HALTED", "UNKNOWN", None))
        if placed:
            row["RowOrder"] = rng.choice((None, *[place] * 9, place - 2))
            row["SequenceNo"] = row["SequenceNo"] if rng.random() < 0.95 else None
    # as the engine has them: of one stamp, rows without a number come first
    return sorted(rows, key=lambda row: (row["EventTimestamp"], row["SequenceNo"] is not None, row["SequenceNo"] or 0))


def table(rows, placed):
    extra = ADDED | ({"RowOrder": pl.Int64} if placed else {})
    own = frame([{name: value for name, value in row.items() if name not in extra} for row in rows])
    return pl.concat(
        [own, pl.DataFrame([{name: row[name] for name in extra} for row in rows], extra)], how="horizontal"
    )


def label(row):
    """Number of the bucket that the row is in."""
    return -(-(row["EventTimestamp"] - START) // WIDTH)


@pytest.mark.parametrize("placed", [False, True], ids=["by number", "by place in the file"])
def test_every_fact_of_random_streams_is_that_of_plain_python(placed):
    """In buckets of two seconds: unknown ids, spoilt sizes, gaps, hidden executions, ties among them."""
    streams = {n: with_more(n, placed) for n in range(1, STREAMS + 1)}
    events = table([row for rows in streams.values() for row in rows], placed)
    found = basalt.compute([CONTIGUOUS], every="2s", l3=events).sort("ListingId", "TimeBucket")
    expected = [bar for rows in streams.values() for bar in of_buckets(rows, list(map(label, rows))).values()]
    assert found.height == len(expected)
    assert set(found.columns[2:]) == set(expected[0])
    wrong = {
        name: found["ListingId"].filter(found[name].ne_missing(pl.Series([bar[name] for bar in expected]))).to_list()
        for name in found.columns[2:]
    }
    assert {name: listings for name, listings in wrong.items() if listings} == {}


@pytest.mark.parametrize("day", ["quiet", "nulls"])
def test_executions_and_updates_of_nothing_are_those_of_module_l3(day):
    flow = [{"sides": ["Total"], "actions": ["NoOp", "Fill"]}]
    listed = [
        {"module": "l3", "flow": flow, "ratios": [], "market_states": "all"},
        {"module": WHO, "columns": ["L3NoOpUpdateCount", "L3ExecutionCount"]},
    ]
    found = basalt.compute(listed, every="1h", l3=DAYS[day]()["l3"])
    assert found["L3NoOpUpdateCount"].to_list() == found["TotalNoOpCount"].to_list()
    assert found["L3ExecutionCount"].to_list() == found["TotalFillCount"].to_list()
    assert found["L3ExecutionCount"].sum() > 0


def test_gaps_and_misfits_are_those_of_the_integrity_report():
    """Of a whole date: as many gaps, and a flag where the report counts any."""
    events = frame([row for n in range(1, 40) for row in stream(n, n)[0]])
    context = PassContext("books", events["EventTimestamp"][0].date(), ["ListingId"], BucketRule(WIDTH))
    made = L3Book(L3BookOptions(sequence_contiguous=True)).apply({"l3": events.lazy()}, context)
    report = made["l3_integrity"].collect().sort("ListingId")
    found = basalt.compute([CONTIGUOUS], every="24h", l3=events).sort("ListingId")
    assert found["L3SequenceGapCount"].to_list() == report["SequenceGaps"].to_list()
    assert found["L3ExecutionCount"].to_list() == report["Executions"].to_list()
    assert found["L3HasDuplicateInsert"].to_list() == (report["DuplicateInserts"] > 0).to_list()
    assert found["L3HasUnknownOrder"].to_list() == (report["UnknownUpdates"] + report["UnknownRemoves"] > 0).to_list()
    assert found["L3ExecutedNotAtTouch"].to_list() == (report["ExecutionsThroughBook"] > 0).to_list()
    assert report["SequenceGaps"].sum() > 0
