"""The numbers, computed twice: every cell of trade, l2 and generic against a slow reference written from the
specifications alone, on the sample days, on spoiled random days and on tiny hostile ones.

BASALT_FUZZ_DAYS=500 compares that many random days and as many tiny ones (default 20 and 4). What the comparison found
wrong follows, each as a day small enough to compute by hand.
"""

import os
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import basalt
from basalt.tables import NS_UTC, STATE
from basalt.testing.days import DAYS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from reference.against import MIDNIGHT, compared
from reference.days import spoiled
from reference.tiny import tiny_days

FUZZ_DAYS = int(os.environ.get("BASALT_FUZZ_DAYS", "20"))
TINY_DAYS = int(os.environ.get("BASALT_FUZZ_DAYS", "4"))
TABLES = ("trades", "l2", "marketstate")


@pytest.mark.slow
@pytest.mark.parametrize("name", DAYS)
def test_sample_days_agree_with_the_reference(name):
    day = {table: DAYS[name]()[table] for table in TABLES}
    assert compared(name, day) == []


@pytest.mark.slow
def test_spoiled_random_days_agree_with_the_reference():
    found = {seed: compared(seed, spoiled(seed)) for seed in range(FUZZ_DAYS)}
    assert {seed: wrong for seed, wrong in found.items() if wrong} == {}


@pytest.mark.slow
@settings(max_examples=TINY_DAYS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), day=tiny_days())
def test_days_of_a_few_rows_at_hostile_stamps_agree_with_the_reference(seed, day):
    assert compared(seed, day) == []


def books(rows):
    """Rows of (listing, seconds after midnight, bid, ask), all sizes 10."""
    return pl.DataFrame(
        {
            "ListingId": [row[0] for row in rows],
            "EventTimestamp": pl.Series([MIDNIGHT + row[1] * 10**9 for row in rows]).cast(NS_UTC),
            **{
                name: pl.Series([row[i] for row in rows], dtype=pl.Float64)
                for i, name in ((2, "BidPrice1"), (3, "AskPrice1"))
            },
            **{name: [10.0] * len(rows) for name in ("BidQuantity1", "AskQuantity1")},
        }
    )


def changes(rows):
    """Market states: (listing, seconds after midnight, state)."""
    stamps = pl.Series([MIDNIGHT + row[1] * 10**9 for row in rows]).cast(NS_UTC)
    found = {"ListingId": [r[0] for r in rows], "EventTimestamp": stamps, "MarketState": [r[2] for r in rows]}
    return pl.DataFrame(found).cast({"MarketState": STATE})


CHAINED = {"module": "l2", "ohlc": [{"sources": ["Mid"], "open_mode": "prev_close"}]}


def test_a_chained_bar_whose_first_valid_mid_follows_a_halt_does_not_open_before_it():
    """Mids 10.5 | one-sided, halt 15 to 17, 12.5: the bar of 10 to 20 has rows before the halt but no value; its
    first value is in the next stretch, which has no close before it, so it opens there: 12.5 ×4."""
    book = books([(1, 5, 10, 11), (1, 12, 10, None), (1, 18, 12, 13)])
    states = changes([(1, 0, "CONTINUOUS_TRADING"), (1, 15, "HALTED"), (1, 17, "CONTINUOUS_TRADING")])
    bars = basalt.compute([CHAINED], every="10s", l2=book, marketstate=states)
    assert bars.select("MidOpenC", "MidHighC", "MidLowC", "MidCloseC").rows() == [(10.5,) * 4, (12.5,) * 4]


def test_an_empty_side_is_zero_deep_whatever_its_deeper_levels_hold():
    """Bids null×10, 9×5; asks 11×10, 12×10: with no best bid the side is empty, so depth 0 and imbalance −20/20."""
    book = books([(1, 5, None, 11)]).with_columns(BidPrice2=9.0, BidQuantity2=5.0, AskPrice2=12.0, AskQuantity2=10.0)
    cumulated = {"measures": ["CumQuantity"], "levels": [2]}
    module = {"module": "l2", "empty_side": "zero", "book": [cumulated], "imbalances": [cumulated]}
    [bar] = basalt.compute([module], every="10s", l2=book).to_dicts()
    found = [bar[c] for c in ("BidCumQuantity2", "AskCumQuantity2", "ImbalanceCumQuantity2")]
    assert found == [0, 20, -1]


def test_rows_before_the_first_state_keep_to_their_own_listing():
    """Both listings have a row before their first state (UNKNOWN, which "all" admits). Mids 10.5 and 20.5, then 20.5
    again: the first bar of listing 2 opens at its own 20.5, not at the close of listing 1."""
    book = books([(1, 5, 10, 11), (2, 15, 20, 21)])
    states = changes([(n, 60, "CONTINUOUS_TRADING") for n in (1, 2)])
    bars = basalt.compute([{**CHAINED, "market_states": "all"}], every="10s", l2=book, marketstate=states)
    assert bars["MidOpenC"].to_list() == [10.5, 20.5]


def test_all_states_are_one_stretch_a_date():
    """Mid 10.5, closed 15 to 25, mid 20.5 at 32: with "all" the bar opens at the close before, 10.5."""
    book = books([(1, 5, 10, 11), (1, 32, 20, 21)])
    states = changes([(1, 0, "CONTINUOUS_TRADING"), (1, 15, "CLOSED"), (1, 25, "CONTINUOUS_TRADING")])
    bars = basalt.compute([{**CHAINED, "market_states": "all"}], every="10s", l2=book, marketstate=states)
    assert bars["MidOpenC"].to_list() == [10.5, 10.5]


def test_a_row_admissible_for_any_module_of_the_pass_makes_a_bucket():
    """l2 counts continuous rows, trade all: the book row at 12, in the auction, makes a bucket without trades."""
    book, states = (
        books([(1, 5, 10, 11), (1, 12, 10, 11)]),
        changes([(1, 0, "CONTINUOUS_TRADING"), (1, 8, "CLOSING_AUCTION")]),
    )
    trades = book.select("ListingId", "EventTimestamp", Price="BidPrice1", Size="BidQuantity1").head(1)
    modules = [{"module": "trade", "market_states": "all"}, {"module": "l2", "prices": [{"sources": ["Mid"]}]}]
    bars = basalt.compute(modules, every="10s", l2=book, trades=trades, marketstate=states)
    assert bars.select("TradeTotalCount", "Mid").rows() == [(1, 10.5), (0, None)]
