"""Module l3 on the order events E1, in buckets of 5 s and as one of 10 s, and on executing updates by hand."""

import pytest
from order_events import E1_STATES, e1, l3, states

import basalt

ACTIONS = ["Insert", "Cancel", "Fill", "UpdateIncrease", "UpdateDecrease", "RepriceIn", "RepriceOut", "Refill"]
ACTIONS += ["Added", "Withdrawn"]
FLOW = [{"sides": ["Bid", "Ask", "Total"], "actions": ACTIONS}]
RATIOS = ["ArrivalFlowImbalance", "NetFlowImbalance", "CancelToTrade", "OrderToTradeCount", "OrderToTradeVolume"]
RATIOS += ["ArrivalFlowImbalanceCount", "QuoteToTrade", "CancelRateVolume"]


@pytest.fixture(scope="module", name="found")
def found_():
    """Values of a column in the buckets 5 and 10 and in all."""
    module = {"module": "l3", "flow": FLOW, "ratios": RATIOS, "queue": [{"at": ["Insert", "Fill", "Cancel"]}]}

    def of(every):
        options = {"preprocess": [{"transform": "l3_queue"}], "marketstate": states(*E1_STATES)}
        return basalt.compute([module], every=every, l3=e1(), **options)

    fine, whole = of("5s"), of("10s")
    return lambda name: [*fine[name], *whole[name]]


def close(*values):
    return [None if v is None else pytest.approx(v, rel=1e-9, abs=1e-12) for v in values]


def test_inserts(found):
    """Bids 500 + 200 + 400 + 50, then 120; asks 300 + 100, then 80."""
    assert found("BidInsertVolume") == [1150, 120, 1270]
    assert found("AskInsertVolume") == [400, 80, 480]


def test_fills(found):
    """200 + 150 + 50 of bids, then 100 of asks."""
    assert found("BidFillVolume") == [400, 0, 400]
    assert found("BidFillCount") == [3, 0, 3]


def test_fills_are_no_cancels(found):
    """Removes of 150 and 50 are filled at 4.5; those of 100 and 120 are cancelled at 6 and 7.05."""
    assert found("TotalCancelCount") == [0, 2, 2]
    assert found("TotalCancelVolume") == [0, 220, 220]


def test_amends_of_a_size(found):
    """b2 from 200 to 300 and b1 from 500 to 350; b1 from 350 to 150 is executed."""
    assert found("BidUpdateIncreaseVolume") == [100, 0, 100]
    assert found("BidUpdateDecreaseVolume") == [150, 0, 150]


def test_an_amend_of_a_price(found):
    """a1 from 300 at 100.04 to 250 at 100.02, at 5 s exactly: in the bucket that ends there."""
    assert found("AskRepriceInVolume") == [250, 0, 250]
    assert found("AskRepriceOutVolume") == [300, 0, 300]


def test_what_is_added_less_what_is_withdrawn_and_executed_is_the_change(found):
    """1900 − 450 − 400 = 1050; 200 − 220 − 100 = −120; 2100 − 670 − 500 = 930."""
    added, withdrawn, executed = (found(f"Total{one}Volume") for one in ("Added", "Withdrawn", "Fill"))
    assert (added, withdrawn, executed) == ([1900, 200, 2100], [450, 220, 670], [400, 100, 500])
    changes = [a - w - x for a, w, x in zip(added, withdrawn, executed, strict=True)]
    assert changes == [1050, -120, 930]


def test_arrival_flow_imbalance(found):
    """(1150 − 400) / 1550, (120 − 80) / 200, (1270 − 480) / 1750; by count 2 / 6, 0 / 2, 2 / 8."""
    assert found("ArrivalFlowImbalance") == close(0.483870967741935, 0.2, 0.451428571428571)
    assert found("ArrivalFlowImbalanceCount") == close(1 / 3, 0, 0.25)


def test_net_flow_imbalance(found):
    """Bids 1250 − 150 and asks 650 − 300: 750 / 2350."""
    assert found("NetFlowImbalance") == close(0.319148936170213, 0.047619047619048, 0.277978339350181)


def test_cancels_for_each_trade(found):
    assert found("TotalCancelToTrade") == close(0, 2, 0.5)


def test_messages_for_each_trade(found):
    """9 messages to 3 executions, 4 to 1, 13 to 4; OrderToTrade is one less."""
    assert found("TotalOrderToTradeCount") == close(2, 3, 2.25)
    assert found("TotalQuoteToTrade") == close(3, 4, 3.25)


