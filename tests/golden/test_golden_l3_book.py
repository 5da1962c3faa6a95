"""Books of E1 and E2, level by level, and what the integrity report says of them."""

import polars as pl
import pytest
from order_events import NINE, e1, e2, l3

from basalt.buckets import BucketRule, WholeDate
from basalt.durations import SECOND
from basalt.modules import PassContext
from basalt.tables import NS_UTC, SIDE
from basalt_analytics.l3.book import L3Book, L3BookOptions

LEVELS = [
    f"{side}{part}{level}" for side in ("Bid", "Ask") for level in (1, 2) for part in ("Price", "Quantity", "NumOrders")
]
SNAPSHOT = {"OrderId": ["u1", "u2"], "Side": ["Bid", "Ask"], "Price": [10.01, 10.03], "Size": [60.0, 70.0]}


def replayed(events, closed="right", sessions=None, **options):
    """The books and the report of these options, two levels deep, in a pass of 5 s."""
    snapshot = options.pop("stood", None)
    day = events["EventTimestamp"][0].date()
    context = PassContext("books", day, ["ListingId"], BucketRule(5 * SECOND, closed), sessions=sessions)
    tables = {"l3": events.lazy()} | ({} if snapshot is None else {"l3_snapshot": snapshot.lazy()})
    named = {} if snapshot is None else {"snapshot": "l3_snapshot"}
    transform = L3Book(L3BookOptions(**{"levels": 2, **named, **options}))
    made = transform.apply(tables, context)
    return made["l2"].collect(), made["l3_integrity"].collect().row(0, named=True)


def book_of(rows, sequence):
    """Bids and asks after that event: (price, quantity, orders) of the levels that are there."""
    row = rows.filter(SequenceNo=sequence).row(-1, named=True)
    sides = []
    for side in ("Bid", "Ask"):
        cells = [tuple(row[f"{side}{part}{i}"] for part in ("Price", "Quantity", "NumOrders")) for i in (1, 2)]
        sides.append([cell for cell in cells if cell != (None, None, None)])
    return tuple(sides)


@pytest.mark.parametrize(
    ("sequence", "bids", "asks"),
    [
        (1, [(100.00, 500, 1)], []),
        (4, [(100.00, 700, 2), (99.99, 400, 1)], [(100.04, 300, 1)]),
        (9, [(100.00, 500, 3), (99.99, 400, 1)], [(100.03, 100, 1), (100.04, 300, 1)]),
        (12, [(100.00, 300, 1), (99.99, 400, 1)], [(100.02, 250, 1), (100.03, 100, 1)]),
        (14, [(100.01, 120, 1), (100.00, 300, 1)], [(100.02, 250, 1)]),
        (17, [(100.00, 300, 1), (99.99, 400, 1)], [(100.02, 230, 2)]),
    ],
)
def test_e1_after_each_event(sequence, bids, asks):
    """Sequence 9: 150 of b1, 300 of b2 and 50 of b4 at 100.00 are 500 of 3 orders."""
    rows, _ = replayed(e1(), emit="event")
    assert book_of(rows, sequence) == (bids, asks)


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({"emit": "event"}, 17),
        ({"emit": "end_of_event"}, 16),
        ({}, 16),
        ({"emit": "timestamp"}, 15),
        ({"only_changes": True}, 16),
        ({"only_changes": True, "levels": 1}, 14),
    ],
)
def test_e1_how_many_rows_are_written(options, rows):
    """Row 10 ends no event; rows 1 and 2 share a stamp, as do 10 and 11. One level deep, rows 4 and 13 change nothing
    that is written."""
    found, report = replayed(e1(), **options)
    assert (found.height, report["LiveAtEnd"]) == (rows, 4)


@pytest.mark.parametrize(
    ("closed", "asks", "stamp"),
    [
        ("right", [(100.02, 250, 1), (100.03, 100, 1)], 5 * SECOND),
        ("left", [(100.03, 100, 1), (100.04, 300, 1)], 5 * SECOND - 1),
    ],
)
def test_e1_at_the_edge_of_a_bucket(closed, asks, stamp):
    """Row 12 is stamped at 5 s: of the bucket that ends there where it is closed on the right, of the next where on the
    left. Bids and asks of different events stand together."""
    rows, _ = replayed(e1(), closed, emit="bucket")
    assert rows["EventTimestamp"].to_physical().to_list() == [NINE + stamp, NINE + stamp + 5 * SECOND]
    assert book_of(rows[:1], rows["SequenceNo"][0]) == ([(100.00, 300, 1), (99.99, 400, 1)], asks)


