"""What this distribution offers, named without importing it."""

from basalt.hooks import Lazy, hookimpl


@hookimpl
def basalt_analytics() -> list[Lazy]:
    """The modules, by the names that pipelines use."""
    return [
        Lazy("trade", "basalt_analytics.trade.module:Trade", "Volumes, counts, VWAP and OHLC of trades, by side."),
        Lazy("l2", "basalt_analytics.l2.module:L2", "Depth, spreads, imbalances, prices and OHLC of book rows."),
        Lazy("generic", "basalt_analytics.series.generic:Generic", "An earlier pass resampled to coarser buckets."),
    ]
