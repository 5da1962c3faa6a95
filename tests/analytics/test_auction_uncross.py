"""The transform `auction_uncross`: indications from orders, at its edges and beside those of the simulator."""

import polars as pl
import pytest
from auctions import NINE, SAYS, SECOND, indications, orders, states, table, trades

import basalt
from basalt.errors import UserError
from basalt.testing import market
from basalt_analytics.auction.uncross import uncross


def said(made):
    """(seconds, reference, price, paired, left over, side)."""
    seconds = [(at - NINE) / SECOND for at in made["EventTimestamp"].to_physical()]
    return list(zip(seconds, *(made[name] for name in SAYS), strict=True))


CALL = states((0, "CLOSING_AUCTION"), (300, "POST_TRADE"))
TWO = [(-10, "a", "Ask", "Insert", 10.0, 300), (70, "b", "Bid", "Insert", 10.1, 100)]


def test_orders_entered_before_the_phase_are_uncrossed_with_those_in_it():
    """a rests since before; b at 70 s buys 100 of its 300, at the lowest price, as sellers are left at both."""
    made = indications({"l3": orders(TWO), "marketstate": CALL})
    assert said(made) == [
        (60, None, None, 0, 0, None),
        *((at, None, 10.0, 100, 200, "Sell") for at in (120, 180, 240, 300)),
    ]


def test_buckets_closed_on_the_left_are_stamped_before_their_edge():
    """An order at the very edge is not in."""
    rows = [*TWO, (120, "c", "Bid", "Insert", 10.0, 200)]
    made = indications({"l3": orders(rows), "marketstate": CALL}, closed="left")
    assert [row[0] for row in said(made)] == [59.999999999, 119.999999999, 179.999999999, 239.999999999, 299.999999999]
    assert said(made)[1][3] == 100
    assert said(made)[2][3] == 300
    assert indications({"l3": orders(rows), "marketstate": CALL})["PairedQuantity"].to_list() == [0, 300, 300, 300, 300]


def test_after_each_event_of_the_phase():
    made = indications({"l3": orders(TWO), "marketstate": CALL}, emit="event")
    assert said(made) == [(70, None, 10.0, 100, 200, "Sell")]


def test_nothing_is_written_from_the_first_execution_on():
    """The uncross prints at 250 s; the edge at 240 s still sees both orders, and after 250 s there is no row."""
    rows = [*TWO, (250, "b", "Bid", "Remove", None, 0, 100.0), (250, "a", "Ask", "Update", 10.0, 200, 100.0)]
    made = indications({"l3": orders(rows), "marketstate": CALL})
    assert [row[0] for row in said(made)] == [60, 120, 180, 240]
    assert said(made)[-1][2:4] == (10.0, 100)
    assert said(indications({"l3": orders(rows), "marketstate": CALL}, emit="event")) == [
        (70, None, 10.0, 100, 200, "Sell")
    ]


def test_an_execution_at_the_edge_is_not_what_the_orders_came_to():
    """The uncross prints at 240 s sharp: the row there has what it does, not what it leaves."""
    rows = [*TWO, (240, "b", "Bid", "Remove", None, 0, 100.0)]
    assert said(indications({"l3": orders(rows), "marketstate": CALL}))[-1] == (240, None, 10.0, 100, 200, "Sell")


def test_what_an_earlier_phase_executed_rests_no_longer():
    call = states((0, "OPENING_AUCTION"), (100, "CONTINUOUS_TRADING"), (200, "CLOSING_AUCTION"), (300, "CLOSED"))
    rows = [*TWO, (90, "b", "Bid", "Remove", None, 0, 100.0), (90, "a", "Ask", "Update", 10.0, 200, 100.0)]
    rows += [(150, "c", "Bid", "Insert", 9.9, 50), (210, "d", "Bid", "Insert", 10.0, 500)]
    made = indications({"l3": orders(rows), "marketstate": call}, every=50)
    assert said(made)[-1] == (300, None, 10.0, 200, 300, "Buy")
    assert [row[0] for row in said(made)] == [50, 250, 300]


def test_an_order_without_a_price_is_a_market_order():
    """600 to buy at any price meet 300 at 10.1 and 200 at 9.9: 500 at 10.1, 100 buyers left."""
    rows = [(1, "m", "Bid", "Insert", None, 600), (2, "a", "Ask", "Insert", 10.1, 300)]
    rows += [(3, "b", "Ask", "Insert", 9.9, 200), (61, "m", "Bid", "Remove", None, 0)]
    made = indications({"l3": orders(rows), "marketstate": CALL})
    assert said(made)[0] == (60, None, 10.1, 500, 100, "Buy")
    assert said(made)[1] == (120, None, None, 0, 0, None)


def test_market_orders_alone_clear_at_the_last_trade():
    """Before it printed there was none; one off the book is none of it."""
    rows = [(1, "m", "Bid", "Insert", None, 600), (2, "a", "Ask", "Insert", None, 200)]
    given = {"l3": orders(rows), "marketstate": CALL, "trades": trades((100, 12.5, 10, "Lit"), (101, None, 1, "Lit"))}
    given["trades"] = pl.concat([given["trades"], trades((102, 99.0, 1, "OffBook"))])
    made = indications(given, reference="last_trade")
    assert said(made)[:2] == [(60, None, None, 0, 0, None), (120, 12.5, 12.5, 200, 400, "Buy")]


def test_a_trade_at_the_stamp_of_an_event_is_not_before_it():
    rows = [(1, "m", "Bid", "Insert", None, 600), (100, "a", "Ask", "Insert", None, 200)]
    given = {"l3": orders(rows), "marketstate": CALL, "trades": trades((100, 12.5, 10, "Lit"))}
    assert indications(given, emit="event", reference="last_trade")["IndicativePrice"].to_list() == [None, None]


