"""Listings of a batch: their rows stand together, and what is made of one needs no others."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

OfListing = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""What is made of the events and the snapshots of one listing."""


def filled(events: pl.DataFrame, found: Sequence[pl.Series], replace: bool) -> pl.DataFrame:
    """The events with these columns; where they have one already, it is filled in alone, unless `replace`."""
    kept = [] if replace else [one.name for one in found if one.name in events.columns]
    return events.with_columns(
        events[one.name].cast(one.dtype).fill_null(one) if one.name in kept else one for one in found
    )


def each_listing(frame: pl.DataFrame, key: str = "ListingId") -> Iterator[pl.DataFrame]:
    """The rows of each listing; they stand together."""
    start = 0
    for length in frame[key].rle().struct.field("len").to_list():
        yield frame.slice(start, length)
        start += length


def of_listings(both: pl.DataFrame, made: OfListing, empty: Any) -> pl.DataFrame:
    """What is made of each listing's events and snapshot rows, which `_Snapshot` tells apart."""
    events = both.filter(~pl.col("_Snapshot")).drop("_Snapshot")
    stood = both.filter("_Snapshot").partition_by("ListingId", as_dict=True)
    found = [made(rows, stood.get((rows["ListingId"][0],), both.clear())) for rows in each_listing(events)]
    return pl.concat([pl.DataFrame(schema=empty), *(one.select(list(empty)) for one in found)])
