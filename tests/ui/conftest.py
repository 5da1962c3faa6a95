"""What tests of the browser share: a desk's plugin, plugins without what happens to be installed, a pipeline."""

from pathlib import Path
from types import ModuleType

import pytest

import basalt.plugin
import basalt_analytics.plugin
from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.planning.plan import Plan, make_plan
from basalt.plugins.registry import Registry
from basalt.running.memory import MemorySource
from basalt.testing.days import one_listing

DESK = '''
"""Desk: what it costs us."""
import polars as pl
from basalt import Metric, Unit, analytic, ratio


@analytic("trades")
def desk_clip():
    """How large the desk's prints are."""
    yield Metric(
        "DeskClipSize", pl.col("Size").mean(), Unit.SHARES, doc="Mean size of the bucket's trades.",
        formula="Σ q / n", citation="Desk 2026", sign="always positive",
    )
    yield Metric("DeskClipPrice", ratio(pl.col("Price").sum(), pl.len()), Unit.PRICE, doc="Mean price of the trades.")
'''
OURS: dict[str, ModuleType] = {"basalt-core": basalt.plugin, "basalt-analytics": basalt_analytics.plugin}


@pytest.fixture
def desk_file(tmp_path: Path) -> Path:
    """A single-file plugin with one module of two columns."""
    file = tmp_path / "desk.py"
    file.write_text(DESK)
    return file


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Core and our analytics, whatever else is installed."""
    return Registry.of(OURS)


@pytest.fixture(scope="session")
def plan(registry: Registry) -> Plan:
    """One-minute bars of trades, and quarters of an hour made from them."""
    passes = [
        PassConfig(name="bars", every="1m", modules=[ModuleEntry(module="trade", prefix="My")]),
        PassConfig(name="quarter", every="15m", modules=[ModuleEntry(module="generic", source="bars")]),
    ]
    source = MemorySource({"trades": one_listing()["trades"]}, None)
    config = PipelineConfig(name="desk", source=SourceEntry(type="memory"), passes=passes)
    return make_plan(config, registry, Path(), source=source)
