"""The matching engine: who trades with whom, who waits where, and at what price a call clears. Prices in ticks."""

from random import Random

import pytest

from basalt.testing.matching import Book, clearing_price
from basalt.testing.recorder import Tape

# Positions in a recorded row.
ID, SIDE, ACTION, PRICE, SIZE, OLD_PRICE, OLD_SIZE, SIZE_AHEAD, ORDERS_AHEAD, AT, EXECUTED, TRADE = range(3, 15)


@pytest.fixture
def book():
    """Asks 101: 100 (order 1), 50 (order 2); 102: 200 (order 3). Bid 99: 300 (order 4)."""
    book = Book(Tape(10), 10)
    for half, price, size in ((book.asks, 101, 100), (book.asks, 101, 50), (book.asks, 102, 200), (book.bids, 99, 300)):
        book.submit(half, price, size)
        book.tape.close(book)
    return book


def act(book, action, *args, **kwargs):
    """The l3 rows and prints of one exchange event."""
    orders, trades = len(book.tape.orders), len(book.tape.trades)
    action(*args, **kwargs)
    book.tape.close(book)
    return book.tape.orders[orders:], book.tape.trades[trades:]


def test_a_taker_walks_the_book_in_price_time_order_and_its_rest_joins(book):
    """Buy 380 at 102: 100 + 50 at 101, 200 at 102, 30 left and resting: four rows, one event, three prints."""
    rows, prints = act(book, book.submit, book.bids, 102, 380)
    assert [(r[ID], r[ACTION], r[AT], r[EXECUTED]) for r in rows] == [
        (1, "Remove", 101, 100),
        (2, "Remove", 101, 50),
        (3, "Remove", 102, 200),
        (5, "Insert", None, 0),
    ]
    assert rows[3][PRICE : SIZE + 1] == (102, 30)
    assert [(p[4], p[5], p[6]) for p in prints] == [(101, 100, "Buy"), (101, 50, "Buy"), (102, 200, "Buy")]
    assert book.tape.ends[-4:] == [False, False, False, True]
    assert book.quote() == (102, None, 30, None)


def test_every_print_of_a_sweep_has_the_quote_from_before_it(book):
    _, prints = act(book, book.submit, book.bids, 102, 380)
    assert [p[8:] for p in prints] == [(99, 101, 300, 150)] * 3


def test_a_limit_stops_the_walk_and_a_part_fill_leaves_the_order_in_front(book):
    """Buy 120 at 101: order 1 wholly, 20 of order 2; order 3 at 102 is untouched."""
    rows, _ = act(book, book.submit, book.bids, 101, 120)
    assert [(r[ID], r[ACTION], r[SIZE], r[OLD_SIZE], r[EXECUTED]) for r in rows] == [
        (1, "Remove", 0, 100, 100),
        (2, "Update", 30, 50, 20),
    ]
    assert book.quote() == (99, 101, 300, 30)


def test_what_an_order_that_does_not_rest_cannot_execute_is_given_up(book):
    rows, prints = act(book, book.submit, book.asks, 99, 500, rests=False)
    assert [(r[ID], r[ACTION], r[EXECUTED]) for r in rows] == [(4, "Remove", 300)]
    assert [p[6] for p in prints] == ["Sell"]
    assert book.quote() == (None, 101, None, 150)


def test_an_order_that_does_nothing_is_no_event(book):
    rows, prints = act(book, book.submit, book.bids, 100, 10, rests=False)
    assert (rows, prints) == ([], [])
    assert len(book.tape.ends) == len(book.tape.orders)


def test_a_smaller_size_keeps_its_place(book):
    """Order 1 shrinks from 100 to 40: a buy of 40 still meets it first."""
    act(book, book.amend, book.live[0], 101, 40)
    rows, _ = act(book, book.submit, book.bids, 101, 40)
    assert [r[ID] for r in rows] == [1]


@pytest.mark.parametrize(("price", "size"), [(101, 120), (102, 100), (102, 40)])
def test_a_larger_size_or_another_price_goes_to_the_back(book, price, size):
    """Order 1 moves behind order 2 (at 101) or order 3 (at 102): a buy of everything meets it last."""
    act(book, book.amend, book.live[0], price, size)
    rows, _ = act(book, book.submit, book.bids, 102, 10_000, rests=False)
    assert [r[ID] for r in rows] == ([2, 1, 3] if price == 101 else [2, 3, 1])


def test_the_queue_in_front_is_that_of_before_the_event(book):
    """At 101 stand 100 then 50: an insert has 150 and 2 ahead, order 2 leaves from behind 100 and 1."""
    inserted, _ = act(book, book.submit, book.asks, 101, 10)
    assert inserted[0][SIZE_AHEAD : ORDERS_AHEAD + 1] == (150, 2)
    removed, _ = act(book, book.cancel, book.live[1])
    assert removed[0][ID] == 2
    assert removed[0][SIZE_AHEAD : ORDERS_AHEAD + 1] == (100, 1)


