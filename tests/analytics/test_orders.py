"""Module tca at its edges: events that contradict each other, halts, odd quotes, orders side by side, refusals."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

import basalt
from basalt.buckets import BucketRule
from basalt.errors import UserError
from basalt.modules import PassContext
from basalt_analytics.trade.orders.module import Tca
from basalt_analytics.trade.orders.options import TcaOptions
from basalt_analytics.trade.orders.table import ORDERS

QUOTES = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"
COSTS = ["DelayCost", "ExecutionCost", "OpportunityCost", "FeeCost"]
DID = ["OrderExecutedQuantity", "OrderFillRatio", "OrderAvgPrice", "OrderFillCount"]
C = "CONTINUOUS_TRADING"
NINE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def event(t: float, order: str, kind: str, side: str | None = "Buy", **more: Any) -> dict[str, Any]:
    """One row of `orders`."""
    return {"t": t, "OrderId": order, "Event": kind, "OrderSide": side, **more}


def order(name: str, arrival: float, fills: Mapping[float, tuple[float, float]], end: float | None, **more: Any) -> Any:
    """Events of an order of 100 shares, unless said otherwise; fills by time as (price, size)."""
    side, first = more.pop("side", "Buy"), {"OrderQuantity": more.pop("quantity", 100.0), **more}
    rows = [event(arrival, name, "Arrival", side, **first)]
    rows += [event(t, name, "Fill", side, Price=p, Size=q) for t, (p, q) in fills.items()]
    return rows + ([] if end is None else [event(end, name, "End", side)])


@pytest.fixture
def orders(stamps):
    """The table `orders` from its events."""

    def made(events):
        names = dict.fromkeys(key for row in [{"OrderQuantity": None}, *events] for key in row if key != "t")
        values = {name: [row.get(name) for row in events] for name in names}
        schema = {name: ORDERS.column(name).dtype for name in names}
        frame = pl.DataFrame(values, schema=schema)
        listing = pl.lit(1, pl.Int64).alias("ListingId")
        return frame.select(listing, stamps([row["t"] for row in events]).alias("EventTimestamp"), *names)

    return made


TRADES = [(8, 10.0, 50), (12, 10.1, 100), (20, 10.2, 100), (30, 10.3, 200), (50, 10.4, 400)]
BESTS = [(0, 9.99, 10.01), (15, 10.09, 10.11), (25, 10.19, 10.21), (45, 10.29, 10.31)]


@pytest.fixture
def costs(table, orders):
    """Rows of module tca by order, over a market of five trades and four quotes."""

    def rows(events, options=None, trades=TRADES, bests=BESTS, states=None, every="1h", ids=None, **more):
        market = table("Price Size", trades, **more)
        market = market if ids is None else market.with_columns(TradeId=pl.Series(ids))
        book = table(QUOTES, [(t, bid, ask, 1, 1) for t, bid, ask in bests])
        if states is not None:
            market, book = (in_states(frame, states) for frame in (market, book))
        found = basalt.compute(
            [{"module": "tca", **(options or {})}], every=every, orders=orders(events), trades=market, l2=book
        )
        return {row["OrderId"]: row for row in found.iter_rows(named=True)}

    def in_states(frame, states):
        changes = table("MarketState", states)
        return frame.join_asof(changes, on="EventTimestamp", by="ListingId", check_sortedness=False)

    return rows


FILL = {20: (10.2, 60)}


@pytest.mark.parametrize(
    ("events", "label"),
    [
        ([event(20, "a", "Fill", Price=10.2, Size=60), event(40, "a", "End")], "NoArrival"),
        ([*order("a", 10, FILL, 40), event(11, "a", "Arrival", OrderQuantity=100.0)], "RepeatedArrival"),
        ([*order("a", 10, FILL, 40), event(39, "a", "End")], "RepeatedEnd"),
        (order("a", 10, FILL, 40, side=None), "NoSide"),
        ([*order("a", 10, FILL, 40), event(21, "a", "Fill", "Sell", Price=10.2, Size=10)], "SideChange"),
        (order("a", 10, FILL, 40, quantity=None), "BadQuantity"),
        (order("a", 10, FILL, 40, quantity=float("nan")), "BadQuantity"),
        (order("a", 10, {20: (10.2, 60), 21: (None, 10)}, 40), "BadFill"),
        (order("a", 10, {20: (10.2, 60), 21: (float("nan"), 10)}, 40), "BadFill"),
        (order("a", 10, {20: (10.2, 60), 21: (10.2, -10)}, 40), "BadFill"),
        (order("a", 41, {}, 40), "EndBeforeArrival"),
        (order("a", 21, FILL, 40), "FillBeforeArrival"),
        (order("a", 10, FILL, 19), "FillAfterEnd"),
        (order("a", 10, FILL, 40, quantity=59.0), "Overfilled"),
    ],
)
def test_contradicting_events_keep_their_row_and_have_no_costs(costs, events, label):
    """All columns are null but the label and what the fills say."""
    [row] = costs(events).values()
    assert row["OrderProblem"] == label
    said = {"ListingId", "OrderId", "TimeBucket", "OrderProblem", *DID}
    assert {name for name, value in row.items() if value is not None} <= said


def test_a_fill_ratio_says_by_how_much_an_order_is_overfilled(costs):
    """60 of 40 shares."""
    assert costs(order("a", 10, FILL, 40, quantity=40.0))["a"]["OrderFillRatio"] == 1.5


def test_an_order_filled_to_the_last_digit_is_not_overfilled(costs):
    """.1 + .2 is more than .3 in binary."""
    row = costs(order("a", 10, {20: (10.2, 0.1), 21: (10.2, 0.2)}, 40, quantity=0.3))["a"]
    assert row["OrderProblem"] is None
    assert row["OpportunityCost"] == 0


def test_an_order_that_goes_on_at_another_listing_has_no_arrival_there(orders, table):
    events = orders(order("a", 10, FILL, 40))
    moved = events.with_columns(ListingId=pl.Series([1, 2, 2]))
    book = table(QUOTES, [(0, 9.99, 10.01, 1, 1)])
    found = basalt.compute(["tca"], every="1d", orders=moved, trades=table("Price Size", TRADES), l2=book)
    assert dict(found.select("ListingId", "OrderProblem").rows()) == {1: None, 2: "NoArrival"}


def test_the_parts_add_up_to_the_shortfall_on_either_side(costs):
    """M_arr = 10, decided at 9.9, P_end = 10.2: 60·.1 + 60·.2 + 40·.3 = 30 to buy, −30 to sell."""
    for side, sign in (("Buy", 1), ("Sell", -1)):
        row = costs(order("a", 10, FILL, 40, side=side, DecisionPrice=9.9))["a"]
        assert [row[name] for name in COSTS] == [pytest.approx(sign * x) for x in (6, 12, 12, 0)]
        assert row["ShortfallCost"] == pytest.approx(sign * 30)
        assert row["ShortfallBps"] == pytest.approx(sign * 1e4 * 30 / 990)


def test_fees_add_up_a_rebate_is_negative_and_none_is_free(costs):
    """2 − .5 + nothing."""
    fees = (2.0, -0.5, None)
    fills = [event(20 + i, "a", "Fill", Price=10.2, Size=10, Fee=fee) for i, fee in enumerate(fees)]
    row = costs([*order("a", 10, {}, 40), *fills])["a"]
    assert row["FeeCost"] == 1.5


def test_without_a_decision_there_is_no_delay(costs):
    """P_dec = M_arr = 10."""
    row = costs(order("a", 10, FILL, 40))["a"]
    assert (row["DelayCost"], row["ExecutionCost"]) == (0, pytest.approx(12))
    assert row["ShortfallBps"] == pytest.approx(1e4 * (12 + 40 * 0.2) / 1000)


def test_a_decision_before_the_first_quote_is_worth_the_arrival(costs, stamps):
    """Nothing was in force at −5."""
    row = costs(order("a", 10, FILL, 40, DecisionTimestamp=stamps([-5]).item()))["a"]
    assert row["DelayCost"] == 0


@pytest.mark.parametrize(
    "bests", [[(9, 10.01, 9.99)], [(9, 10.0, None)], [(9, float("nan"), 10.0)], [(10, 9.99, 10.01)]]
)
def test_a_quote_that_is_not_valid_just_before_arrival_is_not_replaced_by_an_older_one(costs, bests):
    """Crossed, one-sided, NaN, or not there strictly before: no price of arrival."""
    older = [] if bests[0][0] == 10 else [(0, 9.99, 10.01)]
    row = costs(order("a", 10, FILL, 40), bests=[*older, *bests, (30, 10.0, 10.2)])["a"]
    names = ["ArrivalSlippageBps", "DelayCost", "ExecutionCost", "ShortfallCost", "ShortfallBps"]
    assert [row[name] for name in names] == [None] * 5
    assert row["OrderIntervalVwap"] is not None


def test_a_locked_quote_has_a_mid_and_no_spread_to_capture(costs):
    """Locked at 10.1 when filled at 20 for 10.2: a minute later still 10.1, −.1/10.2."""
    row = costs(order("a", 10, FILL, 40), bests=[(0, 10.1, 10.1)])["a"]
    assert row["ArrivalSlippageBps"] == pytest.approx(1e4 * 0.1 / 10.1)
    assert row["SpreadCapture"] is None
    assert row["OrderMarkoutBps1m"] == pytest.approx(-1e4 * 0.1 / 10.2)


def test_an_order_filled_whole_needs_no_price_of_its_end(costs):
    """All quotes behind the arrival's are crossed; the last valid one is still that of arrival."""
    row = costs(order("a", 10, {20: (10.2, 100)}, 40), bests=[(0, 9.99, 10.01)])["a"]
    assert (row["OpportunityCost"], row["ShortfallCost"]) == (0, pytest.approx(20))


