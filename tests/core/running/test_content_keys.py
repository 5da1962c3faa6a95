"""Content keys: they change with what could change the rows, and with nothing else."""

import json
import os
from datetime import date

import polars as pl
import pytest

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}


def keys(desk, *passes, **more):
    """The keys of Monday's passes after a run."""
    desk.run(*passes, **{"dates": [MONDAY], **more})
    return {p["name"]: record(desk, p["name"], MONDAY)["key"] for p in passes}


def record(desk, name, day):
    return json.loads((desk.folder / f".basalt/ledger/desk/{name}/{day}/all.json").read_text())


def test_the_same_run_has_the_same_keys(desk):
    first = keys(desk, MINUTES, HOURS)
    assert keys(desk, MINUTES, HOURS) == first
    assert first["minutes"] != first["hours"]


def test_dates_of_equal_rows_differ_by_their_files(desk):
    keys(desk, MINUTES, dates=[MONDAY, TUESDAY])
    assert record(desk, "minutes", MONDAY)["key"] != record(desk, "minutes", TUESDAY)["key"]


@pytest.mark.parametrize("changed", [{"every": "2m"}, {"label": "start"}, {"origin": "00:00:30"}, {"weights": True}])
def test_a_key_changes_with_the_configuration_and_takes_later_passes_along(desk, changed):
    first = keys(desk, MINUTES, HOURS)
    second = keys(desk, {**MINUTES, **changed}, HOURS)
    assert second["minutes"] != first["minutes"]
    assert second["hours"] != first["hours"]


def test_a_key_of_an_earlier_pass_does_not_change_with_a_later_one(desk):
    first = keys(desk, MINUTES, HOURS)
    second = keys(desk, MINUTES, {**HOURS, "every": "2h"})
    assert (second["minutes"], second["hours"] == first["hours"]) == (first["minutes"], False)


def test_a_key_changes_with_the_expression_behind_a_column(desk, a_module, a_metric):
    first = keys(desk, MINUTES)
    desk.modules[:] = [a_module("volume", a_metric("Volume", pl.col("Size").max()))]
    assert keys(desk, MINUTES) != first


def test_a_key_changes_with_the_rows_a_part_takes(desk, a_module, a_metric, a_volume):
    seen = [keys(desk, MINUTES)["minutes"]]
    for more in ({"where": pl.col("Price") > 1}, {"valid": pl.col("Price") > 1}, {"where": pl.col("Price") > 2}):
        desk.modules[:] = [a_module("volume", a_volume(), **more)]
        seen.append(keys(desk, MINUTES)["minutes"])
    derived = a_metric("Volume", pl.col("X").sum())
    for expr in (pl.col("Size"), pl.col("Size") * 2):
        desk.modules[:] = [a_module("volume", derived, derive={"X": expr})]
        seen.append(keys(desk, MINUTES)["minutes"])
    assert len(set(seen)) == 6


def test_a_key_changes_with_a_touched_input_and_only_on_its_date(desk):
    file = desk.folder / "data/trades/date=2026-01-05/part.parquet"
    first = keys(desk, MINUTES, HOURS, dates=[MONDAY, TUESDAY])
    tuesday = record(desk, "minutes", TUESDAY)["key"]
    os.utime(file, (1, 1))
    second = keys(desk, MINUTES, HOURS, dates=[MONDAY, TUESDAY])
    assert (second["minutes"] == first["minutes"], second["hours"] == first["hours"]) == (False, False)
    assert record(desk, "minutes", TUESDAY)["key"] == tuesday


def test_a_key_ignores_a_table_the_pass_does_not_read(desk, events):
    first = keys(desk, MINUTES)
    desk.put("imbalance", "2026-01-05", events("ReferencePrice", (1, 30, 10)))
    assert keys(desk, MINUTES) == first


def test_a_key_ignores_where_results_go_and_which_dates_run_beside(desk):
    first = keys(desk, MINUTES)
    assert keys(desk, MINUTES, outputs=[{"type": "parquet", "root": "elsewhere"}]) == first
    assert keys(desk, MINUTES, dates=[MONDAY, TUESDAY]) == first


def test_a_key_changes_with_the_market_states_that_become_known(desk, events):
    first = keys(desk, MINUTES)
    desk.put("marketstate", "2026-01-05", events("MarketState", (1, 0, "CONTINUOUS_TRADING")))
    assert keys(desk, MINUTES) != first
