"""Phases: the unbroken runs of auction states, listing by listing."""

from collections.abc import Sequence

import polars as pl

from basalt.buckets import BucketRule
from basalt.modules import PassContext
from basalt.running.as_of import looked_back
from basalt.running.stretches import stretches
from basalt.tables import STATE

KEY = "ListingId"
OPEN = 2**62
"""End of a phase that no state ends, in nanoseconds."""


def phases(marketstate: pl.LazyFrame, states: Sequence[str]) -> pl.LazyFrame:
    """(ListingId, StretchId, Start, End, MarketState), [Start, End) in ns, in order.

    End is OPEN where no state follows. Two auction states in a row are two phases.
    """
    runs = [
        stretches(marketstate, KEY, {state}).select(KEY, "Start", "End", MarketState=pl.lit(state, STATE))
        for state in states
    ]
    ends = pl.col("End").fill_null(OPEN)
    return pl.concat(runs).with_columns(ends).sort(KEY, "Start").with_row_index("StretchId")


def in_phases(rows: pl.LazyFrame, found: pl.LazyFrame, late: int = 0) -> pl.LazyFrame:
    """Those of the rows, in (listing, time) order, that lie in a phase or up to `late` ns behind it, with its
    StretchId, Start and End, and their own time as `At`. Of two phases it is the later."""
    stamped = rows.with_columns(At=pl.col("EventTimestamp").to_physical())
    edges = found.select(KEY, "StretchId", "Start", "End")
    held = looked_back(stamped, edges, "At", "Start", KEY)
    return held.filter(pl.col("At") - late < pl.col("End"))


def last_seen(tables: Sequence[pl.LazyFrame], rule: BucketRule, pass_: PassContext) -> pl.LazyFrame:
    """(ListingId, Seen): the end of the bucket of the listing's last row in any of the tables, in ns."""
    time = pl.col("EventTimestamp")
    rows = pl.concat([table.select(KEY, time) for table in tables]).group_by(KEY).agg(time.max())
    end = pl.max_horizontal(rule.interval_end(rule.bucket(time, pass_.date)), time.to_physical())
    return rows.select(KEY, Seen=end)
