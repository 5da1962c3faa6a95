"""The most memory a whole run holds, interpreter and libraries included, against the budget it was given.

The same pipeline and day as `bench_run`. The size of the data is that of the columns the pipeline reads, as Polars
holds them in memory. Peaks vary from run to run with how soon freed memory is given back.
"""

from statistics import median

import polars as pl
import pytest
from whole_runs import Whole

MB = 10**6
READ = {
    "trades": ["ListingId", "EventTimestamp", "Price", "Size", "MarketState"],
    "l2": ["ListingId", "EventTimestamp", "MarketState", "^(Bid|Ask)(Price|Quantity|NumOrders)\\d+$"],
    "l3": ["ListingId", "EventTimestamp", "Side", "Action", "ExecutionSize", "MarketState"],
    "marketstate": ["ListingId", "EventTimestamp", "MarketState"],
}
FLAT = 1.2  # of three times the data; peaks of one and the same run scatter by a tenth


@pytest.fixture
def run(cache, tmp_path):
    """`run(day, budget)`: what a run over these days held at most, in bytes."""

    def measured(root, budget, source="parquet"):
        return Whole.over(root, tmp_path / "whole", cache, f'memory = "{budget} B"', source).held().peak

    return measured


@pytest.fixture
def usual(run):
    """The same, the median of three runs."""
    return lambda root, budget: median(run(root, budget) for _ in range(3))


def size(root):
    """Bytes in memory of the columns that the pipeline reads, a table after the other."""
    frames = (pl.scan_parquet(root / table / "*/*.parquet").select(columns) for table, columns in READ.items())
    return sum(frame.collect().estimated_size() for frame in frames)


def most(budget):
    """What a run may hold: its budget may be missed by a third, and small ones leave no room for libraries."""
    return 1.3 * budget + 400 * MB


def test_a_quarter_of_the_data_is_budget_enough(large_day, run, report):
    whole = size(large_day)
    budget = whole // 4
    peaks = [run(large_day, budget) for _ in range(3)]
    shown = ", ".join(f"{peak / MB:.0f}" for peak in peaks)
    report(f"{whole / MB:.0f} MB of data with a budget of {budget / MB:.0f} MB: peaks of {shown} MB")
    assert max(peaks) <= budget


@pytest.mark.parametrize("budget", [100 * MB, 200 * MB, 400 * MB, 800 * MB])
def test_peak_by_budget(large_day, run, report, budget):
    peak = run(large_day, budget)
    report(f"budget {budget / MB:.0f} MB: peak {peak / MB:.0f} MB, limit {most(budget) / MB:.0f} MB")
    assert peak <= most(budget)


@pytest.mark.parametrize("budget", [200 * MB, 400 * MB])
def test_the_peak_is_flat_in_listings(large_day, small_day, usual, report, budget):
    twenty, sixty = usual(small_day, budget), usual(large_day, budget)
    report(f"budget {budget / MB:.0f} MB: 20 listings {twenty / MB:.0f} MB, 60 listings {sixty / MB:.0f} MB")
    assert sixty <= FLAT * twenty


@pytest.mark.parametrize("budget", [200 * MB, 400 * MB])
def test_the_peak_is_flat_in_dates(small_day, four_days, usual, report, budget):
    one, four = usual(small_day, budget), usual(four_days, budget)
    report(f"budget {budget / MB:.0f} MB: 1 date {one / MB:.0f} MB, 4 dates {four / MB:.0f} MB")
    assert four <= FLAT * one


@pytest.mark.parametrize("budget", [200 * MB, 400 * MB])
def test_files_that_are_not_sorted_take_no_more(unsorted_day, run, report, budget):
    peak = run(unsorted_day, budget)
    report(f"budget {budget / MB:.0f} MB, unsorted files: peak {peak / MB:.0f} MB, limit {most(budget) / MB:.0f} MB")
    assert peak <= most(budget)


@pytest.mark.parametrize("budget", [200 * MB, 400 * MB])
@pytest.mark.parametrize("day", ["large_day", "unsorted_day"])
def test_tables_that_are_kept_take_no_more(request, run, report, day, budget):
    peak = run(request.getfixturevalue(day), budget, "feed")
    report(f"budget {budget / MB:.0f} MB, {day} kept: peak {peak / MB:.0f} MB, limit {most(budget) / MB:.0f} MB")
    assert peak <= most(budget)