def test_shares_inserted_for_each_share_executed(found):
    """1550 / 400 − 1, 200 / 100 − 1, 1750 / 500 − 1."""
    assert found("TotalOrderToTradeVolume") == close(2.875, 1, 2.5)


def test_shares_cancelled_for_each_share_inserted(found):
    """0 / 1550, 220 / 200, 220 / 1750."""
    assert found("TotalCancelRateVolume") == close(0, 1.1, 0.125714285714286)


def test_the_queue_that_inserts_join(found):
    """Bids join behind 0, 500, 0 and 350, then 0; asks behind 0 and 0, then 150."""
    assert found("BidQueueSizeAtInsertMean") == close(212.5, 0, 170)
    assert found("AskQueueSizeAtInsertMean") == close(0, 150, 50)
    assert found("BidQueueSizeAtInsertCount") == [4, 1, 5]
    assert found("BidQueueOrdersAtInsertMean") == close(0.75, 0, 0.6)


def test_the_queue_at_fills_and_cancels(found):
    """b1 is first at 3.0 and 4.5, and b4 behind it alone, for b2 went to the back at 4.0; a2 and b5 are alone."""
    assert found("BidQueueSizeAtFillMean") == close(0, None, 0)
    assert found("AskQueueSizeAtCancelMean") == close(None, 0, 0)
    assert found("BidQueueOrdersAtCancelCount") == [0, 1, 1]


def test_executing_updates(bars):
    """100 shown, 130 executed, 100 shown: all are renewed. 30 executed of 100 leaves 70, of which 20 are withdrawn. The
    rest is removed with 60 of 100 executed, which withdraws 40 and is no cancel. −150 = 100 − 60 − 190."""
    events = l3(
        [
            (1, 1, "z", "Bid", "Update", 10.0, 100, 10.0, 100, 10.0, 130),
            (2, 2, "y", "Bid", "Update", 10.0, 50, 10.0, 100, 10.0, 30),
            (3, 3, "x", "Bid", "Remove", None, 0, 10.0, 100, 10.0, 60),
        ]
    )
    bar = bars(basalt.compute([{"module": "l3", "flow": FLOW, "ratios": []}], every="10s", l3=events))[10]
    assert (bar["BidRefillVolume"], bar["BidRefillCount"]) == (100, 1)
    assert (bar["BidUpdateDecreaseVolume"], bar["BidUpdateDecreaseCount"]) == (20, 1)
    assert (bar["BidCancelVolume"], bar["BidCancelCount"]) == (40, 0)
    assert (bar["BidFillVolume"], bar["BidFillCount"]) == (220, 3)
    assert bar["BidAddedVolume"] - bar["BidWithdrawnVolume"] - 190 == -150


def test_a_bucket_with_cancels_and_no_fill_has_no_ratio_to_trades(bars):
    events = l3([(1, 1, "x", "Bid", "Insert", 10.0, 100), (2, 2, "x", "Bid", "Remove", None, 0, 10.0, 100)])
    bar = bars(basalt.compute([{"module": "l3", "ratios": RATIOS}], every="10s", l3=events))[10]
    assert (bar["BidCancelCount"], bar["BidCancelVolume"], bar["BidFillCount"]) == (1, 100, 0)
    names = ["CancelToTrade", "QuoteToTrade", "OrderToTradeCount", "OrderToTradeVolume"]
    assert [bar[f"Total{name}"] for name in names] == [None] * 4


def test_a_bucket_without_events_has_counts_of_nothing_and_no_ratio(bars):
    """The last event is at 9 s and the session ends at 10 s, so that nothing happens in its last half second."""
    module = {"module": "l3", "flow": FLOW, "ratios": RATIOS}
    tables = {"l3": e1(), "marketstate": states(*E1_STATES)}
    bar = bars(basalt.compute([module], every="500ms", timeline="dense", **tables))[10]
    flows = [
        bar[f"{side}{one}{what}"] for side in ("Bid", "Ask", "Total") for one in ACTIONS for what in ("Count", "Volume")
    ]
    assert flows == [0] * len(flows)
    assert [v for name, v in bar.items() if name.endswith(("Imbalance", "ToTrade", "CancelRateVolume"))] == [None] * 5