def test_e1_buckets_without_an_event_repeat_the_book_until_the_session_ends():
    rows, _ = replayed(e1(), emit="bucket", sessions=[(NINE, NINE + 30 * SECOND)])
    assert rows.height == 6
    assert rows.select(LEVELS)[1:].n_unique() == 1
    assert rows["SequenceNo"].to_list() == [12, 17, 17, 17, 17, 17]


COUNTED = ("BadRows", "NegativeSizes", "DuplicateInserts", "UnknownUpdates", "UnknownRemoves", "StateMismatches")
COUNTED += ("SequenceGaps", "MissingSequence", "LockedStates", "CrossedStates", "LiveAtEnd")


def stood(seconds=0.0, listing=1):
    stamps = pl.Series([NINE + round(seconds * 1e9)] * 2, dtype=pl.Int64).cast(NS_UTC)
    return pl.DataFrame({"ListingId": [listing] * 2, "EventTimestamp": stamps, **SNAPSHOT}).cast({"Side": SIDE})


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({}, (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3)),
        ({"unknown_order": "ignore"}, (1, 1, 1, 1, 2, 0, 1, 1, 1, 0, 3)),
        ({"stood": stood()}, (1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 3)),
    ],
    ids=["adopt", "ignore", "with a snapshot"],
)
def test_e2_what_does_not_fit_is_counted(options, counts):
    _, report = replayed(e2(), sequence_contiguous=True, **options)
    assert tuple(report[name] for name in COUNTED) == counts
    assert report["Suspect"]
    assert report["HasOpeningSnapshot"] == ("stood" in options)


def test_e2_crosses_and_locks():
    rows, _ = replayed(e2(), flags=True)
    assert book_of(rows, 8) == ([(10.01, 40, 1), (9.99, 30, 1)], [(10.00, 25, 1), (10.02, 50, 1)])
    assert book_of(rows, 10) == ([(9.99, 30, 1)], [(9.99, 25, 1), (10.02, 50, 1)])
    states = dict(zip(rows["SequenceNo"], rows["BookState"], strict=True))
    assert (states[1], states[3], states[8], states[10]) == ("ONE_SIDED", "OK", "CROSSED", "LOCKED")


def test_e2_opens_with_the_snapshot():
    rows, _ = replayed(e2(), stood=stood())
    assert book_of(rows, 1) == ([(10.01, 60, 1), (10.00, 100, 1)], [(10.03, 70, 1)])


def test_a_gap_makes_books_suspect_until_a_snapshot():
    """The number 6 is missing before the event of .6 s; the snapshot of .75 s makes the book good again."""
    rows, _ = replayed(e2(), flags=True, sequence_contiguous=True, stood=stood(0.75))
    assert rows["BookSuspect"].to_list() == [False] * 5 + [True] * 2 + [False] * 2


def test_an_empty_snapshot_clears_the_book():
    nothing = stood(0.25)[:1].with_columns(OrderId=pl.lit(None, pl.String), Price=None, Size=None)
    rows, report = replayed(
        l3([(1, 0.1, "a", "Bid", "Insert", 10, 5), (2, 0.3, "b", "Bid", "Insert", 9, 5)]), stood=nothing
    )
    assert book_of(rows, 2) == ([(9, 5, 1)], [])
    assert (report["LiveAtEnd"], report["BadRows"]) == (1, 0)


def test_a_day_of_one_bucket_has_one_book():
    """Of a daily pass, at the midnight that ends it."""
    context = PassContext("books", e1()["EventTimestamp"][0].date(), ["ListingId"], WholeDate())
    made = L3Book(L3BookOptions(levels=1, emit="bucket")).apply({"l3": e1().lazy()}, context)["l2"].collect()
    assert made.select("BidPrice1", "AskPrice1").rows() == [(100.00, 100.02)]


def test_events_without_an_action_or_a_side_are_left_out():
    """A bid of 5 at 10 stands; what has no side, or nothing to do, is no order of the other side."""
    rows = l3(
        [(1, 0.1, "a", "Bid", "Insert", 10, 5), (2, 0.2, "b", None, "Insert", 10, 7), (3, 0.3, "c", "Ask", None, 11, 5)]
    )
    found, report = replayed(rows)
    assert book_of(found, 2) == ([(10, 5, 1)], [])
    assert (report["BadRows"], report["LiveAtEnd"]) == (2, 1)
