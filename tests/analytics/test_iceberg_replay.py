"""Icebergs of random streams of order events, found twice: by module `iceberg` and one event after another.

BASALT_STREAMS=100000 replays that many streams (default 150).
"""

import os
import sys
from pathlib import Path
from random import Random

import polars as pl
import pytest

from basalt.buckets import BucketRule
from basalt.config.structure import structure
from basalt.durations import SECOND
from basalt.modules import PassContext
from basalt.tables import AGGRESSOR, NS_UTC
from basalt_analytics.iceberg.module import Iceberg
from basalt_analytics.iceberg.tags import TAGS, IcebergTags, IcebergTagsOptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
from order_replay.iceberg import Icebergs, bars, executed_by, nearest, survival
from order_replay.iceberg_streams import renewing
from order_replay.streams import frame

pytestmark = pytest.mark.slow
STREAMS = int(os.environ.get("BASALT_STREAMS", "150"))
TOGETHER = 25
SIZES = [0.0, 150.0, 400.0, 1000.0]
SUMS = ["ExecutedVolume", "ExecutedCount", "HiddenVolume", "TrancheCount", "MeanPeak", "ConfirmedCount"]
CHOICES = {
    "detect": [["excess", "refill", "synthetic"], ["excess", "refill"], ["synthetic"], ["refill", "synthetic"]],
    "synthetic_size": ["any", "equal", "not_larger"],
    "min_tranches": [2, 3, 4],
    "min_hidden": [0.0, 60.0],
    "refill_within": [("100ms", 10**8), ("1us", 10**3)],
    "synthetic_within": [("500us", 500_000), ("1s", 10**9), ("0s", 0)],
}
READ_BY = {"synthetic_size": "synthetic", "min_tranches": "synthetic", "synthetic_within": "synthetic"}
READ_BY |= {"min_hidden": "excess", "refill_within": "refill"}


def drawn(seed):
    """Options as the module takes them and as the plain replay does."""
    rng = Random(seed)
    found = {name: rng.choice(values) for name, values in CHOICES.items()}
    found = {name: value for name, value in found.items() if READ_BY.get(name, found["detect"][0]) in found["detect"]}
    pairs = {name: value if isinstance(value, tuple) else (value, value) for name, value in found.items()}
    return [{name: pair[i] for name, pair in pairs.items()} for i in range(2)]


def counts(row):
    return row["MarketState"] == "CONTINUOUS_TRADING"


