"""The spool: results of passes on disk between computing and publishing, one folder a run, removed at its end.

`{work}/{run}/{date}/{universe}/{attempt}/{pass}/{batch}.parquet`: batches ascend in key order, so that together they
are sorted. A side output stands beside, as `{pass}.{side}`. Each *attempt* at a partition has a folder of its own, and
knows itself what it put there: whatever an attempt that lost its worker left is no part of a result, and a file that
somebody removed is missed.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import attrs
import polars as pl

from basalt.errors import PublishError, one_line
from basalt.planning.partitions import Partition


@attrs.define(eq=False)
class Spool:
    """The folder of one run, for one attempt at a partition."""

    folder: Path
    _attempt: str = attrs.field(factory=lambda: uuid4().hex[:8])
    _put: dict[Path, list[Path]] = attrs.field(factory=dict)

    def put(self, name: str, partition: Partition, batch: int, rows: pl.DataFrame) -> None:
        """Keep one batch of a pass; later passes read it and publishing streams it. PublishError where the disk does
        not take it."""
        folder = self._folder(name, partition)
        file = folder / f"{batch:05d}.parquet"
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            rows.write_parquet(file, compression="lz4")  # read again within the hour, so speed is all
        self._put.setdefault(folder, []).append(file)

    def sort(self, name: str, partition: Partition, keys: Sequence[str]) -> None:
        """Put rows in order whose batches do not ascend."""
        batches = self.batches(name, partition)
        rows = self.scan(name, partition).sort(keys, maintain_order=True).collect(engine="streaming")
        self.put(name, partition, len(batches), rows)
        del self._put[self._folder(name, partition)][:-1]
        for batch in batches:
            batch.unlink()

    def has(self, name: str, partition: Partition) -> bool:
        """Whether the pass was computed by this attempt, and is all there."""
        batches = self.batches(name, partition)
        return bool(batches) and all(batch.exists() for batch in batches)

    def batches(self, name: str, partition: Partition) -> Sequence[Path]:
        """The pass's batch files, in the order they were put."""
        return tuple(self._put.get(self._folder(name, partition), ()))

    def scan(self, name: str, partition: Partition) -> pl.LazyFrame:
        """The pass's whole partition."""
        return pl.scan_parquet(list(self.batches(name, partition)), glob=False, hive_partitioning=False)

    def spill(self, partition: Partition) -> Path:
        """Where tables that came out of order are kept sorted."""
        return self._folder(".tables", partition)

    def begin(self, partition: Partition) -> None:
        """Remove what earlier attempts at the partition left."""
        shutil.rmtree(self._whole(partition), ignore_errors=True)

    def clear(self, partition: Partition) -> None:
        """Remove what this attempt left."""
        self._put.clear()
        shutil.rmtree(self._whole(partition) / self._attempt, ignore_errors=True)

    def _folder(self, name: str, partition: Partition) -> Path:
        return self._whole(partition) / self._attempt / name

    def _whole(self, partition: Partition) -> Path:
        return self.folder / str(partition.date) / partition.universe


def numbered(batches: Sequence[Path], index: str) -> list[Path]:
    """The same rows with their number in the partition, from 0, as last column `index`: files in a folder beside."""
    made, first = [], 0
    for batch in batches:
        folder = batch.parent / index
        rows = pl.scan_parquet(batch, glob=False, hive_partitioning=False)
        number = pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(index)
        with _writing(folder):
            folder.mkdir(exist_ok=True)
            rows.with_columns(number).sink_parquet(folder / batch.name, compression="lz4")
        made.append(folder / batch.name)
        first += pl.scan_parquet(batch, glob=False).select(pl.len()).collect().item()
    return made


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise PublishError(
            f"rows could not be kept in {folder} ({one_line(error)}): make room there, or set `work` to a folder that "
            "has it, and run again"
        ) from error
