"""A market to open universes over, on 5 and 6 January 2026."""

from datetime import date
from pathlib import Path

import attrs
import polars as pl
import pytest

from basalt.config.model import PipelineConfig, SourceEntry, UniverseConfig
from basalt.errors import PluginError, UserError
from basalt.planning.inputs import SourceColumns
from basalt.planning.universe import Universe, open_universes
from basalt.running.memory import MemorySource
from basalt.tables import BUILT_IN, NS_UTC

DAY = date(2026, 1, 5)
SCHEMAS = {table.name: table for table in BUILT_IN}
REFERENCE = pl.DataFrame(
    {"ListingId": [30, 10, 20, 40], "MIC": ["XLON", "XLON", "XPAR", None], "IsPrimary": [True, False, True, True]}
)


@attrs.define
class Market:
    """A pipeline's folder, and the source that its universes are over."""

    folder: Path
    reference: pl.DataFrame | None = REFERENCE
    more: dict[str, pl.DataFrame] = attrs.field(factory=dict)

    @property
    def source(self) -> MemorySource:
        """A source of that reference."""
        tables = {} if self.reference is None else {"reference": self.reference}
        return MemorySource({**tables, **self.more}, None)

    def opened(self, asked: tuple[str, ...] = (), **universes: UniverseConfig) -> dict[str, Universe]:
        """These universes, planned."""
        config = PipelineConfig(name="desk", source=SourceEntry(type="memory"), passes=[], universes=universes)
        columns = SourceColumns(self.source, SCHEMAS, DAY)
        return open_universes(config, self.source, columns, self.folder, asked)

    def one(self, **keys: str) -> Universe:
        """One universe `x` with these keys."""
        return self.opened(x=UniverseConfig(**keys))["x"]

    def members(self, day: date = DAY, **keys: str) -> list[object]:
        """Its members."""
        found = self.one(**keys).members(self.source, SCHEMAS, day)
        assert found is not None
        return found.to_list()

    def notes(self, day: date = DAY, **keys: str) -> list[tuple[object, ...]]:
        """What it notes."""
        made = self.one(**keys).membership(self.source, SCHEMAS, day)
        assert all((note.date, note.universe) == (day, "x") for note in made.notes)
        return [(note.what, note.count, note.example) for note in made.notes]

    def fingerprint(self, day: date = DAY, **keys: str) -> str:
        """Its fingerprint."""
        return self.one(**keys).fingerprint(self.source, SCHEMAS, day)

    def refusal(self, kind: type[Exception] = UserError, **keys: str) -> str:
        """The sentence it is refused with while planning."""
        with pytest.raises(kind) as error:
            self.one(**keys)
        assert type(error.value) is kind
        assert "\n" not in str(error.value)
        return str(error.value)

    def failure(self, kind: type[Exception] = PluginError, **keys: str) -> str:
        """The sentence its members fail with."""
        made = self.one(**keys)
        with pytest.raises(kind) as error:
            made.members(self.source, SCHEMAS, DAY)
        assert type(error.value) is kind
        return str(error.value)

    def write(self, name: str, text: str) -> Path:
        """A file beside the pipeline."""
        (self.folder / name).write_text(text)
        return self.folder / name

    def function(self, body: str, name: str = "desk.py") -> str:
        """`desk.py:liquid` of a file with that function body."""
        self.write(name, f"import polars as pl\n\ndef liquid(reference, date):\n    {body}\n")
        return f"{name}:liquid"


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """Listings 10 and 30 of XLON, 20 of XPAR, 40 of no known venue; 10 is not primary."""
    return Market(tmp_path)


@pytest.fixture
def trades() -> pl.DataFrame:
    """One trade of listing 10 on the 5th."""
    return pl.select(
        ListingId=pl.lit(10, pl.Int64),
        EventTimestamp=pl.datetime(2026, 1, 5, 9, time_zone="UTC").cast(NS_UTC),
        Price=1.0,
        Size=1.0,
    )
