"""A desk's plugin: order flow of a bucket by side, from order events."""

import polars as pl

from basalt import Metric, Unit, analytic, hookimpl


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


@hookimpl
def basalt_analytics():
    return [order_flow]
