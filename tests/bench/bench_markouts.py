"""Quotes and mids around 300 k trades among 3 M quotes: twelve horizons against one, alone and through a whole pass."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from by_hand import rows

from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry, TransformEntry
from basalt.modules import PassContext
from basalt.planning.plan import make_plan
from basalt.planning.program import context_of
from basalt.plugins.registry import open_registry
from basalt.running.compute import computed
from basalt.running.tables import Tables
from basalt_analytics.transforms.quotes_at_trades import QuotesAtTrades, QuotesAtTradesOptions

DAY = date(2026, 1, 5)
ONE = ["1s"]
TWELVE = ["-1s", "1ms", "10ms", "100ms", "500ms", "1s", "2s", "5s", "10s", "30s", "1m", "5m"]
LIMIT = 3.0


@pytest.fixture(name="alone")
def alone_(large_day):
    """The transform by itself, every column of its result counted."""
    tables = {name: rows(large_day, name) for name in ("trades", "l2", "marketstate")}
    context = PassContext("bench", DAY, ["ListingId"], None)

    def run(horizons):
        made = QuotesAtTrades(QuotesAtTradesOptions(horizons=horizons)).apply(tables, context)["trades"]
        return made.select(pl.all().count()).collect(engine="streaming")

    return run


@pytest.fixture(name="costs")
def costs_(large_day):
    """A pass of quotes and markouts."""

    def run(horizons):
        tca = [{"measures": ["EffectiveSpread", "Markout"], "horizons": horizons}]
        one = PassConfig(
            name="costs",
            every="5m",
            preprocess=[TransformEntry(transform="quotes_at_trades", options={"horizons": horizons})],
            modules=[ModuleEntry(module="trade", options={"tca": tca})],
        )
        source = SourceEntry(type="parquet", options={"root": str(large_day)})
        plan = make_plan(PipelineConfig(name="bench", source=source, passes=[one]), open_registry(), Path())
        program = plan.programs[0]
        return computed(plan, program, context_of(program, DAY), Tables(plan, DAY).frames(program), {}).rows

    return run


@pytest.mark.parametrize("what", ["alone", "costs"])
def test_twelve_horizons_against_one(what, request, paired, report):
    run = request.getfixturevalue(what)
    ratio, twelve, one = paired(lambda: run(TWELVE), lambda: run(ONE))
    report(f"{what}: 12 horizons / 1: {ratio:.2f} ({twelve:.2f} s / {one:.2f} s), limit {LIMIT}")
    assert ratio <= LIMIT
