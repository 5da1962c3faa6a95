"""The `l3_queue` transform: what stands in front of each order before each of its events."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Column, Unit
from basalt.config.spellings import Name
from basalt.errors import DataError
from basalt.modules import PassContext
from basalt.options import option
from basalt.tables import TableSchema
from basalt.transforms import Transform
from basalt_analytics.l3.encoding import encoded, with_snapshots
from basalt_analytics.l3.inputs import Columns, check_events, each, events_and, with_states, with_stood
from basalt_analytics.l3.listings import filled, of_listings
from basalt_analytics.l3.refusals import refuse_unknown

AHEAD: dict[str, pl.DataType] = {"SizeAhead": pl.Float64(), "OrdersAhead": pl.Int64()}
QUEUE_INTEGRITY = TableSchema(
    "l3_queue_integrity",
    "whether orders of a listing execute in the order of their queue, a row a listing",
    [
        Column("ListingId", pl.Int64, "tradable line on one venue", Unit.LABEL, required=True, also=[pl.String]),
        Column("Executions", pl.Int64, "events that execute against an order", Unit.COUNT),
        Column("ExecutionsOutOfPriority", pl.Int64, "those in front of which others were displayed", Unit.COUNT),
    ],
    events=False,
    unique=True,
)


@attrs.frozen
class L3QueueOptions:
    """Options of `l3_queue`."""

    replace: bool = option("whether what the source has is computed anew", default=False)
    increase_loses_priority: bool = option("whether an amend to a larger size goes to the back", default=True)
    refill_loses_priority: bool = option("whether a size that an execution renews goes to the back", default=True)
    snapshot: Name | None = option(
        "table of snapshots that replace the book, in order of priority, as 'l3_snapshot'; default: queues begin empty",
        default=None,
    )
    unknown_order: Literal["adopt", "ignore", "error"] = option(
        "what becomes of an update of an order that was never inserted; one that is adopted joins at the back",
        default="adopt",
    )


class L3Queue(Transform):
    """SizeAhead and OrdersAhead: what is displayed at the order's price in front of it, first come first served.

    Of an insert it is all that rests at the price. Null for orders that are not known and for events that do not count.
    A new price always loses the place, a smaller size never.
    """

    name = "l3_queue"
    Config = L3QueueOptions
    config: L3QueueOptions
    optional = ("marketstate", "reference")
    sides = (QUEUE_INTEGRITY,)
    whole_book = True

    @property
    def inputs(self) -> Sequence[str]:
        """Order events, and snapshots where they are named."""
        return events_and(self.config.snapshot)

    @property
    def output(self) -> str:
        """Order events."""
        return "l3"

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """The table's columns and those two."""
        check_events(columns_of["l3"], "l3_queue")
        return {**columns_of["l3"], **AHEAD}

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """The events in their order, with what is in front, and the report."""
        own = inputs["l3"].collect_schema()
        stated = with_states(inputs, pass_)
        if "reference" in inputs and "MatchingRule" in inputs["reference"].collect_schema():
            rules = inputs["reference"].select("ListingId", _Rule=pl.col("MatchingRule").cast(pl.String))
            stated = stated.join(rules, on="ListingId", how="left", maintain_order="left")
        rows = with_stood(stated, inputs, self.config.snapshot)
        columns = {**own, **AHEAD}
        queued = each(rows, partial(of_listings, made=self._queued, empty=columns), columns)
        report = {column.name: column.dtype for column in QUEUE_INTEGRITY.columns} | {"ListingId": own["ListingId"]}
        return {"l3": queued, "l3_queue_integrity": queued.pipe(_report).select(list(report))}

    def _queued(self, events: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
        """The listing's events with what is in front."""
        from basalt_analytics.kernels.queue import queues

        _refuse_rule(events)
        rows = with_snapshots(events, snapshots)
        found, policies = encoded(rows), self.config
        if policies.unknown_order == "error":
            refuse_unknown(rows, found, "l3_queue")
        facts, amounts = found.events
        size, orders = queues(
            facts,
            amounts,
            found.orders,
            max(found.ranks, 1),
            adopts=policies.unknown_order == "adopt",
            increase=policies.increase_loses_priority,
            refill=policies.refill_loses_priority,
        )
        number = pl.Series("OrdersAhead", orders[found.own])
        ahead = [
            pl.Series("SizeAhead", size[found.own], nan_to_null=True),
            number.zip_with(number >= 0, pl.Series([None], dtype=pl.Int64)),
        ]
        return filled(events, ahead, policies.replace)


def _refuse_rule(events: pl.DataFrame) -> None:
    rule = events["_Rule"][0] if "_Rule" in events.columns else None
    if rule not in (None, "FIFO"):
        raise DataError(
            f"l3_queue: reference says that listing {events['ListingId'][0]!r} matches orders by {rule}, and "
            "places in a queue mean something under FIFO alone: leave the listing out of the universe"
        )


def _report(queued: pl.LazyFrame) -> pl.LazyFrame:
    executed = pl.col("ExecutionSize") > 0 if "ExecutionSize" in queued.collect_schema() else pl.lit(False)
    return queued.group_by("ListingId", maintain_order=True).agg(
        Executions=executed.sum().cast(pl.Int64),
        ExecutionsOutOfPriority=(executed & (pl.col("OrdersAhead") > 0)).sum().cast(pl.Int64),
    )
