"""A day as sorted lists of dicts, with the market state of every row, and what a bar of one listing is.

A *column* of a result maps each bucket of one listing in which the module has a row to a `Cell`: the value, its
hidden weight, and the stretch of the last row behind it.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import polars as pl

from .clock import Row, changes_of, state_at


class Cell(NamedTuple):
    """One value of a bar. `weight`: what a mean over time weighs it by; `until`: last moment at which it counts."""

    value: Any
    weight: Any = None
    stretch: int | None = None
    until: float = inf


class Column(NamedTuple):
    """One column for one listing: its cells, empty rule, rollup over time, and the stretches of its market states."""

    cells: Mapping[int, Cell]
    empty: str
    rollup: str
    runs: Sequence[tuple[float, float]]


Predicate = Callable[[Mapping[str, Any]], bool | None]


class Table(NamedTuple):
    """A table of one listing. `changes`: its market states over time, None where none are known."""

    name: str
    rows: Sequence[Row]
    changes: Sequence[tuple[int, Any]] | None
    columns: Sequence[str]


def listings(frames: Mapping[str, pl.DataFrame], names: Sequence[str]) -> list[int]:
    """Listings of those tables, in order."""
    return sorted({x for name in names for x in frames[name]["ListingId"].to_list()})


def table(frames: Mapping[str, pl.DataFrame], name: str, listing: int) -> Table:
    """Rows of one listing in (time, sequence) order, else file order, each with its market state."""
    rows = _sorted(frames[name], listing)
    given = _sorted(frames["marketstate"], listing) if "marketstate" in frames else None
    if "MarketState" in frames[name].columns:
        told = given if given is not None else [row for row in rows if row.get("IsCancelled") is not True]
        changes = changes_of(told)
        return Table(name, rows, changes, frames[name].columns)
    if given is None:
        return Table(name, [{**row, "MarketState": None} for row in rows], None, frames[name].columns)
    states = changes_of(given)
    stated = [{**row, "MarketState": state_at(states, row["EventTimestamp"])} for row in rows]
    return Table(name, stated, states, frames[name].columns)


def _sorted(frame: pl.DataFrame, listing: int) -> list[Row]:
    stamps = [name for name in ("EventTimestamp", "PublicationTimestamp") if name in frame.columns]
    rows = frame.filter(pl.col("ListingId") == listing).with_columns(pl.col(stamps).to_physical()).to_dicts()
    sequenced = "SequenceNo" in frame.columns
    return sorted(rows, key=lambda r: (r["EventTimestamp"], r["SequenceNo"]) if sequenced else (r["EventTimestamp"],))


def admissible(row: Row, states: Sequence[str] | None) -> bool:
    """Whether the row's state is in the list."""
    return states is None or row["MarketState"] in states
