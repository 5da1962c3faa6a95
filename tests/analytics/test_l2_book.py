"""When a book state counts: missing levels, one-sided, locked, crossed, empty; and what the measures are on one row."""

import math
from datetime import date

import pytest

from basalt import compute

NAN, INF = math.nan, math.inf
PRICES = {"prices": [{"sources": ["Mid", "Bid", "Ask"]}], "spreads": [{"variants": ["Abs", "Bps"]}]}
BEST = {"book": [{"measures": ["Price", "Quantity"], "levels": 1}]}
BOTH = {**PRICES, **BEST}
TWO = "BidPrice1 BidPrice2 AskPrice1 AskPrice2 BidQuantity1 BidQuantity2 AskQuantity1 AskQuantity2"
BID_1 = ("BidPrice1", "BidQuantity1")
ASK_1 = ("AskPrice1", "AskQuantity1")
TWO_SIDED = ("Mid", "SpreadAbs", "SpreadBps")


def values(bar, names):
    return [bar[name] for name in names]


@pytest.mark.parametrize(
    ("price", "size"), [(None, 5), (NAN, 5), (INF, 5), (0, 5), (-1, 5), (10, 0), (10, -5), (10, NAN), (10, INF)]
)
def test_bad_price_or_size_makes_the_level_missing_in_price_and_size(booked, price, size):
    """The bid is gone, the ask stays, and nothing two-sided is left."""
    [bar] = booked(BOTH, [(1, price, 11, size, 7)])
    assert values(bar, BID_1) == [None, None]
    assert values(bar, ASK_1) == [11, 7]
    assert values(bar, TWO_SIDED) == [None] * 3


def test_bad_level_is_missing_in_its_number_of_orders_too(booked):
    """Size 0 with 3 orders: no orders either; the ask's 4 stay."""
    options = {"book": [{"measures": ["NumOrders"], "levels": 1}]}
    columns = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1 BidNumOrders1 AskNumOrders1"
    [bar] = booked(options, [(1, 10, 11, 0, 7, 3, 4)], columns)
    assert values(bar, ["BidNumOrders1", "AskNumOrders1"]) == [None, 4]


def test_price_without_a_size_counts_as_a_price(booked):
    """A null size is unknown, not 0: the mid is there, the quantity is not."""
    [bar] = booked(BOTH, [(1, 10, 11, None, 7)])
    assert values(bar, [*BID_1, "Mid"]) == [10, None, 10.5]


def test_deeper_levels_do_not_move_up(booked):
    """Level 1 has size 0: level 2 stays level 2, and nothing cumulates without level 1."""
    options = {"book": [{"measures": ["Price", "CumQuantity"], "sides": ["Bid"]}]}
    [bar] = booked(options, [(1, 10, 9, 11, 12, 0, 6, 7, 8)], TWO)
    assert values(bar, ["BidPrice1", "BidPrice2", "BidCumQuantity1", "BidCumQuantity2"]) == [None, 9, None, None]


def test_cumulated_depth_adds_up_the_levels_that_exist(booked):
    """Level 2 is missing: down to level 2 there is level 1's size 5."""
    options = {"book": [{"measures": ["CumQuantity"], "sides": ["Bid"], "levels": [2]}]}
    [bar] = booked(options, [(1, 10, None, 11, 12, 5, None, 7, 8)], TWO)
    assert bar["BidCumQuantity2"] == 5


def test_one_sided_book_keeps_its_side(booked):
    [bar] = booked(BOTH, [(1, 10, None, 5, None)])
    assert values(bar, BID_1) == [10, 5]
    assert values(bar, ASK_1) == [None, None]
    assert values(bar, TWO_SIDED) == [None] * 3


def test_empty_book_is_null(booked):
    [bar] = booked(BOTH, [(1, None, None, None, None)])
    assert values(bar, [*BID_1, *ASK_1, *TWO_SIDED]) == [None] * 7


def test_locked_book_counts_with_spread_0_unless_dropped(booked):
    rows = [(1, 10, 10, 5, 7)]
    [kept] = booked(BOTH, rows)
    assert values(kept, [*BID_1, *TWO_SIDED]) == [10, 5, 10, 0, 0]
    [dropped] = booked({**BOTH, "locked": "drop"}, rows)
    assert values(dropped, [*BID_1, *ASK_1, *TWO_SIDED]) == [None] * 7


