"""Listing ids as users write them, in the one dtype that ListingId has in all tables of a run.

Nothing is guessed: digits become Int64, which is what they say; an integer never becomes text, as `7` may have been
`007` before it was read.
"""

import polars as pl

from basalt.errors import UserError

LISTING = "ListingId"
_TEXT = (pl.String, pl.Categorical, pl.Enum)


def as_listings(found: pl.Series, dtype: pl.DataType, whose: str) -> pl.Series:
    """`found` as ListingIds, nulls and blanks null; UserError, beginning with `whose`, for any that is none."""
    if found.dtype == pl.Null or found.dtype == dtype != pl.String:
        return found.cast(dtype).alias(LISTING)
    text = found.dtype in _TEXT
    if not text and not (found.dtype.is_integer() and dtype.is_integer()):
        fix = "write the ids as text" if dtype == pl.String else "write whole numbers"
        raise UserError(f"{whose} has ListingIds of type {found.dtype}, and those of this run are {dtype}: {fix}")
    given = found.cast(pl.String).str.strip_chars() if text else found
    given = given.set(given == "", None) if text else given
    made = given.cast(dtype, strict=False)
    _refuse_lost(given, made, whose)
    return made.alias(LISTING)


def _refuse_lost(given: pl.Series, made: pl.Series, whose: str) -> None:
    lost = given.filter(made.is_null() & given.is_not_null())
    if len(lost):
        raise UserError(
            f"{whose} has {lost[0]!r} as a ListingId, and those of this run are {made.dtype} (as are "
            f"{len(lost)} of {len(given)} rows): write the ids as the tables do"
        )


def members(listings: pl.Series) -> pl.Series:
    """Each listing once, ascending, without nulls."""
    return listings.drop_nulls().unique().sort()
