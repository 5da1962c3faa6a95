"""Plans over small frames and files: passes as plain tables, modules of a line."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import polars as pl
import pytest

import basalt.plugin
import basalt_analytics.plugin
import basalt_io.plugin
from basalt import Metric, Unit, hookimpl
from basalt.config.model import PipelineConfig
from basalt.config.structure import structure
from basalt.modules import BucketModule, Part, Rows
from basalt.planning.dates import Asked
from basalt.planning.plan import Plan, make_plan
from basalt.planning.program import Program
from basalt.plugins.registry import Registry
from basalt.running.memory import MemorySource
from basalt.tables import NS_UTC, STATE

DAY = date(2026, 1, 5)
HALF_PAST = datetime(2026, 1, 5, 9, 0, 30, tzinfo=UTC)
INSTALLED = {
    "basalt-core": basalt.plugin,
    "basalt-io": basalt_io.plugin,
    "basalt-analytics": basalt_analytics.plugin,
}


def a_metric(name: str, expr: pl.Expr, **more: Any) -> Metric:
    """A metric in shares."""
    return Metric(name, expr, Unit.SHARES, **{"doc": f"{name} of the bucket.", **more})


def a_module(name: str, *metrics: Metric, table: str = "trades", **more: Any) -> type[BucketModule]:
    """A module of one part made of these metrics; `more` goes to the part."""
    made = [Part(Rows(table, more.pop("states", "default")), metrics, **more)]
    body = {"name": name, "table": table, "parts": lambda self: made, "__doc__": "A module of these tests."}
    return type(name, (BucketModule,), body)


@attrs.define
class Planner:
    """Plans pipelines over the frames in `tables`, with these plugins' components beside the installed ones."""

    folder: Path
    tables: dict[str, pl.DataFrame]
    modules: list[Any] = attrs.field(factory=list)
    transforms: list[Any] = attrs.field(factory=list)

    def plan(self, *passes: Mapping[str, Any], dates: Sequence[date] = (), **more: Any) -> Plan:
        """The plan of these passes."""
        tree = {"name": "desk", "source": {"type": "memory"}, "passes": list(passes), **more}
        source = None if "source" in more else MemorySource(self.tables, None)
        config = structure(PipelineConfig, tree, "pipeline")
        return make_plan(config, self._registry(), self.folder, Asked(tuple(dates)), source=source)

    def program(self, *modules: Any, **more: Any) -> Program:
        """The program of one pass `bars` of a minute."""
        return self.plan(self.bars(*modules, **more)).programs[0]

    def bars(self, *modules: Any, **more: Any) -> dict[str, Any]:
        """A pass `bars` of a minute with these modules: names, tables of options, or classes."""
        entries = []
        for one in modules:
            if isinstance(one, type):
                self.modules.append(one)
            entries.append(one if isinstance(one, Mapping) else {"module": getattr(one, "name", one)})
        return {"name": "bars", "every": "1m", "modules": entries, **more}

    def _registry(self) -> Registry:
        own = SimpleNamespace(
            basalt_analytics=hookimpl(lambda: list(self.modules)),
            basalt_transforms=hookimpl(lambda: list(self.transforms)),
        )
        return Registry.of({**INSTALLED, "desk-plugin": own})


@pytest.fixture(name="a_module")
def a_module_() -> Callable[..., type[BucketModule]]:
    """The builder of modules."""
    return a_module


@pytest.fixture(name="a_metric")
def a_metric_() -> Callable[..., Metric]:
    """The builder of metrics."""
    return a_metric


@pytest.fixture
def planner(tmp_path: Path) -> Planner:
    """One trade, one quote of an instrument, one book row; no market state anywhere."""
    stamp = pl.lit(HALF_PAST, dtype=NS_UTC)
    trades = pl.select(
        ListingId=pl.lit(1, pl.Int64),
        EventTimestamp=stamp,
        SequenceNo=pl.lit(1, pl.Int64),
        Price=100.0,
        Size=5.0,
        Venue=pl.lit("XLON"),
        IsCancelled=pl.lit(False),
    )
    l2 = pl.select(
        ListingId=pl.lit(1, pl.Int64),
        EventTimestamp=stamp,
        BidPrice1=99.0,
        BidQuantity1=1.0,
        AskPrice1=101.0,
        AskQuantity1=1.0,
    )
    cbbo = pl.select(InstrumentId=pl.lit(7, pl.Int64), EventTimestamp=stamp, BidPrice1=99.0, AskPrice1=101.0)
    return Planner(tmp_path, {"trades": trades, "l2": l2, "cbbo": cbbo})


@pytest.fixture
def marketstate() -> pl.DataFrame:
    """Continuous trading from nine."""
    nine = pl.lit(HALF_PAST.replace(second=0), dtype=NS_UTC)
    return pl.select(
        ListingId=pl.lit(1, pl.Int64), EventTimestamp=nine, MarketState=pl.lit("CONTINUOUS_TRADING", dtype=STATE)
    )
