"""A whole run through the command line against a script an expert would write for the same three files.

60 listings × (5 k trades, 50 k book rows × 10 levels, 200 k order events). Both are processes of their own, from start
to end, and nothing of an earlier run is left to either. What basalt does beside the script: it checks the order of
every table and what it publishes, cuts batches, records the run, and makes sure that files are on disk.
"""

import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
from children import called
from polars.testing import assert_frame_equal
from whole_runs import PASSES, Whole

BY_HAND, GROWTH = 1.6, 3.2


@pytest.fixture
def whole(large_day, cache, tmp_path):
    return Whole.over(large_day, tmp_path / "whole", cache)


@pytest.fixture
def by_hand(large_day, cache, tmp_path):
    """Run the script; its files are below `by_hand`."""
    out = tmp_path / "by_hand"

    def run():
        shutil.rmtree(out, ignore_errors=True)
        called([sys.executable, Path(__file__).with_name("by_hand.py"), large_day, out], tmp_path, cache)
        return out

    return run


def published(out, name):
    return pl.read_parquet(out / name / "date=2026-01-05/all.parquet")


def test_the_run_and_the_script_write_the_same_files(whole, by_hand):
    whole.run()
    out = by_hand()
    for name in PASSES:
        ours, theirs = published(whole.folder / "out", name), published(out, name)
        assert ours.height
        assert_frame_equal(ours, theirs, rel_tol=1e-12, abs_tol=0)


def test_ratio_to_the_script(whole, by_hand, paired, report):
    ratio, ours, theirs = paired(whole.run, by_hand)
    report(f"whole run / script by hand: {ratio:.2f} ({ours:.2f} s / {theirs:.2f} s), limit {BY_HAND}")
    assert ratio <= BY_HAND


def test_growth_from_20_to_60_listings(whole, small_day, cache, tmp_path, paired, report):
    small = Whole.over(small_day, tmp_path / "small", cache)
    ratio, large, third = paired(whole.run, small.run)
    report(f"60 listings / 20 listings: {ratio:.2f} ({large:.2f} s / {third:.2f} s), limit {GROWTH}")
    assert ratio <= GROWTH
