"""Fixture F, module l2tw: the book weighed by how long it was in force (l2 §3, §5, §11).

Dense buckets :00, :10, :20, :30 of continuous trading from −10 to 28. Pieces, start of the row: seconds.
:00 none before row 0 at the very edge, so 10 s without a row. :10 row 0: 2, 2: 3, 5: 4, 9: 1.
:20 row 9: 2, 12 (no ask): 2, 14 (locked): 2, 16 (crossed): 2, 18: 2. :30 row 18: 8.
"""

import pytest

import basalt

TIMES = (0, 10, 20, 30)
MODULE = {
    "module": "l2tw",
    "book": [{"measures": ["Price", "Quantity"], "levels": 1}],
    "spreads": [{"variants": ["Abs", "Bps", "TWAOverMidTWABps"]}],
    "prices": [
        {"sources": ["Mid"], "aggregations": ["TWA", "TWStd", "TWMin", "TWMax", "TWMedian"]},
        {"sources": ["WeightedMid"]},
    ],
    "imbalances": [{"measures": ["Quantity"], "levels": 1, "kinds": ["Imbalance", "ImbalanceOf"]}],
    "shares": [{}],
    "touch_sizes": [{"above": [300]}],
    "coverage": "each",
}


def close(*values):
    return [None if v is None else pytest.approx(v, rel=1e-11, abs=1e-11) for v in values]


@pytest.fixture(name="f")
def f_(f_trades, f_quotes, f_states, bars):
    tables = {"l2": f_quotes, "trades": f_trades, "marketstate": f_states}
    found = bars(basalt.compute([MODULE, "trade"], every="10s", timeline="dense", **tables))
    return lambda *names: [found[t][names[0]] for t in TIMES]


def test_f_coverage(f):
    """:20 is valid but for row 12 and row 16; :30 ends at 28."""
    assert f("BookAdmissibleSeconds") == close(10, 10, 10, 8)
    assert f("BookValidSeconds") == close(0, 10, 6, 8)
    assert f("BookCoverage") == close(0, 1, 0.6, 1)


def test_f_average_spread_in_price(f):
    """:10 (.04·2 + .03·8)/10 = .032; :20 (.03·2 + 0·2 + .04·2)/6 = .0233333333333."""
    assert f("SpreadAbsTWA") == close(None, 0.032, 0.0233333333333333, 0.04)


def test_f_average_spread_without_locked_rows(f_quotes, f_states, f_trades, bars):
    """:20 (.03·2 + .04·2)/4 = .035 over 4 s."""
    module = {"module": "l2tw", "locked": "drop", "coverage": "each", "spreads": [{"variants": ["Abs"]}]}
    tables = {"l2": f_quotes, "trades": f_trades, "marketstate": f_states}
    found = bars(basalt.compute([module, "trade"], every="10s", timeline="dense", **tables))
    assert [found[20]["SpreadAbsTWA"], found[20]["SpreadAbsTWASeconds"]] == close(0.035, 4)


def test_f_average_of_spreads_in_bps_is_not_the_ratio_of_averages(f):
    """:10 ratio of averages 1e4·.032/100.027 = 3.19913623322; :20 1e4·.0233333/100.025."""
    assert f("SpreadBpsTWA") == close(None, 3.19915024193, 2.33265023575, 3.99840063974)
    assert f("SpreadTWAOverMidTWABps") == close(None, 3.19913623322, 2.33275014580, 3.99840063974)


def test_f_average_and_deviation_of_the_mid(f):
    """:10 (100.02·2 + 100.025·3 + 100.035·4 + 100.015)/10 = 100.027; Σ Δt·(M − x̄)² = 5.1e-4, √(5.1e-5)."""
    assert f("MidTWA") == close(None, 100.027, 100.025, 100.04)
    assert f("MidTWStd") == [
        None,
        pytest.approx(0.00714142842854, rel=1e-9),
        pytest.approx(0.0108012344973, rel=1e-9),
        0,
    ]


def test_f_extremes_and_median_of_the_mid(f):
    """:10 sorted 100.015: 1 s, 100.02: 2, 100.025: 3, 100.035: 4; 5 s are spent inside 100.025.
    :20 100.015: 2, 100.02: 2, 100.04: 2; 3 s inside 100.02."""
    assert f("MidTWMin") == close(None, 100.015, 100.015, 100.04)
    assert f("MidTWMax") == close(None, 100.035, 100.04, 100.04)
    assert f("MidTWMedian") == close(None, 100.025, 100.02, 100.04)


