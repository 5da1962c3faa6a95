"""basalt-core's own components, registered by the same door as anybody's."""

from basalt.hooks import Lazy, hookimpl

TABLES = {
    "trades": "trade prints",
    "l2": "book changes by price level",
    "l3": "order events",
    "l3_snapshot": "orders that stood when a feed sent its whole book",
    "cbbo": "best quotes of an instrument over its venues",
    "marketstate": "changes of the venue's state",
    "imbalance": "auction indications",
    "reference": "listings and what they belong to",
    "calendar": "sessions by venue and date",
}


@hookimpl
def basalt_tables() -> list[Lazy]:
    """The canonical tables."""
    return [Lazy(name, f"basalt.tables:{name.upper()}", summary) for name, summary in TABLES.items()]


@hookimpl
def basalt_transforms() -> list[Lazy]:
    """The transforms core needs itself."""
    return [Lazy("market_state", "basalt.market_state:MarketState", "the venue's state on every row of an event table")]


@hookimpl
def basalt_executors() -> list[Lazy]:
    """Ways to run partitions."""
    return [
        Lazy("inline", "basalt.running.inline:Inline", "one partition after another in this process"),
        Lazy("processes", "basalt.running.processes:Processes", "partitions side by side in processes of this machine"),
        Lazy("dask", "basalt.running.dask:Dask", "partitions on a dask.distributed cluster, or one made for the run"),
    ]
