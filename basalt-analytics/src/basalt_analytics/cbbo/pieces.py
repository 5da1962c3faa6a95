"""Pieces of time on which both the listing's best quote and its instrument's stay as they are.

They break at the listing's book rows, at its instrument's cbbo rows, and at the edges of cells: buckets, changes of the
listing's market state, the session. Each has what was in force at its start, carried in from before its bucket.
"""

import polars as pl

from basalt.running.as_of import looked_back
from basalt.running.order import sorted_by
from basalt_analytics.l2.book import AS_IT_IS, Book
from basalt_analytics.trade.admissible import KEY, Admissible
from basalt_analytics.trade.prices import price_key
from basalt_analytics.transforms.quote_rows import of_listings, with_level

SIDES = ("Bid", "Ask")
SPAN = "Span"
"""How long a piece is, in nanoseconds, above 0."""
_AT, _OF_VENUE, _OF_BEST = "_At", "_OwnAt", "_BestAt"


def pieces(admissible: Admissible, shift: int) -> pl.LazyFrame:
    """(ListingId, TimeBucket, Span, and by side Key, Quantity, Price of the venue's quote, BestKey, BestQuantity,
    BestPrice, and BestVenues if there, of the instrument's), without gaps from the first quote of either on.

    Keys are prices in 1e-9, as integers: two prices are the same one where these are. `shift`: taken off the stamps of
    cbbo, in nanoseconds.
    """
    cut = admissible.cells("l2").select(KEY, "TimeBucket", "From", "To")
    own = touches(admissible.inputs["l2"], _OF_VENUE, "")
    of_instruments = of_listings(admissible.inputs["cbbo"], admissible.inputs["reference"], cut)
    best = touches(of_instruments, _OF_BEST, "Best").with_columns(pl.col(_OF_BEST) - shift)
    stamps = [cut.select(KEY, pl.col("From").alias(_AT))]
    stamps += [frame.select(KEY, pl.col(at).alias(_AT)) for frame, at in ((own, _OF_VENUE), (best, _OF_BEST))]
    points = sorted_by(pl.concat(stamps), KEY, [_AT])
    next_ = pl.when(pl.col(KEY) == pl.col(KEY).shift(-1)).then(pl.col(_AT).shift(-1))
    found = looked_back(points.with_columns(_Next=next_), cut, _AT, "From", KEY)
    span = pl.min_horizontal("_Next", "To") - pl.col(_AT)
    held = found.with_columns(span.alias(SPAN)).filter((pl.col(_AT) < pl.col("To")) & (pl.col(SPAN) > 0))
    for rows, at in ((own, _OF_VENUE), (best, _OF_BEST)):
        held = looked_back(held, rows, _AT, at, KEY)
    begun = pl.col(_OF_VENUE).is_not_null() | pl.col(_OF_BEST).is_not_null()
    return held.filter(begun).drop(_AT, "_Next", "From", "To", _OF_VENUE, _OF_BEST)


def touches(table: pl.LazyFrame, at: str, whose: str) -> pl.LazyFrame:
    """(ListingId, `at`, and by side Price, Key, Quantity, and Venues if there, with `whose` in front) of each row, in
    order. A level with a price or a size that is not positive counts as missing; a size need not be told."""
    book, there = Book(pl.col, AS_IT_IS), table.collect_schema()
    found = {}
    for side in SIDES:
        price = book.at(side, "Price", 1)
        found[f"{whose}{side}Price"] = price
        found[f"{whose}{side}Key"] = price_key(price)
        found[f"{whose}{side}Quantity"] = book.at(side, "Quantity", 1)
        if whose and f"{side}Venues" in there:
            found[f"{whose}{side}Venues"] = pl.col(f"{side}Venues")
    return with_level(table).select(KEY, pl.col("EventTimestamp").to_physical().alias(at), **found)


def behind(side: str) -> dict[str, tuple[str, ...]]:
    """By what of a side of a quote, the columns of its table: a level that has no size is none."""
    level = (f"{side}Price1", f"{side}Quantity1")
    return {"Price": level, "Key": level, "Quantity": level, "Venues": (f"{side}Venues",)}
