"""Open times: the stretches in which a mid may be asked for, and when the session ends, listing by listing.

They come from `marketstate`, else from the runs of the quotes' own MarketState, else from the hours of the pass; where
nothing is known there are none, and every moment of the date counts.
"""

from collections.abc import Collection, Sequence

import polars as pl

from basalt.modules import ALL_STATES, DEFAULT_STATES, PassContext
from basalt.running.stretches import as_one, session_stretches, stretches
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
        return _marked(_of_states(marketstate, states, trades if "UNKNOWN" in states else None), 0)
    if states and "MarketState" in quotes.collect_schema():
        rows = quotes.with_columns(EventTimestamp=pl.col("At").cast(NS_UTC))
        return _marked(_closed(_of_states(rows, states), pass_.sessions), 0)
    if pass_.sessions is None:
        return None
    edges = [(start, end + 1) for start, end in pass_.sessions]  # the last instant is in
    return _marked(session_stretches(trades, KEY, edges), 1)


def _states(pass_: PassContext) -> Collection[str] | None:
    """None: rows of any state count."""
    if isinstance(pass_.market_states, str):
        return DEFAULT_STATES if pass_.market_states == "default" else None
    return pass_.market_states


def _of_states(rows: pl.LazyFrame, states: Collection[str], unknown: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """`unknown`: rows of the listings whose state is UNKNOWN before the first one told, where that counts."""
    found = stretches(rows, KEY, states, before_first=unknown)
    return as_one(found, KEY) if set(ALL_STATES) <= set(states) else found


def _closed(found: pl.LazyFrame, sessions: Sequence[tuple[int, int]] | None) -> pl.LazyFrame:
    """A stretch that nothing ends does so with the last session, if it began before that."""
    if not sessions:
        return found
    end = sessions[-1][1] + 1
    return found.with_columns(pl.col("End").fill_null(pl.when(pl.col("Start") < end).then(end)))


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
