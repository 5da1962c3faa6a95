"""Rows of one minute, and their document, as the tests of databases publish them."""

import datetime as dt

import polars as pl

DAY = dt.date(2024, 3, 8)
AT = dt.datetime(2024, 3, 8, 14, 30, tzinfo=dt.UTC)


def document(key: str = "first", pipeline: str = "equities") -> dict:
    return {"format": 1, "keys": ["ListingId"], "provenance": {"pipeline": pipeline, "key": key}, "note": "é '%s'"}


def rows(*listings: int, day: dt.date = DAY, universe: str = "xlon", volume: float = 0.5) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Date": pl.Series([day] * len(listings), dtype=pl.Date),
            "Universe": pl.Series([universe] * len(listings), dtype=pl.String),
            "ListingId": pl.Series(listings, dtype=pl.Int64),
            "TimeBucket": pl.Series([AT] * len(listings), dtype=pl.Datetime("us", "UTC")),
            "Volume": pl.Series([volume] * len(listings), dtype=pl.Float64),
        }
    )
