"""The integrity report: how well a listing's order events fit together, a row a listing."""

from typing import Any

import attrs
import polars as pl

from basalt.columns import Column, Unit
from basalt.tables import NS_UTC, TableSchema
from basalt_analytics.l3.book_rows import Replay, replayed
from basalt_analytics.l3.emissions import Clock

COUNTS = {
    "Events": "events of the listing",
    "Executions": "events that execute against the order",
    "BadRows": "rows left out: without a size that counts, inserts without price, events without id, action or side",
    "NegativeSizes": "rows left out for a size below 0",
    "MarketOrders": "inserts without price before an auction, tracked and never displayed",
    "DuplicateInserts": "inserts of an order that was there",
    "ZeroSizeInserts": "inserts of size 0, tracked and not displayed",
    "UnknownUpdates": "updates of an order that was not there",
    "UnknownRemoves": "removes of an order that was not there",
    "StateMismatches": "events whose state before is not the tracked one",
    "HiddenExecutions": "executions of more than was displayed",
    "ExecutionsThroughBook": "executions away from the best price of their side",
    "SequenceGaps": "steps above 1 in the sequence of a contiguous feed",
    "MissingSequence": "numbers that these leave out",
    "SequenceBackwards": "events whose number is not above the one before",
    "LockedStates": "written books with best bid = best ask",
    "CrossedStates": "written books with best bid above best ask",
    "LiveAtEnd": "orders that are there after the last event",
}
L3_INTEGRITY = TableSchema(
    "l3_integrity",
    "how well the order events of a listing fit together, a row a listing",
    [
        Column("ListingId", pl.Int64, "tradable line on one venue", Unit.LABEL, required=True, also=[pl.String]),
        *(Column(name, pl.Int64, doc, Unit.COUNT) for name, doc in COUNTS.items()),
        Column("HasOpeningSnapshot", pl.Boolean, "whether a snapshot stands before the second event", Unit.FLAG),
        Column("FirstTimestamp", NS_UTC, "of the first event", Unit.TIMESTAMP),
        Column("LastTimestamp", NS_UTC, "of the last event", Unit.TIMESTAMP),
        Column("Suspect", pl.Boolean, "whether rows are missing, or orders unknown or other than told", Unit.FLAG),
    ],
    events=False,
    unique=True,
)
SUSPECT = ("SequenceGaps", "UnknownUpdates", "UnknownRemoves", "StateMismatches")


def integrity(events: pl.DataFrame, snapshots: pl.DataFrame, how: Replay, clock: Clock) -> pl.DataFrame:
    """The listing's row."""
    found = replayed(events, snapshots, attrs.evolve(how, levels=1), clock)  # the counters are of the best prices
    counts = {"Events": events.height, "Executions": _executions(events), **_sequence(events, how), **found.counts}
    opening = snapshots.height > 0 and snapshots["EventTimestamp"].min() <= events["EventTimestamp"][0]
    row = events.select(
        pl.col("ListingId").first(),
        *(pl.lit(counts[name], pl.Int64).alias(name) for name in COUNTS),
        HasOpeningSnapshot=pl.lit(opening),
        FirstTimestamp=pl.col("EventTimestamp").first(),
        LastTimestamp=pl.col("EventTimestamp").last(),
    )
    return row.with_columns(Suspect=pl.sum_horizontal(SUSPECT) > 0)


def schema(key: Any) -> dict[str, Any]:
    """Dtypes of the report, of listings of that dtype."""
    return {column.name: column.dtype for column in L3_INTEGRITY.columns} | {"ListingId": key}


def _executions(events: pl.DataFrame) -> int:
    return int((events["ExecutionSize"] > 0).sum()) if "ExecutionSize" in events.columns else 0


def _sequence(events: pl.DataFrame, how: Replay) -> dict[str, int]:
    if "SequenceNo" not in events.columns:
        return dict.fromkeys(("SequenceGaps", "MissingSequence", "SequenceBackwards"), 0)
    steps = events["SequenceNo"].diff().drop_nulls()
    gaps = steps.filter(steps > 1) if how.contiguous else steps.clear()
    return {
        "SequenceGaps": len(gaps),
        "MissingSequence": int((gaps - 1).sum()),
        "SequenceBackwards": int((steps <= 0).sum()),
    }
