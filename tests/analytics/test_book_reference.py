"""The book modules, computed twice: every cell of l2, l2tw, l2_volatility and yang_zhang, and of what rolls them up,
against a slow reference written from the specification alone, on spoiled random days and on tiny hostile ones.

BASALT_FUZZ_DAYS=2000 compares that many random days of each family (default 20).
"""

import os
import sys
from math import log
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import basalt
from basalt.tables import NS_UTC, STATE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from reference.against_books import bars_compared, compared, rows, time, volatility
from reference.days import spoiled
from reference.tiny import tiny_days

FUZZ_DAYS = int(os.environ.get("BASALT_FUZZ_DAYS", "20"))
TINY_DAYS = int(os.environ.get("BASALT_FUZZ_DAYS", "4"))
FAMILIES = {"rows": rows, "time": time, "volatility": volatility}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_spoiled_random_days_agree_with_the_reference(family):
    found = {seed: compared(seed, spoiled(seed), FAMILIES[family]) for seed in range(FUZZ_DAYS)}
    assert {seed: wrong for seed, wrong in found.items() if wrong} == {}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=TINY_DAYS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), day=tiny_days())
def test_days_of_a_few_rows_at_hostile_stamps_agree_with_the_reference(family, seed, day):
    assert compared(seed, day, FAMILIES[family]) == []


@pytest.mark.slow
def test_the_variance_of_bars_agrees_with_the_reference():
    found = {seed: bars_compared(seed, spoiled(seed)) for seed in range(FUZZ_DAYS)}
    assert {seed: wrong for seed, wrong in found.items() if wrong} == {}


def test_a_halt_does_not_cut_a_window_in_two():
    """Windows of 5 s in a bucket of 10 s, continuous 0–2 and 4–10 s. Mids 100 at 0, 100 at 5, 101 at 7 s: no return but
    0 in the first window, ln 1.01 in the second, so that their mean is half of it."""
    stamps = [0, 5, 7]
    book = {"ListingId": [1] * 3, "EventTimestamp": pl.Series([s * 10**9 for s in stamps]).cast(NS_UTC)}
    book |= {"BidPrice1": [99.0, 99.0, 100.0], "AskPrice1": [101.0, 101.0, 102.0]}
    book |= {f"{side}Quantity1": [1.0] * 3 for side in ("Bid", "Ask")}
    names = ["CONTINUOUS_TRADING", "HALTED", "CONTINUOUS_TRADING"]
    changes = {"EventTimestamp": pl.Series([s * 10**9 for s in (0, 2, 4)]).cast(NS_UTC), "MarketState": names}
    states = pl.DataFrame({"ListingId": [1] * 3, **changes}).cast({"MarketState": STATE})
    module = {"module": "l2_volatility", "sampling": ["1s"], "windows": ["5s"], "measures": ["RV"]}
    found = basalt.compute([module], every="10s", l2=pl.DataFrame(book), marketstate=states)
    assert found["MidVol1sWin5sMean"].to_list()[-1] == pytest.approx(log(1.01) / 2)
