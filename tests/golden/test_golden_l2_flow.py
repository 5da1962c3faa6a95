"""Order flow and changes of the book, on fixture F and on the spec's books (l2 §4, §8, §11)."""

import pytest

import basalt

FLOW = {
    "module": "l2",
    "flow": [{"measures": ["OFI", "OFINorm"], "levels": 1}],
    "counts": [{}],
}


def close(value):
    return pytest.approx(value, rel=1e-11, abs=1e-11)


@pytest.fixture(name="f")
def f_(f_trades, f_quotes, f_states, bars):
    found = [FLOW, "trade"]
    return bars(
        basalt.compute(found, every="10s", timeline="dense", l2=f_quotes, trades=f_trades, marketstate=f_states)
    )


def test_f_order_flow_imbalance(f):
    """e of row 2: bid up +200, ask stays 300 − 400 = −100 → 100; 5: +600, ask up +400 → 1000; 9: −600, ask down −200 →
    −800; sum 300. Row 12: +300, ask gone +200 → 500; 14: +100, ask comes −200 → −100; 16: +100, ask up +200 → 300;
    18: −100, ask up +100 → 0; sum 700. Row 0 opens the stretch and has none."""
    assert [f[t]["OFI1"] for t in (0, 10, 20, 30)] == [0, 300, 700, 0]


def test_f_order_flow_relative_to_the_mean_size(f):
    """Means of (b + a)/2: :00 400; :10 (300 + 350 + 300)/3 = 316.667; :20 (150 + 150 + 100 + 200)/4 = 150, the missing
    ask of row 12 being 0. 300/316.667 = .947368421053; 700/150 = 4.66666666667."""
    assert [f[t]["OFINorm1"] for t in (0, 10, 20, 30)] == [0, close(0.947368421053), close(4.66666666667), None]


def test_f_updates_and_changes_of_the_mid(f):
    """Row 14 (100.02) changes the valid mid of row 9 (100.015), row 18 (100.04) that of row 14."""
    assert [f[t]["BookUpdatesCount"] for t in (0, 10, 20, 30)] == [1, 3, 4, 0]
    assert [f[t]["BookMidChangesCount"] for t in (0, 10, 20, 30)] == [0, 3, 2, 0]


def test_f_touch_updates_and_changes_of_the_bests(f):
    """Every row of F changes the touch. Valid bids: 100, 100.01, 100.02, 100 | 100.01, 100.02, –, 100.02: 3 and 2
    changes. Valid asks: 100.04, 100.04, 100.05, 100.03 | –, 100.02, –, 100.06: 2 and 2."""
    assert [f[t]["BookTouchUpdatesCount"] for t in (0, 10, 20, 30)] == [1, 3, 4, 0]
    assert [f[t]["BookBidChangesCount"] for t in (0, 10, 20, 30)] == [0, 3, 2, 0]
    assert [f[t]["BookAskChangesCount"] for t in (0, 10, 20, 30)] == [0, 2, 2, 0]


def test_f_shares_of_rows_in_odd_states(f):
    """:20: of four rows one is one-sided (12), one locked (14), one crossed (16)."""
    names = [f"Book{state}RowShare" for state in ("Crossed", "Locked", "OneSided")]
    assert [[f[t][n] for n in names] for t in (0, 10, 20, 30)] == [[0] * 3, [0] * 3, [0.25] * 3, [None] * 3]


def test_order_flow_by_level(table, bars):
    """L1 (10.00, 5, 10.02, 4), (10.01, 2, 10.02, 6), (10.01, 3, 10.03, 1): 2 − 2 = 0, then 1 + 6 = 7.
    L2 (9.99, 7, 10.03, 8), (10.00, 5, 10.03, 8), (10.00, 5, 10.04, 9): 5 − 0, then 0 + 8. Both levels: 20."""
    columns = "BidPrice1 BidQuantity1 AskPrice1 AskQuantity1 BidPrice2 BidQuantity2 AskPrice2 AskQuantity2"
    rows = [
        (1, 10.00, 5, 10.02, 4, 9.99, 7, 10.03, 8),
        (11, 10.01, 2, 10.02, 6, 10.00, 5, 10.03, 8),
        (21, 10.01, 3, 10.03, 1, 10.00, 5, 10.04, 9),
    ]
    module = {"module": "l2", "flow": [{"measures": ["OFI"], "levels": 2}, {"measures": ["OFITotal"], "levels": [2]}]}
    found = bars(basalt.compute([module], every="10s", l2=table(columns, rows)))
    assert [(found[t]["OFI1"], found[t]["OFI2"]) for t in (10, 20, 30)] == [(0, 0), (0, 5), (7, 8)]
    assert sum(found[t]["OFITotal2"] for t in (10, 20, 30)) == 20


def test_f2_row_behind_the_halt_opens_a_stretch(f2, bars):
    """Row 8 of :10: bid up +200, ask gone +300 → 500. Row 25 is neither an event nor a change; :20 has no row."""
    found = bars(basalt.compute([FLOW], every="10s", timeline="dense", l2=f2["l2"], marketstate=f2["marketstate"]))
    assert [found[t]["OFI1"] for t in (10, 20, 30)] == [500, 0, 0]
    assert [found[t]["BookMidChangesCount"] for t in (10, 20, 30)] == [0, 0, 0]
