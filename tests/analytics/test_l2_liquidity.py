"""Cost and shape at their edges: short, missing, unknown and odd books; what options are refused."""

import math

import pytest

from basalt.errors import UserError
from basalt_analytics.l2.module import L2

TWO = "BidPrice1 BidPrice2 AskPrice1 AskPrice2 BidQuantity1 BidQuantity2 AskQuantity1 AskQuantity2"
ROW = (1, 100, 99, 102, 103, 10, 10, 10, 10)
WALKS = ["Xlm", "XlmBuy", "XlmSell", "XlmUnfilledRatio"]


def bar_of(booked, group, row=ROW, **options):
    [bar] = booked({"liquidity": [group], **options}, [row], TWO)
    return list(bar.values())[2:]


def test_order_that_takes_exactly_all_there_is_can_be_filled(booked):
    """20 shares: asks average 102.5, bids 99.5, mid 101: 3e4/101, 1.5e4/101, 1.5e4/101, nothing unfilled."""
    found = bar_of(booked, {"measures": WALKS, "notionals": [20], "by": "shares"})
    assert found == [pytest.approx(x) for x in (3e4 / 101, 1.5e4 / 101, 1.5e4 / 101, 0)]


def test_one_short_side_leaves_the_other_way_priced(booked):
    """The ask shows 10 shares alone: 15 can be sold (10 at 100, 5 at 99) and not bought; a third is unfilled."""
    row = (1, 100, 99, 102, None, 10, 10, 10, None)
    found = bar_of(booked, {"measures": WALKS, "notionals": [15], "by": "shares"}, row)
    sold = (10 * 100 + 5 * 99) / 15
    assert found == [None, None, pytest.approx(1e4 * (101 - sold) / 101), pytest.approx(1 / 3)]


@pytest.mark.parametrize(
    "row",
    [
        (1, None, 99, 102, 103, None, 10, 10, 10),
        (1, 100, 99, None, None, 10, 10, None, None),
        (1, 103, 99, 102, 103, 10, 10, 10, 10),
        (1, None, None, None, None, None, None, None, None),
        (1, math.nan, 99, 102, 103, 10, 10, 10, 10),
    ],
    ids=["no best bid", "no asks", "crossed", "empty", "NaN"],
)
def test_book_that_is_not_two_sided_costs_nothing_known(booked, row):
    group = {"measures": [*WALKS, "DepthWithin", "DepthSlope", "LogDepthSlope"], "notionals": [500], "bps": [5]}
    assert set(bar_of(booked, group, row)) == {None}
    assert bar_of(booked, {"measures": ["DepthSpread"], "levels": [2]}, row) == [None]


def test_depth_from_the_touch_is_of_the_side_alone(booked):
    """No asks: of the bids level 1 is within 50 bps of itself; 100 bps reach 99, the deepest level, too."""
    row = (1, 100, 99, None, None, 10, 10, None, None)
    group = {"measures": ["DepthWithin"], "bps": [50, 100], "reference": "touch"}
    assert bar_of(booked, group, row) == [10, None, 20, None, False, None, True, None]


def test_empty_side_is_0_deep_where_missing_is_zero(booked):
    row = (1, 100, 99, None, None, 10, 10, None, None)
    group = {"measures": ["DepthWithin"], "bps": [50], "reference": "touch"}
    assert bar_of(booked, group, row, empty_side="zero") == [10, 0, False, None]


def test_size_that_is_not_known_is_nothing_to_walk_or_stand_on(booked):
    """The ask's size is null: what buying costs is unknown; selling 500 takes 5 shares at 100."""
    row = (1, 100, 99, 102, 103, 10, 10, None, 10)
    group = {"measures": [*WALKS, "DepthWithin"], "notionals": [500], "bps": [5]}
    assert bar_of(booked, group, row) == [None, None, pytest.approx(1e4 / 101), None, 0, None, False, None]


def test_missing_level_is_passed_over_by_orders_and_ends_the_log_slope(booked):
    """Bid levels 100×10, –, 98×10: 15 shares sell at (1000 + 490)/15; the slope has level 1 alone: ln 10/(1/101)."""
    sides = "BidPrice1 BidPrice2 BidPrice3 BidQuantity1 BidQuantity2 BidQuantity3"
    columns = f"{sides} {sides.replace('Bid', 'Ask')}"
    row = (1, 100, None, 98, 10, None, 10, 102, None, 104, 10, None, 10)
    options = {"measures": ["XlmSell", "LogDepthSlope"], "notionals": [15], "by": "shares"}
    [bar] = booked({"liquidity": [options]}, [row], columns)
    assert bar["XlmSellBps15"] == pytest.approx(1e4 * (101 - 1490 / 15) / 101)
    assert bar["LogDepthSlope"] == pytest.approx(math.log(10) * 101)