def test_f_average_weighted_mid(f):
    """Rows 0: 100.025, 2: 100.02, 5: 100.0457142857, 9: 100.02, 14: 100.02, 18: 100.04."""
    found = f("WeightedMidTWA")
    assert found[0] is None
    assert found[1:] == [pytest.approx(x, abs=5e-10) for x in (100.031285714, 100.026666667, 100.04)]


def test_f_average_bests_weigh_by_their_own_seconds(f):
    """:20 the bid is there for 8 s, the ask for 6."""
    assert f("BidPrice1TWA") == close(None, 100.011, 100.0125, 100.02)
    assert f("AskPrice1TWA") == close(None, 100.043, 100.0366666666667, 100.06)
    assert f("BidPrice1TWASeconds") == close(0, 10, 8, 8)
    assert f("AskPrice1TWASeconds") == close(0, 10, 6, 8)


def test_f_average_sizes(f):
    """:10 bids (500·2 + 200·3 + 600·4 + 400)/10 = 440, asks (300·2 + 400·3 + 100·4 + 200)/10 = 240."""
    assert f("BidQuantity1TWA") == close(None, 440, 250, 200)
    assert f("AskQuantity1TWA") == close(None, 240, 200, 200)


def test_f_imbalance_of_each_moment_and_of_the_averages(f):
    """:10 (440 − 240)/680 = .294117647059; :20 (250 − 200)/450 = .111111111111."""
    assert f("ImbalanceQuantity1TWA") == close(None, 0.269047619047619, 0, 0)
    assert f("ImbalanceOfQuantity1TWA") == close(None, 0.294117647058824, 0.111111111111111, 0)


def test_f_shares_of_time_in_odd_states(f):
    """:20 two of ten seconds each; :00, without any row, is in no state."""
    for state in ("Locked", "Crossed", "OneSided"):
        assert f(f"{state}Share") == close(0, 0, 0.2, 0)
    assert f("EmptyShare") == close(0, 0, 0, 0)


def test_f_share_of_time_with_much_at_the_touch(f):
    """300 or more: :10 bid rows 0, 5, 9: 7 of 10 s, ask rows 0, 2: 5 of 10; :20 bid row 9: 2 of 6 valid s, ask none."""
    assert f("BidTouchSizeShareAbove300") == close(None, 0.7, 1 / 3, 0)
    assert f("AskTouchSizeShareAbove300") == close(None, 0.5, 0, 0)


def test_sparse_buckets_have_the_values_of_dense_ones(f_quotes, f_states, f_trades, bars):
    tables = {"l2": f_quotes, "trades": f_trades, "marketstate": f_states}
    dense, sparse = (
        bars(basalt.compute([MODULE, "trade"], every="10s", timeline=kind, **tables)) for kind in ("dense", "sparse")
    )
    assert sparse == {t: dense[t] for t in sparse}


def test_a_constant_price_averages_to_itself_however_late_it_begins(table, bars):
    """Price 10 from the middle of the first bucket: 10 at coverage .5, and 10 at coverage 1 in the next, empty one."""
    book = table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", [(5, 10, 10, 1, 1)])
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (20, "CLOSED")])
    module = {"module": "l2tw", "prices": [{"sources": ["Mid"]}]}
    found = bars(basalt.compute([module], every="10s", timeline="dense", l2=book, marketstate=states))
    assert [(found[t]["MidTWA"], found[t]["BookCoverage"]) for t in (10, 20)] == [(10, 0.5), (10, 1)]


@pytest.mark.parametrize(
    ("values", "median"),
    [([(1, 1), (2, 2), (3, 1)], 2), ([(1, 1), (2, 1)], 1.5), ([(0.5, 3), (5, 2), (9, 1)], 2.75)],
)
def test_median_over_time(table, bars, values, median):
    """Value: seconds. 1: 1, 2: 2, 3: 1 → 2; 1: 1, 2: 1 → 1.5, half the time exactly; .5: 3, 5: 2, 9: 1 → (.5 + 5)/2."""
    rows, at = [], 0
    for price, seconds in values:
        rows.append((at, price, price, 1, 1))
        at += seconds
    book = table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", rows)
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (at, "CLOSED")])
    module = {"module": "l2tw", "prices": [{"sources": ["Mid"], "aggregations": ["TWMedian"]}]}
    found = bars(basalt.compute([module], every="10s", timeline="dense", l2=book, marketstate=states))
    assert found[10]["MidTWMedian"] == median
