"""Transform aggressive_trades against its slow reference, on random streams of prints and of order events."""

import sys
from datetime import date
from pathlib import Path
from random import Random

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from reference_l3.aggressive import events, final, orders

from basalt.config.structure import structure
from basalt.modules import PassContext
from basalt.tables import AGGRESSOR, NS_UTC, SIDE
from basalt_analytics.transforms.aggressive_trades import AggressiveTrades

START = 1767603600 * 10**9
STREAMS = 60
AGGRESSOR_OF = {"Bid": "Sell", "Ask": "Buy", None: None}


def made(tables, **options):
    transform = AggressiveTrades(structure(AggressiveTrades.Config, options, "preprocess[0]"))
    transform.columns({name: frame.schema for name, frame in tables.items()})
    pass_ = PassContext("bars", date(2026, 1, 5), ["ListingId"], None)
    return {n: f.collect() for n, f in transform.apply({n: f.lazy() for n, f in tables.items()}, pass_).items()}


def stamps(rng, count):
    """Times of one listing: tied, within a gap of 10 us, at it, and beyond."""
    at = START
    for _ in range(count):
        at += rng.choice([0, 0, 1, 2_000, 9_999, 10_000, 10_001, 30_000])
        yield at


def options_of(rng, rules):
    found = {
        "rules": rules,
        "monotone": rng.random() < 0.4,
        "unknown_side": rng.choice(["alone", "drop"]),
        "min_size": rng.choice([0.0, 2.0]),
    }
    if rng.random() < 0.6:
        found["max_duration"] = rng.choice(["0us", "5us", "20us", "25us"])
    if "match_id" in rules:
        found["match_column"] = "Aggressor"
    return found


def prints(rng):
    """Up to forty prints of two listings."""
    rows = []
    for listing in (1, 2):
        for at in stamps(rng, rng.randint(0, 20)):
            side, match = rng.choice(["Buy", "Buy", "Sell", None]), rng.choice([None, "a", "b"])
            price, size = rng.choice([10.0, 10.01, 10.02, None, float("nan")]), float(rng.randint(0, 5))
            rows.append((listing, at, side, price, size, match))
    schema = {"ListingId": pl.Int64, "EventTimestamp": pl.Int64, "AggressorSide": AGGRESSOR}
    schema |= {"Price": pl.Float64, "Size": pl.Float64, "Aggressor": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("EventTimestamp").cast(NS_UTC))


def order_events(rng):
    """Up to eighty order events of two listings, about half of them executions, some in one exchange event."""
    rows = []
    for listing in (1, 2):
        for at in stamps(rng, rng.randint(0, 40)):
            side, last = rng.choice(["Bid", "Ask", "Ask", None]), rng.choice([True, False, False, None])
            price = rng.choice([10.0, 10.01, 10.02, None])
            size = rng.choice([None, 0.0, 1.0, 2.0, 3.0, 4.0])
            rows.append((listing, at, f"o{rng.randint(0, 3)}", side, price, size, last))
    schema = {"ListingId": pl.Int64, "EventTimestamp": pl.Int64, "OrderId": pl.String, "Side": SIDE}
    schema |= {"ExecutionPrice": pl.Float64, "ExecutionSize": pl.Float64, "EndOfEvent": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("EventTimestamp").cast(NS_UTC))


def of_prints(frame):
    for row in frame.iter_rows(named=True):
        at = row["At"]
        yield execution(row["ListingId"], at, row["AggressorSide"], row["Price"], row["Size"], Match=row["Aggressor"])


def of_events(frame):
    rows = [(row["ListingId"], row["At"], row["EndOfEvent"]) for row in frame.iter_rows(named=True)]
    for row, (number, end) in zip(frame.iter_rows(named=True), events(rows), strict=True):
        at, side = row["At"], AGGRESSOR_OF[row["Side"]]
        known = {"Event": number, "EventEnd": end, "Order": row["OrderId"]}
        yield execution(row["ListingId"], at, side, row["ExecutionPrice"], row["ExecutionSize"] or 0, **known)


def execution(listing, at, side, price, size, **more):
    price = None if price is None or price != price else price
    return {"Listing": listing, "At": at, "Side": side, "Price": price, "Size": size, "Match": None, **more}


def eligible(executions, options):
    for one in executions:
        if one["Size"] > options["min_size"] and (one["Side"] or options["unknown_side"] == "alone"):
            yield one


def expected(executions, options):
    """(listing, side, size, notional, prices, number, first, last, final) of each order."""
    longest = {"0us": 0, "5us": 5_000, "20us": 20_000, "25us": 25_000, None: None}[options.get("max_duration")]
    rules = options["rules"]
    found = orders(list(eligible(executions, options)), rules, 10_000, longest, options["monotone"])
    for order, until in zip(found, final(found, rules, 10_000), strict=True):
        priced = [(one["Price"], one["Size"]) for one in order if one["Price"] is not None]
        yield (
            order[0]["Listing"],
            order[0]["Side"],
            sum(one["Size"] for one in order),
            sum(p * q for p, q in priced) if priced else None,
            len({round(p * 1e9) for p, _ in priced}),
            len(order),
            order[0]["At"],
            order[-1]["At"],
            until,
        )


FIGURES = ["ListingId", "AggressorSide", "Size", "Notional", "Levels", "Executions"]
STAMPS = ["FirstTimestamp", "LastTimestamp", "FinalTimestamp"]


def check(frame, executions, **options):
    table = "l3" if "ExecutionSize" in frame.columns else "trades"
    found = made({table: frame}, table=table, **options)["aggressive_orders"]
    rows = found.select(*FIGURES, pl.col(STAMPS).to_physical()).rows()
    wanted = list(expected(executions, options))
    assert [row[:3] + row[4:] for row in rows] == [row[:3] + row[4:] for row in wanted]
    assert [row[3] for row in rows] == [None if row[3] is None else pytest.approx(row[3]) for row in wanted]


def with_nanoseconds(frame):
    return frame.with_columns(At=pl.col("EventTimestamp").to_physical())


@pytest.mark.parametrize("seed", range(STREAMS))
def test_prints_are_the_orders_of_the_reference(seed):
    rng = Random(seed)
    frame = prints(rng)
    rules = rng.choice([["match_id", "gap"], ["gap"], ["match_id"]])
    check(frame, of_prints(with_nanoseconds(frame)), **options_of(rng, rules))


@pytest.mark.parametrize("seed", range(STREAMS))
def test_order_events_are_the_orders_of_the_reference(seed):
    rng = Random(1000 + seed)
    frame = order_events(rng)
    rules = rng.choice([["event", "gap"], ["event"], ["gap"]])
    check(frame, of_events(with_nanoseconds(frame)), **options_of(rng, rules))
