"""Which trades count: validity, states, types, where, publication, cancellation."""

import math
from datetime import date

import polars as pl
import pytest

from basalt import compute
from basalt.errors import UserError
from basalt_analytics.trade.module import Trade

COUNT = {"generic": [{"measures": ["Volume", "Count"]}]}
NAN, INF = math.nan, math.inf


def volumes(bars):
    return [bar["TradeTotalVolume"] for bar in bars]


@pytest.mark.parametrize(
    ("price", "size"),
    [(None, 1), (NAN, 1), (INF, 1), (-INF, 1), (0, 1), (-1, 1), (10, None), (10, NAN), (10, INF), (10, 0), (10, -5)],
)
def test_invalid_price_or_size_is_no_trade_and_is_counted(traded, price, size):
    """Of two rows one is valid, 10 × 3: volume 3, count 1, invalid 1."""
    [bar] = traded(COUNT, [(1, 10, 3), (2, price, size)])
    assert (bar["TradeTotalVolume"], bar["TradeTotalCount"], bar["TradeInvalidCount"]) == (3, 1, 1)


def test_nonpositive_prices_count_where_allowed(traded):
    """−2 × 1, 0 × 1 and 5 × 2: VWAP (−2 + 0 + 10) / 4 = 2; an infinite price stays invalid."""
    options = {"allow_nonpositive_prices": True, "generic": [{"measures": ["Count", "VWAP", "Low"]}]}
    [bar] = traded(options, [(1, -2, 1), (2, 0, 1), (3, 5, 2), (4, -INF, 1)])
    assert (bar["TradeTotalCount"], bar["TradeTotalVWAP"], bar["TradeTotalLow"]) == (3, 2.0, -2)
    assert bar["TradeInvalidCount"] == 1


def test_cancelled_trade_is_no_trade_and_no_invalid_one(traded):
    """A null IsCancelled is not a cancellation: volumes 1 + 4, nothing invalid although the cancelled size is 0."""
    [bar] = traded(COUNT, [(1, 10, 1), (2, 10, 0), (3, 10, 4)], IsCancelled=[False, True, None])
    assert (bar["TradeTotalVolume"], bar["TradeInvalidCount"]) == (5, 0)


def test_invalid_trades_are_counted_before_state_type_and_where(traded):
    """The invalid row is in an auction, dark, and fails `where`; it counts all the same."""
    options = {**COUNT, "trade_types": ["Lit"], "where": "Price < 50"}
    more = {"MarketState": ["CONTINUOUS_TRADING", "CLOSING_AUCTION"], "TradeType": ["Lit", "Dark"]}
    [bar] = traded(options, [(1, 10, 1), (2, 99, 0)], **more)
    assert (bar["TradeTotalVolume"], bar["TradeInvalidCount"]) == (1, 1)


def test_invalid_trades_alone_make_no_bucket(traded):
    assert traded(COUNT, [(1, 10, 0)]) == []


def test_empty_table_gives_no_rows_and_the_full_schema(table):
    """Columns and dtypes are those of a day with trades."""
    empty = compute(["trade"], every="10s", trades=table("Price Size", []), date=date(2026, 1, 5))
    full = compute(["trade"], every="10s", trades=table("Price Size", [(1, 10, 1)]))
    assert empty.height == 0
    assert empty.schema == full.schema


def test_nothing_configured_is_volume_count_vwap_and_bars_of_all_trades(traded):
    [bar] = traded({}, [(1, 10, 1)])
    assert list(bar)[2:] == [
        "TradeTotalVolume",
        "TradeTotalCount",
        "TradeTotalVWAP",
        "TradeTotalOpen",
        "TradeTotalHigh",
        "TradeTotalLow",
        "TradeTotalClose",
        "TradeInvalidCount",
    ]


def test_only_continuous_trading_counts_where_the_state_is_known(traded):
    """Of 1 (auction), 2 (continuous), 4 (unknown state): 2."""
    states = ["OPENING_AUCTION", "CONTINUOUS_TRADING", None]
    assert volumes(traded(COUNT, [(1, 10, 1), (2, 10, 2), (3, 10, 4)], MarketState=states)) == [2]


@pytest.mark.parametrize(
    ("market_states", "volume"),
    [
        ("CLOSING_AUCTION", 2),
        (["CONTINUOUS_TRADING", "CLOSING_AUCTION"], 3),
        ("all", 11),
        (["CLOSED"], 4),
        (["null", "CONTINUOUS_TRADING"], 9),
    ],
)
def test_market_states_is_one_filter(traded, market_states, volume):
    """1 continuous, 2 closing auction, 4 closed, 8 unknown; "all" leaves out CLOSED alone."""
    states = ["CONTINUOUS_TRADING", "CLOSING_AUCTION", "CLOSED", None]
    rows = [(1, 10, 1), (2, 10, 2), (3, 10, 4), (4, 10, 8)]
    assert volumes(traded({**COUNT, "market_states": market_states}, rows, MarketState=states)) == [volume]


