"""Trades, computed twice: transforms, module trade, retail_imbalance, liquidity and parent orders against a slow
reference written from the specification alone, on spoiled random days and on tiny hostile ones.

BASALT_FUZZ_DAYS=2000 compares that many of each (default 20).
"""

import os
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from reference import against_trades
from reference.tiny import tiny_days
from reference.trade_configs import flagged, marked

FUZZ_DAYS = int(os.environ.get("BASALT_FUZZ_DAYS", "20"))
TINY_DAYS = int(os.environ.get("BASALT_FUZZ_DAYS", "4"))
SPOILED = ["transforms", "groups", "passes", "volatility", "liquidity", "orders"]
TINY = ["transforms", "passes", "liquidity", "orders"]


@pytest.mark.slow
@pytest.mark.parametrize("family", SPOILED)
def test_spoiled_random_days_agree_with_the_reference(family):
    found = {seed: getattr(against_trades, family)(seed, marked(seed)) for seed in range(FUZZ_DAYS)}
    assert {seed: wrong for seed, wrong in found.items() if wrong} == {}


@pytest.mark.slow
@pytest.mark.parametrize("family", TINY)
@settings(max_examples=TINY_DAYS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), day=tiny_days())
def test_days_of_a_few_rows_at_hostile_stamps_agree_with_the_reference(family, seed, day):
    assert getattr(against_trades, family)(seed, flagged(day, Random(seed))) == []