def test_crossed_book_is_dropped_on_both_sides_unless_kept(booked):
    """10 over 9: mid 9.5, spread −1, −1e4 / 9.5 bps."""
    rows = [(1, 10, 9, 5, 7)]
    [dropped] = booked(BOTH, rows)
    assert values(dropped, [*BID_1, *ASK_1, *TWO_SIDED]) == [None] * 7
    [kept] = booked({**BOTH, "crossed": "keep"}, rows)
    assert values(kept, [*BID_1, *ASK_1]) == [10, 5, 9, 7]
    assert values(kept, TWO_SIDED) == [9.5, -1, pytest.approx(-1e4 / 9.5)]


@pytest.mark.parametrize(("locked", "crossed", "left"), [("drop", "drop", 1), ("drop", "keep", 2), ("keep", "keep", 3)])
def test_locked_and_crossed_are_decided_apart(booked, locked, crossed, left):
    """Rows two-sided, crossed, locked: with both dropped 1 row counts, with crossed kept 2, with both kept 3."""
    options = {"locked": locked, "crossed": crossed, "spreads": [{"variants": ["Abs"], "aggregations": ["Min", "Max"]}]}
    [bar] = booked(options, [(1, 10, 11, 1, 1), (2, 10, 8, 1, 1), (3, 10, 10, 1, 1)])
    assert values(bar, ["SpreadAbsMin", "SpreadAbsMax"]) == [{1: 1, 2: -2, 3: -2}[left], 1]


@pytest.mark.parametrize("ask", [10 * (1 - 5e-10), 10 * (1 + 5e-10)])
def test_bests_equal_within_a_billionth_are_locked_and_never_crossed(booked, ask):
    rows = [(1, 10, ask, 5, 7)]
    assert booked(BOTH, rows)[0]["Mid"] == pytest.approx(10)
    assert booked({**BOTH, "locked": "drop"}, rows)[0]["Mid"] is None
    assert booked({**BOTH, "locked": "drop", "crossed": "keep"}, rows)[0]["Mid"] is None


def test_empty_side_zero_gives_depth_0_and_imbalance_of_1(booked):
    """Bid 5 × 10, no ask: ask depth 0 in quantity, value and orders; imbalance (5 − 0) / (5 + 0) = 1; no ask price."""
    options = {
        "empty_side": "zero",
        "book": [{"measures": ["Price", "Quantity", "Notional", "CumQuantity", "NumOrders"], "levels": 1}],
        "imbalances": [{"measures": ["Quantity", "CumNotional"], "levels": 1}],
        "prices": [{"sources": ["Mid", "WeightedMid"]}],
    }
    columns = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1 BidNumOrders1 AskNumOrders1"
    [bar] = booked(options, [(1, 10, None, 5, None, 2, None)], columns)
    asks = ["AskPrice1", "AskQuantity1", "AskNotional1", "AskCumQuantity1", "AskNumOrders1"]
    assert values(bar, asks) == [None, 0, 0, 0, 0]
    assert values(bar, ["BidNotional1", "ImbalanceQuantity1", "ImbalanceCumNotional1"]) == [50, 1, 1]
    assert values(bar, ["Mid", "WeightedMid"]) == [None, None]


def test_empty_side_zero_of_an_empty_book_has_no_imbalance(booked):
    """0 / 0 is null."""
    options = {"empty_side": "zero", "imbalances": [{"measures": ["Quantity"], "levels": 1}]}
    assert booked(options, [(1, None, None, None, None)])[0]["ImbalanceQuantity1"] is None


def test_empty_side_null_has_no_imbalance_against_a_missing_side(booked):
    options = {"imbalances": [{"measures": ["Quantity"], "levels": 1}]}
    assert booked(options, [(1, 10, None, 5, None)])[0]["ImbalanceQuantity1"] is None


