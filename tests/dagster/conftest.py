"""What tests of the assets share: no telemetry, an instance of their own, and a pipeline over a weekend."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

PIPELINE = """
name = "desk-bars"
[source]
type = "simulator"
listings = 2
events = 300
from = 2026-01-09
to = 2026-01-12
[[outputs]]
type = "parquet"
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
[[passes.modules]]
module = "l2"
levels = [1]
[[passes]]
name = "quarter"
every = "15m"
[[passes.modules]]
module = "generic"
source = "bars"
"""


@pytest.fixture(scope="session", autouse=True)
def quiet_dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is sent, and nothing is written to anybody's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
        patch.setenv("DAGSTER_HOME", str(tmp_path_factory.mktemp("dagster_home")))
        yield


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write the pipeline file into a folder of its own, with texts of it replaced."""

    def write(folder: str = "here", replaced: Mapping[str, str] | None = None) -> Path:
        text = PIPELINE
        for old, new in (replaced or {}).items():
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / folder / "pipeline.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    return write