def test_the_public_book_has_price_size_and_orders_and_nulls_for_missing_levels():
    book = Book(Tape(2), 2)
    for price, size in ((101, 100), (101, 50), (103, 7), (104, 9)):
        book.submit(book.asks, price, size)
    assert book.asks.refresh()
    assert book.asks.shown == [101, 103, 150, 7, 2, 1]
    assert book.bids.shown == [None] * 6


def test_a_change_below_the_public_levels_makes_no_book_row():
    """Two levels are public: an order at the third is not seen, until the second level goes."""
    book = Book(Tape(2), 2)
    for price in (101, 102, 103):
        act(book, book.submit, book.asks, price, 10)
    assert len(book.tape.books) == 2
    act(book, book.amend, book.live[2], 103, 5)
    assert len(book.tape.books) == 2
    act(book, book.cancel, book.live[1])
    assert len(book.tape.books) == 3
    assert book.asks.shown == [101, 103, 10, 5, 1, 1]


def test_a_call_clears_at_one_price_in_price_time_order_with_both_orders_recorded():
    """Bids 103×30 (1), 102×20 (2); asks 100×40 (3), 102×25 (4): 102 clears min(50, 65) = 50, ask surplus 15.

    In turn: 1 meets 3 for 30, 2 meets 3 for 10, 2 meets 4 for 10; 15 of order 4 are left.
    """
    book = Book(Tape(10), 10)
    for half, price, size in ((book.bids, 103, 30), (book.bids, 102, 20), (book.asks, 100, 40), (book.asks, 102, 25)):
        act(book, book.rest, half, price, size)
    assert book.clearing(100) == (102, 50, -15)
    rows, prints = act(book, book.uncross, 100)
    assert [(r[ID], r[EXECUTED], r[AT], r[TRADE]) for r in rows] == [
        (1, 30, 102, 1),
        (3, 30, 102, 1),
        (2, 10, 102, 2),
        (3, 10, 102, 2),
        (2, 10, 102, 3),
        (4, 10, 102, 3),
    ]
    assert [(p[4], p[5], p[6], p[7]) for p in prints] == [(102, size, None, "Auction") for size in (30, 10, 10)]
    assert [p[8:] for p in prints] == [(103, 100, 30, 40)] * 3
    assert book.tape.ends[-6:] == [False] * 5 + [True]
    assert book.quote() == (None, 102, None, 15)


def test_a_call_without_a_cross_does_nothing():
    book = Book(Tape(10), 10)
    act(book, book.rest, book.bids, 99, 10)
    act(book, book.rest, book.asks, 100, 10)
    assert act(book, book.uncross, 99) == ([], [])


@pytest.mark.parametrize(
    ("buys", "sells", "reference", "expected"),
    [
        ({1003: 300, 1002: 200, 1000: 400}, {999: 250, 1001: 200, 1002: 300}, 1000, (1002, 500, -250)),
        ({1000: 100}, {980: 100}, 990, (1000, 100, 0)),
        ({1000: 100}, {980: 100}, 985, (980, 100, 0)),
        ({1000: 150}, {980: 100}, 970, (1000, 100, 50)),
        ({1000: 100}, {980: 150}, 1100, (980, 100, -50)),
        ({900: 10}, {1000: 10}, 950, (None, 0, 0)),
        ({900: 10}, {}, 950, (None, 0, 0)),
        ({}, {}, 950, (None, 0, 0)),
    ],
)
def test_clearing_price_takes_most_then_least_surplus_then_its_side_then_the_nearest(buys, sells, reference, expected):
    """First case: at 1002 buyers 500, sellers 750: 500 executable, against 450 at 1001 and 300 at 1003."""
    assert clearing_price(buys, sells, reference) == expected


def test_clearing_price_agrees_with_trying_every_limit_price():
    rng = Random(5)
    for _ in range(500):
        orders = [(rng.randint(95, 105), rng.randint(1, 4), rng.random() < 0.5) for _ in range(rng.randint(0, 8))]
        reference = rng.randint(94, 106)
        buys, sells = {}, {}
        for price, size, buy in orders:
            half = buys if buy else sells
            half[price] = half.get(price, 0) + size
        assert clearing_price(buys, sells, reference) == by_trying(orders, reference)


def by_trying(orders, reference):
    def at(limit):
        bought = sum(size for price, size, buy in orders if buy and price >= limit)
        sold = sum(size for price, size, buy in orders if not buy and price <= limit)
        return limit, min(bought, sold), bought - sold

    tried = [at(price) for price in range(95, 106) if any(price == limit for limit, _, _ in orders)]
    most = max((executable for _, executable, _ in tried), default=0)
    if most == 0:
        return None, 0, 0
    best = [row for row in tried if row[1] == most]
    least = min(abs(row[2]) for row in best)
    best = [row for row in best if abs(row[2]) == least]
    if min(row[2] for row in best) > 0:
        return max(best)
    if max(row[2] for row in best) < 0:
        return min(best)
    return sorted(best, key=lambda row: (abs(row[0] - reference), -row[0]))[0]
