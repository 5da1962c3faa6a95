"""The fused trade + l2 pass against the query a careful person writes by hand, and against a bare scan.

The hand-written query gives the same columns under the same null and validity rules, in plain Polars: no basalt code.
"""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from basalt.buckets import midnight
from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.planning.plan import make_plan
from basalt.planning.program import context_of
from basalt.plugins.registry import open_registry
from basalt.running.compute import computed
from basalt.running.tables import Tables

DAY = date(2026, 1, 5)
LEVELS = range(1, 11)
KEYS = ["ListingId", "TimeBucket"]
BOOK = [f"{side}{m}{i}" for side in ("Bid", "Ask") for m in ("Price", "Quantity", "NumOrders") for i in LEVELS]


def plan_of(root, *modules):
    one = PassConfig(name="bars", every="1m", modules=list(modules))
    source = SourceEntry(type="parquet", options={"root": str(root)})
    return make_plan(PipelineConfig(name="bench", source=source, passes=[one]), open_registry(), Path())


def by_basalt(plan):
    context = context_of(plan.programs[0], DAY)
    return computed(plan, plan.programs[0], context, Tables(plan, DAY).frames(plan.programs[0]), {}).rows


def rows(root, table):
    file = root / table / "date=2026-01-05" / "part.parquet"
    return pl.scan_parquet(file, hive_partitioning=False)


def bucket():
    minute = 60_000_000_000
    since = pl.col("EventTimestamp").to_physical() - midnight(DAY) - 1
    label = (since // minute + 1) * minute + midnight(DAY)
    return (label // 1_000).cast(pl.Datetime("us", "UTC")).alias("TimeBucket")


def continuous(root, table):
    return rows(root, table).filter(pl.col("MarketState") == "CONTINUOUS_TRADING").with_columns(bucket())


def trades_by_hand(root):
    price, size = pl.col("Price"), pl.col("Size")
    valid = price.is_finite() & (price > 0) & size.is_finite() & (size > 0)
    volume, notional = size.sum(), (price * size).sum()
    invalid = rows(root, "trades").with_columns(bucket()).group_by(KEYS)
    invalid = invalid.agg(TradeInvalidCount=(~valid.fill_null(False)).sum().cast(pl.Int64))
    bars = continuous(root, "trades").filter(valid).group_by(KEYS).agg(
        TradeTotalVolume=volume,
        TradeTotalCount=pl.len().cast(pl.Int64),
        TradeTotalVWAP=pl.when(volume != 0).then(notional / volume),
        TradeTotalOpen=price.first(),
        TradeTotalHigh=price.max(),
        TradeTotalLow=price.min(),
        TradeTotalClose=price.last(),
    )  # fmt: skip
    return bars, invalid


def book_by_hand(root):
    """Last row of each bucket, then everything from that row."""
    last = continuous(root, "l2").group_by(KEYS).agg(pl.col(BOOK).last())
    exists = {
        (s, i): (pl.col(f"{s}Price{i}") > 0)
        & pl.col(f"{s}Price{i}").is_finite()
        & ((pl.col(f"{s}Quantity{i}") > 0) & pl.col(f"{s}Quantity{i}").is_finite()).fill_null(True)
        for s in ("Bid", "Ask")
        for i in LEVELS
    }
    raw_bid, raw_ask = (pl.when(exists[s, 1]).then(pl.col(f"{s}Price1")) for s in ("Bid", "Ask"))
    near = ((raw_ask - raw_bid).abs() <= 1e-9 * pl.max_horizontal(raw_ask.abs(), raw_bid.abs())).fill_null(False)
    counts = ((raw_ask > raw_bid) | near).fill_null(True)
    one = {
        f"{s}{m}{i}": pl.when(exists[s, i] & counts).then(pl.col(f"{s}{m}{i}"))
        for s in ("Bid", "Ask")
        for m in ("Price", "Quantity", "NumOrders")
        for i in LEVELS
    }
    clean = last.with_columns(**one)
    sums = {}
    for s in ("Bid", "Ask"):
        for name, m in (("CumQuantity", "Quantity"), ("CumOrders", "NumOrders")):
            for i in LEVELS:
                total = pl.sum_horizontal([pl.col(f"{s}{m}{j}") for j in range(1, i + 1)])
                sums[f"{s}{name}{i}"] = pl.when(pl.col(f"{s}Price1").is_not_null()).then(total)
    bid, ask = pl.col("BidPrice1"), pl.col("AskPrice1")
    clean = clean.with_columns(**sums, SpreadBps=2e4 * (ask - bid) / (ask + bid))
    imbalance = {}
    for i in LEVELS:
        b, a = pl.col(f"BidCumQuantity{i}"), pl.col(f"AskCumQuantity{i}")
        imbalance[f"ImbalanceCumQuantity{i}"] = pl.when(b + a != 0).then((b - a) / (b + a))
    return clean.with_columns(**imbalance)


def by_hand(root):
    """The book is carried within the day: this day has one stretch a listing, and no null on a bucket's last row."""
    bars, invalid = trades_by_hand(root)
    book = book_by_hand(root)
    joined = bars.join(book, on=KEYS, how="full", coalesce=True).join(invalid, on=KEYS, how="left").sort(KEYS)
    carried = [c for c in book.collect_schema() if c not in KEYS]
    zero = ["TradeTotalVolume", "TradeTotalCount", "TradeInvalidCount"]
    joined = joined.with_columns(pl.col(zero).fill_null(0))
    return joined.with_columns(pl.col(carried).forward_fill().over("ListingId")).collect(engine="streaming")


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
