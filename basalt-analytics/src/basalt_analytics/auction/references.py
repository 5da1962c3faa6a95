"""References of dislocation: what the auction's price is held against.

A mid is that of the last quote at the moment, null where that is not valid or was stamped in a phase: while orders
gather there is no touch. An auction is over when its phase ends or when it prints, whichever comes first, as a feed
may tell the state late.
"""

from typing import Literal

import polars as pl

from basalt.running.as_of import looked_back
from basalt.running.in_force import in_stretch
from basalt_analytics.auction.phases import KEY
from basalt_analytics.l2.book import Rules
from basalt_analytics.transforms.quote_rows import quote_rows


def with_mid(
    found: pl.LazyFrame, quotes: pl.LazyFrame, phases: pl.LazyFrame, side: Literal["before", "after"], lag: int
) -> pl.LazyFrame:
    """The auctions with the mid `lag` ns before they start or after they are over, as `Against`.

    The mid no time before a start is the one just before it.
    """
    over = pl.min_horizontal("End", "First")
    moment = pl.col("Start") - max(lag, 1) if side == "before" else over + lag
    rows = in_stretch(quote_rows(quotes, Rules(), "mid"), KEY, "At", phases)
    mids = rows.select(KEY, QuoteAt="At", Against=pl.when(pl.col("StretchId").is_null()).then("Mid"))
    return looked_back(found.with_columns(Moment=moment).sort(KEY, "Moment"), mids, "Moment", "QuoteAt", KEY)


def with_column(found: pl.LazyFrame, said: pl.LazyFrame) -> pl.LazyFrame:
    """The same with the reference price of the phase's last message up to its first print in the bucket."""
    rows = said.select("StretchId", SaidAt="At", Against="Reference")
    return looked_back(found.sort("StretchId", "FirstHere"), rows, "FirstHere", "SaidAt", "StretchId")
