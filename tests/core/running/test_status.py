"""The status of a partition, and the one reason that is told. Real plans, keys and records."""

import json
import os
import shutil
from datetime import date, timedelta

import attrs
import polars as pl
import pytest

from basalt.planning.keys import Key, content_key
from basalt.planning.partitions import Partition
from basalt.planning.status import Status, status_of
from basalt.running.ledger import FORMAT, Ledger, Record, Unreadable

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}
PLACES = ["out/minutes.parquet", "copy/minutes.parquet"]


def keyed(desk, *passes, universe="all", previous=(), **more):
    """Monday's keys by pass. `previous`: keys of `minutes` on earlier dates."""
    plan = desk.plan(*passes, dates=[MONDAY], **more)
    found = {}
    for program in plan.programs:
        earlier = {name: key.digest for name, key in found.items()} | dict(previous)
        found[program.name] = content_key(program, plan.source, Partition(MONDAY), universe, earlier)
    return found


def recorded(key, places=PLACES):
    """The record that a run of this key leaves."""
    return Record(
        key=key.digest,
        parts=key.parts,
        definition="",
        run="r",
        finished="2026-01-05T09:00:00+00:00",
        rows=3,
        places=places,
    )


def reason(before, after, name="minutes"):
    """Why what was published by the one key is stale by the other."""
    status = status_of(recorded(before[name]), after[name], PLACES)
    assert status.kind == "stale"
    return status.reason


def test_a_partition_is_done_where_key_and_places_are_as_recorded(desk):
    key = keyed(desk, MINUTES)["minutes"]
    assert status_of(recorded(key), key, PLACES) == Status("done")


def test_a_partition_without_a_record_is_missing(desk):
    key = keyed(desk, MINUTES)["minutes"]
    assert status_of(None, key, PLACES) == Status("missing", "it was never published")


@pytest.mark.parametrize("kind", ["stale", "missing"])
def test_a_record_that_says_nothing_is_told_as_it_is(desk, kind):
    key = keyed(desk, MINUTES)["minutes"]
    assert status_of(Unreadable(kind, "its ledger record is torn"), key, PLACES) == Status(
        kind, "its ledger record is torn"
    )


def test_a_place_that_is_new_makes_it_stale_and_one_that_is_left_out_does_not(desk):
    key = keyed(desk, MINUTES)["minutes"]
    assert status_of(recorded(key), key, [*PLACES, "new"]) == Status("stale", "its outputs go elsewhere now")
    assert status_of(recorded(key), key, PLACES[:1]) == Status("done")
    assert status_of(recorded(key, []), key, []) == Status("done")


def test_the_configuration_of_the_pass(desk):
    assert reason(keyed(desk, MINUTES), keyed(desk, {**MINUTES, "label": "start"})) == (
        "configuration of the pass changed"
    )


def test_the_universe(desk):
    assert reason(keyed(desk, MINUTES), keyed(desk, MINUTES, universe="1, 2")) == "universe changed"


def test_the_code_of_a_module(desk, a_module, a_metric):
    before = keyed(desk, MINUTES)
    desk.modules[:] = [a_module("volume", a_metric("Volume", pl.col("Size").max()))]
    assert reason(before, keyed(desk, MINUTES)) == "code of module volume changed"


def test_the_code_of_a_source_is_named_as_the_sources(desk):
    before, after = keyed(desk, MINUTES), keyed(desk, MINUTES)
    parts = {**after["minutes"].parts, "code": {**after["minutes"].parts["code"], "source parquet": "other"}}
    assert reason(before, {"minutes": Key("other", parts)}) == "code of source parquet changed"
    parts = {**parts, "code": {"module volume": parts["code"]["module volume"], "source lobster": "x"}}
    assert reason(before, {"minutes": Key("other", parts)}) == "source lobster is new to it"


def test_one_table_and_several(desk, events):
    desk.put("marketstate", "2026-01-05", events("MarketState", (1, 0, "CONTINUOUS_TRADING")))
    before = keyed(desk, MINUTES)
    os.utime(desk.folder / "data/trades/date=2026-01-05/part.parquet", (1, 1))
    assert reason(before, keyed(desk, MINUTES)) == "table trades changed"
    os.utime(desk.folder / "data/marketstate/date=2026-01-05/part.parquet", (1, 1))
    assert reason(before, keyed(desk, MINUTES)) in (
        "tables trades and marketstate changed",
        "tables marketstate and trades changed",
    )