def test_empty_side_zero_does_not_revive_a_crossed_row(booked):
    options = {"empty_side": "zero", "book": [{"measures": ["Quantity"], "levels": 1}]}
    assert values(booked(options, [(1, 10, 9, 5, 7)])[0], ["BidQuantity1", "AskQuantity1"]) == [None, None]


def test_measures_of_two_levels(booked):
    """Bids 10 × 5 (2 orders), 9 × 6 (3): value 50, 54; shares an order 2.5, 2; cumulated 11 shares, 104 value,
    5 orders, VWAP 104 / 11. Imbalance of orders at 2: (3 − 1) / 4; of cumulated orders: (5 − 5) / 10."""
    columns = f"{TWO} BidNumOrders1 BidNumOrders2 AskNumOrders1 AskNumOrders2"
    measures = ["Notional", "AvgOrderSize", "CumQuantity", "CumNotional", "CumOrders", "CumVWAP"]
    options = {
        "book": [{"measures": measures, "sides": ["Bid"]}],
        "imbalances": [{"measures": ["NumOrders", "CumOrders"], "levels": [2]}],
    }
    [bar] = booked(options, [(1, 10, 9, 11, 12, 5, 6, 7, 8, 2, 3, 4, 1)], columns)
    assert values(bar, ["BidNotional1", "BidNotional2"]) == [50, 54]
    assert values(bar, ["BidAvgOrderSize1", "BidAvgOrderSize2"]) == [2.5, 2]
    assert values(bar, ["BidCumQuantity2", "BidCumNotional2", "BidCumOrders2"]) == [11, 104, 5]
    assert bar["BidCumVWAP2"] == pytest.approx(104 / 11, rel=1e-15)
    assert values(bar, ["ImbalanceNumOrders2", "ImbalanceCumOrders2"]) == [0.5, 0]


def test_no_orders_at_a_level_have_no_average_size(booked):
    """5 shares in 0 orders: null, never infinite."""
    columns = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1 BidNumOrders1 AskNumOrders1"
    options = {"book": [{"measures": ["AvgOrderSize"], "levels": 1}]}
    [bar] = booked(options, [(1, 10, 11, 5, 7, 0, 7)], columns)
    assert values(bar, ["BidAvgOrderSize1", "AskAvgOrderSize1"]) == [None, 1]


def test_weighted_mid_leans_to_the_side_with_less(booked):
    """Bids heavy, 300 : 100: (300·11 + 100·10) / 400 = 10.75; without a size there is none."""
    options = {"prices": [{"sources": ["WeightedMid"]}]}
    assert booked(options, [(1, 10, 11, 300, 100)])[0]["WeightedMid"] == 10.75
    assert booked(options, [(1, 10, 11, None, 100)])[0]["WeightedMid"] is None


def test_empty_table_gives_no_rows_and_the_full_schema(table):
    columns = "BidPrice1 AskPrice1 BidQuantity1 AskQuantity1"
    empty = compute(["l2"], every="10s", l2=table(columns, []), date=date(2026, 1, 5))
    full = compute(["l2"], every="10s", l2=table(columns, [(1, 10, 11, 5, 7)]))
    assert empty.height == 0
    assert empty.schema == full.schema


def test_best_quotes_of_instruments_are_books_of_one_level(table):
    """Bid 10 × 5 and ask 12 × 5 at 1, bid 11 at 6: mids 11 and 11.5, on average over 9 seconds (5·11 + 4·11.5)/9."""
    quotes = table("BidPrice1 AskPrice1 BidQuantity1 AskQuantity1", [(1, 10, 12, 5, 5), (6, 11, 12, 5, 5)])
    modules = [
        {"module": "l2", "levels": 1, "prices": [{"sources": ["Mid"]}], "tables": {"l2": "cbbo"}},
        {"module": "l2tw", "levels": 1, "prices": [{"sources": ["Mid"]}], "tables": {"l2": "cbbo"}},
    ]
    [bar] = compute(modules, every="10s", cbbo=quotes.rename({"ListingId": "InstrumentId"})).to_dicts()
    assert (bar["InstrumentId"], bar["Mid"]) == (1, 11.5)
    assert bar["MidTWA"] == pytest.approx((5 * 11 + 4 * 11.5) / 9)