def second(stamp):
    """The end of the second that holds it, the end included."""
    return -(-stamp // SECOND) * SECOND


def groups():
    """Seed, options twice, rows and plain icebergs by listing, of streams by the dozen."""
    for first in range(1, STREAMS + 1, TOGETHER):
        options, plain = drawn(first)
        rows = {n: renewing(n, n) for n in range(first, first + TOGETHER)}
        yield first, options, rows, {n: Icebergs(plain, counts).replay(own) for n, own in rows.items()}


def module_over(table, options):
    """The module's rows and side outputs; buckets of a second."""
    config = structure(Iceberg.Config, options, "modules[0]")
    asked = frozenset(schema.name for schema in Iceberg.sides)
    day = table["EventTimestamp"][0].date()
    context = PassContext("icebergs", day, ["ListingId"], BucketRule(SECOND), sides=asked)
    made = Iceberg(config, {"l3": table.schema}, None, BucketRule(SECOND)).compute({"l3": table.lazy()}, context)
    rows = made.rows.with_columns(pl.col("TimeBucket").cast(NS_UTC).to_physical()).collect()
    return rows, {name: side.collect() for name, side in made.sides.items()}


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("attribution", ["confirm", "execution"])
def test_what_icebergs_do_in_each_second_is_that_of_plain_python(attribution):
    compared = 0
    for first, options, rows, found in groups():
        table = frame([row for own in rows.values() for row in own])
        seen, _ = module_over(table, {**options, "attribution": attribution, "measures": SUMS})
        told = {}
        for n, one in found.items():
            for (end, side), sums in bars(one, rows[n], second, attribution == "execution").items():
                told.setdefault((n, end), {})[side] = sums
        assert set(seen.select("ListingId", "TimeBucket").rows()) == set(told), (first, options)
        for row in seen.to_dicts():
            for side in ("Bid", "Ask", "Total"):
                sums = told[row["ListingId"], row["TimeBucket"]].get(side, {})
                for name in SUMS:
                    expected = sums.get(name, 0)
                    if name == "MeanPeak":
                        count = sums.get("TrancheCount")
                        expected = sums["Peaks"] / count if count else None
                    assert row[f"Iceberg{side}{name}"] == (expected if expected is None else close(expected)), (
                        first,
                        options,
                        row,
                    )
                    compared += bool(expected)
    assert compared > STREAMS


def test_each_iceberg_and_each_execution_of_one_is_that_of_plain_python():
    compared = 0
    for first, options, rows, found in groups():
        table = frame([row for own in rows.values() for row in own])
        _, sides = module_over(table, options)
        columns = ["IcebergKind", "Side", "AmbiguousLinks", "End", "Size"]
        at = [pl.col(name).to_physical() for name in ("EventTimestamp", "FirstTimestamp", "EndTimestamp")]
        seen = {
            tuple(row[:2]): row[2:] for row in sides["icebergs"].select("ListingId", "IcebergId", *columns, *at).rows()
        }
        executed = sides["iceberg_executions"]
        lots = executed.select("ListingId", "IcebergId", pl.col("EventTimestamp").to_physical(), "Size", "HiddenSize")
        told, told_lots = {}, []
        for n, one in found.items():
            stamps = [row["EventTimestamp"] for row in rows[n]]
            for chain in (chain for chain in one.chains if chain["kind"]):
                how, end = chain["end"] or ("OPEN", None)
                own = [fact for fact in one.facts if fact[1] is chain]
                size = sum(x for _, _, x, _, _ in own)
                told[n, chain["first"]] = (
                    *(chain["kind"], chain["side"], chain["ambiguous"], how, close(size)),
                    *(stamps[chain["confirmed"]], stamps[chain["first"]], None if end is None else stamps[end]),
                )
                told_lots += [(n, chain["first"], p, x, h) for p, _, x, h, _ in own if x and counts(rows[n][p])]
        assert seen == told, (first, options)
        told_lots.sort(key=lambda lot: (lot[0], lot[2]))
        expected = [(n, c, rows[n][p]["EventTimestamp"], close(x), close(h)) for n, c, p, x, h in told_lots]
        assert lots.rows() == expected, (first, options)
        compared += len(told)
    assert compared > STREAMS / 2


def test_shares_of_larger_icebergs_are_those_of_plain_python():
    """All of a listing: filled where the last fill counts, else censored at what the session's end leaves, which
    nothing tells here, so that all is counted."""
    compared = 0
    for first, options, rows, found in groups():
        table = frame([row for own in rows.values() for row in own])
        _, sides = module_over(table.drop("MarketState"), options | {"kinds": ["All"]})
        for n in found:
            plain = Icebergs(drawn(first)[1], lambda row: True).replay(_stateless(rows[n]))
            for side in ("Bid", "Ask", "Total"):
                chains = [c for c in plain.chains if c["kind"] and side in ("Total", c["side"])]
                members = [(_size(plain, c), bool(c["end"]) and c["end"][0] == "FILLED") for c in chains]
                own = sides["iceberg_sizes"].filter(pl.col("ListingId") == n, pl.col("Side") == side)
                for size in SIZES:
                    reached = own.filter(pl.col("Size") <= size + 1e-9)["Survival"]
                    seen = (reached[-1] if reached.len() else 1.0) if own.height else None
                    expected = survival(members, size)
                    assert seen == (expected if expected is None else close(expected)), (first, options, n, side)
                    compared += expected not in (None, 1.0)
    assert compared > STREAMS / 4


def _size(plain, chain):
    return round(sum(x for _, own, x, _, _ in plain.facts if own is chain), 9)


def _stateless(rows):
    return [{**row, "MarketState": None} for row in rows]


def prints(rng, rows, listing):
    """Prints of most executions: some late or early, of another size, without an id or a side, cancelled or twice."""
    found = []
    for number, row in enumerate(row for row in rows if executed_by(row)):
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            side = {"Bid": "Sell", "Ask": "Buy", None: None}[row["Side"]]
            found.append(
                {
                    "ListingId": listing,
                    "EventTimestamp": row["EventTimestamp"] + rng.choice((0, 0, 1_000, -1_000, 500_000, -600_000)),
                    "Price": row["ExecutionPrice"] if rng.random() < 0.9 else 100.0,
                    "Size": executed_by(row) + rng.choice((0, 0, 0, 10)),
                    "AggressorSide": rng.choice((side, side, None, "Buy")),
                    "TradeId": rng.choice((f"t{number}", f"t{rng.randint(0, 20)}", None, "")),
                    "IsCancelled": rng.choice((False, False, False, True, None)),
                }
            )
        row["TradeId"] = rng.choice((f"t{number}", f"t{number}", None, ""))
    return sorted(found, key=lambda one: one["EventTimestamp"])


def test_tags_of_prints_are_those_of_plain_python():
    compared = 0
    for first, options, rows, found in groups():
        rng = Random(first)
        near = {"tolerance": "500us", "size_tolerance": rng.choice((0.0, 10.0)), "match_sides": rng.random() < 0.7}
        of = {n: prints(rng, own, n) for n, own in rows.items()}
        ids = pl.Series("TradeId", [row.get("TradeId") for own in rows.values() for row in own], dtype=pl.String)
        table = frame([{k: v for k, v in row.items() if k != "TradeId"} for own in rows.values() for row in own])
        trades = pl.DataFrame([one for own in of.values() for one in own], schema=PRINTED).with_columns(
            pl.col("EventTimestamp").cast(NS_UTC)
        )
        made = IcebergTags(structure(IcebergTagsOptions, options | near, "preprocess[0]"))
        context = PassContext("tags", table["EventTimestamp"][0].date(), ["ListingId"], BucketRule(SECOND))
        inputs = {"trades": trades.lazy(), "l3": table.with_columns(ids).lazy()}
        seen = made.apply(inputs, context)["trades"].collect()
        assert seen.select(trades.columns).equals(trades)
        told = [tag for n, own in of.items() for tag in tags(own, rows[n], found[n], near)]
        got = seen.with_columns(pl.col("IcebergKnownAt").to_physical()).select(list(TAGS)).rows()
        assert got == told, (first, options, near)
        compared += sum(tag[0] is not None for tag in told)
    assert compared > STREAMS


PRINTED = {
    "ListingId": pl.Int64,
    "EventTimestamp": pl.Int64,
    "Price": pl.Float64,
    "Size": pl.Float64,
    "AggressorSide": AGGRESSOR,
    "TradeId": pl.String,
    "IsCancelled": pl.Boolean,
}


def tags(own, rows, found, near):
    """What each print is to icebergs."""
    places = [place for place, row in enumerate(rows) if executed_by(row)]
    given = nearest(own, [rows[p] for p in places], 500_000, near["size_tolerance"], near["match_sides"])
    facts = {place: (chain, hidden) for place, chain, x, hidden, _ in found.facts if x}
    for number, printed in enumerate(own):
        mine = [(places[i], how) for i, (p, how) in sorted(given.items()) if p == number]
        if not mine:
            yield (None,) * 6
            continue
        of = [facts[p] for p, _ in mine if p in facts and facts[p][0]["kind"]]
        if not of:
            yield False, None, None, 0.0, None, mine[0][1]
            continue
        known = max(printed["EventTimestamp"], *(rows[c["confirmed"]]["EventTimestamp"] for c, _ in of))
        first = of[0][0]
        yield True, first["first"], first["kind"], close(sum(h for _, h in of)), known, mine[0][1]
