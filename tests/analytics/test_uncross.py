"""The function `uncross`: what holds for any orders, and what it refuses."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from basalt.errors import UserError
from basalt_analytics.auction.uncross import uncross

PRICES = st.one_of(st.none(), st.integers(90, 110).map(lambda cents: cents / 100))
ORDERS = st.lists(st.tuples(PRICES, st.integers(0, 30).map(lambda lots: 100.0 * lots)), max_size=12)
REFERENCES = st.one_of(st.none(), st.integers(85, 115).map(lambda cents: cents / 100))
FRACTIONS = st.lists(st.tuples(PRICES, st.integers(1, 300).map(lambda n: n / 10)), min_size=1, max_size=12)


def curves(buys, sells):
    """(limit, buy, sell) at each limit price, ascending: the plain sums."""
    limits = sorted({price for price, size in (*buys, *sells) if price is not None and size > 0})
    return [
        (
            p,
            sum(size for limit, size in buys if limit is None or limit >= p),
            sum(size for limit, size in sells if limit is None or limit <= p),
        )
        for p in limits
    ]


def by_rules(buys, sells, reference):
    """The price, one rule after the other over all candidates; in hundredths, so that nothing is rounded."""
    left = [(round(100 * p), min(b, s), b - s) for p, b, s in curves(buys, sells)]
    most = max((volume for _, volume, _ in left), default=0)
    if most == 0:
        both = min(sum(size for _, size in buys), sum(size for _, size in sells))
        return reference if not left and both > 0 else None
    left = [one for one in left if one[1] == most]
    least = min(abs(surplus) for _, _, surplus in left)
    left = [one for one in left if abs(one[2]) == least]
    if all(surplus > 0 for _, _, surplus in left):
        return left[-1][0] / 100
    if all(surplus < 0 for _, _, surplus in left):
        return left[0][0] / 100
    middle = (left[0][0] + left[-1][0]) / 2 if reference is None else round(100 * reference)
    return min(left, key=lambda one: (abs(one[0] - middle), -one[0]))[0] / 100


@given(ORDERS, ORDERS, REFERENCES)
def test_no_candidate_executes_more_and_the_rules_decide_ties(buys, sells, reference):
    found = uncross(buys, sells, reference)
    assert found.price == by_rules(buys, sells, reference)
    assert found.executable == max([min(b, s) for _, b, s in curves(buys, sells)], default=found.executable)
    assert found.executable == min(found.buy, found.sell)


@given(ORDERS, ORDERS, REFERENCES)
def test_buyers_and_sellers_mirrored_clear_as_much_at_the_mirrored_price(buys, sells, reference):
    """Prices p become 2 − p, and sides change places. Of two prices equally near the higher is taken both times."""
    found = uncross(buys, sells, reference)
    mirrored = uncross(_mirrored(sells), _mirrored(buys), None if reference is None else round(2 - reference, 2))
    assert mirrored.executable == found.executable
    assert abs(mirrored.surplus) == abs(found.surplus)
    if found.price is not None and curves(buys, sells) and not _two_near(buys, sells, reference):
        assert mirrored.price == pytest.approx(2 - found.price, abs=1e-12)
        assert mirrored.surplus == -found.surplus


def _mirrored(orders):
    return [(None if price is None else round(2 - price, 2), size) for price, size in orders]


def _two_near(buys, sells, reference):
    """Whether nearness decides, and two candidates lie equally near."""
    rows = [(round(100 * p), min(b, s), b - s) for p, b, s in curves(buys, sells)]
    most, least = max((volume, -abs(surplus)) for _, volume, surplus in rows)
    left = [(key, surplus) for key, volume, surplus in rows if (volume, -abs(surplus)) == (most, least)]
    if len({(surplus > 0) - (surplus < 0) for _, surplus in left}) == 1 and left[0][1] != 0:
        return False
    middle = (left[0][0] + left[-1][0]) / 2 if reference is None else round(100 * reference)
    far = [abs(key - middle) for key, _ in left]
    return far.count(min(far)) > 1


@given(FRACTIONS, FRACTIONS)
def test_fractions_of_shares_tie_within_a_billionth(buys, sells):
    """Tenths of shares clear at the price at which ten times as many whole ones do."""
    whole = [[(price, float(round(10 * size))) for price, size in orders] for orders in (buys, sells)]
    assert uncross(buys, sells, 1.0).price == uncross(*whole, 1.0).price


@given(ORDERS, ORDERS)
def test_ticks_between_the_limits_execute_no_more_than_limits(buys, sells):
    """Both curves step at limits alone; so where no limit lies between two ticks the volume is a limit's."""
    found = uncross(buys, sells)
    ticked = uncross(buys, sells, None, "ticks", 0.01)
    assert ticked.executable <= found.executable or found.price is None
    assert (ticked.price is None) == (found.price is None)


@given(ORDERS, ORDERS, st.integers(1, 5))
def test_more_to_buy_never_clears_less(buys, sells, lots):
    before, after = (uncross(orders, sells, 99.0) for orders in (buys, [*buys, (1.10, 100.0 * lots)]))
    assert after.executable >= before.executable


def test_orders_of_a_frame():
    frame = pl.DataFrame({"Price": [10.0, None], "Size": [100.0, 50.0], "OrderId": ["a", "b"]})
    assert uncross(frame, [(9.9, 150)]).executable == 150


def test_market_orders_alone_clear_at_the_reference():
    found = uncross([(None, 300)], [(None, 200)], 10.0)
    assert (found.price, found.executable, found.surplus) == (10.0, 200, 100)
    assert uncross([(None, 300)], [(None, 200)]).price is None


def test_market_orders_on_one_side_alone_have_no_price():
    assert uncross([(None, 300)], [], 10.0).price is None
    assert uncross([], []).price is None


def test_an_order_of_nothing_is_no_candidate():
    """10.2 would be nearer to the reference."""
    assert uncross([(10.2, 0), (10.0, 100)], [(10.0, 100)], 10.2).price == 10.0


def test_prices_meet_as_integers_not_as_floats():
    """.1 + .2 and .3 are one price: as floats the buyer would be below the seller."""
    assert uncross([(0.3, 10)], [(0.1 + 0.2, 10)]).executable == 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([(float("nan"), 1)], []), "price nan"),
        (([(1.0, float("inf"))], []), "quantity inf"),
        (([(1.0, -1)], []), "quantity -1"),
        (([(1.0, None)], []), "quantity None"),
        (([(1.0, 1)], [], None, "ticks"), "give tick"),
        (([(1.0, 1)], [], None, "orders", 0.1), "leave tick out"),
        (([(1.0, 1)], [], None, "tick", 0.1), "take 'orders'"),
        (([(1.0, 1)], [], None, "ticks", 0.0), "no step"),
        (([(1.0, 1), (1e3, 1)], [(1.0, 1)], None, "ticks", 1e-9), "candidate prices"),
    ],
)
def test_what_is_refused(arguments, said):
    with pytest.raises(UserError, match=said):
        uncross(*arguments)


def test_volume_rises_to_the_crossing_and_falls_behind_it():
    """Buy falls and Sell rises in the price, whatever the orders."""
    rows = curves([(1.0, 5), (1.1, 3), (None, 2)], [(0.9, 4), (1.05, 6)])
    assert all(a[1] >= b[1] and a[2] <= b[2] for a, b in pairwise(rows))
