"""The transform `auction_uncross`: indications from orders, beside a slow replay and at its edges."""

import datetime as dt
import os
from random import Random

import polars as pl
import pytest
from auctions import NINE, states, table, trades
from golden.reference_l3.uncross import at_edges, by_event

import basalt
from basalt.buckets import BucketRule
from basalt.errors import UserError
from basalt.modules import PassContext
from basalt.tables import ACTION, SIDE
from basalt.testing import market
from basalt_analytics.auction.transform import AuctionUncross, AuctionUncrossOptions
from basalt_analytics.auction.uncross import uncross

DAY = dt.date(2026, 1, 5)
SECOND = 10**9
STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
"""A nox session tries more."""
L3 = {"OrderId": pl.String, "Side": SIDE, "Action": ACTION, "Price": pl.Float64, "Size": pl.Float64}


def orders(rows, listing=1):
    """(seconds, order, side, action, price, size, executed)."""
    padded = [(*row, 0.0) if len(row) == 6 else row for row in rows]
    made = pl.DataFrame([row[1:] for row in padded], schema={**L3, "ExecutionSize": pl.Float64}, orient="row")
    stamps = pl.Series([NINE + round(row[0] * SECOND) for row in padded], dtype=pl.Int64)
    return made.select(
        pl.lit(listing, pl.Int64).alias("ListingId"),
        stamps.cast(pl.Datetime("ns", "UTC")).alias("EventTimestamp"),
        pl.all(),
    )


def indications(tables, every=60, closed="right", sessions=None, **options):
    """What the transform writes."""
    step = AuctionUncross(AuctionUncrossOptions(**options))
    inputs = {name: tables[name].lazy() for name in step.inputs}
    declared = step.columns({name: frame.collect_schema() for name, frame in inputs.items()})
    rule = BucketRule(every * SECOND, closed)
    made = step.apply(inputs, PassContext("p", DAY, ["ListingId"], rule, sessions=sessions))["imbalance"].collect()
    assert dict(made.schema) == declared
    return made


def said(made):
    """(seconds, reference, price, paired, left over, side)."""
    seconds = [(at - NINE) / SECOND for at in made["EventTimestamp"].to_physical()]
    return list(zip(seconds, *(made[name] for name in SAYS), strict=True))


SAYS = ("ReferencePrice", "IndicativePrice", "PairedQuantity", "ImbalanceQuantity", "ImbalanceSide")
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


def stream(rng, rows=50):
    """Random events of one listing, defects included; a third of the listings trade fractions of shares."""
    fractions, at, found, known = rng.random() < 0.33, 0, [], []
    for number in range(rows):
        at += rng.choice([0, 1, 5, 20]) * SECOND
        fresh = not known or rng.random() < 0.55
        order = f"o{number}" if fresh else rng.choice(known)
        action = "Insert" if fresh else rng.choice(["Insert", "Update", "Update", "Remove", "Remove"])
        if rng.random() < 0.05:
            order, action = f"unknown{number}", rng.choice(["Update", "Remove"])
        known.append(order)
        price = None if rng.random() < 0.15 else rng.randint(95, 105) / 10
        size = rng.randint(0, 5) * 100.0 if not fractions else rng.randint(0, 50) / 7
        if rng.random() < 0.04:
            size = rng.choice([-100.0, float("nan"), None])
        executed = 100.0 if rng.random() < 0.02 and action != "Insert" else 0.0
        gone = action == "Remove"
        side = rng.choice(["Bid", "Ask"])
        found.append((at, order, side, action, None if gone else price, 0.0 if gone else size, executed))
    return found


@pytest.mark.parametrize(
    ("candidates", "reference"), [("orders", None), ("orders", 9.9), ("ticks", None), ("ticks", 10.03)]
)
def test_random_streams_clear_where_a_slow_replay_says(candidates, reference):
    """A quarter of STREAMS, each with two phases, the second without an end in every other one."""
    rng = Random(7)
    streams = {listing: stream(rng) for listing in range(STREAMS // 4)}
    phases = {
        listing: [(50 * SECOND, 150 * SECOND), (180 * SECOND, (None, 300 * SECOND)[listing % 2])] for listing in streams
    }
    tables = _tables(streams, phases, reference)
    options = {"candidates": candidates, "reference": "none" if reference is None else "last_trade"}
    how = {"reference": reference, "candidates": candidates, "tick": 0.05 if candidates == "ticks" else None}
    by_each = _by_listing(indications(tables, emit="event", **options))
    right = _by_listing(indications(tables, every=30, **options))
    left = _by_listing(indications(tables, every=30, closed="left", **options))
    for listing, rows in streams.items():
        _same(by_each.get((listing,)), by_event(rows, phases[listing], **how))
        _same(right.get((listing,)), at_edges(rows, phases[listing], 30 * SECOND, True, **how))
        _same(left.get((listing,)), at_edges(rows, phases[listing], 30 * SECOND, False, **how))


def _by_listing(made):
    return made.partition_by("ListingId", as_dict=True)


def _tables(streams, phases, reference):
    events = [orders([(at / SECOND, *rest) for at, *rest in rows], listing) for listing, rows in streams.items()]
    changes = []
    for listing, ((start, end), (again, last)) in phases.items():
        changes += [(-60, "CONTINUOUS_TRADING", listing), (start / SECOND, "CLOSING_AUCTION", listing)]
        changes += [(end / SECOND, "CONTINUOUS_TRADING", listing), (again / SECOND, "CLOSING_AUCTION", listing)]
        changes += [] if last is None else [(last / SECOND, "POST_TRADE", listing)]
    listings = pl.DataFrame({"ListingId": list(streams), "TickSize": [0.05] * len(streams)})
    stood = [(-50, reference or 1.0, 1, "Lit", listing) for listing in streams]
    return {
        "l3": pl.concat(events),
        "marketstate": table(("MarketState", "ListingId"), changes),
        "reference": listings,
        "trades": table(("Price", "Size", "TradeType", "ListingId"), stood),
    }


def _same(found, expected):
    slow = list(expected)
    if found is None:
        assert not slow
        return
    assert found["EventTimestamp"].to_physical().to_list() == [NINE + at for at, _ in slow]
    rows = found.select("IndicativePrice", "PairedQuantity", "ImbalanceQuantity", "ImbalanceSide").rows()
    for row, (_, one) in zip(rows, slow, strict=True):
        assert row[0] == (None if one.price is None else pytest.approx(one.price, rel=1e-12))
        assert row[1:3] == pytest.approx((one.executable, abs(one.surplus)), rel=1e-9, abs=1e-9)
        assert row[3] == (None if abs(one.surplus) < 1e-9 else "Buy" if one.surplus > 0 else "Sell")


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
