"""Rows that may not stand, where an option says so."""

from typing import Any

import numpy as np
import polars as pl

from basalt.errors import DataError
from basalt_analytics.l3.encoding import Encoded


def refuse(row: dict[str, Any], who: str) -> None:
    """DataError for that event of an order that is there already, or is not there."""
    inserted = row["Action"] == "Insert"
    what, option = ("is there already", "duplicate_insert") if inserted else ("is not there", "unknown_order")
    raise DataError(
        f"{who}: {row['Action']} of order {row['OrderId']!r} of listing {row['ListingId']!r} at "
        f"{row['EventTimestamp']}: the order {what}; mend the data, or let {option} say what becomes of such rows"
    )


def refuse_unknown(rows: pl.DataFrame, found: Encoded, who: str) -> None:
    """DataError for the first event of an order that is not there."""
    from basalt_analytics.kernels.book import ADOPT, EMIT, ERROR, Policies, emissions, empty_book, replay

    nothing = emissions(np.zeros(0, np.int64), np.zeros(0, np.bool_), 1)
    book = empty_book(found.orders, max(found.ranks, 1))
    refused, _ = replay(found.events, nothing, book, Policies(ADOPT, ERROR, EMIT, False))
    if refused >= 0:
        refuse(rows.row(refused, named=True), who)
