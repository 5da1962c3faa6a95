"""A desk's plugin: order flow of a bucket by side, from order events; and Parquet files as if they were a feed."""

from functools import partial

import polars as pl
from polars.io.plugins import register_io_source

from basalt import Metric, Unit, analytic, hookimpl
from basalt_io.sources.parquet import ParquetSource

CHUNK = 50_000


@analytic("l3")
def order_flow():
    """How many orders came and were cancelled, and how much of them was executed, by side."""
    executed = pl.col("ExecutionSize") > 0
    for side in ("Bid", "Ask"):
        of_side = pl.col("Side") == side
        came, went = of_side & (pl.col("Action") == "Insert"), of_side & (pl.col("Action") == "Remove") & ~executed
        yield _count(f"{side}InsertCount", came, f"{side} orders that came; an amended order comes once.")
        yield _count(f"{side}CancelCount", went, f"{side} orders that left unexecuted; what expired counts too.")
        size = pl.when(of_side).then("ExecutionSize").sum()
        yield Metric(
            f"{side}ExecutedSize", size, Unit.SHARES, doc=f"Shares of {side} orders executed, hidden ones too."
        )


def _count(name, mask, doc):
    return Metric(name, mask.sum().cast(pl.Int64), Unit.COUNT, dtype=pl.Int64(), doc=doc)


class Feed(ParquetSource):
    """The rows of files in chunks, all of them for every query, as they come from a database: so the engine keeps
    them on disk."""

    name = "feed"
    prunes = False

    def scan(self, table, day):
        rows = super().scan(table, day)
        return register_io_source(partial(chunks, rows), schema=rows.collect_schema())


def chunks(rows, names, predicate, most, size):
    whole = rows if names is None else rows.select(names)
    for first in range(0, rows.select(pl.len()).collect().item(), CHUNK):
        part = whole.slice(first, CHUNK).collect()
        yield part if predicate is None else part.filter(predicate)


@hookimpl
def basalt_sources():
    return [Feed]


@hookimpl
def basalt_analytics():
    return [order_flow]
