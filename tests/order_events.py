"""Order events small enough to replay by hand: E1, and E2 with its defects. One listing, seconds after 09:00:00."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from basalt.tables import ACTION, NS_UTC, SIDE, STATE

NINE = int(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()) * 10**9
SCHEMA = {
    "SequenceNo": pl.Int64,
    "Seconds": pl.Float64,
    "OrderId": pl.String,
    "Side": SIDE,
    "Action": ACTION,
    "Price": pl.Float64,
    "Size": pl.Float64,
    "OldPrice": pl.Float64,
    "OldSize": pl.Float64,
    "ExecutionPrice": pl.Float64,
    "ExecutionSize": pl.Float64,
    "EndOfEvent": pl.Boolean,
}


def l3(rows: Sequence[Sequence[Any]], listing: int = 1) -> pl.DataFrame:
    """Rows of (sequence, seconds, order, side, action, price, size, old price, old size, execution price, executed);
    further values are null but for EndOfEvent, which is true."""
    defaults = (None, 0.0, None, 0.0, True)
    padded = [(*row, *defaults[len(row) - 7 :]) if len(row) < 12 else tuple(row) for row in rows]
    found = pl.DataFrame(padded, schema=SCHEMA, orient="row")
    stamps = (NINE + (pl.col("Seconds") * 1e9).round().cast(pl.Int64)).cast(NS_UTC)
    first = [pl.lit(listing, pl.Int64).alias("ListingId"), stamps.alias("EventTimestamp")]
    return found.select(*first, pl.exclude("Seconds"), MarketState=pl.lit("CONTINUOUS_TRADING", STATE))


def e1() -> pl.DataFrame:
    """Inserts, amends, a partial and two full fills of one event (rows 10 and 11), a reprice, two cancels."""
    return l3(
        [
            (1, 0.5, "b1", "Bid", "Insert", 100.00, 500),
            (2, 0.5, "a1", "Ask", "Insert", 100.04, 300),
            (3, 1.0, "b2", "Bid", "Insert", 100.00, 200),
            (4, 2.0, "b3", "Bid", "Insert", 99.99, 400),
            (5, 2.5, "b1", "Bid", "Update", 100.00, 350, 100.00, 500),
            (6, 3.0, "b1", "Bid", "Update", 100.00, 150, 100.00, 350, 100.00, 200),
            (7, 3.5, "a2", "Ask", "Insert", 100.03, 100),
            (8, 3.8, "b4", "Bid", "Insert", 100.00, 50),
            (9, 4.0, "b2", "Bid", "Update", 100.00, 300, 100.00, 200),
            (10, 4.5, "b1", "Bid", "Remove", None, 0, 100.00, 150, 100.00, 150, False),
            (11, 4.5, "b4", "Bid", "Remove", None, 0, 100.00, 50, 100.00, 50),
            (12, 5.0, "a1", "Ask", "Update", 100.02, 250, 100.04, 300),
            (13, 6.0, "a2", "Ask", "Remove", None, 0, 100.03, 100),
            (14, 7.0, "b5", "Bid", "Insert", 100.01, 120),
            (15, 7.05, "b5", "Bid", "Remove", None, 0, 100.01, 120),
            (16, 8.0, "a1", "Ask", "Update", 100.02, 150, 100.02, 250, 100.02, 100),
            (17, 9.0, "a3", "Ask", "Insert", 100.02, 80),
        ]
    )


def e2() -> pl.DataFrame:
    """An unknown update and an unknown remove, an id inserted twice, a gap in the sequence, a negative size, a crossed
    insert, an old state that is not the tracked one, a locked book at the end."""
    return l3(
        [
            (1, 0.1, "x1", "Bid", "Insert", 10.00, 100),
            (2, 0.2, "y1", "Ask", "Insert", 10.02, 50),
            (3, 0.3, "u1", "Bid", "Update", 10.01, 40, 10.01, 60),
            (4, 0.4, "u2", "Ask", "Remove", None, 0, 10.03, 70),
            (5, 0.5, "x1", "Bid", "Insert", 9.99, 30),
            (7, 0.6, "y2", "Ask", "Insert", 10.03, -5),
            (8, 0.7, "y3", "Ask", "Insert", 10.00, 25),
            (9, 0.8, "u1", "Bid", "Remove", None, 0, 10.01, 45),
            (10, 0.9, "y3", "Ask", "Update", 9.99, 25, 10.00, 25),
        ]
    )


def states(*changes: tuple[float, str], listing: int = 1) -> pl.DataFrame:
    """Market states of the listing from those seconds on."""
    stamps = [NINE + round(seconds * 1e9) for seconds, _ in changes]
    columns = {"ListingId": [listing] * len(changes), "EventTimestamp": pl.Series(stamps, dtype=pl.Int64).cast(NS_UTC)}
    return pl.DataFrame({**columns, "MarketState": pl.Series([name for _, name in changes], dtype=STATE)})


E1_STATES = ((0.0, "CONTINUOUS_TRADING"), (10.0, "CLOSED"))
"""Continuous trading until the session ends at 10 s."""
