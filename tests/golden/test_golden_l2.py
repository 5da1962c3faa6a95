"""Fixture F, module l2: the rows of the buckets :00, :10 and :20 (:30 has no row of its own).

M and S of the eight rows, t: mid, spread · 0: 100.02, .04 · 2: 100.025, .03 · 5: 100.035, .03 · 9: 100.015, .03 ·
12: one-sided · 14: 100.02, 0 (locked, kept) · 16: crossed, dropped · 18: 100.04, .04.
Right-closed: :00 holds row 0; :10 rows 2, 5, 9; :20 rows 12, 14, 16, 18.
"""

import pytest

import basalt

ROWS = {
    "module": "l2",
    "book": [
        {"measures": ["Price", "Quantity"], "levels": 1},
        {"measures": ["Quantity"], "levels": 1, "aggregations": ["Mean"]},
    ],
    "spreads": [{"variants": ["Bps"], "aggregations": ["Last", "Mean", "Median", "Std"]}],
    "imbalances": [{"measures": ["Quantity"], "levels": 1, "aggregations": ["Last", "Mean"]}],
    "prices": [
        {"sources": ["Mid"], "aggregations": ["First", "Min", "Max", "Mean", "Std"]},
        {"sources": ["WeightedMid"]},
    ],
    "ohlc": [{"sources": ["Mid"]}, {"sources": ["Mid"], "open_mode": "prev_close"}],
}
EDGES = ("Open", "High", "Low", "Close")


@pytest.fixture(name="f")
def f_(f_quotes, f_states, bars):
    return bars(basalt.compute([ROWS], every="10s", l2=f_quotes, marketstate=f_states))


def close(value):
    """Differences of prices near 100 carry 12 digits of the figures printed here."""
    return pytest.approx(value, rel=1e-11, abs=1e-11)


def test_f_best_bid_is_the_last_row_s(f):
    """:00 row 0: 100.00 × 500; :10 row 9: 100.00 × 400; :20 row 18: 100.02 × 200."""
    found = [(f[t]["BidPrice1"], f[t]["BidQuantity1"]) for t in (0, 10, 20)]
    assert found == [(100.00, 500), (100.00, 400), (100.02, 200)]


def test_f_last_spread_in_bps(f):
    """1e4·S/M: 400 / 100.02 = 3.99920015997; 300 / 100.015 = 2.99955006749; 400 / 100.04 = 3.99840063974."""
    assert [f[t]["SpreadBps"] for t in (0, 10, 20)] == [close(x) for x in (3.99920015997, 2.99955006749, 3.99840063974)]


def test_f_mean_spread_in_bps(f):
    """:10 (300/100.025 + 300/100.035 + 300/100.015) / 3 = 2.99925020744;
    :20 the locked row's 0 and row 18: 3.99840063974 / 2 = 1.99920031987; rows 12 and 16 are in neither sum."""
    expected = (3.99920015997, 2.99925020744, 1.99920031987)
    assert [f[t]["SpreadBpsMean"] for t in (0, 10, 20)] == [close(x) for x in expected]


def test_f_median_spread_in_bps(f):
    """:10 the middle one, row 2: 300 / 100.025 = 2.99925018745; :20 the mean of two, 1.99920031987."""
    expected = (3.99920015997, 2.99925018745, 1.99920031987)
    assert [f[t]["SpreadBpsMedian"] for t in (0, 10, 20)] == [close(x) for x in expected]


def test_f_standard_deviation_of_the_spread(f):
    """ddof 1. :00 one row, null; :10 of 2.99925018745, 2.99895036737, 2.99955006749: 2.99850059728e-4;
    :20 of 0 and 3.99840063974: 3.99840063974 / √2 = 2.82729620626."""
    assert f[0]["SpreadBpsStd"] is None
    assert f[10]["SpreadBpsStd"] == pytest.approx(2.99850059728e-4, abs=1e-11)
    assert f[20]["SpreadBpsStd"] == close(2.82729620626)


def test_f_first_mid_is_null_where_the_first_row_is_one_sided(f):
    """:00 100.02; :10 row 2: 100.025; :20 row 12 has no ask: null, not row 14's."""
    assert [f[t]["MidFirst"] for t in (0, 10, 20)] == [close(100.02), close(100.025), None]


def test_f_extremes_and_mean_of_the_mid(f):
    """:10 of 100.025, 100.035, 100.015: 100.015, 100.035, 100.025; :20 of 100.02, 100.04: 100.02, 100.04, 100.03."""
    columns = ("MidMin", "MidMax", "MidMean")
    assert [f[0][c] for c in columns] == [close(100.02)] * 3
    assert [f[10][c] for c in columns] == [close(x) for x in (100.015, 100.035, 100.025)]
    assert [f[20][c] for c in columns] == [close(x) for x in (100.02, 100.04, 100.03)]


