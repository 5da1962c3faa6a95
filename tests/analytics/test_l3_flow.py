"""The module l3: what is a flow and what is none, against plain Python on random streams, and what is refused."""

import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from order_events import e1, e2, l3, states

import basalt
from basalt.errors import PluginError, UserError
from basalt.tables import STATE
from basalt.testing.days import DAYS
from basalt_analytics.l3.module import L3
from basalt_analytics.l3.options import Action, Ratio

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.flow import moves, split
from order_replay.flow import states as displayed
from order_replay.streams import frame, stream

STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
NAN, INF = float("nan"), float("inf")
ACTIONS, SIDES = list(get_args(Action)), ["Bid", "Ask", "Total"]
EVERY_FLOW = [{"sides": SIDES, "actions": ACTIONS}]
MEASURES = ("Count", "Volume")


def of(events, every="1m", **options):
    """Rows of the module, of flows alone unless the options say more."""
    module = {"module": "l3", "flow": EVERY_FLOW, "ratios": [], **options}
    return basalt.compute([module], every=every, l3=events).to_dicts()


def one(*rows, **options):
    """The one bucket of events a second apart: (action, price, size, old price, old size, executed)."""
    made = [
        (i, i, f"o{i}", "Bid", action, price, size, old, had, price, x)
        for i, (action, price, size, old, had, x) in enumerate(rows, 1)
    ]
    (bar,) = of(l3(made), **options)
    return bar


@pytest.fixture(scope="module", name="streams")
def streams_():
    """Rows by listing, of random streams, a listing each."""
    return {n: stream(n, n)[0] for n in range(1, STREAMS + 1)}


@pytest.fixture(scope="module", name="of_streams")
def of_streams_(streams):
    """The day's one row of each."""
    table = frame([row for rows in streams.values() for row in rows])
    module = {"module": "l3", "flow": EVERY_FLOW, "ratios": [], "market_states": "all"}
    found = basalt.compute([module], every="24h", l3=table)
    return {row["ListingId"]: row for row in found.to_dicts()}


