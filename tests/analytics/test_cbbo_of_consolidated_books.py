"""Module cbbo over what consolidated_book makes of the listings' own books: what must then add up.

A listing that the transform leaves out of the best quote (halted, crossed in itself) is at best by price all the same,
so that these days have neither.
"""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basalt
from basalt.tables import NS_UTC

NINE = 1767603600 * 10**9
SESSION = {"session": {"start": "09:00", "end": "09:02", "tz": "UTC"}, "timeline": "dense"}
REFERENCE = pl.DataFrame({"ListingId": [1, 2, 3, 4], "InstrumentId": [7, 7, 7, 8]})
MODULE = {
    "module": "cbbo",
    "measures": ["TimeAtBest", "ExclusiveTimeAtBest", "QuantityAtBest", "QuoteShare", "QuoteShareMean"],
    "time_units": ["Ratio", "Seconds"],
    "invalid_cbbo": "include",
}
TICKS = st.lists(
    st.tuples(
        st.integers(0, 1199),
        st.integers(1, 4),
        st.one_of(st.none(), st.integers(0, 4)),
        st.one_of(st.none(), st.integers(1, 4)),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=40,
)
"""(tenths of a second, venue, bid, spread, size) of books that may lack a side."""


def books(ticks):
    rows = sorted(ticks, key=lambda tick: (tick[1], tick[0]))
    ask = [None if spread is None else 10 + 0.01 * ((bid or 0) + spread) for *_, bid, spread, _ in rows]
    columns = {
        "ListingId": [venue for _, venue, *_ in rows],
        "EventTimestamp": pl.Series([NINE + t * 10**8 for t, *_ in rows], dtype=pl.Int64).cast(NS_UTC),
        "BidPrice1": pl.Series([None if bid is None else 10 + 0.01 * bid for *_, bid, _, _ in rows], dtype=pl.Float64),
        "AskPrice1": pl.Series(ask, dtype=pl.Float64),
        "BidQuantity1": pl.Series(
            [None if bid is None else 100.0 * size for *_, bid, _, size in rows], dtype=pl.Float64
        ),
        "AskQuantity1": pl.Series([None if s is None else 100.0 * size for *_, s, size in rows], dtype=pl.Float64),
    }
    return pl.DataFrame(columns)


def measured(l2, every="1m"):
    step = {"transform": "consolidated_book", "top_n": 1}
    found = basalt.compute([MODULE], every=every, l2=l2, reference=REFERENCE, preprocess=[step], **SESSION)
    return found.join(REFERENCE, on="ListingId").filter(pl.col("TimeBucket").dt.minute() > 0)


@pytest.mark.slow
@settings(max_examples=15)
@given(TICKS)
def test_what_the_venues_have_together(ticks):
    """Where the best of all venues has a price, one of them is there: shares add up to 1 and sizes at best to its size;
    alone at best no two can be, and nobody is alone without being there."""
    found = measured(books(ticks))
    for side in ("Bid", "Ask"):
        at, alone = pl.col(f"TimeAtBest{side}Seconds"), pl.col(f"ExclusiveTimeAtBest{side}Seconds")
        valid = pl.col(f"Valid{side}Seconds")
        assert found.filter((alone > at) | (at > valid + 1e-9)).is_empty()
        together = found.filter(valid > 0).group_by("InstrumentId", "TimeBucket")
        sums = together.agg(
            pl.col(f"QuoteShare{side}", f"QuoteShare{side}Mean").sum(), at.sum(), alone.sum(), valid.max()
        )
        for name in (f"QuoteShare{side}", f"QuoteShare{side}Mean"):
            assert sums.filter((pl.col(name) - 1).abs() > 1e-9).is_empty()
        assert sums.filter((at < valid - 1e-9) | (alone > valid + 1e-9)).is_empty()


def test_the_only_venue_of_an_instrument_is_always_at_best_and_alone():
    """Listing 4 from 10 s on: all of the 110 s with a quote."""
    [bar] = measured(books([(100, 4, 1, 2, 3), (500, 4, 2, 1, 5)]), "2m").to_dicts()
    assert (bar["ValidBidSeconds"], bar["ExclusiveTimeAtBestBidSeconds"]) == (110, 110)
    assert (bar["TimeAtBestAskRatio"], bar["QuoteShareBid"], bar["QuoteShareAskMean"]) == (1, 1, 1)
    assert bar["QuantityAtBestBidTWA"] == pytest.approx((40 * 300 + 70 * 500) / 110)
