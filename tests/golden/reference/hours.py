"""Sessions: where no market state is known they are the stretches; where one is, they end what is still open."""

from collections.abc import Mapping, Sequence
from math import inf

import polars as pl

from basalt.tables import NS_UTC

from .clock import EVERY_OPEN, States, stretches
from .day import Table
from .dense import all_day

Hours = tuple[int, int] | None
Runs = Sequence[tuple[float, float]]


def closed(frames: Mapping[str, pl.DataFrame], hours: Hours) -> dict[str, pl.DataFrame]:
    """The tables, with CLOSED at the session's end for each listing whose last state is of before it."""
    if hours is None or "marketstate" not in frames:
        return dict(frames)
    states = frames["marketstate"]
    last: dict[int, int] = {}
    for listing, stamp in (
        states.with_columns(pl.col(NS_UTC).to_physical()).select("ListingId", "EventTimestamp").rows()
    ):
        last[listing] = max(stamp, last.get(listing, stamp))
    late = [listing for listing, stamp in last.items() if stamp < hours[1]]
    columns = {"ListingId": late, "EventTimestamp": [hours[1]] * len(late), "MarketState": ["CLOSED"] * len(late)}
    added = pl.DataFrame(columns, schema_overrides={"EventTimestamp": pl.Int64}).cast(
        {name: dtype for name, dtype in states.schema.items() if name in columns}  # type: ignore[arg-type]
    )
    return {**frames, "marketstate": pl.concat([states, added], how="diagonal")}


def inside(table: Table, hours: Hours) -> Table:
    """The table without the rows outside the session, where nothing else tells; its edges are inside."""
    if hours is None or table.changes is not None:
        return table
    return table._replace(rows=[row for row in table.rows if hours[0] <= row["EventTimestamp"] <= hours[1]])


def runs_of(table: Table, states: States) -> Runs:
    """Stretches that rows are in; one, where no state is known, for rows outside the session are none."""
    return [(-inf, inf)] if table.changes is None else stretches(table.changes, states)


def time_of(table: Table, states: States, hours: Hours) -> Runs:
    """Stretches that time is counted in: "all" ends with the last state but CLOSED, what is open with the session."""
    if table.changes is None:
        return [(-inf, inf) if hours is None else hours]
    runs = stretches(table.changes, states)
    if table.changes and states is not None and set(EVERY_OPEN) <= set(states):
        told = all_day(table.changes)
        runs = [(-inf, told[0][1] if told else table.changes[0][0])]
    return ended(runs, hours)


def ended(runs: Runs, hours: Hours) -> Runs:
    """A run without an end lasts to the session's, if that is behind its start."""
    return [(a, hours[1] if b == inf and hours and hours[1] > a else b) for a, b in runs]
