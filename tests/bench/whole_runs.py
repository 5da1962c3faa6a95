"""The pipeline that whole runs are measured by: three passes over a large day, published as Parquet.

`bars` is the fused pass over trades and the book of `bench_fused`, `orders` counts order events, `quarter` resamples
the bars.
"""

import shutil
from pathlib import Path

import attrs
from children import BASALT, Held, called, held

PASSES = ("bars", "orders", "quarter")
PIPELINE = """
name = "bench"
{top}
[source]
type = "{source}"
root = "{root}"
[plugins]
files = ["{plugin}"]
[[outputs]]
type = "parquet"
root = "out"

[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
[[passes.modules]]
module = "l2"

[[passes]]
name = "orders"
every = "1m"
[[passes.modules]]
module = "order_flow"

[[passes]]
name = "quarter"
every = "15m"
[[passes.modules]]
module = "generic"
source = "bars"
"""


@attrs.frozen
class Whole:
    """The pipeline as a file in a folder of its own. `cache`: where children keep their byte code."""

    folder: Path
    cache: Path

    @classmethod
    def over(cls, root: Path, folder: Path, cache: Path, top: str = "", source: str = "parquet") -> "Whole":
        """Over the days in `root`; `top`: keys of the run, as `memory = "400MB"`; `source`: `feed` reads a table once a
        partition."""
        folder.mkdir(parents=True, exist_ok=True)
        plugin = Path(__file__).with_name("desk_orders.py")
        (folder / "pipeline.toml").write_text(PIPELINE.format(top=top, root=root, plugin=plugin, source=source))
        return cls(folder, cache)

    def run(self) -> None:
        """From nothing to published files."""
        self._clear()
        called(self._command, self.folder, self.cache)

    def held(self) -> Held:
        """The same, and the most memory its process held."""
        self._clear()
        return held(self._command, self.folder, self.cache)

    @property
    def _command(self) -> list[str | Path]:
        return [BASALT, "pipeline", "run", "pipeline.toml"]

    def _clear(self) -> None:
        for name in (".basalt", "out"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
