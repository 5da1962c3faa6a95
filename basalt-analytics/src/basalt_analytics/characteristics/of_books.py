"""Facts about order events that take all orders before them to tell: those that fit no book, and the books they make.

All are of the replay of `l3_book`. A book is looked at where an event ends: behind the rows whose EndOfEvent is true or
null, or behind the last row of each stamp where the source does not tell.
"""

from collections.abc import Iterator

import polars as pl

from basalt_analytics.characteristics.facts import Fact, has

OF_REPLAY = ("Price", "Size")
DUPLICATE, UNKNOWN, AWAY = "_is there already", "_is not there", "_is away from the touch"
LOCKED, CROSSED = "_locks the book", "_crosses the book"
AGAINST = (DUPLICATE, UNKNOWN, AWAY, LOCKED, CROSSED)
"""Columns of the replay, Boolean, in the order in which it finds them."""
WHERE = {
    "": (None, ""),
    "Continuous": (pl.col("MarketState") == "CONTINUOUS_TRADING", " in continuous trading"),
    "NonContinuous": (
        ~pl.col("MarketState").is_in(["CONTINUOUS_TRADING", "UNKNOWN"]),
        " in another known state than continuous trading",
    ),
}


def misfits() -> Iterator[Fact]:
    """Events that do not fit the orders that are there."""
    yield has(
        "L3HasDuplicateInsert",
        pl.col(DUPLICATE),
        "Whether any order is inserted that is there already; a venue that amends so has it every day.",
        "any insert of a live OrderId",
        *OF_REPLAY,
    )
    yield has(
        "L3HasUnknownOrder",
        pl.col(UNKNOWN),
        "Whether any event updates or removes an order that is not there; without the snapshot of a book that stood "
        "before, its orders are among them.",
        "any update or remove of an OrderId that is not live",
        *OF_REPLAY,
    )
    yield has(
        "L3ExecutedNotAtTouch",
        pl.col(AWAY),
        "Whether any event executes an order that does not rest at the best price of its side; auctions and orders "
        "that a feed lacks are reasons.",
        "any x > 0 at another price than the best before it",
        *OF_REPLAY,
        "ExecutionSize",
    )


def books() -> Iterator[Fact]:
    """Books whose sides meet."""
    for name, column, sign in (("Locked", LOCKED, "="), ("Crossed", CROSSED, ">")):
        for suffix, (where, words) in WHERE.items():
            yield has(
                f"L3Has{name}Book{suffix}",
                pl.col(column) if where is None else pl.col(column) & where,
                f"Whether the book is {name.lower()} behind any event{words}, if only for an instant; before an "
                "uncross it mostly is.",
                f"any best bid {sign} best ask{words}",
                *OF_REPLAY,
                *(() if where is None else ("MarketState",)),
            )


def against_book(events: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
    """The listing's events with what the replay says of them, and of books where an event ends."""
    from basalt_analytics.kernels.against_book import shown
    from basalt_analytics.l3.encoding import encoded, with_snapshots

    found = encoded(with_snapshots(events, snapshots))
    flags = shown(found.events, found.orders, max(found.ranks, 1))[found.own]
    told = events.with_columns(pl.Series(name, flags[:, i]) for i, name in enumerate(AGAINST))
    return told.with_columns(pl.col(LOCKED, CROSSED) & _ends(events))


def _ends(events: pl.DataFrame) -> pl.Series:
    """Whether an exchange event ends with the row."""
    if "EndOfEvent" in events.columns:
        return events["EndOfEvent"].fill_null(True)
    stamps = events["EventTimestamp"]
    return stamps.ne_missing(stamps.shift(-1))
