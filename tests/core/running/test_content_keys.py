"""Content keys: they change with what could change the rows, and with nothing else."""

import os
import subprocess
import sys
from datetime import date
from textwrap import dedent

import attrs
import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.config.model import PipelineConfig
from basalt.config.structure import structure
from basalt.documents import ResultColumn
from basalt.metrics import FIRST, LAST
from basalt.options import option
from basalt.planning import keys as keys_module
from basalt.planning.keys import content_key, definition
from basalt.planning.partitions import Partition
from basalt.planning.plan import make_plan
from basalt.plugins.found import find_files
from basalt.plugins.loaded import load

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
MINUTES = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
HOURS = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "minutes"}]}


def keyed(plan, day=MONDAY, universe="all", more=()):
    """The whole keys of that date by pass."""
    found = {}
    for program in plan.programs:
        earlier = {name: key.digest for name, key in found.items()} | dict(more)
        found[program.name] = content_key(program, plan.source, Partition(day), universe, earlier)
    return found


def keys(desk, *passes, day=MONDAY, dates=(MONDAY,), **more):
    """The digests of that date's passes."""
    return {name: key.digest for name, key in keyed(desk.plan(*passes, dates=dates, **more), day).items()}


def definitions(plan):
    made = {}
    for program in plan.programs:
        made[program.name] = definition(program, made)
    return made


def test_the_same_run_has_the_same_keys(desk):
    first = keys(desk, MINUTES, HOURS)
    assert keys(desk, MINUTES, HOURS) == first
    assert first["minutes"] != first["hours"]


def test_dates_of_equal_rows_differ_by_their_files(desk):
    both = [MONDAY, TUESDAY]
    assert keys(desk, MINUTES, dates=both) != keys(desk, MINUTES, dates=both, day=TUESDAY)


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
    both = {"dates": [MONDAY, TUESDAY]}
    first, tuesday = keys(desk, MINUTES, HOURS, **both), keys(desk, MINUTES, HOURS, day=TUESDAY, **both)
    os.utime(file, (1, 1))
    second = keys(desk, MINUTES, HOURS, **both)
    assert (second["minutes"] == first["minutes"], second["hours"] == first["hours"]) == (False, False)
    assert keys(desk, MINUTES, HOURS, day=TUESDAY, **both) == tuesday


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


def test_dates_of_one_file_have_different_keys(desk, events):
    """The file's fingerprint is the same on both dates, and the rows are not."""
    trades = pl.concat([pl.read_parquet(file) for file in (desk.folder / "data/trades").rglob("*.parquet")])
    for file in list((desk.folder / "data/trades").rglob("*.parquet")):
        file.unlink()
    for folder in sorted((desk.folder / "data/trades").glob("*")):
        folder.rmdir()
    (desk.folder / "data/trades").rmdir()
    trades.write_parquet(desk.folder / "data/trades.parquet")
    plan = desk.plan(MINUTES)
    monday, tuesday = keyed(plan)["minutes"], keyed(plan, TUESDAY)["minutes"]
    assert monday.parts == tuesday.parts
    assert monday.digest != tuesday.digest


def test_a_key_ignores_memory_and_a_key_that_is_written_as_its_default(desk):
    first = keys(desk, MINUTES, HOURS)
    written = {**MINUTES, "memory": "1GB", "halts": "drop", "weights": False, "quality": [], "side_outputs": {}}
    assert keys(desk, written, HOURS) == first


@pytest.mark.parametrize("more", [{"quality": [{"max_null_rate": 0.5}]}, {"expect": {"monotone": True}}])
def test_a_key_changes_with_what_is_checked(desk, more):
    assert keys(desk, {**MINUTES, **more}) != keys(desk, MINUTES)


def test_a_key_changes_with_the_universe_and_with_nothing_else_of_it(desk):
    plan = desk.plan(MINUTES)
    first, second = keyed(plan)["minutes"], keyed(plan, universe="1, 2")["minutes"]
    assert first.digest != second.digest
    assert {name for name in first.parts if first.parts[name] != second.parts[name]} == {"universe"}


