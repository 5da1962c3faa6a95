"""A pipeline of five passes over five dates, as files: how it is run in different cuts, and how results compare."""

import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import polars as pl
import pytest

import basalt
from basalt.running.run import RunResult

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import market  # noqa: E402 - beside this file, as the child processes of these tests import it too
from small import Small  # noqa: E402

PASSES = {
    "bars": ["ListingId"],
    "quarter": ["ListingId"],
    "usual": ["ListingId"],
    "rank": ["ListingId"],
    "share": ["ListingId"],
}
PIPELINE = """
name = "cuts"
{top}
[source]
type = "parquet"
root = "{root}"
[[outputs]]
type = "parquet"
root = "out"
[plugins]
files = ["desk_modules.py"]

[[passes]]
name = "bars"
every = "1m"
timeline = "dense"
[[passes.modules]]
module = "trade"
generic = [
    {{ measures = ["Volume", "VWAP", "OHLC", "Count"], sides = ["Total", "Buy", "Unknown"] }},
    {{ measures = ["OHLC"], open_mode = "prev_close", name = "Chained{{measure}}" }},
]
[[passes.modules]]
module = "l2"
levels = 1
book = [{{ measures = ["Price", "Quantity"], aggregations = ["Last", "Mean", "Median"] }}]
spreads = [{{ variants = ["Bps"] }}]
ohlc = [{{ sources = ["Mid"], open_mode = "prev_close" }}]

[[passes]]
name = "quarter"
every = "5m"
[[passes.modules]]
module = "generic"
source = "bars"

[[passes]]
name = "usual"
[[passes.modules]]
module = "usual"
source = "bars"

[[passes]]
name = "rank"
[[passes.modules]]
module = "rank"
source = "bars"

[[passes]]
name = "share"
every = "1m"
[[passes.modules]]
module = "share"
"""


@attrs.frozen
class Desk:
    """A folder with the pipeline; the market data stands elsewhere and is read by all."""

    folder: Path

    @property
    def pipeline(self) -> Path:
        """The pipeline file."""
        return self.folder / "pipeline.toml"

    def write(self, root: Path, top: str = "", memory: Mapping[str, int] = {}) -> None:
        """The pipeline over the data in `root`; `top`: keys of the run, as `memory = "1 kB"`; `memory`: bytes by
        pass."""
        text = PIPELINE.format(root=root, top=top)
        for name, size in memory.items():
            text = text.replace(f'name = "{name}"\n', f'name = "{name}"\nmemory = "{size} B"\n')
        self.pipeline.write_text(text)
        shutil.copy(HERE / "desk_modules.py", self.folder)

    def own_data(self) -> Path:
        """A copy of the data that this desk may change; its pipeline reads it from now on."""
        root = self.folder / "data"
        if not root.exists():
            there = str(tomllib.loads(self.pipeline.read_text())["source"]["root"])
            shutil.copytree(there, root)
            self.pipeline.write_text(self.pipeline.read_text().replace(there, str(root)))
        return root

    def run(self, **how: object) -> RunResult:
        """Run it in this process."""
        return basalt.run(self.pipeline, **how)

    def published(self) -> dict[str, pl.DataFrame]:
        """What each pass published, all dates, in the order of the files."""
        found = {}
        for name in PASSES:
            files = sorted((self.folder / "out" / name).rglob("*.parquet"))
            found[name] = pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])
        return found

    def rest(self) -> list[str]:
        """What lies in the folder that nobody published: work in hand, staged files, half-written records."""
        kept = {"pipeline.toml", "desk_modules.py"}
        found = [p for p in self.folder.rglob("*") if p.is_file() and p.name not in kept and "runs" not in p.parts]
        return sorted(str(p.relative_to(self.folder)) for p in found if p.name.startswith(".") or "work" in p.parts)


def assert_same(found: Mapping[str, pl.DataFrame], wanted: Mapping[str, pl.DataFrame]) -> None:
    """The same rows, keys, order, nulls and integers exactly; floats within 1e-12 relative."""
    assert found.keys() == wanted.keys()
    for name, frame in wanted.items():
        assert found[name].schema == frame.schema, name
        floats = [c for c, dtype in frame.schema.items() if dtype.is_float()]
        assert found[name].drop(floats).equals(frame.drop(floats)), name
        for column in floats:
            here, there = found[name][column], frame[column]
            assert here.is_null().equals(there.is_null()), f"{name}.{column}"
            apart = (here - there).abs() > 1e-12 * there.abs()
            assert not apart.fill_null(False).any(), f"{name}.{column}"


@pytest.fixture(scope="session")
def markets(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The data by whether its files are sorted."""
    folders = {is_sorted: tmp_path_factory.mktemp("market") for is_sorted in (True, False)}
    for is_sorted, folder in folders.items():
        market.write_market(folder, is_sorted)
    return folders


@pytest.fixture
def desk_in(tmp_path_factory: pytest.TempPathFactory, markets: dict[bool, Path]) -> Callable[..., Desk]:
    """Makes a desk in a new folder: `desk_in(is_sorted=False, top='memory = "1 kB"')`."""

    def made(is_sorted: bool = True, top: str = "", memory: Mapping[str, int] = {}) -> Desk:
        desk = Desk(tmp_path_factory.mktemp("desk"))
        desk.write(markets[is_sorted], top, memory)
        return desk

    return made


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory, markets: dict[bool, Path]) -> dict[str, pl.DataFrame]:
    """What the pipeline publishes, run in one go."""
    desk = Desk(tmp_path_factory.mktemp("whole"))
    desk.write(markets[True])
    assert desk.run().failed == []
    return desk.published()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    """An empty folder, in which pipelines of a test's own are run."""
    monkeypatch.chdir(tmp_path)
    return Small(tmp_path)
