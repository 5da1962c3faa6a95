"""Order flow and changes of the book at their edges: missing levels, halts, where, tolerance, odd rows."""

import math

import pytest

from basalt.errors import UserError

TWO = "BidPrice1 BidPrice2 AskPrice1 AskPrice2 BidQuantity1 BidQuantity2 AskQuantity1 AskQuantity2"
OFI = {"flow": [{"measures": ["OFI"], "levels": 1}]}
COUNTS = {"counts": [{}]}


def flow_of(booked, rows, **more):
    return [bar["OFI1"] for bar in booked({**OFI, **more}, rows)]


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        ((10, 11, 5, 7), (10, 11, 8, 7), 3),
        ((10, 11, 5, 7), (10, 11, 5, 9), -2),
        ((10, 11, 5, 7), (10.5, 11, 8, 7), 8),
        ((10, 11, 5, 7), (9.5, 11, 8, 7), -5),
        ((10, 11, 5, 7), (10, 10.5, 5, 9), -9),
        ((10, 11, 5, 7), (10, 11.5, 5, 9), 7),
        ((10, 11, 5, 7), (None, 11, None, 7), -5),
        ((None, 11, None, 7), (10, 11, 5, 7), 5),
        ((10, 11, 5, 7), (10, None, 5, None), 7),
        ((None, None, None, None), (None, None, None, None), 0),
        ((10, 11, 5, 7), (10 * (1 + 5e-10), 11, 8, 7), 3),
        ((10, 9, 5, 7), (10, 9, 6, 7), 1),
        ((10, 11, 5, 7), (10, 11, -1, 7), -5),
        ((10, 11, 5, 7), (10, 11, None, 7), -5),
    ],
)
def test_event_of_one_row(booked, before, after, event):
    """Sizes added to the bid minus sizes added to the ask; rounding is no move, and crossed rows count."""
    assert flow_of(booked, [(1, *before), (2, *after)]) == [event]


def test_first_row_of_a_stretch_has_no_event(booked, table):
    """Halted from 5 to 15: the row at 16 is not compared with that at 1."""
    states = table("MarketState", [(0, "CONTINUOUS_TRADING"), (5, "HALTED"), (15, "CONTINUOUS_TRADING")])
    rows = [(1, 10, 11, 5, 7), (2, 10, 11, 6, 7), (16, 10, 11, 100, 7)]
    assert flow_of(booked, rows) == [1, 94]
    bars = booked(OFI, rows, tables={"marketstate": states})
    assert [bar["OFI1"] for bar in bars] == [1, 0]


def test_rows_that_fail_where_are_no_row_before(booked):
    """Sizes 5, 500, 6, of which where drops the middle one: 6 − 5."""
    rows = [(1, 10, 11, 5, 7), (2, 10, 11, 500, 7), (3, 10, 11, 6, 7)]
    assert flow_of(booked, rows, where="BidQuantity1 < 100") == [1]


def test_relative_flow_of_a_level_that_never_was_is_null(booked):
    options = {"flow": [{"measures": ["OFINorm"], "levels": 1}]}
    [bar] = booked(options, [(1, None, None, None, None), (2, None, None, None, None)])
    assert bar["OFINorm1"] is None


def test_total_flow_is_the_weighted_sum_of_levels(booked):
    """Level 1 bid +3, level 2 bid +5: 8, and 3 + .5·5 = 5.5 with weights."""
    rows = [(1, 10, 9, 11, 12, 5, 5, 7, 7), (2, 10, 9, 11, 12, 8, 10, 7, 7)]
    plain = {"measures": ["OFITotal"], "levels": [1, 2]}
    weighted = {"measures": ["OFITotal"], "levels": [2], "weights": [1, 0.5], "name": "W{level}"}
    [bar] = booked({"flow": [plain, weighted]}, rows, TWO)
    assert [bar[n] for n in ("OFITotal1", "OFITotal2", "W2")] == [3, 8, 5.5]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ({"measures": ["OFI"], "weights": [1]}, r"l2\.flow\[0\]: weights = \[1\.0\] does nothing without OFITotal"),
        ({"measures": ["OFITotal"], "levels": 2, "weights": [1]}, r"weights has 1 numbers and OFITotal adds up 2"),
        ({"measures": []}, r"l2\.flow\[0\]: measures is empty"),
        ({"measures": ["OFI"], "levels": [3]}, r"l2\.flow\[0\]\.levels asks for level 3"),
        ({"measures": ["OFI"], "name": "{side}"}, r"unknown field {side}; its fields are {measure}, {level}"),
    ],
)
def test_flow_that_cannot_be_meant_is_refused(booked, group, said):
    with pytest.raises(UserError, match=said):
        booked({"flow": [group]}, [(1, 10, 9, 11, 12, 5, 5, 7, 7)], TWO)