def test_log_slope_is_null_where_a_step_begins_at_one_share_or_has_no_width(booked):
    """ln 1 = 0 divides the step to level 2; equal prices have no width."""
    group = {"measures": ["LogDepthSlope"]}
    assert bar_of(booked, group, (1, 100, 99, 102, 103, 1, 10, 10, 10)) == [None]
    assert bar_of(booked, group, (1, 100, 100, 102, 103, 10, 10, 10, 10)) == [None]


def test_slope_of_a_locked_book_of_one_level_is_null(booked):
    """No distance at all: Σ d² = 0."""
    row = (1, 100, None, 100, None, 10, None, 10, None)
    assert bar_of(booked, {"measures": ["DepthSlope", "LogDepthSlope"]}, row) == [None] * 3


def test_levels_of_the_group_limit_what_is_seen(booked):
    """With one level 15 shares are too many; depth within 1000 bps is 10 a side, truncated."""
    group = {"measures": ["Xlm", "DepthWithin"], "by": "shares", "notionals": [15], "bps": [1000], "levels": 1}
    assert bar_of(booked, group) == [None, 10, 10, True, True]


def test_levels_of_the_module_limit_slopes_alone(booked):
    group = {"measures": ["Xlm", "DepthSlope"], "by": "shares", "notionals": [20]}
    found = bar_of(booked, group, levels=1)
    d = 1e4 / 101
    assert found == [pytest.approx(3e4 / 101), pytest.approx(10 / d), pytest.approx(10 / d)]


def test_average_of_a_flag_is_a_share_of_rows_and_its_extremes_are_flags(booked):
    """Truncated on row 1, not on row 2 with a level 2 far away."""
    rows = [ROW, (2, 100, 90, 102, 103, 10, 10, 10, 10)]
    group = {"measures": ["DepthWithin"], "bps": [250], "aggregations": ["Last", "Min", "Max", "Mean"]}
    [bar] = booked({"liquidity": [group]}, rows, TWO)
    found = [bar[f"BidDepthWithin250BpsTruncated{a}"] for a in ("", "Min", "Max", "Mean")]
    assert found == [False, False, True, 0.5]


def test_name_template_of_liquidity(booked):
    group = {"measures": ["Xlm", "DepthSlope"], "notionals": [500], "name": "{measure}Of{notional}{side}"}
    [bar] = booked({"liquidity": [group]}, [ROW], TWO)
    assert list(bar)[2:] == ["XlmBpsOf500", "DepthSlopeOfBid", "DepthSlopeOfAsk"]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ({"measures": ["Xlm"]}, r"l2\.liquidity\[0\]: Xlm needs notionals: list at least one"),
        ({"measures": ["DepthWithin"]}, r"l2\.liquidity\[0\]: DepthWithin needs bps"),
        ({"measures": ["DepthSlope"], "notionals": [1]}, r"notionals = \[1\.0\] does nothing without Xlm"),
        ({"measures": ["DepthSlope"], "by": "shares"}, r"by = 'shares' does nothing without Xlm"),
        ({"measures": ["DepthSlope"], "reference": "touch"}, r"reference = 'touch' does nothing without DepthWithin"),
        ({"measures": ["Xlm"], "notionals": [0]}, r"notionals = \[0\.0\] has a quantity that is not above 0"),
        ({"measures": ["DepthWithin"], "bps": [-5]}, r"bps = \[-5\.0\] has a quantity that is not above 0"),
        ({"measures": ["DepthSpread"], "levels": [3]}, r"l2\.liquidity\[0\]\.levels asks for level 3"),
        ({"measures": []}, r"l2\.liquidity\[0\]: measures is empty"),
        ({"measures": ["Xlm"], "notionals": [1, 1]}, r"l2\.liquidity\[0\] emits XlmBps1 twice"),
        ({"measures": ["Xlm"], "notionals": [1], "name": "{venue}"}, r"unknown field {venue}"),
    ],
)
def test_what_cannot_be_meant_is_refused(booked, group, said):
    with pytest.raises(UserError, match=said):
        booked({"liquidity": [group]}, [ROW], TWO)


def test_depth_adds_up_over_listings_and_costs_do_not(parts):
    columns = dict.fromkeys(["BidPrice1", "BidQuantity1", "AskPrice1", "AskQuantity1"])
    group = {"measures": ["Xlm", "DepthWithin"], "notionals": [1], "bps": [5]}
    metrics = {m.name: m for m in parts(L2, {"liquidity": [group]}, columns)[0].metrics}
    assert metrics["BidDepthWithin5Bps"].over_listings.kind == "sum"
    assert metrics["XlmBps1"].over_listings.kind == "none"
    assert metrics["XlmBps1"].sign.startswith("+ when the taker pays")
