"""The catalogue: what is installed and every column it emits, in rows and in words."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

import basalt.plugin
from basalt import FrameModule, Metric, Unit, analytic, hookimpl
from basalt.catalog import column_row, default_columns, explanation, known_text, modules, planned_columns, rollup_text
from basalt.config.model import PipelineConfig
from basalt.config.structure import structure
from basalt.documents import ResultColumn
from basalt.metrics import FIRST, LAST, MAX, MIN, NONE, SUM, Empty, Known, mean
from basalt.modules import BucketModule
from basalt.planning.plan import make_plan
from basalt.plugins.registry import Registry
from basalt.running.memory import MemorySource
from basalt.tables import NS_UTC


@analytic("trades")
def clip():
    """How large prints are."""
    largest = pl.col("Size").max()
    yield Metric("Clip", largest, Unit.SHARES, doc="Largest size.", over_time=MAX, citation="Desk 2026")
    yield Metric("Late", pl.col("Price").mean(), Unit.PRICE, doc="Known late.", known_after=timedelta(seconds=5))


class Signed(BucketModule):
    """A signed flow, carried and zeroed."""

    name = "signed_flow"
    table = "trades"

    def metrics(self):
        flow = pl.col("Size").sum()
        yield Metric("Flow", flow, Unit.SHARES, doc="Signed.", empty=Empty.ZERO, sign="positive when bought")
        yield Metric("Open", pl.col("Price").first(), Unit.PRICE, doc="First.", empty=Empty.CARRY, carries="Close")
        yield Metric("Close", pl.col("Price").last(), Unit.PRICE, doc="Last.", empty=Empty.CARRY)


class NeedsSource(FrameModule):
    """Reads an earlier pass."""

    name = "needs_source"

    def columns(self):
        return [ResultColumn("Copied", Unit.COUNT, "Copied.", pl.Int64)]

    def compute(self, inputs, pass_):
        return inputs["source"]


class NeedsOptions(BucketModule):
    """Breaks until it is configured."""

    name = "needs_options"
    table = "trades"

    def metrics(self):
        raise ValueError("configure me")


def registry(*offered):
    own = SimpleNamespace(basalt_analytics=hookimpl(lambda: list(offered)))
    return Registry.of({"basalt-core": basalt.plugin, "desk-plugin": own})


def test_modules_are_listed_with_what_they_read():
    rows = modules(registry(clip, NeedsSource))
    assert [(r["module"], r["reads"], r["distribution"], r["what"]) for r in rows] == [
        ("clip", "trades", "desk-plugin", "How large prints are."),
        ("needs_source", "an earlier pass", "desk-plugin", "Reads an earlier pass."),
    ]


def test_no_plugins_no_modules():
    assert modules(Registry.of({"basalt-core": basalt.plugin})) == []


def test_columns_of_each_module_that_needs_nothing():
    """Modules that need an earlier pass or options have no columns of their own; they do not hide the others'."""
    entries = default_columns(registry(NeedsOptions, NeedsSource, Signed, clip))
    assert [e.column.name for e in entries] == ["Clip", "Late", "Flow", "Open", "Close"]
    assert {e.pass_name for e in entries} == {None}


def test_a_column_in_one_line():
    first = default_columns(registry(clip))[0]
    assert column_row(first) == {"column": "Clip", "unit": "shares", "module": "clip", "what": "Largest size."}


def test_a_column_explained():
    told = explanation(default_columns(registry(clip))[0])
    assert told["formula"] == "Size.max()"
    assert {k: told[k] for k in ("unit", "dtype", "rollup over time", "rollup over listings", "reads", "citation")} == {
        "unit": "shares",
        "dtype": "Float64",
        "rollup over time": "max",
        "rollup over listings": "none",
        "reads": ["table trades", "  Size: shares traded"],
        "citation": "Desk 2026",
    }
    assert (told["module"], told["pass"], told["made by"]) == ("clip", None, {"module": "clip"})


def test_the_null_rule_in_words():
    rules = {e.column.name: e.null_rule for e in default_columns(registry(Signed, clip))}
    assert rules == {
        "Flow": "0 in a bucket of the timeline without matching rows",
        "Open": "in a bucket without rows, the last Close of the same stretch",
        "Close": "in a bucket without rows, the last value of the same stretch",
        "Clip": "null in a bucket without matching rows, and wherever it is not defined",
        "Late": "null in a bucket without matching rows, and wherever it is not defined",
    }


def test_the_sign_in_words():
    signs = {e.column.name: explanation(e)["sign"] for e in default_columns(registry(Signed))}
    assert signs["Flow"] == "positive when bought"
    assert signs["Close"] == "not declared"


@pytest.mark.parametrize(
    ("rollup", "said"),
    [
        (SUM, "sum"),
        (MIN, "min"),
        (FIRST, "first"),
        (LAST, "last"),
        (NONE, "none"),
        (mean("Volume"), "mean weighted by Volume"),
        (mean("Volume").within("instrument"), "mean weighted by Volume, within one instrument"),
        (SUM.within("currency"), "sum, within one currency"),
    ],
)
def test_rollups_in_words(rollup, said):
    assert rollup_text(rollup) == said


@pytest.mark.parametrize(
    ("lag", "said"),
    [
        (timedelta(0), "at the bucket's end"),
        (timedelta(seconds=5), "5 s after the bucket's end"),
        (timedelta(milliseconds=250), "0.25 s after the bucket's end"),
        (Known.END_OF_DATE, "when the date is over"),
    ],
)
def test_lags_in_words(lag, said):
    assert known_text(lag) == said


def test_columns_of_a_pipeline_are_told_by_the_entry_that_made_them():
    """The prefix of the first entry begins the names of the second: each column still knows its own entry."""
    trades = pl.DataFrame(
        {"ListingId": [1], "EventTimestamp": [datetime(2026, 1, 5, 9, tzinfo=UTC)], "Price": [1.0], "Size": [2.0]},
        schema_overrides={"EventTimestamp": NS_UTC},
    )
    entries = [{"module": "clip", "prefix": "C"}, {"module": "clip", "prefix": "Cl", "where": "Size > 1"}]
    tree = {
        "name": "desk",
        "source": {"type": "memory"},
        "passes": [{"name": "bars", "every": "1m", "modules": entries}],
    }
    config = structure(PipelineConfig, tree, "pipeline")
    plan = make_plan(config, registry(clip), Path(), source=MemorySource({"trades": trades}, date(2026, 1, 5)))
    found = {e.column.name: e for e in planned_columns(plan)}
    assert list(found) == ["CClip", "CLate", "ClClip", "ClLate"]
    assert found["CClip"].options == {"module": "clip", "prefix": "C"}
    assert found["ClClip"].options == {"module": "clip", "prefix": "Cl", "where": "Size > 1"}
    assert column_row(found["ClClip"])["pass"] == "bars"
    assert explanation(found["ClLate"])["known"] == "5 s after the bucket's end"
