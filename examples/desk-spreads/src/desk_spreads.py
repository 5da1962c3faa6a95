"""Desk spreads: what it costs us to cross."""

import polars as pl

from basalt import Metric, Unit, analytic, hookimpl, ratio, signed


@analytic("trades")
def desk_spread():
    """What crossing cost: twice the signed distance from the mid in force, in bps of it."""
    mid = (pl.col("BidPrice") + pl.col("AskPrice")) / 2
    cost = 2e4 * signed("AggressorSide") * ratio(pl.col("Price") - mid, mid)
    yield Metric("DeskSpreadBps", cost.mean(), Unit.BPS, doc="Mean effective spread of the bucket's trades.")


@hookimpl
def basalt_analytics():
    return [desk_spread]
