"""The spool: results of passes on disk between computing and publishing, one folder a run, removed at its end.

`{work}/{run}/{date}/{universe}/{pass}/{batch}.parquet`: batches ascend in key order, so that together they are sorted.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import attrs
import polars as pl

from basalt.planning.plan import Partition


@attrs.frozen
class Spool:
    """The folder of one run."""

    folder: Path

    def put(self, name: str, partition: Partition, rows: pl.DataFrame) -> Path:
        """Keep one batch of a pass; later passes read it and publishing streams it."""
        folder = self._folder(name, partition)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{len(list(folder.glob('*.parquet'))):05d}.parquet"
        rows.write_parquet(path)
        return path

    def batches(self, name: str, partition: Partition) -> Sequence[Path]:
        """The pass's batch files in order."""
        return sorted(self._folder(name, partition).glob("*.parquet"))

    def scan(self, name: str, partition: Partition) -> pl.LazyFrame:
        """The pass's whole partition."""
        return pl.scan_parquet(list(self.batches(name, partition)))

    def spill(self, partition: Partition) -> Path:
        """Where tables that came out of order are kept sorted."""
        return self.folder / str(partition.date) / partition.universe / ".tables"

    def clear(self, partition: Partition) -> None:
        """Remove what the partition left."""
        shutil.rmtree(self.folder / str(partition.date) / partition.universe, ignore_errors=True)

    def remove(self) -> None:
        """Remove the run's folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folder(self, name: str, partition: Partition) -> Path:
        return self.folder / str(partition.date) / partition.universe / name
