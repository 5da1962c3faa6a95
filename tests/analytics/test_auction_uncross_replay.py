"""The transform `auction_uncross` beside a slow replay of random order events."""

import os
from random import Random

import polars as pl
import pytest
from auctions import NINE, SECOND, indications, orders, table
from golden.reference_l3.uncross import at_edges, by_event

STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
"""A nox session tries more."""


def stream(rng, rows=50):
    """Random events of one listing, defects included; a third of the listings trade fractions of shares."""
    fractions, at, found, known = rng.random() < 0.33, 0, [], []
    for number in range(rows):
        at += rng.choice([0, 1, 5, 20]) * SECOND
        fresh = not known or rng.random() < 0.55
        order = f"o{number}" if fresh else rng.choice(known)
        action = "Insert" if fresh else rng.choice(["Insert", "Update", "Update", "Remove", "Remove"])
        if rng.random() < 0.05:
            order, action = f"unknown{number}", rng.choice(["Update", "Remove"])
        known.append(order)
        price = None if rng.random() < 0.15 else rng.randint(95, 105) / 10
        size = rng.randint(0, 5) * 100.0 if not fractions else rng.randint(0, 50) / 7
        if rng.random() < 0.04:
            size = rng.choice([-100.0, float("nan"), None])
        executed = 100.0 if rng.random() < 0.02 and action != "Insert" else 0.0
        gone = action == "Remove"
        side = rng.choice(["Bid", "Ask"])
        found.append((at, order, side, action, None if gone else price, 0.0 if gone else size, executed))
    return found


@pytest.mark.parametrize(
    ("candidates", "reference"), [("orders", None), ("orders", 9.9), ("ticks", None), ("ticks", 10.03)]
)
def test_random_streams_clear_where_a_slow_replay_says(candidates, reference):
    """A quarter of STREAMS, each with two phases, the second without an end in every other one."""
    rng = Random(7)
    streams = {listing: stream(rng) for listing in range(STREAMS // 4)}
    phases = {
        listing: [(50 * SECOND, 150 * SECOND), (180 * SECOND, (None, 300 * SECOND)[listing % 2])] for listing in streams
    }
    tables = _tables(streams, phases, reference)
    options = {"candidates": candidates, "reference": "none" if reference is None else "last_trade"}
    how = {"reference": reference, "candidates": candidates, "tick": 0.05 if candidates == "ticks" else None}
    by_each = _by_listing(indications(tables, emit="event", **options))
    right = _by_listing(indications(tables, every=30, **options))
    left = _by_listing(indications(tables, every=30, closed="left", **options))
    for listing, rows in streams.items():
        _same(by_each.get((listing,)), by_event(rows, phases[listing], **how))
        _same(right.get((listing,)), at_edges(rows, phases[listing], 30 * SECOND, True, **how))
        _same(left.get((listing,)), at_edges(rows, phases[listing], 30 * SECOND, False, **how))


def _by_listing(made):
    return made.partition_by("ListingId", as_dict=True)


def _tables(streams, phases, reference):
    events = [orders([(at / SECOND, *rest) for at, *rest in rows], listing) for listing, rows in streams.items()]
    changes = []
    for listing, ((start, end), (again, last)) in phases.items():
        changes += [(-60, "CONTINUOUS_TRADING", listing), (start / SECOND, "CLOSING_AUCTION", listing)]
        changes += [(end / SECOND, "CONTINUOUS_TRADING", listing), (again / SECOND, "CLOSING_AUCTION", listing)]
        changes += [] if last is None else [(last / SECOND, "POST_TRADE", listing)]
    listings = pl.DataFrame({"ListingId": list(streams), "TickSize": [0.05] * len(streams)})
    stood = [(-50, reference or 1.0, 1, "Lit", listing) for listing in streams]
    return {
        "l3": pl.concat(events),
        "marketstate": table(("MarketState", "ListingId"), changes),
        "reference": listings,
        "trades": table(("Price", "Size", "TradeType", "ListingId"), stood),
    }


def _same(found, expected):
    slow = list(expected)
    if found is None:
        assert not slow
        return
    assert found["EventTimestamp"].to_physical().to_list() == [NINE + at for at, _ in slow]
    rows = found.select("IndicativePrice", "PairedQuantity", "ImbalanceQuantity", "ImbalanceSide").rows()
    for row, (_, one) in zip(rows, slow, strict=True):
        assert row[0] == (None if one.price is None else pytest.approx(one.price, rel=1e-12))
        assert row[1:3] == pytest.approx((one.executable, abs(one.surplus)), rel=1e-9, abs=1e-9)
        assert row[3] == (None if abs(one.surplus) < 1e-9 else "Buy" if one.surplus > 0 else "Sell")
