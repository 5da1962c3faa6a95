"""How many order events a minute the market simulator makes, all tables included."""

import time
from statistics import median

from basalt.testing import market

LISTINGS, EVENTS, LIMIT = 4, 50_000, 1_000_000


def test_a_million_order_events_a_minute(report):
    market.simulate(listings=LISTINGS, seed=1, events=1_000)
    rates = []
    for seed in (1, 2, 3):
        started = time.perf_counter()
        day = market.simulate(listings=LISTINGS, seed=seed, events=EVENTS)
        rates.append(day["l3"].height / (time.perf_counter() - started) * 60)
    report(f"simulator: {median(rates) / 1e6:.1f} million order events a minute, limit {LIMIT / 1e6:.0f}")
    assert median(rates) >= LIMIT