def test_ticks_between_the_limits():
    """100 at 10.0 against 100 at 9.8, ticks of .05: nearest to the last price of 9.91 is 9.9."""
    rows = [(1, "a", "Bid", "Insert", 10.0, 100), (2, "b", "Ask", "Insert", 9.8, 100)]
    given = {"l3": orders(rows), "marketstate": CALL, "trades": trades((-1, 9.91, 10, "Lit"))}
    ticks = pl.DataFrame({"ListingId": [1], "TickSize": [0.05]}, schema={"ListingId": pl.Int64, "TickSize": pl.Float64})
    found = indications(
        given | {"reference": ticks}, candidates="ticks", reference="last_trade", phases=["CLOSING_AUCTION"]
    )
    assert set(found["IndicativePrice"]) == {9.9}
    untold = indications(
        given | {"reference": ticks.with_columns(TickSize=None).cast(ticks.schema)},
        candidates="ticks",
        reference="last_trade",
    )
    assert set(untold["IndicativePrice"]) == {10.0}


def test_a_phase_that_nothing_ends_lasts_to_the_bucket_of_the_last_event():
    made = indications({"l3": orders(TWO), "marketstate": states((0, "CLOSING_AUCTION"))})
    assert [row[0] for row in said(made)] == [60, 120]


def test_no_events_give_no_rows():
    assert indications({"l3": orders(TWO).clear(), "marketstate": CALL}).height == 0
    assert indications({"l3": orders(TWO), "marketstate": CALL.clear()}).height == 0


def test_bad_rows_are_no_orders():
    """A negative size and one that is no number; in continuous trading an order needs a price."""
    rows = [(-5, "x", "Bid", "Insert", None, 100), (1, "n", "Bid", "Insert", 10.0, -100)]
    rows += [(2, "o", "Bid", "Insert", 10.0, float("nan")), (3, "a", "Ask", "Insert", 9.0, 100)]
    early = states((-60, "CONTINUOUS_TRADING"), (0, "CLOSING_AUCTION"), (300, "POST_TRADE"))
    assert set(indications({"l3": orders(rows), "marketstate": early})["PairedQuantity"]) == {0}


REFUSED = [
    ({"phases": []}, "phases is empty"),
    ({"reference": "imbalance"}, "needs ReferencePrice"),
    ({"candidates": "ticks"}, "needs TickSize"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED)
def test_what_is_refused(options, told):
    given = {"l3": orders(TWO), "marketstate": CALL}
    given["imbalance"] = table(("IndicativePrice",), [(0, 1.0)])
    given["reference"] = pl.DataFrame({"ListingId": [1]})
    with pytest.raises(UserError, match=told):
        indications(given, **options)


def test_order_events_need_their_columns():
    with pytest.raises(UserError, match="needs Action"):
        indications({"l3": orders(TWO).drop("Action"), "marketstate": CALL})


def test_a_pass_reads_the_indications_as_an_exchange_s():
    """The module `auction` behind the transform: 100 paired from 70 s on, told at 120 s; what is told as the phase ends
    is no message of it."""
    found = basalt.compute(
        ["auction"], every="1m", preprocess=[{"transform": "auction_uncross"}], l3=orders(TWO), marketstate=CALL
    )
    assert found["AuctionIndicativeClose"].to_list() == [None, 10.0, 10.0, 10.0, 10.0]
    assert found["AuctionMessageCount"].to_list() == [1, 1, 1, 1, 0]


def test_the_simulator_s_indications_are_what_its_orders_come_to():
    """50 listings: each indication is that after the last event of its call before it, if the call had named its
    reference by then."""
    day = market.simulate(50, seed=3, events=240)
    made = indications(day, emit="event", reference="imbalance").drop("SequenceNo").with_columns(At="EventTimestamp")
    both = day["imbalance"].join_asof(
        made, on="EventTimestamp", by="ListingId", allow_exact_matches=False, check_sortedness=False, suffix="Found"
    )
    same_call = pl.col("At").dt.hour() // 12 == pl.col("EventTimestamp").dt.hour() // 12
    settled = both.filter(same_call, pl.col("ReferencePrice") == pl.col("ReferencePriceFound"))
    assert settled.height > 1500
    assert set(settled["EventTimestamp"].dt.hour() // 12) == {0, 1}
    for name in ("PairedQuantity", "ImbalanceQuantity", "ImbalanceSide"):
        assert settled[name].equals(settled[f"{name}Found"], check_names=False, null_equal=True)
    keys = [(settled[name] * 1e9).round() for name in ("IndicativePrice", "IndicativePriceFound")]
    assert keys[0].equals(keys[1], check_names=False, null_equal=True)


def test_orders_uncrossed_by_hand_and_by_the_transform_agree():
    """The five prices of the function's first example, 900 bid and 750 offered."""
    buys, sells = [(10.03, 300), (10.02, 200), (10.00, 400)], [(9.99, 250), (10.01, 200), (10.02, 300)]
    rows = [(i, f"o{i}", side, "Insert", p, q) for i, (side, p, q) in enumerate(_sided(buys, sells))]
    row = indications({"l3": orders(rows), "marketstate": CALL}).row(0, named=True)
    found = uncross(buys, sells)
    assert (row["IndicativePrice"], row["PairedQuantity"]) == (found.price, found.executable) == (10.02, 500)
    assert (row["ImbalanceQuantity"], row["ImbalanceSide"]) == (250, "Sell")


def _sided(buys, sells):
    return [*(("Bid", *one) for one in buys), *(("Ask", *one) for one in sells)]