def test_a_key_takes_the_keys_of_passes_it_reads_on_any_date_and_of_no_other(desk):
    """`minutes:large` is a side output of the pass it reads; `seconds` is no pass of it."""
    plan = desk.plan(MINUTES, HOURS)
    read = {"minutes@2026-01-02": "h", "minutes:large": "s"}
    found = keyed(plan, more={**read, "seconds": "n", "seconds@2026-01-02": "n"})
    assert found["minutes"].parts["earlier"] == {}
    assert found["hours"].parts["earlier"] == {"minutes": found["minutes"].digest, **read}
    assert found["hours"].digest != keyed(plan)["hours"].digest


def test_a_key_ignores_prose_and_takes_rollups_which_later_passes_compute_by(desk, a_module, a_metric):
    seen = []
    for more in ({}, {"doc": "Another sentence.", "formula": "f", "citation": "c"}, {"over_time": FIRST}):
        desk.modules[:] = [a_module("volume", a_metric("Volume", pl.col("Size").sum(), **{"over_time": LAST, **more}))]
        seen.append(keys(desk, MINUTES))
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def test_a_key_changes_with_whether_a_part_makes_buckets(desk, a_module, a_part, a_volume, a_metric):
    seen = []
    for makes in (True, False):
        beside = a_part(a_metric("Last", pl.col("Price").last()), valid=pl.col("Price") > 100, makes_buckets=makes)
        desk.modules[:] = [a_module("volume", a_part(a_volume()), beside)]
        seen.append(keys(desk, MINUTES))
    assert seen[0] != seen[1]


def test_a_key_changes_with_the_engine(desk, monkeypatch):
    first = keys(desk, MINUTES)
    monkeypatch.setattr(keys_module, "ENGINE", 1_000)
    assert keys(desk, MINUTES) != first


def test_the_source_counts_where_the_pass_reads_a_table(desk):
    found = keyed(desk.plan(MINUTES, HOURS))
    assert sorted(found["minutes"].parts["code"]) == ["module volume", "source parquet"]
    assert list(found["hours"].parts["code"]) == ["module generic"]


@attrs.frozen
class LargeOptions:
    above: float = option("size", default=10.0)


class Large(FrameModule):
    """The largest print of a bucket."""

    name = "large"
    inputs = ("trades",)
    Config = LargeOptions

    def columns(self):
        return [ResultColumn("Largest", Unit.SHARES, "Largest.")]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        kept = inputs["trades"].filter(pl.col("Size") > self.config.above).with_columns(TimeBucket=label)
        return kept.group_by("ListingId", "TimeBucket").agg(Largest=pl.col("Size").max())


LARGE = {"name": "minutes", "every": "1m", "modules": [{"module": "large"}]}


def test_the_resolved_options_of_a_frame_module_count_as_configuration(desk, monkeypatch):
    """A default that changes in a new version of the module changes what the same file computes."""
    desk.modules.append(Large)
    first = keyed(desk.plan(LARGE))["minutes"]
    assert keyed(desk.plan(LARGE))["minutes"] == first

    @attrs.frozen
    class Later(LargeOptions):
        above: float = option("size", default=20.0)

    monkeypatch.setattr(Large, "Config", Later)
    second = keyed(desk.plan(LARGE))["minutes"]
    assert {name for name in first.parts if first.parts[name] != second.parts[name]} == {"configuration"}


PIPELINE = """
name = "desk"
source = { type = "parquet", root = "data" }
dates = { list = [2026-01-05] }
[[passes]]
name = "minutes"
every = "1m"
market_states = "all"
modules = [{ module = "trade", generic = [{ measures = ["Volume", "VWAP"] }] }]
[[passes]]
name = "hours"
every = "1h"
modules = [{ module = "generic", source = "minutes" }]
"""
PRINTED = """
from pathlib import Path
from basalt.planning.keys import content_key
from basalt.planning.pipeline_file import plan_file
plan, found = plan_file(Path("desk.toml")), {}
for program in plan.programs:
    found[program.name] = content_key(program, plan.source, plan.partitions[0], "all", found).digest
print(found)
"""


