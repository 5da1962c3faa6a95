"""The order events that icebergs are found in: what is read of them, which of them count, and when the session ends."""

from collections.abc import Mapping, Sequence

import polars as pl

from basalt.buckets import BucketRule
from basalt.errors import UserError
from basalt.modules import PassContext
from basalt.running.stretches import admissible, in_sessions, runs
from basalt_analytics.l3.inputs import Columns, check_events, with_states
from basalt_analytics.trade.admissible import KEY, check_states, counted_states

COUNTS, SESSION_END = "_Counts", "_SessionEnd"
READ = ("OrderId", "Side", "Action", "Price", "Size", "ExecutionSize", "ExecutionPrice")
ALONG = ("SequenceNo", "TradeId", "MarketState")
"""Columns that come along where the table has them."""
Inputs = Mapping[str, pl.LazyFrame]
Asked = str | Sequence[str] | None


def check(events: Columns, states_known: bool, asked: Asked, who: str) -> None:
    """UserError for a column that is needed and not there, and for states that nothing tells."""
    check_events(events, who)
    for name in ("ExecutionSize", "ExecutionPrice"):
        if name not in events:
            raise UserError(f"{who} needs {name}, which table l3 does not have: take a source that tells of executions")
    if not states_known:
        check_states(asked, {"l3": events}, who)


def counting(inputs: Inputs, pass_: PassContext, asked: Asked) -> pl.LazyFrame:
    """The events, all of them, with `_Counts`: whether they are in these states, or where none is known in the hours
    of the pass."""
    events = with_states(inputs, pass_)
    own = events.collect_schema()
    known = "MarketState" in own
    states = counted_states(asked, pass_) if known else None
    counts = pl.lit(True)
    if states is not None:
        counts = admissible(states)
    elif not known and pass_.sessions is not None:
        counts = in_sessions(pass_.sessions)
    names = [KEY, "EventTimestamp", *READ, *(name for name in ALONG if name in own)]
    return events.select(*names, counts.alias(COUNTS))


def with_session_end(
    events: pl.LazyFrame, inputs: Inputs, pass_: PassContext, asked: Asked, rule: BucketRule
) -> pl.LazyFrame:
    """The events with `_SessionEnd`: the last instant (ns) of the states that count, else of the hours of the pass, in
    the bucket that ends with them; null where neither tells, as no order ends with the data."""
    end = pass_.sessions[-1][1] - (rule.closed == "left") if pass_.sessions else None
    hours = pl.lit(end, pl.Int64)
    states = counted_states(asked, pass_) if "MarketState" in events.collect_schema() else None
    if states is None:
        return events.with_columns(hours.alias(SESSION_END))
    found = runs(inputs.get("marketstate", events), KEY, states)
    last = pl.when(~pl.col("End").is_null().any()).then(pl.col("End").max() - 1)
    ends = found.group_by(KEY).agg(last.alias(SESSION_END))
    return events.join(ends, on=KEY, how="left", maintain_order="left").with_columns(
        pl.coalesce(SESSION_END, hours).alias(SESSION_END)
    )
