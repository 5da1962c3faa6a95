"""Open times: the stretches in which a mid may be asked for, and when the session ends, listing by listing.

They come from `marketstate`, else from the runs of the quotes' own MarketState, else from the hours of the pass; where
nothing is known there are none, and every moment of the date counts.
"""

from collections.abc import Collection

import polars as pl

from basalt.modules import DEFAULT_STATES, PassContext
from basalt.running.stretches import ended, runs, session_stretches
from basalt.tables import NS_UTC

KEY = "ListingId"


def open_times(
    trades: pl.LazyFrame, quotes: pl.LazyFrame, marketstate: pl.LazyFrame | None, pass_: PassContext
) -> pl.LazyFrame | None:
    """(ListingId, StretchId, Start, End, Last, IsLast) in order: stretches [Start, End) in ns, End null where it is not
    known.

    `Last`: the last instant that is not after the stretch. None: no state and no hours are known, or every row counts.
    """
    states = _states(pass_)
    if states and marketstate is not None:
        return _marked(runs(marketstate, KEY, states, trades if "UNKNOWN" in states else None), 0)
    if states and "MarketState" in quotes.collect_schema():
        rows = quotes.with_columns(EventTimestamp=pl.col("At").cast(NS_UTC))
        return _marked(runs(rows, KEY, states).with_columns(End=ended(pass_.sessions, over=1)), 0)
    if pass_.sessions is None:
        return None
    edges = [(start, end + 1) for start, end in pass_.sessions]  # the last instant is in
    return _marked(session_stretches(trades, KEY, edges), 1)


def _states(pass_: PassContext) -> Collection[str] | None:
    """None: rows of any state count."""
    if isinstance(pass_.market_states, str):
        return DEFAULT_STATES if pass_.market_states == "default" else None
    return pass_.market_states


def _marked(found: pl.LazyFrame, over: int) -> pl.LazyFrame:
    """Ends cut at the next start. `over`: how far an end lies behind the last instant of its session."""
    following = pl.col("Start").shift(-1).over(KEY)
    return found.select(
        KEY,
        "StretchId",
        "Start",
        pl.min_horizontal("End", following).alias("End"),
        Last=pl.col("End") - over,
        IsLast=following.is_null(),
    )
