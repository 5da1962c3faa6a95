"""The spool: results of passes on disk between computing and publishing, one folder a run, removed at its end.

`{work}/{run}/{date}/{universe}/{pass}/{batch}.parquet`: batches ascend in key order, so that together they are sorted.
A side output stands beside, as `{pass}.{side}`.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import attrs
import polars as pl

from basalt.planning.partitions import Partition


@attrs.frozen
class Spool:
    """The folder of one run."""

    folder: Path

    def put(self, name: str, partition: Partition, batch: int, rows: pl.DataFrame) -> None:
        """Keep one batch of a pass; later passes read it and publishing streams it."""
        folder = self._folder(name, partition)
        folder.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(folder / f"{batch:05d}.parquet")

    def sort(self, name: str, partition: Partition, keys: Sequence[str]) -> None:
        """Put rows in order whose batches do not ascend."""
        batches = self.batches(name, partition)
        rows = self.scan(name, partition).sort(keys, maintain_order=True).collect(engine="streaming")
        self.put(name, partition, len(batches), rows)
        for batch in batches:
            batch.unlink()

    def has(self, name: str, partition: Partition) -> bool:
        """Whether the pass was computed in this run."""
        return self._folder(name, partition).exists()

    def batches(self, name: str, partition: Partition) -> Sequence[Path]:
        """The pass's batch files in order."""
        return sorted(self._folder(name, partition).glob("*.parquet"))

    def scan(self, name: str, partition: Partition) -> pl.LazyFrame:
        """The pass's whole partition."""
        return pl.scan_parquet(list(self.batches(name, partition)), glob=False, hive_partitioning=False)

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
