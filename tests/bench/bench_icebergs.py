"""Icebergs: how many order events a second one core follows, in the loop and in the module. Seconds of the processor.

On ten listings of the large synthetic day, 2 million events.
"""

import datetime as dt

import numpy as np
import polars as pl
from bench_order_events import events as events_
from bench_order_events import millions

from basalt.buckets import BucketRule
from basalt.durations import SECOND
from basalt.modules import PassContext
from basalt_analytics.iceberg.module import Iceberg
from basalt_analytics.iceberg.options import IcebergOptions

events = events_
MINUTE = BucketRule(60 * SECOND)
CONTEXT = PassContext("bars", dt.date(2026, 1, 5), ["ListingId"], MINUTE)


def test_events_followed_a_second(events, report):
    from basalt_analytics.kernels.iceberg import NOT_LARGER, Rules, chains

    count = sum(rows.height for rows in events[0])
    times = [rows["EventTimestamp"].to_physical().to_numpy() for rows in events[0]]
    counted = [np.ones(rows.height, np.bool_) for rows in events[0]]
    for within in (500_000, SECOND):
        rules = Rules(True, True, True, 100_000_000, within, NOT_LARGER, 3, 0.0)

        def work(rules=rules):
            for one, at, counts in zip(events[1], times, counted, strict=True):
                chains(*one.events, at, counts, one.orders, one.ranks, rules)

        report(f"icebergs, other ids within {within} ns: {millions(work, count):.1f} M events/s, target 3")


def test_events_of_the_module_a_second(events, report):
    rows = pl.concat(rows.drop("_Event", "_First") for rows in events[0])
    module = Iceberg(IcebergOptions(), {"l3": rows.schema}, None, MINUTE)
    made = millions(lambda: module.compute({"l3": rows.lazy()}, CONTEXT).rows.collect(), rows.height, runs=3)
    report(f"icebergs, events encoded, followed and summed by minutes: {made:.1f} M events/s")
