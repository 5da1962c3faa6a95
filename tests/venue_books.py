"""Books of a few venues in a line each, consolidated: instrument 7, seconds after 09:00:00, passes of 10 s.

A level is (price, quantity) or (price, quantity, orders); venues are the letters A, B, …, listings 1, 2, … of MICs
XA, XB, …, the first of them primary.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from order_events import NINE

from basalt.buckets import BucketRule, utc
from basalt.config.structure import structure
from basalt.durations import SECOND
from basalt.modules import PassContext
from basalt.tables import NS_UTC, STATE
from basalt_analytics.consolidated.options import ConsolidatedBookOptions
from basalt_analytics.consolidated.transform import ConsolidatedBook

DAY = utc(NINE).date()
Level = Sequence[float | None]
Row = tuple[float, str, Sequence[Level], Sequence[Level]]


def stamped(seconds: float) -> int:
    """That many seconds after 09:00:00, in ns."""
    return NINE + round(seconds * SECOND)


def books(*rows: Any, levels: int = 2, orders: bool = True) -> pl.DataFrame:
    """l2 rows of (second, venue, bids, asks), and a market state where a fifth is given, in order of listing."""
    schema = {"ListingId": pl.Int64, "EventTimestamp": pl.Int64}
    for i in range(1, levels + 1):
        for side in ("Bid", "Ask"):
            schema |= {f"{side}Price{i}": pl.Float64, f"{side}Quantity{i}": pl.Float64}
            schema |= {f"{side}NumOrders{i}": pl.Int32} if orders else {}
    stated = any(len(row) > 4 for row in rows)
    made = []
    for second, venue, *sides in rows:
        row = {"ListingId": "ABCDEFGH".index(venue) + 1, "EventTimestamp": stamped(second)}
        for side, ladder in zip(("Bid", "Ask"), sides, strict=False):
            for i, level in enumerate(ladder, 1):
                parts = zip(("Price", "Quantity", "NumOrders"), level, strict=False)
                row |= {f"{side}{part}{i}": value for part, value in parts if orders or part != "NumOrders"}
        made.append(row | ({"MarketState": sides[2] if len(sides) > 2 else "CONTINUOUS_TRADING"} if stated else {}))
    found = pl.DataFrame(made, schema=schema | ({"MarketState": STATE} if stated else {}))
    stamps = pl.col("EventTimestamp").cast(NS_UTC)
    return found.with_columns(stamps).sort("ListingId", "EventTimestamp", maintain_order=True)


def reference(venues: int = 3, **columns: Any) -> pl.DataFrame:
    """Listings 1, 2, … of instrument 7, the first primary; `columns` replace or add whole columns."""
    own = {
        "ListingId": list(range(1, venues + 1)),
        "InstrumentId": [7] * venues,
        "MIC": [f"X{letter}" for letter in "ABCDEFGH"[:venues]],
        "IsPrimary": [True] + [False] * (venues - 1),
    }
    return pl.DataFrame(own | columns)


def context(closed: Any = "right", sessions: Any = None, **of_pass: Any) -> PassContext:
    """Of a pass of 10 s."""
    return PassContext("books", DAY, ["InstrumentId"], BucketRule(10 * SECOND, closed), sessions=sessions, **of_pass)


def transform(**options: Any) -> ConsolidatedBook:
    """Two levels deep unless said."""
    return ConsolidatedBook(structure(ConsolidatedBookOptions, {"top_n": 2, **options}, "preprocess[0]"))


def consolidated(
    tables: Mapping[str, pl.DataFrame], pass_: PassContext | None = None, **options: Any
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The books, with Seconds after 09:00:00 in front, and the report."""
    made = transform(**options).apply({name: frame.lazy() for name, frame in tables.items()}, pass_ or context())
    report = made.pop("consolidation_report").collect()
    (found,) = made.values()
    seconds = ((pl.col("EventTimestamp").to_physical() - NINE) / SECOND).round(9)
    return found.collect().select(seconds.alias("Seconds"), pl.all()), report


def of(l2: pl.DataFrame, venues: int = 3, **more: Any) -> dict[str, pl.DataFrame]:
    """The tables of a run."""
    return {"l2": l2, "reference": reference(venues), **more}


def shown(row: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Bids and asks of a row: (price, quantity, orders, venues) of the levels that are there."""
    sides = []
    for side in ("Bid", "Ask"):
        ladder, i = [], 1
        while (price := row.get(f"{side}Price{i}")) is not None:
            venues = row[f"{side}Venues{i if i > 1 else ''}"]
            ladder.append((price, row[f"{side}Quantity{i}"], row.get(f"{side}NumOrders{i}"), venues))
            i += 1
        sides.append(ladder)
    return sides[0], sides[1]


def by_second(found: pl.DataFrame) -> dict[float, dict[str, Any]]:
    """Rows by their second; the last of each."""
    return {row["Seconds"]: row for row in found.iter_rows(named=True)}
