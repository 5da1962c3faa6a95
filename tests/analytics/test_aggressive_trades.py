"""The transform aggressive_trades: what counts as an execution, what breaks an order, and what an order has of them."""

import attrs
import polars as pl
from aggressive_prints import CONTEXT, START, made, orders, prints, transform
from order_events import states

NAN, INF = float("nan"), float("inf")


def sizes(found):
    return found["Size"].to_list()


def test_an_execution_at_the_gap_belongs_and_one_beyond_it_does_not():
    """10 us after the first, then 10.001 us."""
    assert sizes(orders(prints(0, 10, 20.001))) == [200, 100]


def test_the_gap_is_from_the_execution_before_not_from_the_first():
    assert sizes(orders(prints(0, 8, 16, 24))) == [400]


def test_an_order_is_cut_where_it_would_last_too_long():
    """From 0: 8 is in, 16 is beyond 15; from 16: 24 is in, 32 is beyond."""
    assert sizes(orders(prints(0, 8, 16, 24, 32), max_duration="15us")) == [200, 200, 100]


def test_a_buy_below_the_price_before_breaks_where_that_is_asked_for():
    found = orders(prints(0, 1, 2, 3, Price=[10.0, 10.01, 10.01, 10.0]), monotone=True)
    assert sizes(found) == [300, 100]


def test_a_sell_above_the_price_before_breaks_where_that_is_asked_for():
    """0.1 + 0.2 is the price 0.3: equal prices break nothing."""
    sells = prints(0, 1, 2, 3, Price=[0.3, 0.1 + 0.2, 0.2, 0.3], AggressorSide=["Sell"] * 4)
    assert sizes(orders(sells, monotone=True)) == [300, 100]


def test_a_match_id_joins_whatever_the_gap_and_parts_within_it():
    """One id a second later; two ids 1 us apart; a missing id leaves the gap to decide."""
    trades = prints(0, 1_000_000, 1_000_001, 1_000_002, Aggressor=["a", "a", "b", None])
    found = orders(trades, match_column="Aggressor")
    assert sizes(found) == [200, 200]


def test_where_an_id_may_join_nothing_but_a_break_is_final():
    found = orders(prints(0, 1, Aggressor=["a", "b"]), match_column="Aggressor")
    assert (found["FinalTimestamp"].to_physical() - START).to_list() == [1000, None]


def test_prices_are_counted_by_their_ninth_decimal():
    assert orders(prints(0, 1, 2, Price=[0.3, 0.1 + 0.2, 0.2]))["Levels"].to_list() == [2]


def test_an_execution_without_a_price_counts_with_its_shares_alone():
    """100 at 10 and 100 at 12 have a price: 11, and 2200 paid; alone without one, there is no price at all."""
    found = orders(prints(0, 1, 2, 3, 100, Price=[10, None, NAN, 12, INF]))
    assert found.select("Size", "Price", "Notional", "Levels", "FirstPrice").rows() == [
        (400, 11, 2200, 2, 10),
        (100, None, None, 0, None),
    ]


def test_an_execution_without_shares_is_none():
    trades = prints(0, 1, 2, 3, 4, 5, Size=[100, 0, -5, None, NAN, INF])
    assert sizes(orders(trades)) == [100]


def test_small_executions_do_not_count_and_break_nothing():
    """The sell of 5 between the buys is left out where 5 is too small."""
    trades = prints(0, 1, 2, Size=[100, 5, 100], AggressorSide=["Buy", "Sell", "Buy"])
    assert sizes(orders(trades, min_size=5)) == [200]
    assert sizes(orders(trades)) == [100, 5, 100]


def test_types_are_lit_unless_others_are_asked_for():
    trades = prints(0, 1, 2, TradeType=["Lit", "Dark", None])
    assert sizes(orders(trades)) == [100]
    assert sizes(orders(trades, trade_types=["Lit", "null"])) == [200]
    assert sizes(orders(trades, trade_types=["Dark"])) == [100]


def test_cancelled_prints_are_no_executions():
    assert sizes(orders(prints(0, 1, 2, IsCancelled=[False, True, None]))) == [200]


