"""Lives of orders of the module l3 beside a plain replay, on random streams with defects, under random options."""

import os
import sys
from pathlib import Path
from random import Random

import polars as pl
import pytest

import basalt
from basalt.tables import NS_UTC, SIDE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.life_columns import columns
from order_replay.streams import START, frame, stream
from reference.clock import Rule, changes_of, states_of, stretches

STREAMS = int(os.environ.get("BASALT_STREAMS", "300"))
SIDES, WIDTH = ["Bid", "Ask", "Total"], 5 * 10**9
AGES = ["0s", "1ns", "1us", "1s", "2s", "7s"]
STATES = (None, "all", "OPENING_AUCTION", ["CONTINUOUS_TRADING", "OPENING_AUCTION"])
SNAPSHOT = {"ListingId": pl.Int64, "EventTimestamp": pl.Int64, "OrderId": pl.String, "Side": SIDE}
SNAPSHOT |= {"Price": pl.Float64, "Size": pl.Float64}


def drawn(seed):
    """Options of the module, and how buckets are closed and labelled."""
    rng = Random(seed)
    options = {
        "resting": [{"ends": ["FirstFill", "Cancel", "Life"], "aggs": ["Mean", "Median", "Min", "Max"]}],
        "fleeting": [{"thresholds": rng.sample(AGES[1:], 2)}],
        "fill_probability": [
            {"horizons": rng.sample(AGES, 3), "estimators": ["AJ", "KM"], "fill": rng.choice(["first", "full"])}
        ],
        "replacement": [{"max_latency": rng.choice(["1us", "2s", "60s"])}],
        "depth_age": [{"levels": rng.choice([None, 1, 2]), "age_from": rng.choice(["insert", "priority"])}],
        "attribution": rng.choice(["end", "insert"]),
        "life": rng.choice(["order", "priority"]),
        "at_touch": rng.random() < 0.3,
    }
    for name in ("resting", "fleeting", "fill_probability", "replacement", "depth_age"):
        options[name][0]["sides"] = SIDES
    return options, rng.choice(["right", "left"]), rng.choice(["end", "start"]), rng.choice(STATES)


def session(rows, states):
    """Stretches, and the end of the session: it is not inside where a state tells it, and unknown where none does."""
    runs = stretches(changes_of(rows), states_of(states, known=True))
    return runs, (runs[-1][1] if runs else 0, False)


def alike(one, other):
    return one == other or (one is not None and other is not None and one == pytest.approx(other, rel=1e-9, abs=1e-9))


@pytest.mark.parametrize("seed", range(max(STREAMS // 25, 1)))
def test_lives_of_random_streams_are_those_of_a_plain_replay(seed):
    options, closed, label, states = drawn(seed)
    rule = Rule(WIDTH, closed, label, START - START % (86400 * 10**9))
    streams = {n: stream(25 * seed + n, n) for n in range(1, 26)}
    stood = pl.DataFrame([row for _, rows in streams.values() for row in rows], schema=SNAPSHOT)
    stood = stood.with_columns(pl.col("EventTimestamp").cast(NS_UTC)).sort(
        "ListingId", "EventTimestamp", maintain_order=True
    )
    module = {"module": "l3", "flow": [], "ratios": [], "snapshot": "l3_snapshot", **options}
    module |= {} if states is None else {"market_states": states}
    table = frame([row for rows, _ in streams.values() for row in rows])
    found = basalt.compute(
        [module], every="5s", closed=closed, label=label, timeline="dense", l3=table, l3_snapshot=stood
    )
    seen = {(row["ListingId"], int(row["TimeBucket"].timestamp()) * 10**9): row for row in found.to_dicts()}
    assert seen
    wanted, of_session = {}, set()
    for listing, (rows, snapshots) in streams.items():
        runs, end = session(rows, states)
        if runs:
            of_session.add(listing)
            told = columns(rows, snapshots, rule, runs, end, options)
            wanted |= {(listing, bucket): cells for bucket, cells in told.items()}
    wrong = [
        (key, name, wanted.get(key, {}).get(name), value)
        for key, row in seen.items()
        if key[0] in of_session
        for name, value in row.items()
        if name not in ("ListingId", "TimeBucket") and not alike(value, wanted.get(key, {}).get(name))
    ]
    assert not wrong, (options, closed, label, states, wrong[:10], len(wrong))
