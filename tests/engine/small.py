"""Small pipelines of a test's own: tables of a few rows, passes as TOML would have them, modules as classes.

Rows are (listing, seconds after nine of their date, …); results read back as they were published.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import polars as pl

import basalt.plugin
import basalt_analytics.plugin
import basalt_io.plugin
from basalt import hookimpl
from basalt.config.model import PipelineConfig
from basalt.config.structure import structure
from basalt.planning.dates import Asked
from basalt.planning.plan import Plan, make_plan
from basalt.plugins.registry import Registry
from basalt.running.events import BatchComputed, Event, Noted, Observer, PassPublished
from basalt.running.run import RunResult, run_plan
from basalt.tables import AGGRESSOR, NS_UTC, STATE

MONDAY = date(2026, 1, 5)
DTYPES: Mapping[str, Any] = {
    "ListingId": pl.Int64,
    "InstrumentId": pl.Int64,
    "SequenceNo": pl.Int64,
    "AggressorSide": AGGRESSOR,
    "MarketState": STATE,
    "Venue": pl.String,
}
INSTALLED = {"basalt-core": basalt.plugin, "basalt-io": basalt_io.plugin, "basalt-analytics": basalt_analytics.plugin}


def day(n: int) -> date:
    """The date n days after Monday, 5 January 2026."""
    return MONDAY + timedelta(days=n)


def events(on: date, columns: str, *rows: Sequence[Any], key: str = "ListingId") -> pl.DataFrame:
    """Rows of (key, seconds after nine, …): the key, EventTimestamp and `columns`, floats unless known otherwise."""
    nine = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    names = [key, "EventTimestamp", *columns.split()]
    placed = [(row[0], nine + timedelta(seconds=row[1]), *row[2:]) for row in rows]
    dtypes = {name: DTYPES.get(name, pl.Float64) for name in names} | {"EventTimestamp": NS_UTC}
    return pl.DataFrame(placed, schema=dtypes, orient="row")


@attrs.define
class Small:
    """A folder with data, and the pipelines that are run over it."""

    folder: Path
    modules: list[Any] = attrs.field(factory=list)
    told: list[Event] = attrs.field(factory=list)

    def put(self, table: str, on: date | None, rows: pl.DataFrame) -> Path:
        """One date's file of a table, or the file of every date."""
        place = f"{table}.parquet" if on is None else f"{table}/date={on}/part.parquet"
        file = self.folder / "data" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(file)
        return file

    def trades(self, on: date, *rows: Sequence[Any]) -> Path:
        """Trades of (listing, seconds, size) at a price of 100."""
        return self.put("trades", on, events(on, "Price Size", *((n, at, 100, size) for n, at, size in rows)))

    def plan(self, *passes: Mapping[str, Any], dates: Sequence[date] = (), **top: Any) -> Plan:
        """The plan of these passes; `config_dates` stands for the key `dates`."""
        tree: dict[str, Any] = {
            "name": "small",
            "source": {"type": "parquet", "root": "data"},
            "outputs": [{"type": "parquet", "root": "out"}],
            "passes": list(passes),
            **{key.removeprefix("config_"): value for key, value in top.items()},
        }
        own = SimpleNamespace(basalt_analytics=hookimpl(lambda: list(self.modules)))
        registry = Registry.of({**INSTALLED, "small-plugin": own})
        return make_plan(structure(PipelineConfig, tree, "pipeline"), registry, self.folder, Asked(tuple(dates)))

    def run(
        self, *passes: Mapping[str, Any], dates: Sequence[date] = (), observers: Sequence[Observer] = (), **top: Any
    ) -> RunResult:
        """Run them; `told` has the events of this run."""
        self.told = []
        return run_plan(self.plan(*passes, dates=dates, **top), [self.told.append, *observers])

    def published(self, name: str) -> pl.DataFrame:
        """What lies in the output of a pass: files in order of dates and universes."""
        files = sorted((self.folder / "out" / name).rglob("*.parquet"))
        return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])

    @property
    def done(self) -> list[str]:
        """The passes that the last run published, as `bars 2026-01-05`, in order."""
        return [f"{e.name} {e.date}" for e in self.told if isinstance(e, PassPublished)]

    @property
    def notes(self) -> list[Noted]:
        """What the last run noted."""
        return [e for e in self.told if isinstance(e, Noted)]

    def batches(self, name: str) -> list[int]:
        """How many listings, or other keys, each batch of the pass had in the last run."""
        return [e.listings for e in self.told if isinstance(e, BatchComputed) and e.name == name]