def test_a_print_at_arrival_is_before_the_interval_and_one_at_the_last_fill_inside(costs):
    """Arrival 12, last fill 30: prints of 20 and 30, 300 shares for 1020 + 2060."""
    row = costs(order("a", 12, {20: (10.2, 30), 30: (10.3, 30)}, 40))["a"]
    assert row["Participation"] == pytest.approx(60 / 300)
    assert row["OrderIntervalVwap"] == pytest.approx(3080 / 300)


def test_no_print_in_the_interval_leaves_nothing_to_compare(costs):
    """Filled at 25, arrived at 21."""
    row = costs(order("a", 21, {25: (10.2, 30)}, 40))["a"]
    names = ["Participation", "OrderIntervalVwap", "VwapSlippageBps", "RelativePerformance"]
    assert [row[name] for name in names] == [None] * 4


def test_two_orders_at_once_are_as_each_alone(costs):
    """One buys, one sells, in overlapping intervals of one listing."""
    a = order("a", 10, {20: (10.2, 60), 30: (10.3, 20)}, 40)
    b = order("b", 11, {30: (10.3, 50), 50: (10.4, 50)}, 55, side="Sell", DecisionPrice=10.0)
    both = costs([*a, *b])
    assert both == {**costs(a), **costs(b)}
    assert both == costs([*b, *a][::-1])


