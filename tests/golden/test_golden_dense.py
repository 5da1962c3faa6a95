"""Fixtures F and F2 on the dense timeline: the buckets without a row of their own (l2 §11, trade §9).

F is continuous from −10 to 28: the buckets :00, :10, :20 and :30, of which the last has no book row and one trade that
is invalid. F2 is continuous 0–12 and 20–30: :10, :20 and :30, of which :20 overlaps a stretch by two seconds.
"""

import pytest

import basalt

L2 = {
    "module": "l2",
    "book": [
        {"measures": ["Price", "Quantity"], "levels": 1},
        {"measures": ["Quantity"], "levels": 1, "aggregations": ["Mean"]},
    ],
    "spreads": [{"variants": ["Bps"], "aggregations": ["Last", "Mean"]}],
    "imbalances": [{"measures": ["Quantity"], "levels": 1, "aggregations": ["Last", "Mean"]}],
    "prices": [{"sources": ["Mid"], "aggregations": ["First", "Mean"]}, {"sources": ["WeightedMid"]}],
    "ohlc": [{"sources": ["Mid"]}, {"sources": ["Mid"], "open_mode": "prev_close"}],
}
TRADE = {"module": "trade", "generic": [{"measures": ["Volume", "Count", "VWAP", "OHLC"], "sides": ["Total", "Sell"]}]}
EDGES = ("Open", "High", "Low", "Close")


@pytest.fixture(name="f")
def f_(f_trades, f_quotes, f_states, bars):
    return bars(
        basalt.compute([L2, TRADE], every="10s", timeline="dense", trades=f_trades, l2=f_quotes, marketstate=f_states)
    )


def test_f_has_four_dense_rows(f):
    assert list(f) == [0, 10, 20, 30]


def test_f_last_book_is_carried_into_the_bucket_without_one(f):
    """:30 has the book of row 18: 100.02 × 200, spread 3.99840063974 bps, weighted mid 100.04, imbalance 0."""
    found = f[30]
    assert (found["BidPrice1"], found["BidQuantity1"], found["ImbalanceQuantity1"]) == (100.02, 200, 0)
    assert found["SpreadBps"] == pytest.approx(3.99840063974, rel=1e-11)
    assert found["WeightedMid"] == pytest.approx(100.04, rel=1e-12)


def test_f_averages_and_event_bars_are_null_without_a_row(f):
    names = ["SpreadBpsMean", "MidFirst", "MidMean", "BidQuantity1Mean", "ImbalanceQuantity1Mean"]
    assert [f[30][name] for name in [*names, *(f"Mid{edge}" for edge in EDGES)]] == [None] * 9


def test_f_chained_bars_are_flat_at_the_close_before(f):
    assert [f[30][f"Mid{edge}C"] for edge in EDGES] == [pytest.approx(100.04, rel=1e-12)] * 4


def test_f_trades_of_a_bucket_without_a_valid_one(f):
    """Volume and count 0, averages and bars null; trade 12, of size 0, is counted as invalid."""
    found = f[30]
    assert [found[f"TradeTotal{name}"] for name in ("Volume", "Count", "VWAP", *EDGES)] == [0, 0, *[None] * 5]
    assert [found[f"TradeSell{name}"] for name in ("Volume", "Count", "VWAP")] == [0, 0, None]
    assert found["TradeInvalidCount"] == 1


def test_f_buckets_with_rows_are_those_of_the_sparse_timeline(f, f_trades, f_quotes, f_states, bars):
    sparse = bars(basalt.compute([L2, TRADE], every="10s", trades=f_trades, l2=f_quotes, marketstate=f_states))
    assert list(sparse) == [0, 10, 20]
    assert sparse == {t: f[t] for t in sparse}


def test_f2_carries_the_missing_ask_and_nothing_over_the_halt(f2, bars):
    """:20 has the book of row 8, its missing ask included; row 25 of :30 is of the stretch behind the halt."""
    module = {"module": "l2", "book": [{"measures": ["Price"]}], "spreads": L2["spreads"]}
    found = bars(basalt.compute([module], every="10s", timeline="dense", l2=f2["l2"], marketstate=f2["marketstate"]))
    assert list(found) == [10, 20, 30]
    assert [found[t]["BidPrice1"] for t in found] == [100.02, 100.02, 100.01]
    assert [found[t]["AskPrice1"] for t in found] == [None, None, 100.05]
    assert [found[t]["SpreadBps"] for t in found] == [None, None, pytest.approx(3.99880035989, rel=1e-11)]
    assert [found[t]["SpreadBpsMean"] is None for t in found] == [False, True, False]
