"""Which trades count. The engine has dropped cancelled ones already."""

from collections.abc import Sequence
from math import inf

import polars as pl

from basalt.durations import parse_duration
from basalt.errors import UserError


def valid(allow_nonpositive_prices: bool) -> pl.Expr:
    """A finite price and a finite size above 0, the price above 0 too unless allowed; null where one is missing."""
    price, size = pl.col("Price"), pl.col("Size")
    return price.is_between(-inf if allow_nonpositive_prices else 0, inf, closed="none") & size.is_between(
        0, inf, closed="none"
    )


def of_types(types: Sequence[str]) -> pl.Expr:
    """TradeType is one of `types`; an unknown type only where "null" is listed."""
    type_ = pl.col("TradeType")
    return type_.is_in([t for t in types if t != "null"]).fill_null("null" in types)


def published_within(delay: str) -> pl.Expr:
    """Published at most `delay` after execution; null, hence dropped, where the publication time is unknown."""
    limit = parse_duration(delay)
    if limit < 0:
        raise UserError(
            f"max_publication_delay = {delay!r} is negative, so it would drop every trade: use '0s' or more"
        )
    taken = pl.col("PublicationTimestamp").to_physical() - pl.col("EventTimestamp").to_physical()
    return taken <= limit


def all_of(*filters: pl.Expr | None) -> pl.Expr | None:
    """Every filter that is there; None where none is."""
    found = None
    for one in filters:
        if one is not None:
            found = one if found is None else found & one
    return found
