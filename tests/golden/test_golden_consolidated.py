"""Consolidated books of three venues, row by row."""

import pytest
from venue_books import books, by_second, consolidated, context, of, shown

A0 = [(100.00, 300, 3)], [(100.03, 200, 2)]
B1 = [(100.01, 100, 1), (100.00, 50, 1)], [(100.02, 400, 4)]
NINE_EVENTS = [
    (0, "A", *A0),
    (1, "B", *B1),
    (2, "A", [(100.00, 250, 2)], [(100.03, 200, 2)]),
    (3, "C", [(100.02, 200, 2)], [(100.05, 100, 1)]),
    (4, "C", [(100.03, 200, 2)], [(100.05, 100, 1)]),
    (5, "C", [(100.01, 150, 1)], [(100.02, 60, 1)]),
    (6, "B", *B1, "HALTED"),
    (7, "A", [], [(100.03, 200, 2)]),
    (8, "C", [(100.05, 10, 1)], [(100.04, 20, 1)]),
]
ASKS_OF_AB = [(100.02, 400, 4, 1), (100.03, 200, 2, 1)]
BOOKS = {
    0: ([(100.00, 300, 3, 1)], [(100.03, 200, 2, 1)], "OK"),
    1: ([(100.01, 100, 1, 1), (100.00, 350, 4, 2)], ASKS_OF_AB, "OK"),
    2: ([(100.01, 100, 1, 1), (100.00, 300, 3, 2)], ASKS_OF_AB, "OK"),
    3: ([(100.02, 200, 2, 1), (100.01, 100, 1, 1)], ASKS_OF_AB, "LOCKED"),
    4: ([(100.03, 200, 2, 1), (100.01, 100, 1, 1)], ASKS_OF_AB, "CROSSED"),
    5: ([(100.01, 250, 2, 2), (100.00, 300, 3, 2)], [(100.02, 460, 5, 2), (100.03, 200, 2, 1)], "OK"),
    6: ([(100.01, 150, 1, 1), (100.00, 250, 2, 1)], [(100.02, 60, 1, 1), (100.03, 200, 2, 1)], "OK"),
    7: ([(100.01, 150, 1, 1)], [(100.02, 60, 1, 1), (100.03, 200, 2, 1)], "OK"),
    8: ([], [(100.03, 200, 2, 1)], "ONE_SIDED"),
}


@pytest.mark.parametrize("emit", ["event", "timestamp"])
@pytest.mark.parametrize("second", BOOKS)
def test_book_after_each_of_nine_quotes(second, emit):
    """At 2 only A ticks and B stays; at 6 B is halted; at 8 C is crossed in itself and left out."""
    found = by_second(consolidated(of(books(*NINE_EVENTS)), emit=emit)[0])
    bids, asks, state = BOOKS[second]
    assert (*shown(found[second]), found[second]["BookState"]) == (bids, asks, state)


def test_the_oldest_of_two_venues_that_cross_goes():
    """At 4 C bids 100.03 and B, whose quote is of 1, asks 100.02: without B the book is locked."""
    row = by_second(consolidated(of(books(*NINE_EVENTS)), crossed="drop_oldest")[0])[4]
    bids, asks = shown(row)
    assert bids == [(100.03, 200, 2, 1), (100.00, 250, 2, 1)]
    assert asks == [(100.03, 200, 2, 1), (100.05, 100, 1, 1)]
    assert row["BookState"] == "LOCKED"


@pytest.mark.parametrize(
    ("crossed", "bid", "ask", "state"),
    [("keep", 10.03, 10.02, "CROSSED"), ("drop_oldest", 10.00, 10.02, "UNCROSSED"), ("null", None, None, "CROSSED")],
)
def test_what_is_made_of_a_crossed_book(crossed, bid, ask, state):
    """B bids 10.03 (quoted at 1) and C asks 10.02 (at 2): B goes. A is older and does not cross."""
    rows = [
        (0, "A", [(10.00, 5)], [(10.05, 5)]),
        (1, "B", [(10.03, 7)], [(10.06, 5)]),
        (2, "C", [(9.99, 4)], [(10.02, 9)]),
    ]
    row = by_second(consolidated(of(books(*rows)), crossed=crossed)[0])[2]
    assert (row["BidPrice1"], row["AskPrice1"], row["BookState"]) == (bid, ask, state)
    if crossed == "drop_oldest":
        assert (row["BidQuantity1"], row["AskQuantity1"]) == (5, 9)


def test_quotes_of_three_seconds_expire():
    """A's quote of 0 is renewed at 2, so that nothing happens at 3; B's of 1 expires at 4, A's at 5."""
    rows = [row for row in NINE_EVENTS if row[0] < 3]
    found, report = consolidated(of(books(*rows), venues=2), top_n=1, max_age="3s")
    seen = [(row["Seconds"], *(ladder and ladder[0][:2] for ladder in shown(row))) for row in found.to_dicts()]
    assert seen == [
        (0, (100.00, 300), (100.03, 200)),
        (1, (100.01, 100), (100.02, 400)),
        (4, (100.00, 250), (100.03, 200)),
        (5, [], []),
    ]
    assert found["BookState"].to_list() == ["OK", "OK", "OK", "EMPTY"]
    assert report["Expiries"].item() == 2


X_AND_Y = [
    (1, "A", [(100, 10, 1)], [(101, 5, 1)]),
    (2, "B", [(100, 7, 2)], [(102, 6, 1)]),
    (3, "A", [(99, 5, 1)], [(101, 5, 1)]),
]


def test_snapshots_are_never_added_over_time():
    """X 100×10 then X 99×5 in one bucket, Y 100×7 between: at the edge X stands with its last quote alone."""
    found = consolidated(of(books(*X_AND_Y), venues=2), emit="bucket")[0]
    assert found["Seconds"].to_list() == [10]
    assert shown(found.row(0, named=True)) == (
        [(100, 7, 2, 1), (99, 5, 1, 1)],
        [(101, 5, 1, 1), (102, 6, 1, 1)],
    )
    assert shown(by_second(consolidated(of(books(*X_AND_Y), venues=2))[0])[2])[0] == [(100, 17, 3, 2)]


def test_bid_and_ask_of_different_buckets_stand_together():
    """X bids at 1 s and Y asks at 12 s: the edge of 20 s has both, that of 10 s the bid alone."""
    rows = [(1, "A", [(100, 10, 1)], []), (12, "B", [], [(101, 5, 1)])]
    found = consolidated(of(books(*rows), venues=2), emit="bucket")[0]
    assert found.select("Seconds", "BidPrice1", "AskPrice1").rows() == [(10, 100, None), (20, 100, 101)]
    left = consolidated(of(books(*rows), venues=2), context("left"), emit="bucket")[0]
    assert left["Seconds"].to_list() == [pytest.approx(10 - 1e-9, abs=1e-12), pytest.approx(20 - 1e-9, abs=1e-12)]


@pytest.mark.parametrize(("one", "other"), [(0.1 + 0.2, 0.3), (3 * 100.1, 300.3)])
def test_prices_that_differ_in_binary_alone_are_one_level(one, other):
    assert one != other
    rows = [(0, "A", [(one, 1, 1)], []), (0, "B", [(other, 2, 1)], [])]
    found = consolidated(of(books(*rows), venues=2))[0].row(0, named=True)
    assert shown(found)[0] == [(one, 3, 2, 2)]
