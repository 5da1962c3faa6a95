"""Small event tables, modules of a line, and pipelines over real files: what the engine's tests are made of.

Times are seconds after 09:00:00 of 5 January 2026, UTC, unless a row gives a datetime; buckets read back as `09:01`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
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
from basalt.metrics import SUM, Empty
from basalt.modules import BucketModule, Part, Rows
from basalt.planning.dates import Asked
from basalt.planning.plan import Plan, make_plan
from basalt.plugins.registry import Registry
from basalt.running.run import RunResult, run_plan
from basalt.tables import AGGRESSOR, NS_UTC, STATE

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DTYPES: Mapping[str, Any] = {
    "ListingId": pl.Int64,
    "EventTimestamp": NS_UTC,
    "SequenceNo": pl.Int64,
    "AggressorSide": AGGRESSOR,
    "MarketState": STATE,
    "IsCancelled": pl.Boolean,
}


def events(columns: str, *rows: Sequence[Any]) -> pl.DataFrame:
    """Rows of (listing, seconds after nine or a datetime, …): ListingId, EventTimestamp and `columns`."""
    names = ["ListingId", "EventTimestamp", *columns.split()]
    placed = [(r[0], r[1] if isinstance(r[1], datetime) else NINE + timedelta(seconds=r[1]), *r[2:]) for r in rows]
    return pl.DataFrame(placed, schema={n: DTYPES.get(n, pl.Float64) for n in names}, orient="row")


def by_bucket(frame: pl.DataFrame, *columns: str) -> dict[tuple[int, str], Any]:
    """{(listing, "09:01"): value}, or a tuple of values where several columns are asked."""
    found = {}
    for row in frame.to_dicts():
        values = tuple(row[c] for c in columns)
        found[row["ListingId"], row["TimeBucket"].strftime("%H:%M")] = values[0] if len(values) == 1 else values
    return found


def a_part(*metrics: Metric, table: str = "trades", states: Any = "default", **more: Any) -> Part:
    """A part over a table's rows; `more` is derive, valid, where, makes_buckets."""
    return Part(Rows(table, states), metrics, **more)


def a_module(name: str, *parts: Part | Metric, **more: Any) -> type[BucketModule]:
    """A module of these parts, or of one part made of these metrics."""
    made = list(parts) if isinstance(parts[0], Part) else [a_part(*parts, **more)]
    return type(
        name,
        (BucketModule,),
        {"name": name, "table": made[0].reads.table, "parts": lambda self: made, "__doc__": "A module of these tests."},
    )


def a_metric(name: str, expr: pl.Expr, unit: Unit = Unit.SHARES, **more: Any) -> Metric:
    """A metric whose sentence does not matter."""
    return Metric(name, expr, unit, **{"doc": f"{name} of the bucket.", **more})


def a_volume(name: str = "Volume") -> Metric:
    """Σ Size, 0 in an empty bucket."""
    return a_metric(name, pl.col("Size").sum(), over_time=SUM, empty=Empty.ZERO)


@pytest.fixture(name="events")
def events_() -> Callable[..., pl.DataFrame]:
    """The builder of event tables."""
    return events


@pytest.fixture(name="by_bucket")
def by_bucket_() -> Callable[..., dict[tuple[int, str], Any]]:
    """The reader of results."""
    return by_bucket


@pytest.fixture(name="a_part")
def a_part_() -> Callable[..., Part]:
    """The builder of parts."""
    return a_part


@pytest.fixture(name="a_module")
def a_module_() -> Callable[..., type[BucketModule]]:
    """The builder of modules."""
    return a_module


@pytest.fixture(name="a_metric")
def a_metric_() -> Callable[..., Metric]:
    """The builder of metrics."""
    return a_metric


@pytest.fixture(name="a_volume")
def a_volume_() -> Callable[..., Metric]:
    """The builder of volumes."""
    return a_volume


@attrs.define
class Desk:
    """A folder with Parquet files, and the pipelines that are run in it."""

    folder: Path
    modules: list[type] = attrs.field(factory=list)
    sources: list[type] = attrs.field(factory=list)

    def put(self, table: str, day: str, rows: pl.DataFrame) -> Path:
        """One date's file of a table."""
        file = self.folder / "data" / table / f"date={day}" / "part.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(file)
        return file

    def plan(self, *passes: Mapping[str, Any], dates: Sequence[Any] = (), **more: Any) -> Plan:
        """The plan of these passes over the folder's data, published as Parquet."""
        tree: dict[str, Any] = {
            "name": "desk",
            "source": {"type": "parquet", "root": "data"},
            "outputs": [{"type": "parquet", "root": "out"}],
            "passes": list(passes),
            **more,
        }
        return make_plan(structure(PipelineConfig, tree, "pipeline"), self.registry(), self.folder, Asked(tuple(dates)))

    def run(self, *passes: Mapping[str, Any], observers: Sequence[Any] = (), **more: Any) -> RunResult:
        """Run these passes."""
        return run_plan(self.plan(*passes, **more), observers)

    def registry(self) -> Registry:
        """Our own plugins, the desk's modules and sources."""
        own = SimpleNamespace(
            basalt_analytics=hookimpl(lambda: list(self.modules)), basalt_sources=hookimpl(lambda: list(self.sources))
        )
        installed = {
            "basalt-core": basalt.plugin,
            "basalt-io": basalt_io.plugin,
            "basalt-analytics": basalt_analytics.plugin,
        }
        return Registry.of({**installed, "desk-plugin": own})

    def files(self, below: str = ".") -> list[str]:
        """Every file and empty folder below, relative, hidden ones included; data and records of runs left out."""
        found = [p for p in (self.folder / below).rglob("*") if p.is_file() or not any(p.iterdir())]
        paths = [p.relative_to(self.folder) for p in found]
        return sorted(str(p) for p in paths if p.parts[0] != "data" and p.suffix != ".jsonl")

    def contents(self) -> dict[str, bytes]:
        """What every file holds, the data left out."""
        return {name: (self.folder / name).read_bytes() for name in self.files() if (self.folder / name).is_file()}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Two dates of trades of listings 1 and 2, and a module `volume` that sums sizes.

    5 January: listing 1 trades 10 at 09:00:30 and 20 at 09:01:30, listing 2 trades 5 at 09:00:30.
    6 January: listing 1 trades 7 at 09:00:30.
    """
    monkeypatch.chdir(tmp_path)
    made = Desk(tmp_path, [a_module("volume", a_volume())])
    made.put("trades", "2026-01-05", events("Price Size", (1, 30, 100, 10), (1, 90, 101, 20), (2, 30, 50, 5)))
    made.put("trades", "2026-01-06", events("Price Size", (1, NINE + timedelta(days=1, seconds=30), 102, 7)))
    return made