def test_repeated_row_is_an_update_and_no_change(booked):
    """Three equal rows: 3 updates, of which only the first, opening the stretch, touches; no changes."""
    [bar] = booked(COUNTS, [(i, 10, 11, 5, 7) for i in (1, 2, 3)])
    names = ["BookUpdatesCount", "BookTouchUpdatesCount", "BookMidChangesCount", "BookBidChangesCount"]
    assert [bar[n] for n in names] == [3, 1, 0, 0]


def test_mid_that_goes_and_comes_back_the_same_has_not_changed(booked):
    """10.5, one-sided, crossed, 10.5 again, 10.5 within a billionth, 11: one change; the ask's 11, –, –, 11, 12."""
    rows = [
        (1, 10, 11, 5, 7),
        (2, 10, None, 5, None),
        (3, 12, 11, 5, 7),
        (4, 10, 11, 5, 7),
        (5, 10 * (1 + 5e-10), 11, 5, 7),
        (6, 10, 12, 5, 7),
    ]
    [bar] = booked(COUNTS, rows)
    assert [bar[f"Book{m}ChangesCount"] for m in ("Mid", "Bid", "Ask")] == [1, 0, 1]
    assert bar["BookTouchUpdatesCount"] == 5


def test_shares_of_rows_are_of_what_was_there_before_anything_was_dropped(booked):
    """Rows two-sided, locked, crossed, one-sided; all kept or all dropped, each is a quarter."""
    rows = [(1, 10, 11, 5, 7), (2, 10, 10, 5, 7), (3, 12, 11, 5, 7), (4, 10, None, 5, None)]
    for dropped in ("keep", "drop"):
        [bar] = booked({**COUNTS, "locked": dropped, "crossed": dropped}, rows)
        assert [bar[f"Book{s}RowShare"] for s in ("Locked", "Crossed", "OneSided")] == [0.25] * 3


def test_invalid_levels_are_counted_each_and_missing_ones_not(booked):
    """Row 1: a NaN price, an infinite size, a price of −1 and a size of 0: 4. Row 2: null levels: 0."""
    rows = [
        (1, math.nan, 9, 11, -1, 5, math.inf, 0, 7),
        (2, 10, None, 11, None, 5, None, 7, None),
    ]
    options = {"counts": [{"measures": ["InvalidLevel", "Disordered", "Updates"]}]}
    [bar] = booked(options, rows, TWO)
    assert [bar[f"Book{m}Count"] for m in ("InvalidLevel", "Disordered", "Updates")] == [4, 0, 2]


@pytest.mark.parametrize(
    ("bid2", "ask2", "disordered"),
    [(9, 12, 0), (10, 12, 1), (10.5, 12, 1), (9, 11, 1), (9, 10.9, 1), (None, None, 0), (10 * (1 - 5e-10), 12, 1)],
)
def test_row_whose_levels_do_not_get_worse_is_disordered_and_kept(booked, bid2, ask2, disordered):
    """Bests 10 and 11. Equal prices, within rounding too, are not in order; a missing level is not compared."""
    options = {"counts": [{"measures": ["Disordered"]}], "prices": [{"sources": ["Mid"]}]}
    [bar] = booked(options, [(1, 10, bid2, 11, ask2, 5, 5, 7, 7)], TWO)
    assert (bar["BookDisorderedCount"], bar["Mid"]) == (disordered, 10.5)


def test_name_template_of_counts(booked):
    [bar] = booked({"counts": [{"measures": ["Updates", "Locked"], "name": "N{measure}"}]}, [(1, 10, 11, 5, 7)])
    assert list(bar)[2:] == ["NUpdates", "NLocked"]
    with pytest.raises(UserError, match=r"l2\.counts\[0\]: measures is empty"):
        booked({"counts": [{"measures": []}]}, [(1, 10, 11, 5, 7)])