def test_a_key_is_the_same_in_every_process_whatever_the_order_of_its_sets(desk, events):
    """Keys name up to 14 states; string hashes, and with them the order of sets, differ from process to process."""
    desk.put("marketstate", "2026-01-05", events("MarketState", (1, 0, "CONTINUOUS_TRADING")))
    (desk.folder / "desk.toml").write_text(PIPELINE)
    seen = {
        subprocess.check_output([sys.executable, "-c", PRINTED], env=os.environ | {"PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    }
    assert len(seen) == 1


FILE = """
import polars as pl
from basalt import FrameModule, Metric, Unit, analytic
from basalt.documents import ResultColumn

@analytic("trades")
def largest():
    yield Metric("Most", pl.col("Size").max(), Unit.SHARES, doc="Most.")

class Flow(FrameModule):
    name = "flow"
    inputs = ("trades",)
    def columns(self):
        return [ResultColumn("Flow", Unit.SHARES, "Flow.")]
    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        rows = inputs["trades"].with_columns(TimeBucket=label)
        return rows.group_by("ListingId", "TimeBucket").agg(Flow=pl.col("Size").sum())
"""
WITH_HOOK = """
from basalt import hookimpl

@hookimpl
def basalt_analytics():
    return [largest, Flow]
"""


def parts_of_file(desk, text, module):
    """The key of a pass of a module that a single file offers."""
    file = desk.folder / "desk_file.py"
    file.write_text(dedent(text + WITH_HOOK))
    registry = desk.registry()
    registry.take(load(find_files([file])[0]))
    tree = {
        "name": "desk",
        "source": {"type": "parquet", "root": "data"},
        "passes": [{"name": "minutes", "every": "1m", "modules": [{"module": module}]}],
    }
    return keyed(make_plan(structure(PipelineConfig, tree, "pipeline"), registry, desk.folder))["minutes"]


def test_a_frame_module_of_a_single_file_changes_with_its_file_in_the_same_process(desk):
    first = parts_of_file(desk, FILE, "flow")
    assert parts_of_file(desk, FILE, "flow") == first
    second = parts_of_file(desk, FILE.replace('col("Size").sum()', 'col("Size").max()'), "flow")
    assert second.digest != first.digest
    assert {name for name in first.parts["code"] if first.parts["code"][name] != second.parts["code"][name]} == {
        "module flow"
    }


def test_a_function_of_a_single_file_changes_with_its_expressions_alone(desk):
    first = parts_of_file(desk, FILE, "largest")
    assert parts_of_file(desk, FILE + "# a word\n", "largest") == first
    assert parts_of_file(desk, FILE.replace(".max()", ".min()"), "largest").digest != first.digest


def test_a_definition_is_of_configuration_and_code_and_not_of_data(desk):
    first = definitions(desk.plan(MINUTES, HOURS, dates=[MONDAY]))
    os.utime(desk.folder / "data/trades/date=2026-01-05/part.parquet", (1, 1))
    assert definitions(desk.plan(MINUTES, HOURS, dates=[TUESDAY])) == first


def test_a_definition_is_not_of_checks_which_published_rows_have_passed(desk):
    first = definitions(desk.plan(MINUTES, HOURS))
    checked = {**MINUTES, "quality": [{"columns": "Volume", "min": 0}]}
    kept = {**HOURS, "every": "1m", "expect": {"preserves_rows_of": "minutes"}}
    assert definitions(desk.plan(checked, HOURS)) == first
    assert definitions(desk.plan(MINUTES, kept)) == definitions(desk.plan(MINUTES, {**HOURS, "every": "1m"}))


def test_a_definition_changes_with_every_pass_behind_it(desk):
    first = definitions(desk.plan(MINUTES, HOURS))
    second = definitions(desk.plan({**MINUTES, "label": "start"}, HOURS))
    third = definitions(desk.plan(MINUTES, {**HOURS, "every": "2h"}))
    assert [second[name] == first[name] for name in first] == [False, False]
    assert [third[name] == first[name] for name in first] == [True, False]
