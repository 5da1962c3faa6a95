"""The spread as LOBSTER's users quote it: the mean over the rows of the order-book file, each counting once."""

import polars as pl

from basalt import Metric, Unit, analytic, hookimpl
from basalt.metrics import SUM, Empty, mean


@analytic("l2")
def event_spread():
    """What the spread was, every row of the order book counting once, however long it lasted."""
    spread = pl.col("AskPrice1") - pl.col("BidPrice1")
    yield Metric(
        "EventSpread",
        spread.mean(),
        Unit.PRICE,
        doc="Mean spread over the rows that have both sides; busy moments weigh more than quiet ones.",
        over_time=mean("EventSpreadCount"),
    )
    yield Metric(
        "EventSpreadCount",
        spread.count(),
        Unit.COUNT,
        doc="Rows of the order book that have both sides.",
        dtype=pl.UInt32,
        over_time=SUM,
        empty=Empty.ZERO,
    )


@hookimpl
def basalt_analytics():
    """The one module of this file."""
    return [event_spread]
