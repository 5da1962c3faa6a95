"""Module `cbbo` beside its slow reference, on small random days of two instruments with three listings.

Stamps tie, quotes are one-sided, locked, crossed and without size, states change and open late, the best quotes come
late; buckets are closed on either side, and their grid begins anywhere.
"""

import datetime as dt
import sys
from pathlib import Path
from random import Random

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from reference.cbbo import cbbo
from reference.clock import Rule

import basalt
from basalt.tables import NS_UTC, STATE

NINE = 1767603600 * 10**9
MIDNIGHT = NINE - 9 * 3600 * 10**9
DATE = dt.date(2026, 1, 5)
INSTRUMENTS = {1: 7, 2: 7, 3: 8, 4: None}
MEASURES = ["TimeAtBest", "QuantityAtBest", "QuantityWhenAtBest", "QuoteShare", "QuoteShareMean", "DistanceToBest"]
MODULES = (
    {"measures": [*MEASURES, "Locked", "Crossed"], "quantity_aggs": ["TWA", "Min", "Max", "Median"]},
    {"measures": ["ExclusiveTimeAtBest", "TimeAtBest"], "sides": ["Both", "Bid", "Ask"], "prefix": "X"},
)
STATES = ["CONTINUOUS_TRADING", "HALTED", "CLOSING_AUCTION", "CLOSED"]


def stamp(rng):
    """Seconds in the minute from 09:00, most of them whole or half, some a nanosecond off an edge."""
    return NINE + rng.randrange(120) * 10**9 // 2 + rng.choice((0, 0, 0, 1, -1, 600_000))


def drawn_quote(rng, venues):
    """A row of quotes on a grid of .01 that holds prices of one level in different binary forms."""
    bid = rng.choice((100.0, 100.01, 100.02, 0.1 + 0.2 + 99.71, None, float("nan"), 0.0))
    ask = rng.choice((100.01, 100.02, 100.03, 100.04, 100.04, None, -1.0))
    sizes = [rng.choice((100.0, 200.0, 300.0, 450.0, 700.0, None, 0.0)) for _ in range(2)]
    counts = [rng.choice((1, 1, 2, 3, None)) for _ in range(2)] if venues else []
    return bid, ask, *sizes, *counts


def rows(rng, key, value, count, venues):
    names = ["BidPrice1", "AskPrice1", "BidQuantity1", "AskQuantity1", *(["BidVenues", "AskVenues"] if venues else [])]
    times = sorted(stamp(rng) for _ in range(count))
    drawn = [dict(zip(names, drawn_quote(rng, venues), strict=True)) for _ in times]
    return [{key: value, "EventTimestamp": t, **row} for t, row in zip(times, drawn, strict=True)]


def day(rng):
    """Rows of l2 and cbbo, and the states of each listing, or None."""
    own = {listing: rows(rng, "ListingId", listing, rng.randrange(0, 12), False) for listing in INSTRUMENTS}
    best = {instrument: rows(rng, "InstrumentId", instrument, rng.randrange(0, 15), True) for instrument in (7, 8)}
    states = None
    if rng.random() < 0.7:
        states = {}
        for listing in INSTRUMENTS:
            times = sorted({stamp(rng) for _ in range(rng.randrange(1, 5))})
            states[listing] = [(t, rng.choice(STATES)) for t in times]
    return own, best, states


def frame(rows_, schema):
    return pl.DataFrame(rows_, schema=schema, orient="row").with_columns(pl.col("EventTimestamp").cast(NS_UTC))


def tables(own, best, states):
    floats = {f"{side}{what}1": pl.Float64 for what in ("Price", "Quantity") for side in ("Bid", "Ask")}
    l2 = {"ListingId": pl.Int64, "EventTimestamp": pl.Int64, **floats}
    counts = {"BidVenues": pl.Int32, "AskVenues": pl.Int32}
    cbbo_ = {"InstrumentId": pl.Int64, "EventTimestamp": pl.Int64, **floats, **counts}
    found = {
        "l2": frame([row for some in own.values() for row in some], l2),
        "cbbo": frame([row for some in best.values() for row in some], cbbo_),
        "reference": pl.DataFrame({"ListingId": list(INSTRUMENTS), "InstrumentId": list(INSTRUMENTS.values())}),
    }
    if states is not None:
        changed = [(listing, t, state) for listing, some in states.items() for t, state in some]
        schema = {"ListingId": pl.Int64, "EventTimestamp": pl.Int64, "MarketState": STATE}
        found["marketstate"] = frame(changed, schema)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_every_measure_is_that_of_the_reference(seed):
    rng = Random(f"cbbo {seed}")
    own, best, states = day(rng)
    width, closed, label = rng.choice((5, 10, 7)), rng.choice(("right", "left")), rng.choice(("end", "start"))
    offset = rng.choice((0, 3))
    rule = Rule(width * 10**9, closed, label, MIDNIGHT + offset * 10**9)
    common = {"time_units": ["Seconds", "Ratio"], "invalid_cbbo": rng.choice(("include", "exclude"))}
    common["cbbo_shift"] = rng.choice(("0s", "600us", "1ms"))
    if states is not None and rng.random() < 0.5:
        common["market_states"] = rng.choice((["CONTINUOUS_TRADING", "HALTED"], "all"))
    keys = {"every": f"{width}s", "closed": closed, "label": label, "origin": f"00:00:0{offset}"}
    keys["timeline"] = "dense" if states is not None and rng.random() < 0.5 else "sparse"
    modules = [{"module": "cbbo", **common, **options} for options in MODULES]
    found = basalt.compute(modules, date=DATE, **keys, **tables(own, best, states))
    expected = {
        listing: cbbo(own[listing], best.get(instrument, []), states and states[listing], rule, common)
        for listing, instrument in INSTRUMENTS.items()
    }
    wrong = []
    for row in found.to_dicts():
        listing, bucket = row.pop("ListingId"), row.pop("TimeBucket")
        wanted = expected[listing].get(int(bucket.timestamp()) * 10**9, {})
        for name, value in row.items():
            other = wanted.get(name.removeprefix("X"), 0.0 if name.endswith("Seconds") else None)
            if value != (None if other is None else pytest.approx(other, rel=1e-11, abs=1e-11)):
                wrong.append((listing, bucket, name, value, other))
    assert wrong == []


def test_the_reference_keeps_the_oracle():
    """The bid of the golden case: 7 s of 10 at best, 142.5 shares, a median of 200, a share of 1425/4400."""
    best = [(-5, 100.00, 500), (2, 100.01, 200), (5, 100.02, 600), (6, 100.02, 600), (9, 100.00, 400)]
    own = [(-3, 100.00, 200), (2.5, 100.01, 200), (6, 100.02, 250), (8, None, None), (9.5, 100.01, 50)]
    rows_ = [
        [{"EventTimestamp": NINE + int(t * 10**9), "BidPrice1": p, "BidQuantity1": q} for t, p, q in some]
        for some in (own, best)
    ]
    found = cbbo(*rows_, None, Rule(10 * 10**9, "right", "end", NINE), {})[NINE + 10 * 10**9]
    assert (found["TimeAtBestBidSeconds"], found["ValidBidSeconds"]) == (7, 10)
    assert (found["QuantityAtBestBidTWA"], found["QuantityAtBestBidMedian"]) == (142.5, 200)
    assert found["QuoteShareBid"] == pytest.approx(1425 / 4400)
