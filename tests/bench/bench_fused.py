"""The fused trade + l2 pass against the query a careful person writes by hand, and against a bare scan.

The hand-written query gives the same columns under the same null and validity rules, in plain Polars: no basalt code.
"""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from by_hand import BOOK, bars_by_hand, last_of_book, rows, trades_by_hand
from polars.testing import assert_frame_equal

from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.planning.plan import make_plan
from basalt.planning.program import context_of
from basalt.plugins.registry import open_registry
from basalt.running.compute import computed
from basalt.running.tables import Tables

DAY = date(2026, 1, 5)


def plan_of(root, *modules, **more):
    one = PassConfig(name="bars", every="1m", modules=list(modules), **more)
    source = SourceEntry(type="parquet", options={"root": str(root)})
    return make_plan(PipelineConfig(name="bench", source=source, passes=[one]), open_registry(), Path())


def by_basalt(plan):
    context = context_of(plan.programs[0], DAY)
    return computed(plan, plan.programs[0], context, Tables(plan, DAY).frames(plan.programs[0]), {}).rows


def by_hand(root):
    """As one query; a whole script does it in steps."""
    prints, invalid = trades_by_hand(root)
    return bars_by_hand(prints, invalid, last_of_book(root)).collect(engine="streaming")


def bare_scan(root):
    """The columns the pass needs, read and reduced to one row."""
    book = rows(root, "l2").select(pl.col(BOOK).max(), pl.col("ListingId", "EventTimestamp").max())
    prints = rows(root, "trades").select(pl.col("ListingId", "EventTimestamp", "Price", "Size").max())
    return pl.collect_all([book, prints], engine="streaming")


def test_the_fused_pass_gives_what_the_hand_written_query_gives(large_day):
    plan = plan_of(large_day, ModuleEntry(module="trade"), ModuleEntry(module="l2"))
    ours, theirs = by_basalt(plan), by_hand(large_day)
    names = [c.name for c in plan.programs[0].result.columns]
    assert set(names) <= set(theirs.columns)
    assert_frame_equal(ours, theirs.select(ours.columns), rel_tol=1e-12, check_dtypes=False)


def test_ratio_to_the_hand_written_query(large_day, paired, report):
    plan = plan_of(large_day, ModuleEntry(module="trade"), ModuleEntry(module="l2"))
    ratio, ours, theirs = paired(lambda: by_basalt(plan), lambda: by_hand(large_day))
    report(f"fused trade + l2 / hand-written query: {ratio:.2f} ({ours:.2f} s / {theirs:.2f} s), limit 1.5")
    ratio, ours, theirs = paired(lambda: by_basalt(plan), lambda: bare_scan(large_day))
    report(f"fused trade + l2 / bare scan of the needed columns: {ratio:.2f} ({ours:.2f} s / {theirs:.2f} s)")
    assert plan.programs[0].aggregations


def test_four_groups_with_filters_of_their_own(large_day, paired, report):
    """trade and l2, and each again under another `where`: four aggregations in one query."""
    big = {"where": "Size > 2000"}
    deep = {"where": "BidQuantity1 > 1000", "levels": 1}
    two = plan_of(large_day, ModuleEntry(module="trade"), ModuleEntry(module="l2"))
    more = [
        ModuleEntry(module="trade", prefix="Big", options=big),
        ModuleEntry(module="l2", prefix="Deep", options=deep),
    ]
    four = plan_of(large_day, ModuleEntry(module="trade"), ModuleEntry(module="l2"), *more)
    ratio, a, b = paired(lambda: by_basalt(four), lambda: by_basalt(two))
    report(f"four row filters / two: {ratio:.2f} ({a:.2f} s / {b:.2f} s)")
    assert len(four.programs[0].aggregations) > len(two.programs[0].aggregations)


@pytest.mark.parametrize("table", ["l2", "trades"])
def test_the_large_day_is_what_it_says(large_day, table):
    expected = {"l2": 3_000_000, "trades": 300_000}
    assert rows(large_day, table).select(pl.len()).collect().item() == expected[table]