@pytest.mark.parametrize(
    ("types", "volume"), [(["Lit"], 1), (["Lit", "Dark"], 3), (["Dark", "null"], 6), (["null"], 4), (["OffBook"], 0)]
)
def test_trade_types_is_one_filter_and_the_unknown_type_fails_it_unless_named(traded, types, volume):
    """1 lit, 2 dark, 4 of unknown type."""
    rows = [(1, 10, 1), (2, 10, 2), (3, 10, 4)]
    assert volumes(traded({**COUNT, "trade_types": types}, rows, TradeType=["Lit", "Dark", None])) == [volume]


def test_where_keeps_rows_for_which_it_is_true_and_drops_null(traded):
    """Size > 1 AND TradeType = 'Lit': rows 2 and 4 pass by size, row 4's type is null."""
    rows = [(1, 10, 1), (2, 10, 2), (3, 10, 4)]
    options = {**COUNT, "where": "Size > 1 AND TradeType = 'Lit'"}
    assert volumes(traded(options, rows, TradeType=["Lit", "Lit", None])) == [2]


def test_bucket_whose_trades_all_fail_where_has_zero_volume_and_no_price(traded):
    """The row makes the bucket; `where` leaves nothing in it."""
    options = {"where": "Size > 100", "generic": [{"measures": ["Volume", "Count", "VWAP", "Close"]}]}
    [bar] = traded(options, [(1, 10, 1)])
    assert [bar[f"TradeTotal{m}"] for m in ("Volume", "Count", "VWAP", "Close")] == [0, 0, None, None]


def test_where_that_misspells_a_category_is_refused(traded):
    with pytest.raises(UserError, match=r"trade\.where.*'Light'"):
        traded({"where": "TradeType = 'Light'"}, [(1, 10, 1)], TradeType=["Lit"])


def test_publication_later_than_the_delay_drops_the_trade(traded, stamps):
    """Executed at 1, 2, 3, 4; published 3 s, 3.000000001 s and 0 s later and at an unknown time: 1 + 4 within 3 s."""
    rows = [(1, 10, 1), (2, 10, 2), (3, 10, 4), (4, 10, 8)]
    published = stamps([4, "5.000000001", 3, None])
    assert volumes(traded({**COUNT, "max_publication_delay": "3s"}, rows, PublicationTimestamp=published)) == [5]


def test_negative_publication_delay_is_refused(traded, stamps):
    with pytest.raises(UserError, match="max_publication_delay = '-1s' is negative"):
        traded({"max_publication_delay": "-1s"}, [(1, 10, 1)], PublicationTimestamp=stamps([1]))


def test_publication_delay_without_publication_times_is_refused(traded):
    with pytest.raises(UserError, match="PublicationTimestamp"):
        traded({"max_publication_delay": "3s"}, [(1, 10, 1)])


def test_side_without_an_aggressor_column_is_refused(traded):
    with pytest.raises(UserError, match=r"TradeBuyVolume.*AggressorSide.*trades"):
        traded({"generic": [{"measures": ["Volume"], "sides": ["Buy"]}]}, [(1, 10, 1)])


def test_group_overrides_types_where_and_states_of_the_module(traded):
    """1 lit, 2 dark, 4 lit in the auction. Module: lit and continuous, 1. Groups: dark 2; size ≥ 1 as the module's
    `where` does not hold there: 1; all states, lit: 1 + 4 = 5."""
    options = {
        "trade_types": ["Lit"],
        "where": "Size < 4",
        "generic": [
            {"measures": ["Volume"], "name": "A{measure}"},
            {"measures": ["Volume"], "trade_types": ["Dark"], "name": "B{measure}"},
            {"measures": ["Volume"], "where": "Size >= 4", "name": "C{measure}"},
            {"measures": ["Volume"], "where": "Size > 0", "market_states": "all", "name": "D{measure}"},
        ],
    }
    more = {
        "TradeType": ["Lit", "Dark", "Lit"],
        "MarketState": ["CONTINUOUS_TRADING", "CONTINUOUS_TRADING", "CLOSING_AUCTION"],
    }
    [bar] = traded(options, [(1, 10, 1), (2, 10, 2), (3, 10, 4)], **more)
    assert [bar[f"{group}Volume"] for group in "ABCD"] == [1, 2, 0, 5]


def test_groups_of_one_frame_share_one_aggregation_whatever_they_filter(parts):
    """Two groups with the module's states and one of all states make two parts, and the invalid count a third."""
    options = {
        "where": "Size > 1",
        "generic": [
            {"measures": ["Volume"]},
            {"measures": ["Volume"], "where": "Size > 2", "name": "Large{measure}"},
            {"measures": ["Volume"], "market_states": "all", "name": "All{measure}"},
        ],
    }
    found = parts(Trade, options, {"Price": pl.Float64(), "Size": pl.Float64()})
    assert [[m.name for m in part.metrics] for part in found] == [
        ["TradeTotalVolume", "LargeVolume"],
        ["AllVolume"],
        ["TradeInvalidCount"],
    ]
    assert [part.where is None for part in found] == [True, False, True]
    assert [part.makes_buckets for part in found] == [True, True, False]
