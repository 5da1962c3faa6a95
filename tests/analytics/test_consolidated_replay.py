"""Consolidated books of random streams of quotes, computed twice: by `consolidated_book`, and plainly, venue by venue
at every moment.

BASALT_STREAMS=100000 consolidates that many streams (default 200).
"""

import os
import random
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay import consolidated as plain
from venue_books import books, by_second, consolidated, context, of, shown, stamped

from basalt.tables import NS_UTC, STATE

STREAMS = int(os.environ.get("BASALT_STREAMS", "200"))
TOGETHER = 20
STATES = ("CONTINUOUS_TRADING", "HALTED", None)
SIZES = (100.0, 200.0, 300.0, 50.0, 0.0, -5.0, None, float("nan"), float("inf"))


def ladder(rng, best, step):
    """Up to three levels from there, some of them missing, bad, out of order or at one price."""
    found = []
    for i in range(rng.choice((0, 1, 2, 3, 3, 3))):
        at = best + step * (i if rng.random() < 0.9 else rng.randrange(3))
        price = None if rng.random() < 0.04 else float("nan") if rng.random() < 0.02 else at * 0.1
        size = rng.choice(SIZES[:4] if rng.random() < 0.85 else SIZES)
        found.append((price, size, None if rng.random() < 0.05 else rng.randrange(1, 6)))
    return found


def stream(rng):
    """Quotes of up to four venues with ties, halts told on quotes and beside them, one-sided and crossed."""
    venues = "ABCD"[: rng.randint(1, 4)]
    rows, states, second = [], [], 0
    for _ in range(rng.randint(1, 45)):
        second += rng.choice((0, 0, 1, 2, 7))
        venue = rng.choice(venues)
        bid, ask = 1000 + rng.randrange(4), 1002 + rng.randrange(4)
        rows.append((second, venue, ladder(rng, bid, -1), ladder(rng, ask, 1), rng.choice(STATES)))
        if rng.random() < 0.15:
            states.append((second + rng.choice((0, 1)), rng.choice(venues), rng.choice(STATES[:2])))
    return rows, sorted(states), len(venues)


def policies(rng):
    return {
        "top_n": rng.randint(1, 4),
        "emit": rng.choice(("event", "timestamp", "bucket")),
        "only_changes": rng.random() < 0.5,
        "max_age": rng.choice((None, "3s", "7s")),
        "min_quantity": rng.choice((0.0, 100.0)),
        "quantity": rng.choice(("sum", "largest")),
        "crossed": rng.choice(("keep", "null", "drop_oldest")),
        "locked": rng.choice(("keep", "null")),
        "own_crossed": rng.choice(("drop", "keep")),
        "market_states": rng.choice((None, ["HALTED", "UNKNOWN"], "all")),
    }


def as_plain(options, rows, states):
    """The same in the words of the plain implementation."""
    asked = options["market_states"]
    counted = ["CONTINUOUS_TRADING"] if asked is None else list(STATE.categories) if asked == "all" else asked
    counted = [name for name in counted if name != "CLOSED"]
    age = options["max_age"]
    how = {
        **options,
        "age": None if age is None else int(age[0]) * 10**9,
        "least": options["min_quantity"],
        "states": counted,
        "open": "UNKNOWN" in counted,
    }
    ranks = {letter: i for i, letter in enumerate("ABCD")}
    quotes = [
        {"at": stamped(at), "rank": ranks[v], "bids": bids, "asks": asks, "state": state}
        for at, v, bids, asks, state in rows
    ]
    told = [{"at": stamped(at), "rank": ranks[v], "state": state} for at, v, state in states]
    quoting = {quote["rank"] for quote in quotes}
    return quotes, [one for one in told if one["rank"] in quoting], how