HALT = [(-5, C), (22, "HALTED"), (40, C)]
IN_HALT = [(0, 9.99, 10.01), (15, 10.09, 10.11), (22, 10.49, 10.51), (41, 10.29, 10.31)]


def test_trades_of_a_halt_are_no_volume_of_the_market(costs):
    """Halted from 22 to 40: of the prints after 10 those of 12, 20 and 50 count, 600 shares."""
    row = costs(order("a", 10, {50: (10.4, 60)}, 60), states=HALT, bests=IN_HALT)["a"]
    assert row["Participation"] == pytest.approx(60 / 600)


def test_a_halt_that_no_book_row_tells_is_told_by_the_state_table(orders, table):
    """Halted from 22 to 40, when books and trades are silent: after 5 s of the fill of 20 there is no mid, and after
    30 s there is."""
    tables = {
        "orders": orders(order("a", 10, FILL, 60)),
        "trades": table("Price Size", [row for row in TRADES if row[0] != 30]),
        "l2": table(QUOTES, [(t, bid, ask, 1, 1) for t, bid, ask in BESTS if t != 25]),
        "marketstate": table("MarketState", [*HALT, (70, "CLOSED")]),
    }
    module = {"module": "tca", "horizons": ["5s", "30s"]}
    row = basalt.compute([module], every="1h", **tables).row(0, named=True)
    assert (row["OrderMarkoutBps5s"], row["ReversionBps5s"]) == (None, None)
    assert row["OrderMarkoutBps30s"] == pytest.approx(1e4 * 0.1 / 10.2)


def test_states_that_count_may_be_asked_of_the_market_alone(costs):
    """With the halt the prints of 12, 20, 30 and 50 count, 800 shares; the orders carry no state."""
    options = {"market_states": [C, "HALTED"]}
    row = costs(order("a", 10, {50: (10.4, 60)}, 60), options, states=HALT, bests=IN_HALT)["a"]
    assert row["Participation"] == pytest.approx(60 / 800)