def test_a_table_that_the_source_has_now_and_one_it_has_no_more(desk, events):
    """The configuration and the code are as they were: what is there to read is not."""
    before = keyed(desk, MINUTES)
    file = desk.put("marketstate", "2026-01-05", events("MarketState", (1, 0, "CONTINUOUS_TRADING")))
    after = keyed(desk, MINUTES)
    assert reason(before, after) == "it reads table marketstate now"
    shutil.rmtree(file.parents[1])
    assert reason(after, keyed(desk, MINUTES)) == "it reads table marketstate no longer"


def test_the_columns_of_a_table_go_before_the_expressions_that_follow_from_them(desk, events):
    before = keyed(desk, MINUTES)
    rows = events("Price Size MarketState", (1, 30, 100, 10, "CONTINUOUS_TRADING"))
    desk.put("trades", "2026-01-05", rows)
    assert reason(before, keyed(desk, MINUTES)) == "columns of table trades changed"


def test_an_earlier_pass_is_the_reason_only_where_nothing_of_the_pass_itself_changed(desk):
    before, after = keyed(desk, MINUTES, HOURS), keyed(desk, {**MINUTES, "label": "start"}, HOURS)
    assert reason(before, after, "hours") == "earlier pass minutes changed"
    both = keyed(desk, {**MINUTES, "label": "start"}, {**HOURS, "every": "2h"})
    assert reason(before, both, "hours") == "configuration of the pass changed"


def test_a_previous_date_of_an_earlier_pass(desk):
    one = {"minutes@2026-01-02": "a"}
    before = keyed(desk, MINUTES, HOURS, previous=one)
    assert reason(before, keyed(desk, MINUTES, HOURS, previous={"minutes@2026-01-02": "b"}), "hours") == (
        "earlier pass minutes of 2026-01-02 changed"
    )
    more = {"minutes@2026-01-01": "z", **one}
    assert reason(before, keyed(desk, MINUTES, HOURS, previous=more), "hours") == (
        "earlier pass minutes of 2026-01-01 is there now"
    )
    assert reason(before, keyed(desk, MINUTES, HOURS), "hours") == (
        "earlier pass minutes of 2026-01-02 is not there any more"
    )


def test_hidden_weights_come_and_go_with_the_passes_that_read_it(desk):
    """An average needs its weight once it is resampled; the code of the module is what it was."""
    average = {"module": "trade", "generic": [{"measures": ["VWAP"]}]}
    alone, read = keyed(desk, {**MINUTES, "modules": [average]}), keyed(desk, {**MINUTES, "modules": [average]}, HOURS)
    assert reason(alone, read) == "a later pass reads it now, so it has hidden weights"
    assert reason(read, alone) == "no later pass reads it any longer, so it has no hidden weights"


def test_the_engine_is_told_of_last(desk):
    key = keyed(desk, MINUTES)["minutes"]
    other = attrs.evolve(key, digest="other", parts={**key.parts, "engine": "other"})
    assert reason({"minutes": key}, {"minutes": other}) == "basalt computes it differently now"


def test_a_record_with_fewer_parts_than_now_is_stale_for_some_reason(desk):
    key = keyed(desk, MINUTES)["minutes"]
    for name in key.parts:
        less = attrs.evolve(key, digest="other", parts={k: v for k, v in key.parts.items() if k != name})
        assert reason({"minutes": less}, {"minutes": key})


@pytest.mark.slow
def test_a_thousand_partitions_of_three_passes_are_done_when_asked_again(desk):
    """What a run with nothing to do asks: the status of 1,000 dates × 3 passes, each by a record of its own."""
    days = [MONDAY + timedelta(days=n) for n in range(1000)]
    rows = pl.read_parquet(desk.folder / "data/trades/date=2026-01-05/part.parquet")
    for day in days:
        desk.put("trades", str(day), rows)
    plan = desk.plan(MINUTES, HOURS, {**HOURS, "name": "days", "every": "2h"}, dates=days)
    ledger = Ledger(desk.folder / ".basalt")
    for target, key in targets(plan):
        ledger.path(target).parent.mkdir(parents=True)
        ledger.path(target).write_text(json.dumps({"format": FORMAT, **attrs.asdict(recorded(key))}))
    asked = [status_of(ledger.read(target), key, PLACES) for target, key in targets(plan)]
    assert (len(asked), set(asked)) == (3000, {Status("done")})


def targets(plan):
    """Every pass and partition of the plan, with its key."""
    for partition in plan.partitions:
        keys = {}
        for program in plan.programs:
            key = content_key(program, plan.source, partition, "all", keys)
            keys[program.name] = key.digest
            yield plan.target(program.name, partition, ""), key