def edges_of(quotes, events):
    """Edges of 10 s from the first quote's bucket to the last event's."""
    width = 10 * 10**9
    first, last = (-(-(at - stamped(0)) // width) for at in (min(q["at"] for q in quotes), events[-1]["at"]))
    return [stamped(10 * k) for k in range(first, last + 1)]


def marketstate(states):
    stamps = pl.Series([stamped(at) for at, _, _ in states], dtype=pl.Int64).cast(NS_UTC)
    columns = {"ListingId": ["ABCD".index(v) + 1 for _, v, _ in states], "EventTimestamp": stamps}
    frame = pl.DataFrame({**columns, "MarketState": [s for _, _, s in states]}, schema_overrides={"MarketState": STATE})
    return frame.sort("ListingId", "EventTimestamp", maintain_order=True)


def trial(seed):
    """(rows, report, plain rows, plain seconds) of a random stream under random options."""
    rng = random.Random(seed)
    rows, states, venues = stream(rng)
    options = policies(rng)
    tables = of(books(*rows, levels=3), venues, **({"marketstate": marketstate(states)} if states else {}))
    found, report = consolidated(tables, context(), **options)
    quotes, told, how = as_plain(options, rows, states)
    events = plain.moments(quotes, told, how["age"])
    edges = edges_of(quotes, events) if options["emit"] == "bucket" else None
    return found, report, plain.consolidated(quotes, told, how, edges), plain.spent(quotes, told, how)


def disagreement(seed):
    """What is not as the plain implementation has it, in the words of a test; None where all is."""
    found, report, expected, seconds = trial(seed)
    stamps = found["EventTimestamp"].to_physical().to_list()
    if stamps != [row["at"] for row in expected]:
        return f"stream {seed}: rows are at other stamps"
    for row, wanted in zip(found.iter_rows(named=True), expected, strict=True):
        first = [levels[0][4] + 1 if levels else None for levels in (wanted["bids"], wanted["asks"])]
        ladders = tuple([level[:4] for level in wanted[side]] for side in ("bids", "asks"))
        here = (*shown(row), row["BookState"], row["EligibleVenues"], row["BestBidListing"], row["BestAskListing"])
        if here != (*ladders, wanted["state"], wanted["eligible"], *first):
            return f"stream {seed}, {row['Seconds']} s: {here} is not {wanted}"
    if report["RowsOut"].item() != len(expected):
        return f"stream {seed}: the report has {report['RowsOut'].item()} rows of {len(expected)}"
    if {name: report[name].item() for name in seconds} != pytest.approx(seconds):
        return f"stream {seed}: the report has other seconds than {seconds}"
    return None


@pytest.mark.parametrize("first", range(0, STREAMS, TOGETHER))
def test_books_are_those_of_the_plain_implementation(first):
    assert [said for seed in range(first, first + TOGETHER) if (said := disagreement(seed))] == []


def test_random_streams_hold_every_state_a_book_can_be_in():
    """Without them the comparison would prove little."""
    seen = {state for seed in range(60) for state in trial(seed)[0]["BookState"]}
    assert seen == {"OK", "LOCKED", "CROSSED", "ONE_SIDED", "EMPTY", "UNCROSSED"}


@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_no_eligible_venue_bids_more_than_the_consolidated_book(rng):
    """Each venue alone, under the same rules, has no better price at any second, and some venue has that very one."""
    rows, _, venues = stream(rng)
    options = {"only_changes": False, "max_age": rng.choice((None, "5s"))}
    whole = by_second(consolidated(of(books(*rows, levels=3), venues), **options)[0])
    alone = []
    for venue in "ABCD"[:venues]:
        own = [row for row in rows if row[1] == venue]
        alone.append(by_second(consolidated(of(books(*own, levels=3), venues), **options)[0]) if own else {})
    for second, row in whole.items():
        standing = [max((s for s in one if s <= second), default=None) for one in alone]
        quotes = [one[s] for one, s in zip(alone, standing, strict=True) if s is not None]
        bids = [q["BidPrice1"] for q in quotes if q["BidPrice1"] is not None]
        asks = [q["AskPrice1"] for q in quotes if q["AskPrice1"] is not None]
        assert row["BidPrice1"] == pytest.approx(max(bids, default=None))
        assert row["AskPrice1"] == pytest.approx(min(asks, default=None))