def test_every_flow_of_random_streams_is_that_of_plain_python(streams, of_streams):
    """Unknown ids, spoilt sizes and prices, sides that change and hidden executions among them."""
    assert set(of_streams) == set(streams)
    for listing, rows in streams.items():
        told = defaultdict(float)
        for row in rows:
            for action, amounts in moves(row).items():
                for side in ("Total", row["Side"]):
                    for measure, amount in zip(MEASURES, amounts, strict=True):
                        told[f"{side}{action}{measure}"] += amount
        seen = {name: v for name, v in of_streams[listing].items() if name not in ("ListingId", "TimeBucket")}
        assert set(told) <= set(seen)
        assert seen == pytest.approx({name: told[name] for name in seen}, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_added_less_withdrawn_less_executed_of_what_was_displayed_is_the_change(streams, of_streams, side):
    """Σ (S − O), of all rows of a random stream."""
    for listing, rows in streams.items():
        own = [row for row in rows if side in ("Total", row["Side"])]
        executed = sum(split(row)[2] for row in own)
        change = sum(after - before for after, before, _ in map(displayed, own))
        found = of_streams[listing]
        flow = found[f"{side}AddedVolume"] - found[f"{side}WithdrawnVolume"] - executed
        assert flow == pytest.approx(change, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("day", ["ties", "midnight", "halt", "nulls"])
def test_minutes_add_up_to_five_minutes(day):
    """Every count and volume, and both sides to all."""
    events = DAYS[day]()["l3"]
    names = [f"{side}{action}{measure}" for side in SIDES for action in ACTIONS for measure in MEASURES]
    ends = pl.col("TimeBucket").dt.offset_by("-1us").dt.truncate("5m").dt.offset_by("5m")
    fine, coarse = (pl.DataFrame(of(events, every, market_states="all")) for every in ("1m", "5m"))
    # two dates may each have a bucket that ends at midnight
    summed, coarse = (
        rows.group_by("ListingId", ends).agg(pl.col(names).sum()).sort("ListingId", "TimeBucket")
        for rows in (fine, coarse)
    )
    assert summed.select("ListingId", "TimeBucket").equals(coarse.select("ListingId", "TimeBucket"))
    assert coarse["TotalInsertCount"].sum() > 0
    for name in names:
        assert (summed[name] - coarse[name]).abs().max() <= 1e-6
    for action in ACTIONS:
        for measure in MEASURES:
            bid, ask, both = (coarse[f"{side}{action}{measure}"] for side in SIDES)
            assert (bid + ask - both).abs().max() <= 1e-6


@pytest.mark.parametrize("day", ["ties", "halt"])
def test_fills_are_the_executions_of_module_execution(day):
    book = {"sides": SIDES, "measures": ["Volume", "Count"]}
    flow = [{"sides": SIDES, "actions": ["Fill", "FullFill", "PartialFill"]}]
    listed = [{"module": "execution", "book": [book], "trades": []}, {"module": "l3", "flow": flow, "ratios": []}]
    tables = DAYS[day]()
    found = basalt.compute(listed, every="15m", l3=tables["l3"], trades=tables["trades"])
    for side in SIDES:
        for measure in MEASURES:
            fills = found[f"{side}Fill{measure}"]
            assert fills.to_list() == found[f"{side}Executed{measure}"].to_list()
            parts = found[f"{side}FullFill{measure}"] + found[f"{side}PartialFill{measure}"]
            assert (parts - fills).abs().max() <= 1e-6


def test_what_is_no_size_is_none():
    """100 counts; nothing, less than nothing and what is no number are inserts of 0."""
    bar = one(*(("Insert", 10.0, size, None, 0, 0) for size in (100, None, -5, NAN, INF, 0)))
    assert (bar["BidInsertCount"], bar["BidInsertVolume"]) == (6, 100)
    assert (bar["BidAddedCount"], bar["BidAddedVolume"]) == (1, 100)


def test_fractions_that_have_no_exact_difference_are_neither_renewed_nor_withdrawn():
    """0.3 − 0.1 is not 0.2 in binary, and 0.3 − 0.2 is not 0.1."""
    bar = one(("Update", 10.0, 0.2, 10.0, 0.3, 0.1), ("Update", 10.0, 0.1, 10.0, 0.3, 0.2))
    assert (bar["BidRefillCount"], bar["BidUpdateDecreaseCount"], bar["BidPartialFillCount"]) == (0, 0, 2)
    assert (bar["BidAddedCount"], bar["BidWithdrawnCount"]) == (0, 0)


def test_a_price_changes_by_its_key():
    """0.1 + 0.2 is 0.3; 0.300000001 is not, and a price that is not known before is no other one."""
    rows = [(0.1 + 0.2, 0.3), (0.300000001, 0.3), (0.3, None), (None, 0.3), (NAN, 0.3)]
    bar = one(*(("Update", price, 5, old, 8, 0) for price, old in rows))
    assert (bar["BidRepriceCount"], bar["BidRepriceInVolume"], bar["BidRepriceOutVolume"]) == (1, 5, 8)
    assert (bar["BidUpdateDecreaseCount"], bar["BidUpdateDecreaseVolume"], bar["BidAmendCount"]) == (4, 12, 5)


def test_an_amend_that_changes_nothing_is_an_amend_of_nothing():
    """One at the same price and size, which is a no-op; the same with 5 executed is a refill."""
    bar = one(("Update", 10.0, 5, 10.0, 5, 0), ("Update", 10.0, 5, 10.0, 5, 5))
    assert (bar["BidNoOpCount"], bar["BidNoOpVolume"], bar["BidAmendCount"]) == (1, 0, 1)
    assert (bar["BidRefillCount"], bar["BidRefillVolume"], bar["BidUpdateCount"]) == (1, 5, 2)


def test_more_may_execute_than_was_displayed():
    """160 of 100 removes it: nothing is left to cancel."""
    bar = one(("Remove", None, 0, 10.0, 100, 160))
    assert (bar["BidFullFillVolume"], bar["BidCancelVolume"], bar["BidWithdrawnVolume"]) == (160, 0, 0)


def test_orders_of_no_known_side_are_in_the_total_alone():
    events = l3([(1, 1, "a", "Bid", "Insert", 10.0, 100), (2, 2, "b", None, "Insert", 10.0, 50)])
    (bar,) = of(events, ratios=["ArrivalFlowImbalance"])
    assert [bar[f"{side}InsertVolume"] for side in SIDES] == [100, 0, 150]
    assert bar["ArrivalFlowImbalance"] == 1


def test_events_count_by_the_state_at_their_own_time():
    """An order that was inserted in the auction is cancelled in continuous trading, with what it displayed."""
    events = l3([(1, 1, "a", "Bid", "Insert", 10.0, 100), (2, 2, "a", "Bid", "Remove", None, 0, 10.0, 100)])
    events = events.with_columns(MarketState=pl.Series(["OPENING_AUCTION", "CONTINUOUS_TRADING"], dtype=STATE))
    found = [of(events, market_states=one)[0] for one in (None, ["OPENING_AUCTION"], "all")]
    assert [(bar["BidInsertVolume"], bar["BidCancelVolume"]) for bar in found] == [(0, 100), (100, 0), (100, 100)]


def test_states_come_from_the_table_of_states():
    """E1 without its states, closed from 5 s on: the bucket of 10 s is not there."""
    module = {"module": "l3", "flow": EVERY_FLOW, "ratios": []}
    told = states((0.0, "CONTINUOUS_TRADING"), (5.5, "CLOSED"))
    found = basalt.compute([module], every="5s", l3=e1().drop("MarketState"), marketstate=told)
    assert found["TotalInsertCount"].to_list() == [6]


def test_no_events_have_no_rows():
    assert of(e1().clear(), ratios=list(get_args(Ratio))) == []


def test_order_of_the_rows_in_the_table_does_not_matter():
    assert of(e1().sample(fraction=1, shuffle=True, seed=1), "5s") == of(e1(), "5s")


def test_ratios_of_each_side_are_of_its_own_orders():
    """E1: of bids 5 inserts, 2 amends, 1 cancel and 3 fills; of asks 3, 1, 1 and 1."""
    sided = [name for name in get_args(Ratio) if name.startswith("{side}")]
    (bar,) = of(e1(), "10s", flow=[], ratios=sided)
    assert [name for name in bar if "Total" in name] == []
    assert [bar[f"{side}CancelToTrade"] for side in SIDES[:2]] == [pytest.approx(1 / 3), 1]
    assert [bar[f"{side}QuoteToTrade"] for side in SIDES[:2]] == [pytest.approx(8 / 3), 5]
    assert [bar[f"{side}OrderToTradeCount"] for side in SIDES[:2]] == [pytest.approx(5 / 3), 4]
    assert [bar[f"{side}OrderToTradeVolume"] for side in SIDES[:2]] == pytest.approx([1270 / 400 - 1, 480 / 100 - 1])
    assert [bar[f"{side}CancelRateVolume"] for side in SIDES[:2]] == pytest.approx([120 / 1270, 100 / 480])


def test_messages_are_weighed():
    """E1 has 8 inserts, 3 amends and 2 cancels: (8 × 1 + 3 × 0.5 + 2 × 0) / 4 − 1."""
    (bar,) = of(e1(), "10s", ratios=["OrderToTradeCount"], message_weights={"Amend": 0.5, "Cancel": 0})
    assert bar["TotalOrderToTradeCount"] == 9.5 / 4 - 1


def test_quotes_are_held_against_aggressive_orders_where_these_are_told():
    """The executions of E1 are of aggressors 7, 8, 8 and one that is not told: 13 messages to 3."""
    executed = pl.col("ExecutionSize") > 0
    order = pl.when(pl.col("SequenceNo") == 6).then(7).when(pl.col("SequenceNo") < 12).then(8)
    events = e1().with_columns(AggressiveOrderId=pl.when(executed).then(order).cast(pl.Int64))
    (bar,) = of(events, "10s", flow=[], ratios=["QuoteToTrade", "{side}QuoteToTrade"])
    assert [bar[f"{side}QuoteToTrade"] for side in SIDES] == pytest.approx([8 / 2, 5, 13 / 3])


def test_places_that_are_not_known_are_left_out_of_the_mean():
    """100 and 300 in front, and an insert of which nothing is known."""
    events = l3([(i, i, f"o{i}", "Bid", "Insert", 10.0, 5) for i in (1, 2, 3, 4)])
    events = events.with_columns(SizeAhead=pl.Series([100.0, None, 300.0, NAN]))
    (bar,) = of(events, flow=[], queue=[{"sides": ["Bid", "Ask"], "measures": ["Size"]}])
    assert (bar["BidQueueSizeAtInsertMean"], bar["BidQueueSizeAtInsertCount"]) == (200, 2)
    assert (bar["AskQueueSizeAtInsertMean"], bar["AskQueueSizeAtInsertCount"]) == (None, 0)


def test_groups_are_told_apart_by_their_names():
    group = {"sides": ["Bid"], "actions": ["Insert"], "measures": ["Count"], "name": "{measure}Of{side}{action}s"}
    (bar,) = of(e1(), flow=[group])
    assert bar["CountOfBidInserts"] == 5


def test_two_of_them_do_not_get_in_each_others_way():
    """The same derived names, in one aggregation."""
    module = {"module": "l3", "flow": EVERY_FLOW}
    found = basalt.compute([module, {**module, "prefix": "My"}], every="1m", l3=e2()).to_dicts()
    assert all(bar[f"My{name}"] == bar[name] for bar in found for name in bar if f"My{name}" in bar)


def test_all_of_it_is_one_part_and_derives_what_is_read(parts):
    """Counts of inserts read the action alone; neither sizes nor prices need be there."""
    columns = dict.fromkeys(("Side", "Action", "Size", "OldSize", "Price", "OldPrice", "ExecutionSize"), pl.Float64)
    (part,) = parts(L3, {"flow": EVERY_FLOW, "ratios": list(get_args(Ratio))}, columns)
    assert part.reads.table == "l3"
    group = {"actions": ["Insert"], "measures": ["Count"]}
    (part,) = parts(L3, {"flow": [group], "ratios": ["ArrivalFlowImbalanceCount"]}, {})
    assert dict(part.derive) == {}


REFUSED = {
    "nothing": (
        {"flow": [], "ratios": []},
        "modules[0]: l3 emits nothing: all its groups are empty, so name one in flow, ratios or another",
    ),
    "no action": (
        {"flow": [{"actions": []}]},
        "modules[0]: l3.flow[0]: actions is empty, so the group emits nothing: list a value or drop the group",
    ),
    "no place": (
        {"queue": [{"at": []}]},
        "modules[0]: l3.queue[0]: at is empty, so the group emits nothing: list a value or drop the group",
    ),
    "twice": (
        {"flow": [{}, {"measures": ["Volume"]}]},
        "modules[0]: l3.flow[0] and l3.flow[1] both emit BidInsertVolume: set `name` in one of them",
    ),
    "ratio twice": (
        {"ratios": ["CancelToTrade", "CancelToTrade"]},
        "modules[0]: l3.ratios emits TotalCancelToTrade twice: list each value once, and set `name` so that it tells "
        "them apart",
    ),
    "field": (
        {"flow": [{"name": "{at}{measure}"}]},
        "modules[0]: l3.flow[0]: name = '{at}{measure}' has an unknown field {at}; its fields are {side}, {action}, "
        "{measure}",
    ),
    "weights of nothing": (
        {"message_weights": {"Amend": 2}},
        "modules[0]: l3: message_weights weigh OrderToTradeCount, which is not asked for: name it in ratios, or leave "
        "them out",
    ),
    "place": (
        {"queue": [{"sides": ["Bid"]}]},
        "modules[0]: l3.queue[0]: BidQueueSizeAtInsertMean needs column SizeAhead, which table l3 does not have: put "
        "the transform l3_queue in front of the module, or take a source that has it",
    ),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_while_planning(options, said):
    with pytest.raises((UserError, PluginError)) as error:
        basalt.compute([{"module": "l3", **options}], every="1m", l3=e1())
    assert str(error.value) == f"passes.computed.{said}"


@pytest.mark.parametrize(
    ("weights", "said"),
    [({"Insert": -1}, "message_weights.Insert = -1"), ({"Insert": 0, "Amend": 0, "Cancel": 0}, "are all 0")],
)
def test_weights_that_are_none_are_refused(weights, said):
    with pytest.raises((UserError, PluginError), match=said):
        of(e1(), ratios=["OrderToTradeCount"], message_weights=weights)


@pytest.mark.parametrize(
    ("column", "group"), [("OldSize", {"actions": ["Cancel"]}), ("OldPrice", {"actions": ["Reprice"]})]
)
def test_what_an_order_was_is_not_looked_up(column, group):
    """A bucket of one market state does not see the events before it in another."""
    with pytest.raises(
        UserError, match=f"needs column {column}, which table l3 does not have: put the transform l3_old_state"
    ):
        of(e1().drop(column), flow=[group])


def test_flows_that_do_not_need_what_an_order_was_do_without():
    flow = [{"actions": ["Insert", "Fill"]}, {"actions": ["Cancel", "Amend"], "measures": ["Count"]}]
    (bar,) = of(e1().drop("OldSize", "OldPrice", "Price"), "10s", flow=flow)
    assert (bar["BidInsertVolume"], bar["BidFillVolume"], bar["AskCancelCount"], bar["BidAmendCount"]) == (
        1270,
        400,
        1,
        2,
    )