def test_there_is_no_mid_inside_a_halt_and_the_one_before_counts_at_the_end(costs):
    """Filled at 20 at 10.2; at 25 the market is halted, so no markout after 5 s, and one after 30 s at 10.3.
    Ended in the halt at 30: the last mid before it is 10.1, so 40·(10.1 − 10) of opportunity."""
    row = costs(order("a", 10, FILL, 30), {"horizons": ["5s", "30s"]}, states=HALT, bests=IN_HALT)["a"]
    assert (row["OrderMarkoutBps5s"], row["ReversionBps5s"]) == (None, None)
    assert row["OrderMarkoutBps30s"] == pytest.approx(1e4 * 0.1 / 10.2)
    assert row["ReversionBps30s"] == pytest.approx(-1e4 * 0.2 / 10.1)
    assert row["OpportunityCost"] == pytest.approx(4)


def test_an_order_without_an_end_ends_with_the_session(costs):
    """Continuous until 55: the bucket is that of 55, and the rest is worth the last mid before, 10.3."""
    states = [(-5, C), (55, "CLOSING_AUCTION")]
    bests = [*BESTS, (55, 11.0, 11.2)]
    row = costs(order("a", 10, FILL, None), states=states, bests=bests, every="5s")["a"]
    assert row["TimeBucket"] == dt.datetime(2026, 1, 5, 9, 0, 55, tzinfo=dt.UTC)
    assert row["OpportunityCost"] == pytest.approx(40 * 0.3)


def test_an_order_without_an_end_ends_with_the_date_where_no_session_is_known(costs):
    row = costs(order("a", 10, FILL, None))["a"]
    assert row["TimeBucket"] == dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
    assert row["OpportunityCost"] == pytest.approx(40 * 0.3)


def test_hours_end_an_order_without_an_end(orders, table):
    """09:00 to 09:00:50: the print of 50 is in the session, 8750/850 its average, and the mid of 45 the last."""
    book = table(QUOTES, [(t, bid, ask, 1, 1) for t, bid, ask in BESTS])
    trades = table("Price Size", [*TRADES, (51, 99.0, 1e6)])
    tables = {"orders": orders(order("a", 10, FILL, None)), "trades": trades, "l2": book}
    rule, opened = BucketRule(10 * 10**9), int(NINE.timestamp()) * 10**9
    hours = [(opened - 3600 * 10**9, opened + 50 * 10**9)]
    module = Tca(TcaOptions(), {name: frame.schema for name, frame in tables.items()}, None, rule)
    context = PassContext("orders", dt.date(2026, 1, 5), module.keys, rule, sessions=hours)
    found = module.compute({name: frame.lazy() for name, frame in tables.items()}, context).collect()
    row = found.row(0, named=True)
    assert row["TimeBucket"] == dt.datetime(2026, 1, 5, 9, 0, 50, tzinfo=dt.UTC)
    assert row["OpportunityCost"] == pytest.approx(40 * 0.3)
    assert row["DayVwapSlippageBps"] == pytest.approx(1e4 * (10.2 * 850 / 8750 - 1))


def test_the_last_trade_may_price_the_end(costs):
    """At 40 the last print was that of 30 at 10.3."""
    row = costs(order("a", 10, FILL, 40), {"end_price": "last_trade"})["a"]
    assert row["OpportunityCost"] == pytest.approx(40 * 0.3)


def test_own_prints_that_do_not_count_are_not_taken_away(costs):
    """Lit prints after 10 up to 30: 100 + 200; the order's own print of 20 is dark, that of 30 is lit, 50 of it own."""
    events = [*order("a", 10, {}, 60), event(20, "a", "Fill", Price=10.2, Size=40, TradeId="T3")]
    events.append(event(30, "a", "Fill", Price=10.3, Size=50, TradeId="T4"))
    options = {"own_volume": "exclude", "trade_types": ["Lit"]}
    types, ids = ["Lit", "Lit", "Dark", "Lit", "Lit"], ["T1", "T2", "T3", "T4", "T5"]
    row = costs(events, options, ids=ids, TradeType=types)["a"]
    assert row["Participation"] == pytest.approx(90 / (300 - 50))


def test_an_order_that_was_all_the_volume_participated_in_no_other(costs):
    """Print of 20, all its own; nothing else since 12."""
    row = costs(order("a", 12, {20: (10.2, 100)}, 40), {"own_volume": "exclude"})["a"]
    assert row["Participation"] is None


def test_participation_takes_all_that_is_left_of_the_session_and_no_more(costs):
    """After 10 the market trades 800: 80 shares are a tenth of it, 81 are too many. Σ = 1010 + 1020 + 2060 + 4160."""
    fits, not_ = costs([*order("a", 10, {20: (10.2, 80)}, 40), *order("b", 10, {20: (10.2, 81)}, 40)]).values()
    assert fits["PwpPrice10"] == pytest.approx(8250 / 800)
    assert (not_["PwpPrice10"], not_["PwpSlippageBps10"]) == (None, None)


