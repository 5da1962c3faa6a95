"""Lives of orders of the module l3 at their edges: halts, sessions, orders without a beginning, refusals, the plan."""

from datetime import timedelta

import polars as pl
import pytest
from order_events import E1_STATES, e1, l3, states

import basalt
from basalt.errors import UserError
from basalt.face import plan_in_memory
from basalt.metrics import Known
from basalt.tables import NS_UTC

SIDES = ["Bid", "Ask", "Total"]
RESTING = {"resting": [{"ends": ["FirstFill", "Cancel", "Life"], "sides": ["Bid"]}]}
OPEN, HALTED = "CONTINUOUS_TRADING", "HALTED"


def lives(events, told=E1_STATES, every="10s", timeline="dense", **options):
    """Rows of the module, of lives alone unless the options say more."""
    module = {"module": "l3", "flow": [], "ratios": [], **options}
    extra = {} if told is None else {"marketstate": states(*told)}
    return basalt.compute([module], every=every, timeline=timeline, l3=events.drop("MarketState"), **extra)


def one(*rows, **options):
    """The first bucket of events (seconds, order, action, size, size before, executed) of bids at 10."""
    made = [
        (i, at, name, "Bid", action, None if action == "Remove" else 10.0, size, 10.0 if had else None, had, 10.0, x)
        for i, (at, name, action, size, had, x) in enumerate(rows, 1)
    ]
    return lives(l3(made), **options).row(0, named=True)


def test_a_single_insert_is_open():
    row = one((1, "a", "Insert", 5, 0, 0), **RESTING)
    assert (row["BidRestingToLifeCount"], row["BidRestingToLifeMeanSeconds"]) == (0, None)
    assert (row["BidCensoredCount"], row["BidOpenOrderCount"], row["BidAdoptedCount"]) == (1, 1, 0)


def test_no_event_gives_no_value():
    found = lives(e1().clear(), **RESTING, fill_probability=[{}], depth_age=[{}], replacement=[{}], fleeting=[{}])
    values = found.drop("ListingId", "TimeBucket")
    assert all(value in (None, 0) for row in values.rows() for value in row)


def test_an_order_that_was_never_inserted_has_no_age():
    """Updated at 1, removed at 3: it is adopted, and enters no duration."""
    row = one((1, "u", "Update", 5, 7, 0), (3, "u", "Remove", 0, 5, 5), **RESTING, depth_age=[{"sides": ["Bid"]}])
    assert (row["BidAdoptedCount"], row["BidRestingToLifeCount"], row["BidRestingToFirstFillCount"]) == (1, 0, 0)
    assert row["BidDepthAgeSeconds"] is None


def test_an_id_that_comes_again_is_a_new_life():
    """1 to 2 and 4 to 7."""
    rows = [(1, "a", "Insert", 5, 0, 0), (2, "a", "Remove", 0, 5, 0), (4, "a", "Insert", 5, 0, 0)]
    row = one(*rows, (7, "a", "Remove", 0, 5, 0), **RESTING)
    assert (row["BidRestingToCancelCount"], row["BidRestingToCancelMeanSeconds"]) == (2, 2)


def test_a_second_insert_of_an_order_that_is_there_loses_the_first():
    """Nobody knows how the life from 1 ended; that from 3 is cancelled at 4."""
    rows = [(1, "a", "Insert", 5, 0, 0), (3, "a", "Insert", 5, 0, 0), (4, "a", "Remove", 0, 5, 0)]
    row = one(*rows, **RESTING)
    assert (row["BidRestingToLifeCount"], row["BidRestingToLifeMeanSeconds"], row["BidCensoredCount"]) == (1, 1, 0)


