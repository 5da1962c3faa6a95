"""Order events: how many a second one core replays, into books and into queues. Seconds are those of the processor.

On ten listings of the large synthetic day, 2 million events.
"""

import datetime as dt
import time

import numpy as np
import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.durations import DAY, SECOND
from basalt_analytics.l3.book_rows import Replay, book_rows
from basalt_analytics.l3.emissions import Clock, places
from basalt_analytics.l3.encoding import encoded, with_snapshots
from basalt_analytics.l3.listings import each_listing

LISTINGS = 10
CLOCK = Clock(BucketRule(60 * SECOND), dt.date(2026, 1, 5), None)
ONCE = Clock(BucketRule(DAY), dt.date(2026, 1, 5), None)


@pytest.fixture(scope="module")
def events(large_day):
    """Rows of each listing, and the same encoded."""
    every = pl.scan_parquet(large_day / "l3" / "date=2026-01-05" / "part.parquet", hive_partitioning=False)
    first = every.select(pl.col("ListingId").unique().sort().head(LISTINGS)).collect().to_series()
    rows = every.filter(pl.col("ListingId").is_in(first.implode())).collect()
    listings = [with_snapshots(one, None) for one in each_listing(rows)]
    return listings, [encoded(one) for one in listings]


def millions(work, count, runs=5):
    """Millions a second of the best of several runs after a warm-up; the others met more of what else goes on."""
    work()
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return count / min(seconds) / 1e6


@pytest.mark.parametrize(
    ("what", "how", "clock", "target"),
    [
        ("state of all levels, best quotes once", Replay(1, "bucket"), ONCE, 10),
        ("state of all levels, ten written a minute", Replay(10, "bucket"), CLOCK, 5),
        ("ten levels written after each", Replay(10, "event"), CLOCK, 2),
    ],
)
def test_events_replayed_a_second(events, report, what, how, clock, target):
    from basalt_analytics.kernels.book import ADOPT, EMIT, Policies, emissions, empty_book, replay

    written = [places(rows, how.emit, clock) for rows in events[0]]

    def work():
        for one, where in zip(events[1], written, strict=True):
            every = np.ones(len(where.after), np.bool_)
            out, book = emissions(where.after, every, how.levels), empty_book(one.orders, one.ranks)
            replay(one.events, out, book, Policies(ADOPT, ADOPT, EMIT, only_changes=False))

    report(f"replay, {what}: {millions(work, _count(events)):.1f} M events/s, target {target}")


def test_queues_found_a_second(events, report):
    from basalt_analytics.kernels.queue import queues

    def work():
        for one in events[1]:
            queues(*one.events, one.orders, one.ranks, adopts=True, increase=True, refill=True)

    report(f"queues: {millions(work, _count(events)):.1f} M events/s, target 3")


def test_events_encoded_and_books_made_a_second(events, report):
    report(f"encoding: {millions(lambda: [encoded(rows) for rows in events[0]], _count(events)):.1f} M events/s")
    nothing, how = pl.DataFrame(), Replay(10, "event")
    made = millions(lambda: [book_rows(rows, nothing, how, CLOCK) for rows in events[0]], _count(events), runs=2)
    report(f"encoded, replayed and written as ten levels of columns: {made:.1f} M events/s")


def _count(events):
    return sum(rows.height for rows in events[0])


@pytest.mark.parametrize(("what", "asked"), [("lives", []), ("lives and ages of depth a minute", [(0, 0), (5, 1)])])
def test_lives_found_a_second(events, report, what, asked):
    from basalt_analytics.kernels.lives import Edges, lives

    stamps = [rows["EventTimestamp"].to_physical().to_numpy() for rows in events[0]]
    questions = np.array(asked, np.int64).reshape(-1, 2)

    def edges(times):
        ends = np.arange(times[0], times[-1], 60 * SECOND)
        after = np.searchsorted(times, ends, side="right") - 1
        sums = (np.zeros((len(ends), len(asked), 2)) for _ in range(2))
        return Edges(ends, after, np.zeros((len(ends), 2), np.int64), *sums)

    def work():
        for one, times in zip(events[1], stamps, strict=True):
            lives(one.events, times, one.orders, one.ranks, False, edges(times), questions)

    report(f"{what}: {millions(work, _count(events)):.1f} M events/s, target 3")