def test_the_states_of_the_pass_count_unless_the_step_has_its_own():
    trades = prints(0, 1, 2, MarketState=["CONTINUOUS_TRADING", "HALTED", None])
    assert sizes(orders(trades)) == [100]
    assert sizes(orders(trades, context=attrs.evolve(CONTEXT, market_states=("HALTED",)))) == [100]
    assert sizes(orders(trades, context=attrs.evolve(CONTEXT, market_states=("HALTED",)), market_states="all")) == [300]
    assert orders(trades, market_states="HALTED")["MarketState"].to_list() == ["HALTED"]


def test_the_state_comes_from_its_table_where_prints_do_not_tell_it():
    """A halt from 1 us on: the print of that instant is in it."""
    changes = states((0.0, "CONTINUOUS_TRADING"), (0.000001, "HALTED"))
    found = orders(prints(0, 1, 2), {"marketstate": changes})
    assert (sizes(found), found["MarketState"].to_list()) == ([100], ["CONTINUOUS_TRADING"])
    assert sizes(orders(prints(0, 1, 2), {"marketstate": changes}, market_states="all")) == [300]


def test_hours_count_where_no_state_is_known():
    session = ((START, START + 1000),)
    assert sizes(orders(prints(0, 1, 2), context=attrs.evolve(CONTEXT, sessions=session))) == [200]


def test_another_listing_begins_an_order_and_numbers_of_its_own():
    both = pl.concat([prints(0, 1), prints(1, 2, 50).with_columns(ListingId=pl.lit(2, pl.Int64))])
    found = orders(both)
    assert found.select("ListingId", "AggressiveOrderId", "Size").rows() == [(1, 0, 200), (2, 0, 200), (2, 1, 100)]
    assert (found["FinalTimestamp"].to_physical() - START).to_list() == [11_000, 12_000, 60_000]


def test_listings_may_be_text():
    trades = prints(0, 1).with_columns(ListingId=pl.lit("X"))
    assert orders(trades).select("ListingId", "Size").rows() == [("X", 200)]


def test_no_rows_make_no_orders():
    found = made({"trades": prints(0).clear()}, max_duration="1s")
    assert [frame.height for frame in found.values()] == [0, 0]
    assert dict(found["aggressive_orders"].schema) == transform().columns({"trades": prints(0).schema})


def test_an_order_has_the_quote_before_its_first_execution():
    """200 bought where 80 were offered: 2.5; 100 sold where 400 were bid: 0.25; nothing offered, or no side: none."""
    trades = prints(
        0, 1, 20, 40, 60,
        AggressorSide=["Buy", "Buy", "Sell", "Buy", None],
        BidPrice=[9.9, 9.8, 9.9, 9.9, 9.9],
        BidQuantity=[10.0, 10, 400, 10, 10],
        AskQuantity=[80.0, 0, 10, 0, 10],
    )  # fmt: skip
    found = orders(trades)
    assert found["SizeToTouch"].to_list() == [2.5, 0.25, None, None]
    assert found["BidPrice"].to_list() == [9.9] * 4
    assert "AskPrice" not in found.columns


def test_columns_are_carried_from_the_first_and_the_last_execution():
    trades = prints(0, 1, 50, TradeId=["a", "b", "c"], Venue=["X", "Y", "Z"])
    found = orders(trades, carry_first=["TradeId"], carry_last=["Venue"])
    assert found.select("TradeId", "Venue").rows() == [("a", "Y"), ("c", "Z")]


def test_executions_keep_the_columns_of_their_table():
    found = made({"trades": prints(0, 1, 50, TradeId=["a", "b", "c"], Own=[1, 2, 3])})["aggressive_executions"]
    assert found.columns == [
        "ListingId", "EventTimestamp", "Price", "Size", "AggressorSide", "TradeId", "AggressiveOrderId",
        "ExecutionIndex",
    ]  # fmt: skip
    assert found.select("TradeId", "AggressiveOrderId", "ExecutionIndex").rows() == [
        ("a", 0, 0),
        ("b", 0, 1),
        ("c", 1, 0),
    ]
