"""Instruments: which listings are fungible, as `reference` says on one date.

A listing that reference does not have, or has without InstrumentId, is an instrument of its own.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import attrs
import polars as pl

from basalt.errors import BasaltError, DataError, UserError
from basalt.planning.inputs import scan, unread
from basalt.planning.known import Columns
from basalt.sources import Source
from basalt.tables import TableSchema


def check_instruments(columns_of: Mapping[str, Columns], who: str) -> None:
    """UserError, beginning with who needs it, where reference cannot tell the instruments of listings."""
    if "InstrumentId" in columns_of.get("reference", {}):
        return
    there = "lacks it" if "reference" in columns_of else "is not there"
    raise UserError(
        f"{who} works on whole instruments, by column InstrumentId of table reference, which {there}: add it to the "
        "source"
    )


def read_instruments(source: Source, schemas: Mapping[str, TableSchema], day: date) -> "Instruments":
    """The instruments of that date; DataError where reference cannot be read or contradicts itself."""
    try:
        return Instruments.of_reference(scan(source, schemas["reference"], day), day)
    except BasaltError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        raise DataError(
            f"table 'reference' of source {source.name!r} cannot be read for {day}: "
            f"{unread(error, source, schemas['reference'], day)}"
        ) from error


@attrs.frozen(eq=False)
class Instruments:
    """`pairs`: ListingId and InstrumentId, each listing once, ascending, neither null."""

    pairs: pl.DataFrame

    @classmethod
    def of_reference(cls, reference: pl.DataFrame | pl.LazyFrame, day: date) -> "Instruments":
        """Repeated rows count once; DataError for a listing of two instruments."""
        pairs = reference.lazy().select("ListingId", "InstrumentId").drop_nulls().unique().sort("ListingId").collect()
        twice = pairs.filter(pl.col("ListingId").is_duplicated()).sort("ListingId", "InstrumentId")
        if len(twice):
            listing, first, second = twice["ListingId"][0], *twice["InstrumentId"][:2]
            raise DataError(
                f"table 'reference' gives listing {listing} two instruments on {day}, {first} and {second}: a listing "
                "has one, so mend the data"
            )
        return cls(pairs)

    def of(self, listings: pl.Series) -> pl.Series:
        """InstrumentIds of these listings, each once, ascending; none for a listing that is its own instrument."""
        return self.pairs.join(_frame(listings), on="ListingId", how="semi")["InstrumentId"].unique().sort()

    def listings_of(self, instruments: pl.Series) -> pl.Series:
        """Every listing of these instruments, in the universe or out of it, ascending."""
        wanted = pl.DataFrame({"InstrumentId": instruments})
        return self.pairs.join(wanted, on="InstrumentId", how="semi")["ListingId"].sort()

    def around(self, listings: pl.Series) -> pl.Series:
        """These listings and every other of their instruments, each once, ascending."""
        return pl.concat([_frame(listings)["ListingId"], self.listings_of(self.of(listings))]).unique().sort()

    def groups(self, listings: pl.Series) -> list[list[Any]]:
        """These listings by instrument: each group ascending, the groups in order of their first listing.

        A group has the listings given, so whole instruments where `listings` is what `around` returned.
        """
        instrument = pl.col("InstrumentId")
        first = pl.when(instrument.is_null()).then("ListingId").otherwise(pl.col("ListingId").min().over(instrument))
        placed = _frame(listings).join(self.pairs, on="ListingId", how="left").with_columns(First=first)
        grouped = placed.sort("First", "ListingId").group_by("First", maintain_order=True).agg("ListingId")
        return grouped["ListingId"].to_list()


def _frame(listings: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"ListingId": listings.drop_nulls().unique()})