def test_a_partly_executed_order_that_is_cancelled_is_no_cancel_and_not_fleeting():
    """Its life counts, from 1 to 1.05, and so does its first execution."""
    rows = [(1, "a", "Insert", 5, 0, 0), (1.02, "a", "Update", 3, 5, 2), (1.05, "a", "Remove", 0, 3, 0)]
    row = one(*rows, **RESTING, fleeting=[{"sides": ["Bid"]}])
    assert (row["BidRestingToCancelCount"], row["BidFleetingCancelCount100ms"]) == (0, 0)
    assert row["BidRestingToFirstFillMeanSeconds"] == pytest.approx(0.02)
    assert row["BidRestingToLifeMeanSeconds"] == pytest.approx(0.05)


HALT = ((0.0, OPEN), (2.0, HALTED), (6.0, OPEN), (10.0, "CLOSED"))
THROUGH = [(1, "a", "Insert", 5, 0, 0), (1, "b", "Insert", 5, 0, 0), (3, "a", "Remove", 0, 5, 0)]
THROUGH += [(7, "b", "Remove", 0, 5, 0)]


def test_lives_go_on_through_a_halt_and_what_happens_in_it_does_not_count():
    """a is cancelled in the halt; b, 6 s old, behind it."""
    row = one(*THROUGH, told=HALT, **RESTING)
    assert (row["BidRestingToCancelCount"], row["BidRestingToCancelMeanSeconds"]) == (1, 6)


def test_by_insert_what_becomes_of_a_life_counts_in_whatever_state():
    row = one(*THROUGH, told=HALT, attribution="insert", **RESTING)
    assert (row["BidRestingToCancelCount"], row["BidRestingToCancelMeanSeconds"]) == (2, 4)


def test_behind_the_end_of_the_session_nothing_is_known():
    """The session ends at 5: the cancel of 7 is none, and the order is open there, in the first bucket."""
    row = one((1, "a", "Insert", 5, 0, 0), (7, "a", "Remove", 0, 5, 0), told=((0.0, OPEN), (5.0, "CLOSED")), **RESTING)
    assert (row["BidRestingToCancelCount"], row["BidCensoredCount"]) == (0, 1)


def test_where_nothing_tells_the_end_nothing_is_open_at_it():
    row = one((1, "a", "Insert", 5, 0, 0), told=None, timeline="sparse", **RESTING)
    assert (row["BidCensoredCount"], row["BidOpenOrderCount"]) == (0, 1)


def test_hours_end_with_their_last_instant():
    """Of a session from 9 to 09:00:10 a cancel at its last instant is one."""
    module = {"module": "l3", "flow": [], "ratios": [], **RESTING}
    session = {"start": "09:00:00", "end": "09:00:10", "tz": "UTC"}
    rows = [(1, 1, "a", "Bid", "Insert", 10.0, 5), (2, 10, "a", "Bid", "Remove", None, 0, 10.0, 5)]
    rows += [(3, 2, "b", "Bid", "Insert", 10.0, 5)]
    events = l3(sorted(rows, key=lambda row: row[1])).drop("MarketState")
    found = basalt.compute([module], every="10s", timeline="dense", session=session, l3=events).row(0, named=True)
    assert (found["BidRestingToCancelMeanSeconds"], found["BidCensoredCount"]) == (9, 1)


def test_a_sparse_pass_has_what_stands_at_the_ends_of_its_own_buckets():
    """Events at 1, 5, and 27: no row at 20."""
    rows = [(1, "a", "Insert", 5, 0, 0), (5, "b", "Insert", 5, 0, 0), (27, "a", "Remove", 0, 5, 0)]
    made = [(i, at, name, "Bid", action, 10.0, s, 10.0, had) for i, (at, name, action, s, had, _) in enumerate(rows)]
    told = ((0.0, OPEN), (60.0, "CLOSED"))
    found = {
        kind: lives(l3(made), told, timeline=kind, depth_age=[{"sides": ["Bid"]}], **RESTING)
        for kind in ("sparse", "dense")
    }
    assert found["sparse"]["BidOpenOrderCount"].to_list() == [2, 1]
    assert found["sparse"]["BidDepthAgeSeconds"].to_list() == [7, 25]
    assert found["dense"]["BidOpenOrderCount"].to_list() == [2, 2, 1, 1, 1, 1]
    assert found["dense"]["BidDepthAgeSeconds"].to_list() == [7, 17, 25, 35, 45, 55]