def test_f_standard_deviation_of_the_mid(f):
    """:10 deviations 0, .01, −.01: √(2e-4 / 2) = .01; :20 ±.01: √(2e-4 / 1) = .0141421356237; :00 one row, null."""
    assert f[0]["MidStd"] is None
    assert f[10]["MidStd"] == close(0.01)
    assert f[20]["MidStd"] == close(0.0141421356237)


def test_f_mean_quantities_leave_out_the_crossed_row_on_both_sides(f):
    """:10 bids (200 + 600 + 400) / 3 = 400, asks (400 + 100 + 200) / 3 = 233.333333333;
    :20 bids of rows 12, 14, 18 (300 + 100 + 200) / 3 = 200, asks of rows 14, 18 (200 + 200) / 2 = 200."""
    found = [(f[t]["BidQuantity1Mean"], f[t]["AskQuantity1Mean"]) for t in (0, 10, 20)]
    assert found == [(500, 300), (400, close(700 / 3)), (200, 200)]


def test_f_weighted_mid(f):
    """(b·A + a·B) / (b + a): :00 (500·100.04 + 300·100.00) / 800 = 100.025;
    :10 (400·100.03 + 200·100.00) / 600 = 100.02; :20 (200·100.06 + 200·100.02) / 400 = 100.04."""
    assert [f[t]["WeightedMid"] for t in (0, 10, 20)] == [close(x) for x in (100.025, 100.02, 100.04)]


def test_f_imbalance_of_the_best_quantities(f):
    """(b − a) / (b + a): rows 0: 200/800 = .25; 2: −200/600; 5: 500/700; 9: 200/600; 14: −100/300; 18: 0.
    Means: :10 (−1/3 + 5/7 + 1/3) / 3 = .238095238095; :20 (−1/3 + 0) / 2 = −.166666666667."""
    assert [f[t]["ImbalanceQuantity1"] for t in (0, 10, 20)] == [close(0.25), close(1 / 3), close(0)]
    expected = (0.25, 0.238095238095, -0.166666666667)
    assert [f[t]["ImbalanceQuantity1Mean"] for t in (0, 10, 20)] == [close(x) for x in expected]


def test_f_event_bars_of_the_mid(f):
    """:00 100.02 ×4; :10 100.025 100.035 100.015 in order; :20 100.02 100.04: its open is the first *valid*."""
    assert [f[0][f"Mid{e}"] for e in EDGES] == [close(100.02)] * 4
    assert [f[10][f"Mid{e}"] for e in EDGES] == [close(x) for x in (100.025, 100.035, 100.015, 100.015)]
    assert [f[20][f"Mid{e}"] for e in EDGES] == [close(x) for x in (100.02, 100.04, 100.02, 100.04)]


def test_f_chained_bars_of_the_mid_open_where_the_one_before_closed(f):
    """:00 no close before: 100.02 ×4; :10 opens at 100.02; :20 opens at 100.015, which is its low too."""
    assert [f[0][f"Mid{e}C"] for e in EDGES] == [close(100.02)] * 4
    assert [f[10][f"Mid{e}C"] for e in EDGES] == [close(x) for x in (100.02, 100.035, 100.015, 100.015)]
    assert [f[20][f"Mid{e}C"] for e in EDGES] == [close(x) for x in (100.015, 100.04, 100.015, 100.04)]


def test_f_bucket_without_a_book_row_carries_the_book_and_averages_nothing(f_quotes, f_states, table, bars):
    """A trade at t = 26 makes :30. Last: row 18's 100.02 × 200, 3.99840063974 bps, weighted mid 100.04, imbalance 0;
    means null; the event bar null ×4; the chained bar 100.04 ×4."""
    trades = table("Price Size", [(26, 100.03, 1)])
    found = bars(basalt.compute([ROWS, "trade"], every="10s", l2=f_quotes, trades=trades, marketstate=f_states))[30]
    assert (found["BidPrice1"], found["BidQuantity1"]) == (100.02, 200)
    assert [found[c] for c in ("SpreadBps", "WeightedMid", "ImbalanceQuantity1")] == [
        close(3.99840063974),
        close(100.04),
        close(0),
    ]
    means = ("SpreadBpsMean", "SpreadBpsMedian", "SpreadBpsStd", "MidFirst", "MidMean", "ImbalanceQuantity1Mean")
    assert [found[c] for c in means] == [None] * 6
    assert [found[f"Mid{e}"] for e in EDGES] == [None] * 4
    assert [found[f"Mid{e}C"] for e in EDGES] == [close(100.04)] * 4


BOOK1 = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"


