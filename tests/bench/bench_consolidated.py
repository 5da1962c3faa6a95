"""Consolidated books: how many quotes a second one core puts together. Seconds are those of the processor.

One instrument on eight venues, ten levels each that overlap on nearly every tick; each quote is at a stamp of its own.
"""

import time

import numpy as np
import polars as pl
import pytest
from venue_books import DAY, NINE, consolidated, context, reference

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.tables import NS_UTC
from basalt_analytics.consolidated import rows
from basalt_analytics.consolidated.options import ConsolidatedBookOptions
from basalt_analytics.consolidated.streams import Counting, stream
from basalt_analytics.l3.emissions import Clock

QUOTES, VENUES, LEVELS = 400_000, 8, 10
MINUTES = Clock(BucketRule(60 * SECOND), DAY, None)


@pytest.fixture(scope="module")
def quotes():
    """Rows of l2: a random walk that every venue follows, each up to two ticks behind."""
    rng = np.random.default_rng(1)
    walk = 10_000 + np.cumsum(rng.integers(-1, 2, QUOTES)) // 20
    stamps = NINE + np.unique(rng.integers(0, 8 * 3600 * SECOND, 2 * QUOTES))[:QUOTES]
    behind = rng.integers(0, 3, QUOTES)
    columns = {"ListingId": rng.integers(1, VENUES + 1, QUOTES), "EventTimestamp": pl.Series(stamps).cast(NS_UTC)}
    for level in range(1, LEVELS + 1):
        for side, sign in (("Bid", -1), ("Ask", 1)):
            columns[f"{side}Price{level}"] = (walk + sign * (level + behind)) / 100
            columns[f"{side}Quantity{level}"] = rng.integers(1, 20, QUOTES) * 100.0
            columns[f"{side}NumOrders{level}"] = rng.integers(1, 20, QUOTES).astype(np.int32)
    return pl.DataFrame(columns).sort("ListingId", maintain_order=True)


@pytest.mark.parametrize(("top_n", "emit", "target"), [(10, "timestamp", 1.5), (1, "timestamp", 5), (10, "bucket", 5)])
def test_quotes_put_together_a_second(quotes, report, monkeypatch, top_n, emit, target):
    """The compiled loop alone, the best of several runs; the first of them compiles."""
    from basalt_analytics.kernels import consolidated as kernel

    known = {"Left": pl.lit(0, pl.Int8), "Rank": pl.col("ListingId").cast(pl.Int32), "Primary": pl.lit(1)}
    known |= {"Mic": pl.lit("X"), "Lot": pl.lit(None, pl.Float64), "Quoted": pl.lit(True)}
    found = stream(quotes.with_columns(**known), Counting(LEVELS, None, None, 0.0, False))
    loop, seconds = kernel.consolidate, []

    def timed(*arguments):
        started = time.process_time()
        written = loop(*arguments)
        seconds.append(time.process_time() - started)
        return written

    monkeypatch.setattr(kernel, "consolidate", timed)
    for _ in range(6):
        rows.book(found, ConsolidatedBookOptions(top_n=top_n, emit=emit), MINUTES)
    speed = QUOTES / min(seconds[1:]) / 1e6
    report(f"consolidated, {top_n} levels by {emit}: {speed:.1f} M quotes/s, target {target}")


@pytest.mark.parametrize(("top_n", "emit"), [(10, "timestamp"), (1, "timestamp"), (10, "bucket")])
def test_quotes_read_put_together_and_written_a_second(quotes, report, top_n, emit):
    started = time.process_time()
    tables = {"l2": quotes, "reference": reference(VENUES)}
    made = consolidated(tables, context(), top_n=top_n, emit=emit)[0]
    speed = QUOTES / (time.process_time() - started) / 1e6
    report(f"the transform and its report, {top_n} levels by {emit}: {speed:.2f} M quotes/s, {made.height} rows")
