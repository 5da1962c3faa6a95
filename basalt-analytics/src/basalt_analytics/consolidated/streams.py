"""Streams: what happens to the book of an instrument, in order, as dense arrays for the compiled loop.

At one stamp changes of market states come first, then quotes that have become too old, then quotes, each by the rank of
its venue. A state stands until another is told, by `marketstate` or on a quote itself; before the first it is UNKNOWN.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from basalt.tables import MARKET_STATES, STATE
from basalt_analytics.consolidated.ladders import Ladders, ladders
from basalt_analytics.consolidated.venues import POOLED

if TYPE_CHECKING:
    from basalt_analytics.kernels.consolidated import Events

Array = NDArray[Any]
NEVER = 2**63 - 1


@attrs.frozen
class Counting:
    """Which quotes count. `levels`: how many are read; `age`: in ns, from which on a quote does not count, None: any;
    `states`: those in which it does, None: all; `least`: size of a level that shows, None: the lot of its listing;
    `own_crossed`: whether a book that is crossed in itself counts."""

    levels: int
    age: int | None
    states: Collection[str] | None
    least: float | None
    own_crossed: bool


@attrs.frozen(eq=False)
class Stream:
    """`listings`, `mics`: by venue, in the order of ranks. `stands`: by quote, whether it is not crossed in itself.
    `first`: stamp of the first quote. `primary`: the primary listing; `changes`: stamps and codes of its market
    states."""

    events: "Events"
    ladders: Ladders
    times: Array
    stands: Array
    listings: pl.Series
    mics: list[str | None]
    open: bool
    expiries: int
    first: int
    primary: Any
    changes: tuple[Array, Array]

    def states_at(self, stamps: Array) -> Any:
        """Codes of the market state of the primary listing then; that of UNKNOWN before any is told."""
        at, codes = self.changes
        unknown = np.append(codes, np.int8(MARKET_STATES.index("UNKNOWN")))
        return unknown[np.searchsorted(at, stamps, side="right") - 1]


def stream(rows: pl.DataFrame, how: Counting) -> Stream | None:
    """Of the quotes (with `Quoted`) and states of one instrument; None where no listing that counts has a quote."""
    pooled = rows.filter(pl.col("Left") == POOLED)
    quotes = pooled.filter("Quoted")
    if not quotes.height:
        return None
    known = quotes.unique("Rank").sort("Rank")
    states = pooled.filter(~pl.col("Quoted")).join(known.select("Rank"), on="Rank", how="semi", maintain_order="left")
    times = np.array(quotes["EventTimestamp"].to_physical())  # to_numpy is writable or not: two types to the loop
    venue = _venues(quotes, known)
    old = _expiries(times, venue, how.age)
    least = quotes["Lot"].fill_nan(0.0).fill_null(0.0).to_numpy() if how.least is None else how.least
    found = ladders(quotes, how.levels, least)
    return Stream(
        _events(times, venue, _told(quotes, how.states), old, how.age or 0, states, _venues(states, known), how.states),
        found,
        times,
        np.full(len(times), True) if how.own_crossed else ~found.own_crossed,
        known["ListingId"],
        known["Mic"].to_list(),
        how.states is None or bool({"UNKNOWN", "null"} & set(how.states)),
        len(old),
        int(times.min()),
        rows["Primary"][0],
        _changes(rows),
    )


def _changes(rows: pl.DataFrame) -> tuple[Array, Array]:
    """The market states that the primary listing's rows tell, whether its quotes count or not."""
    told = rows.lazy() if "MarketState" in rows.columns else rows.lazy().with_columns(MarketState=pl.lit(None, STATE))
    own = told.filter(pl.col("ListingId") == pl.col("Primary"), pl.col("MarketState").is_not_null())
    found = own.sort("EventTimestamp", "Quoted", maintain_order=True).collect()
    return found["EventTimestamp"].to_physical().to_numpy(), found["MarketState"].to_physical().cast(pl.Int8).to_numpy()


def _venues(rows: pl.DataFrame, known: pl.DataFrame) -> Array:
    return known["Rank"].search_sorted(rows["Rank"]).cast(pl.Int32).to_numpy()


def _told(rows: pl.DataFrame, states: Collection[str] | None) -> Array:
    """Whether the state a row tells is admissible, as 1 and 0; −1 where it tells none."""
    if states is None or "MarketState" not in rows.columns:
        return np.full(rows.height, -1, np.int8)
    named = rows["MarketState"].cast(pl.String).is_in(sorted(states))
    return named.cast(pl.Int8).fill_null(-1).to_numpy()


def _expiries(times: Array, venue: Array, age: int | None) -> Array:
    """Rows of quotes that become too old before their venue quotes anew, or just then."""
    if age is None:
        return np.zeros(0, np.int64)
    same = np.append(venue[1:] == venue[:-1], False)
    following = np.where(same, np.append(times[1:], NEVER), NEVER)
    return np.flatnonzero(times + age <= following)


def _events(
    times: Array,
    venue: Array,
    told: Array,
    old: Array,
    age: int,
    states: pl.DataFrame,
    whose: Array,
    admissible: Collection[str] | None,
) -> "Events":
    from basalt_analytics.kernels.consolidated import EXPIRY, QUOTE, STATE, Events

    changed = states["EventTimestamp"].to_physical().to_numpy()
    kinds = [(STATE, len(changed)), (EXPIRY, len(old)), (QUOTE, len(times))]
    kind = np.concatenate([np.full(length, code, np.int8) for code, length in kinds])
    at = np.concatenate([changed, times[old] + age, times])
    who = np.concatenate([whose, venue[old], venue])
    nothing = np.full(len(changed) + len(old), -1)
    row = np.concatenate([nothing, np.arange(len(times))]).astype(np.int32)
    said = np.concatenate([_told(states, admissible), np.full(len(old), -1, np.int8), told])
    order = _order(at, kind, who)
    return Events(at[order], kind[order], who[order], row[order], said[order])


def _order(at: Array, kind: Array, who: Array) -> Any:
    """By time, kind and venue in one key, for what comes in runs is sorted at once; ties as they come."""
    venues = int(who.max()) + 1
    return np.argsort((at - at.min()) * (3 * venues) + kind * venues + who, kind="stable")