def test_a_daily_pass_has_one_row_of_the_session():
    found = lives(e1(), every=None, timeline="daily", **RESTING, depth_age=[{"sides": ["Bid"]}], fill_probability=[{}])
    (row,) = found.to_dicts()
    assert (row["BidRestingToFirstFillMeanSeconds"], row["BidCensoredCount"]) == (pytest.approx(1.6), 2)
    assert row["BidDepthAgeSeconds"] == pytest.approx(8.428571428571429)
    assert row["BidFillProbAJ1s"] == pytest.approx(0.2)


def test_lives_at_the_touch():
    """b3 comes behind the best bid and a1 before anybody; b5 betters the best."""
    found = lives(e1(), fill_probability=[{"horizons": ["8s"], "sides": SIDES}], at_touch=True, attribution="insert")
    assert (found["BidCensoredCount"].item(), found["AskCensoredCount"].item()) == (1, 2)
    assert found["BidOpenOrderCount"].item() == 2


def test_lives_beside_flows_are_one_module_under_one_prefix():
    found = lives(e1(), flow=[{}], prefix="Own", **RESTING)
    assert found["OwnBidInsertCount"].to_list() == [5]
    assert found["OwnBidRestingToLifeCount"].to_list() == [3]


def test_when_a_figure_of_lives_is_known():
    groups = {"fleeting": [{"thresholds": ["50ms"]}], "fill_probability": [{"horizons": ["1s"]}], **RESTING}
    known = {}
    for attribution in ("end", "insert"):
        module = {"module": "l3", "attribution": attribution, **groups}
        result = plan_in_memory([module], "1m", None, {"l3": e1()}, {}).programs[0].result
        known[attribution] = {column.name: column.known_after for column in result.columns}
    assert set(known["end"].values()) == {timedelta(0)}
    own = known["insert"]
    assert own["BidRestingToLifeMeanSeconds"] is Known.END_OF_DATE
    assert own["BidCensoredCount"] is Known.END_OF_DATE
    assert own["BidFleetingCancelCount50ms"] == timedelta(milliseconds=50)
    assert (own["BidFillProbAJ1s"], own["BidOpenOrderCount"]) == (timedelta(seconds=1), timedelta(0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "l3 emits nothing: all its groups are empty"),
        ({"resting": [{"ends": []}]}, r"l3\.resting\[0\]: ends is empty"),
        ({"fleeting": [{"thresholds": ["0s"]}]}, "'0s', within which nothing is cancelled: give one above 0"),
        ({"fill_probability": [{"horizons": ["-1s"]}]}, "'-1s', and no order is that old: give 0 or above"),
        (
            {"fleeting": [{"thresholds": ["1s", "1000ms"]}]},
            "thresholds has '1s' and '1000ms', which are the same",
        ),
        ({"fill_probability": [{"horizons": ["1s", "1s"]}]}, "horizons has '1s' and '1s', which are the same duration"),
        ({"replacement": [{"max_latency": "0s"}]}, "max_latency = '0s' waits for nothing: give a time above 0"),
        ({"depth_age": [{"levels": 0}]}, "levels = 0 has no level: give 1 or more"),
        ({"depth_age": [{"name": "{side}{level}"}]}, r"unknown field \{level\}; its fields are \{side\}"),
        ({"depth_age": [{}, {"levels": 1}]}, r"l3\.depth_age\[0\] and l3\.depth_age\[1\] both emit BidDepthAgeSeconds"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(UserError, match=said):
        lives(e1(), **options)


@pytest.mark.parametrize("option", [{"attribution": "insert"}, {"life": "priority"}, {"at_touch": True}])
def test_options_of_lives_that_no_group_reads_are_refused(option):
    (name,) = option
    with pytest.raises(UserError, match=f"l3: {name} is of lives of orders, and no group asks for them"):
        lives(e1(), depth_age=[{}], **option)


def test_a_snapshot_that_nothing_reads_is_refused():
    with pytest.raises(UserError, match="l3: snapshot is of lives of orders"):
        lives(e1(), flow=[{}], snapshot="l3_snapshot")


def stood(**columns):
    """A snapshot of b1 before the first event."""
    return (
        e1().head(1).select("ListingId", "EventTimestamp", "OrderId", "Side", "Price", "Size").with_columns(**columns)
    )


def test_a_snapshot_whose_ids_are_of_another_kind_is_refused():
    module = {"module": "l3", "flow": [], "ratios": [], "snapshot": "l3_snapshot", **RESTING}
    numbered = stood(OrderId=pl.lit(1, pl.Int64))
    with pytest.raises(UserError, match="names orders by Int64, and l3 by String, so that none is known again"):
        basalt.compute([module], every="10s", l3=e1(), l3_snapshot=numbered)


def test_another_table_may_stand_in_the_place_of_the_events():
    """Of flows and lives in one entry, and of lives alone; and in that of the snapshot."""
    other = basalt.compute(
        [
            {"module": "l3", "flow": [], "ratios": [], **RESTING, "tables": {"l3": "l3", "l3_snapshot": "l3_snapshot"}}
            | {"snapshot": "l3_snapshot"}
        ],
        every="10s",
        l3=e1(),
        l3_snapshot=stood().filter(False),
    )
    assert other["BidRestingToLifeCount"].to_list() == [3]


def test_what_is_offered_again_at_the_last_instant_of_the_hours_counts():
    """An ask executed at 2 s is offered at 10 s, when the session ends; that instant opens the next bucket."""
    rows = [(1, 1, "a", "Ask", "Insert", 10.0, 5), (2, 2, "a", "Ask", "Remove", None, 0, 10.0, 5, 10.0, 5)]
    events = l3([*rows, (3, 10, "b", "Ask", "Insert", 10.0, 5)]).drop("MarketState")
    session = {"start": "09:00:00", "end": "09:00:10", "tz": "UTC"}
    module = {"module": "l3", "flow": [], "ratios": [], "replacement": [{"sides": ["Ask"]}]}
    options = {"every": "5s", "timeline": "dense", "session": session, "closed": "left"}
    found = basalt.compute([module], l3=events, **options)
    assert found["AskReplacementCount"].to_list() == [0, 0, 1]
    assert found["AskReplacementMeanSeconds"].to_list() == [None, None, 8]


def test_depth_ages_behind_the_last_order_event_in_buckets_that_other_tables_make(table):
    """A bid of 1 s; a trade at 12 s makes the bucket of 15 s."""
    module = {"module": "l3", "flow": [], "ratios": [], "depth_age": [{"sides": ["Bid"]}]}
    events = l3([(1, 1, "a", "Bid", "Insert", 10.0, 5)]).drop("MarketState")
    trades = table("Price Size", [(12, 10, 1)])
    found = basalt.compute([module, {"module": "trade"}], every="5s", l3=events, trades=trades)
    assert found["BidDepthAgeSeconds"].to_list() == [4, 14]


def test_executions_must_be_told():
    with pytest.raises(UserError, match="l3 tells executions from cancels and needs ExecutionSize"):
        lives(e1().drop("ExecutionSize"), **RESTING)
    assert lives(e1().drop("ExecutionSize"), depth_age=[{}])["BidDepthAgeSeconds"].to_list() == [
        pytest.approx(8.428571428571429)
    ]


def test_events_of_listings_side_by_side_keep_to_themselves():
    later = (pl.col("EventTimestamp") + timedelta(seconds=1)).cast(NS_UTC)
    other = e1().with_columns(ListingId=pl.lit(2, pl.Int64), EventTimestamp=later)
    found = lives(pl.concat([e1(), other]), told=None, timeline="sparse", **RESTING)
    counts = found.select("ListingId", "BidRestingToLifeCount").group_by("ListingId").sum().sort("ListingId").rows()
    assert counts == [(1, 3), (2, 3)]
