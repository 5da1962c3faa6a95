"""Where orders clear: the tie rules one by one, by hand."""

import pytest

from basalt_analytics.auction.uncross import uncross

BUYS = [(10.03, 300), (10.02, 200), (10.00, 400)]
SELLS = [(9.99, 250), (10.01, 200), (10.02, 300)]


def test_the_largest_executable_volume():
    """Executable (surplus): 9.99 250 (+650), 10.00 250 (+650), 10.01 450 (+50), 10.02 500 (−250), 10.03 300 (−450)."""
    found = uncross(BUYS, SELLS)
    assert (found.price, found.executable, found.surplus, found.ratio) == (10.02, 500, -250, -0.2)
    assert (found.buy, found.sell) == (500, 750)


@pytest.mark.parametrize(
    ("price", "volume", "surplus"),
    [(9.99, 250, 650), (10.00, 250, 650), (10.01, 450, 50), (10.02, 500, -250), (10.03, 300, -450)],
)
def test_both_curves_by_hand(price, volume, surplus):
    buy = sum(size for limit, size in BUYS if limit >= price)
    sell = sum(size for limit, size in SELLS if limit <= price)
    assert (min(buy, sell), buy - sell) == (volume, surplus)


def test_nearest_to_the_reference_among_ticks():
    """Buy 100 at 10.0, sell 100 at 9.8: every tick between executes 100 with nothing left over."""
    assert uncross([(10.0, 100)], [(9.8, 100)], 9.9, "ticks", 0.05).price == 9.9


def test_nearest_to_the_middle_without_a_reference():
    assert uncross([(10.0, 100)], [(9.8, 100)], None, "ticks", 0.05).price == 9.9


def test_of_two_equally_near_the_higher():
    """9.8 and 10.0 are both .1 away from 9.9."""
    assert uncross([(10.0, 100)], [(9.8, 100)], 9.9).price == 10.0


def test_the_nearer_limit():
    """9.85 is .05 from 9.8 and .15 from 10.0."""
    assert uncross([(10.0, 100)], [(9.8, 100)], 9.85).price == 9.8


def test_the_highest_where_buyers_are_left_at_each():
    """Buy 150: 50 left over at 9.8, 9.9 and 10.0."""
    found = uncross([(10.0, 150)], [(9.8, 100)], 9.8, "ticks", 0.1)
    assert (found.price, found.surplus) == (10.0, 50)


def test_the_lowest_where_sellers_are_left_at_each():
    found = uncross([(10.0, 100)], [(9.8, 150)], 10.0, "ticks", 0.1)
    assert (found.price, found.surplus) == (9.8, -50)


def test_market_orders_are_on_both_sides_of_no_limit():
    """Buy 500 at any price and 100 at 10.0; sell 300 at 10.1 and 200 at 9.9: at 10.1 there are 500 either way."""
    found = uncross([(None, 500), (10.0, 100)], [(10.1, 300), (9.9, 200)])
    assert (found.price, found.executable, found.surplus) == (10.1, 500, 0)


def test_orders_that_do_not_meet_have_no_price():
    found = uncross([(9.0, 10)], [(10.0, 10)])
    assert (found.price, found.executable, found.buy, found.sell, found.ratio) == (None, 0, 0, 0, None)
