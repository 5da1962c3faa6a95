"""What transforms over order events share: the columns they need, market states, snapshots beside the events."""

from collections.abc import Callable, Mapping

import polars as pl

from basalt.errors import UserError
from basalt.market_state import MarketState, MarketStateOptions
from basalt.modules import PassContext

Columns = Mapping[str, pl.DataType]
NEEDED = ("OrderId", "Side", "Action", "Price", "Size")
STOOD = ("ListingId", "EventTimestamp", "OrderId", "Side", "Price", "Size")
"""Columns of a snapshot."""


def events_and(snapshot: str | None) -> list[str]:
    """The tables that are read: order events, and that one of snapshots."""
    return ["l3", *([snapshot] if snapshot else [])]


def check_events(events: Columns, who: str) -> None:
    """UserError for a column that a replay of orders needs."""
    for name in NEEDED:
        need(name, events, f"{who} replays orders and")


def need(column: str, columns: Columns, who: str, table: str = "l3") -> None:
    """UserError where the table, which has these columns, lacks that one."""
    if column not in columns:
        raise UserError(f"{who} needs {column}, which table {table} does not have; it has: {', '.join(columns)}")


def with_states(inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
    """The events with their market state, where anything tells it."""
    events, told = inputs["l3"], inputs.get("marketstate")
    if told is None or "MarketState" in events.collect_schema():
        return events
    return MarketState(MarketStateOptions(table="l3")).apply({"l3": events, "marketstate": told}, pass_)["l3"]


def with_stood(events: pl.LazyFrame, inputs: Mapping[str, pl.LazyFrame], snapshot: str | None) -> pl.LazyFrame:
    """Events, and rows of that table of snapshots behind them; `_Snapshot` tells them apart."""
    both = [events.with_columns(_Snapshot=pl.lit(False))]
    if snapshot:
        _check_ids(events, inputs[snapshot], snapshot)
        both.append(inputs[snapshot].select(STOOD).with_columns(_Snapshot=pl.lit(True)))
    return pl.concat(both, how="diagonal")


def _check_ids(events: pl.LazyFrame, stood: pl.LazyFrame, snapshot: str) -> None:
    """UserError where orders of both cannot be the same."""
    own, other = (rows.collect_schema()["OrderId"] for rows in (events, stood))
    if own != other:
        raise UserError(
            f"snapshot = {snapshot!r} names orders by {other}, and l3 by {own}, so that none is known again: cast "
            "OrderId of one in its source"
        )


def each(rows: pl.LazyFrame, made: Callable[[pl.DataFrame], pl.DataFrame], columns: Columns) -> pl.LazyFrame:
    """What is made of the rows when they are there, as they are."""
    return rows.map_batches(
        made, predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False, schema=dict(columns)
    )
