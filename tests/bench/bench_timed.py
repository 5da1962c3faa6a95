"""Time-weighted and sampled measures: against the query a careful person writes by hand, and against each other.

Time and the most memory held are of whole processes each, so that neither finds the other's tables in memory.
"""

import sys
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from bench_fused import bare_scan, by_basalt, plan_of
from by_hand import bars_by_hand, last_of_book, trades_by_hand
from children import held
from polars.testing import assert_frame_equal
from timed_by_hand import KEYS, weighted_by_hand

from basalt.config.model import ModuleEntry

THREE = [ModuleEntry(module=name) for name in ("trade", "l2", "l2tw")]
FIVE = ["RV", "BV", "MedRV", "TSRV", "RK"]


def by_hand(root):
    """Bars of trades, books and time in force: one reading of each table, small joins in memory."""
    prints, invalid = trades_by_hand(root)
    queries = [prints, invalid, last_of_book(root), weighted_by_hand(root)]
    prints, invalid, last, weighted = (f.lazy() for f in pl.collect_all(queries, engine="streaming"))
    bars = bars_by_hand(prints, invalid, last)
    return bars.join(weighted, on=KEYS, how="left", maintain_order="left").collect(engine="in-memory")


def volatile(root, measures):
    options = {"sampling": ["1s"], "measures": measures}
    return plan_of(root, ModuleEntry(module="l2_volatility", options=options))


def test_trade_l2_and_l2tw_give_what_the_hand_written_query_gives(large_day):
    plan = plan_of(large_day, *THREE)
    ours, theirs = by_basalt(plan), by_hand(large_day)
    names = [c.name for c in plan.programs[0].result.columns]
    assert set(names) <= set(theirs.columns), set(names) - set(theirs.columns)
    assert_frame_equal(ours, theirs.select(ours.columns), rel_tol=1e-9, abs_tol=1e-12, check_dtypes=False)


def test_trade_l2_and_l2tw_against_the_hand_written_query(large_day, paired, report):
    plan = plan_of(large_day, *THREE)
    ratio, ours, theirs = paired(partial(by_basalt, plan), partial(by_hand, large_day))
    report(f"trade + l2 + l2tw / hand-written query: {ratio:.2f} ({ours:.2f} s / {theirs:.2f} s), limit 1.5")
    scanned, _, bare = paired(partial(by_basalt, plan), partial(bare_scan, large_day))
    report(f"trade + l2 + l2tw / bare scan of the needed columns: {scanned:.2f} ({ours:.2f} s / {bare:.2f} s)")
    assert ratio <= 1.5


def test_memory_against_the_hand_written_query(large_day, cache, report):
    here = Path(__file__).parent
    ours, theirs = (
        held([sys.executable, here / "timed.py", who, large_day], here, cache) for who in ("ours", "theirs")
    )
    ratio = ours.peak / theirs.peak
    report(
        f"peak of ours / of the hand-written query: {ratio:.2f} ({ours.peak / 1e6:.0f} MB / {theirs.peak / 1e6:.0f} MB)"
    )
    assert ratio <= 1.3


def test_five_estimators_against_one(large_day, paired, report):
    five, one = volatile(large_day, FIVE), volatile(large_day, ["RV"])
    ratio, a, b = paired(partial(by_basalt, five), partial(by_basalt, one))
    report(f"volatility with five estimators / with one: {ratio:.2f} ({a:.2f} s / {b:.2f} s), limit 2")
    assert ratio <= 2


@pytest.mark.parametrize("measures", [FIVE])
def test_what_is_measured_has_values(large_day, measures):
    found = by_basalt(volatile(large_day, measures))
    assert found["MidRV1s"].drop_nulls().len() > 1000
