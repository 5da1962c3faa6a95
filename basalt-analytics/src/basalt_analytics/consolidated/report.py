"""The consolidation report: what the book of an instrument was made of, a row an instrument."""

from typing import Any

import polars as pl

from basalt.columns import Column, Unit
from basalt.durations import SECOND
from basalt.tables import TableSchema
from basalt_analytics.consolidated.rows import Book
from basalt_analytics.consolidated.venues import OTHER_CURRENCY, OTHER_VENUE, POOLED

COUNTS = {
    "RowsIn": "l2 rows of its listings, those left out among them",
    "RowsOut": "rows of its book",
    "Expiries": "quotes that became too old",
    "BadLadders": "l2 rows with levels out of order, or several at one price",
    "Listings": "listings with quotes that count",
    "PrimaryListings": "listings that reference flags as primary: 1, unless it is in doubt which one is",
    "LeftOutListings": "listings with quotes that do not count",
    "OtherCurrencyListings": "of these, those not quoted in the currency of the primary listing",
    "OtherVenueListings": "of these, those of venues that were not asked for",
}
SECONDS = {
    "LockedSeconds": "best bid = best ask, whatever was written then",
    "CrossedSeconds": "best bid above best ask, whatever was written then",
    "NoVenueSeconds": "no venue had a quote that counts",
    "OneVenueSeconds": "one venue had",
    "SeveralVenuesSeconds": "two or more venues had",
}
CONSOLIDATION_REPORT = TableSchema(
    "consolidation_report",
    "what the consolidated book of an instrument was made of, a row an instrument; a listing without an instrument has "
    "a row of its own, without InstrumentId",
    [
        Column("InstrumentId", pl.Int64, "what is fungible across venues", Unit.LABEL, required=True, also=[pl.String]),
        *(Column(name, pl.Int64, doc, Unit.COUNT) for name, doc in COUNTS.items()),
        *(Column(name, pl.Float64, f"time in which {doc}", Unit.SECONDS) for name, doc in SECONDS.items()),
        Column("LeftOut", pl.String, "the listings left out, by ListingId", Unit.LABEL),
    ],
    key="InstrumentId",
    events=False,
)


def schema(instrument: Any) -> dict[str, Any]:
    """Dtypes of the report, of instruments of that dtype."""
    return {column.name: column.dtype for column in CONSOLIDATION_REPORT.columns} | {"InstrumentId": instrument}


def report_row(rows: pl.DataFrame, made: Book | None, out: int, columns: Any) -> pl.DataFrame:
    """Of one instrument, whose quotes and states these are. `out`: how many rows its book has."""
    quotes = rows.filter("Quoted")
    listings = quotes.unique("ListingId").sort("ListingId")
    pooled = (listings["Left"] == POOLED).fill_null(False)
    left = listings.filter(~pooled)
    counts = {
        "RowsIn": quotes.height,
        "RowsOut": out,
        "Expiries": made.stream.expiries if made else 0,
        "BadLadders": made.stream.ladders.bad if made else 0,
        "Listings": pooled.sum(),
        "PrimaryListings": listings["Primaries"][0] or 0,
        "LeftOutListings": left.height,
        "OtherCurrencyListings": (left["Left"] == OTHER_CURRENCY).sum(),
        "OtherVenueListings": (left["Left"] == OTHER_VENUE).sum(),
    }
    spent = [ns / SECOND for ns in made.spent] if made else [0.0] * len(SECONDS)
    named = ", ".join(map(str, left["ListingId"])) or None
    row = {"InstrumentId": listings["Instrument"][0], **counts, **dict(zip(SECONDS, spent, strict=True))}
    return pl.DataFrame({name: [value] for name, value in {**row, "LeftOut": named}.items()}, schema=columns)