def test_relative_performance_of_a_seller_counts_cheaper_prints(costs):
    """Sold at 10.2: of 400 shares those of 10.1 are worse, 100, those of 10.2 are as good, 100: (100 + 50)/400."""
    events = order("a", 10, {20: (10.2, 30), 30: (10.2, 30)}, 40, side="Sell")
    assert costs(events)["a"]["RelativePerformance"] == pytest.approx(150 / 400)


def test_events_may_come_in_any_order_and_a_bucket_is_that_of_the_end(costs):
    events = order("a", 10, FILL, 40)
    forwards, backwards = costs(events, every="20s"), costs(events[::-1], every="20s")
    assert forwards == backwards
    assert forwards["a"]["TimeBucket"] == dt.datetime(2026, 1, 5, 9, 0, 40, tzinfo=dt.UTC)


def test_no_market_at_all_leaves_what_the_fills_say(costs):
    row = costs(order("a", 10, FILL, 40), trades=[], bests=[])["a"]
    assert [row[name] for name in DID] == [60, 0.6, 10.2, 1]
    others = {name: x for name, x in row.items() if name not in (*DID, "ListingId", "OrderId", "TimeBucket", "FeeCost")}
    assert set(others.values()) == {None}


def test_no_orders_give_the_columns_all_the_same(table, orders):
    empty = orders(order("a", 10, FILL, 40)).clear()
    book = table(QUOTES, [(0, 9.99, 10.01, 1, 1)])
    found = basalt.compute(["tca"], every="1d", orders=empty, trades=table("Price Size", TRADES), l2=book)
    assert found.height == 0
    assert found.columns[:3] == ["ListingId", "OrderId", "TimeBucket"]
    assert {"ShortfallBps", "PwpPrice10", "OrderMarkoutBps1m", "ReversionBps1m", "OrderProblem"} <= set(found.columns)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizons": ["-1s"]}, "horizon '-1s' is before the fill"),
        ({"horizons": ["60s", "1m"]}, "names '60s' and '1m', which are the same"),
        ({"participation_rates": [0.0]}, "rate 0.0 is no share of volume"),
        ({"participation_rates": [1.5]}, "rate 1.5 is no share of volume"),
        ({"participation_rates": [0.1, 0.1]}, "which are the same"),
        ({"market_states": "all"}, "has no MarketState"),
        ({"trade_types": ["Lit"]}, "needs column TradeType"),
        ({"end_price": "bid"}, "end_price"),
    ],
)
def test_what_cannot_be_is_refused_while_planning(costs, options, said):
    with pytest.raises(UserError, match=said):
        costs(order("a", 10, FILL, 40), options)


def test_a_source_without_orders_is_refused(table):
    book = table(QUOTES, [(0, 9.99, 10.01, 1, 1)])
    with pytest.raises(UserError, match="module tca reads table 'orders', which source 'memory' does not have"):
        basalt.compute(["tca"], every="1d", trades=table("Price Size", TRADES), l2=book)


def test_other_modules_stand_in_another_pass(costs, orders, table):
    book = table(QUOTES, [(0, 9.99, 10.01, 1, 1)])
    tables = {"orders": orders(order("a", 10, FILL, 40)), "trades": table("Price Size", TRADES), "l2": book}
    with pytest.raises(UserError, match="put one in a pass of its own"):
        basalt.compute(["tca", "trade"], every="1d", **tables)


def test_a_book_at_the_last_instant_of_the_hours_counts(orders, table):
    """The session ends at 45, when the mid becomes 10.3; without it the last one is that of 25."""
    book = table(QUOTES, [(t, bid, ask, 1, 1) for t, bid, ask in BESTS])
    tables = {"orders": orders(order("a", 10, FILL, None)), "trades": table("Price Size", TRADES), "l2": book}
    rule, opened = BucketRule(10 * 10**9), int(NINE.timestamp()) * 10**9
    context = PassContext(
        "orders", dt.date(2026, 1, 5), Tca.keys, rule, sessions=[(opened - 3600 * 10**9, opened + 45 * 10**9)]
    )
    module = Tca(TcaOptions(), {name: frame.schema for name, frame in tables.items()}, None, rule)
    found = module.compute({name: frame.lazy() for name, frame in tables.items()}, context).collect()
    assert found["OpportunityCost"].to_list() == [pytest.approx(40 * 0.3)]