def test_last_of_two_snapshots(table, bars):
    """10/11 then 10.5/11.5: the bid is 10.5, the spread 1e4·1/11 = 909.090909091 bps."""
    book = table(BOOK1, [(1, 10, 11, 100, 100), (2, 10.5, 11.5, 100, 100)])
    bar = bars(basalt.compute(["l2"], every="10s", l2=book))[10]
    assert bar["BidPrice1"] == 10.5
    assert bar["SpreadBps"] == close(909.090909091)


def test_bars_of_the_weighted_mid(table, bars):
    """(10, 11, 100, 200): (100·11 + 200·10)/300 = 10.3333333333; (10.5, 11.5, 200, 100): (200·11.5 + 100·10.5)/300
    = 11.1666666667; the next bucket (11, 12, 100, 200): (100·12 + 200·11)/300 = 11.3333333333."""
    book = table(BOOK1, [(1, 10, 11, 100, 200), (2, 10.5, 11.5, 200, 100), (11, 11, 12, 100, 200)])
    module = {"module": "l2", "ohlc": [{"sources": ["WeightedMid"]}]}
    found = bars(basalt.compute([module], every="10s", l2=book))
    assert found[10]["WeightedMidOpen"] == close(10.3333333333)
    assert found[10]["WeightedMidClose"] == close(11.1666666667)
    assert [found[20][f"WeightedMid{e}"] for e in EDGES] == [close(11.3333333333)] * 4


def test_a_bucket_without_book_rows_is_a_chained_bar_at_the_close_and_no_event_bar(table, bars):
    """Mid 10.5 then 11 in bucket 1, a trade alone in bucket 2, a book row in bucket 3:
    chained bar 2 is 11 ×4 and bar 3 opens at 11; event bar 2 is null."""
    book = table(BOOK1, [(1, 10, 11, 100, 100), (2, 10.5, 11.5, 100, 100), (25, 11.5, 12.5, 100, 100)])
    trades = table("Price Size", [(15, 11, 1)])
    module = {"module": "l2", "ohlc": [{"sources": ["Mid"]}, {"sources": ["Mid"], "open_mode": "prev_close"}]}
    found = bars(basalt.compute([module, "trade"], every="10s", l2=book, trades=trades))
    assert [found[20][f"Mid{e}C"] for e in EDGES] == [11] * 4
    assert [found[20][f"Mid{e}"] for e in EDGES] == [None] * 4
    assert [found[30][f"Mid{e}C"] for e in EDGES] == [11, 12, 11, 12]


BOOK2 = "BidPrice1 BidQuantity1 BidPrice2 BidQuantity2 AskPrice1 AskQuantity1 AskPrice2 AskQuantity2"
TWO_LEVELS = (1, 100.00, 500, 99.97, 500, 100.04, 300, 100.06, 500)


def test_imbalance_of_cumulated_notional(table, bars):
    """Bids 100.00×500, 99.97×500: 50000 + 49985 = 99985. Asks 100.04×300, 100.06×500: 30012 + 50030 = 80042.
    (99985 − 80042) / (99985 + 80042) = 19943 / 180027 = .110777827770."""
    module = {"module": "l2", "imbalances": [{"measures": ["CumNotional"], "levels": [2]}]}
    bar = bars(basalt.compute([module], every="10s", l2=table(BOOK2, [TWO_LEVELS])))[10]
    assert bar["ImbalanceCumNotional2"] == close(0.110777827770)


def test_f2_carries_the_last_row_s_book_and_its_missing_ask(f2, bars):
    """Continuous 0–12 and 20–30. :10 row 8: 100.02, no ask (not 100.04). :20 only the trade at 11: carried, the null
    included. :30 row 25: 100.01 and 100.05; spread 400 / 100.03 = 3.99880035989 bps."""
    module = {"module": "l2", "book": [{"measures": ["Price"]}], "spreads": ROWS["spreads"]}
    found = bars(basalt.compute([module, "trade"], every="10s", **f2))
    assert list(found) == [10, 20, 30]
    assert [found[t]["BidPrice1"] for t in found] == [100.02, 100.02, 100.01]
    assert [found[t]["AskPrice1"] for t in found] == [None, None, 100.05]
    assert [found[t]["SpreadBps"] for t in found] == [None, None, close(3.99880035989)]


def test_f2_mean_spread_is_not_carried(f2, bars):
    """:10 row 1 alone is two-sided: 400 / 100.02 = 3.99920015997; :20 no book row: null; :30 3.99880035989."""
    module = {"module": "l2", "spreads": ROWS["spreads"]}
    found = bars(basalt.compute([module, "trade"], every="10s", **f2))
    assert [found[t]["SpreadBpsMean"] for t in found] == [close(3.99920015997), None, close(3.99880035989)]
