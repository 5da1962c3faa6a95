"""A table kept: read once, in file order, onto disk, from a source that would read it all again for every query.

Files of few megabytes, written as the rows come, so that memory holds what the source itself does, and little more.
"""

from itertools import chain
from pathlib import Path

import polars as pl

from basalt.running.spill import ROW_GROUP, run_rows, writing


def keep(frame: pl.LazyFrame, folder: Path, memory: int, row_bytes: int) -> pl.LazyFrame:
    """A scan of the rows, written to files of `folder` as the one query gives them.

    PublishError where the disk does not take them; whatever the source raises goes through.
    """
    with writing(folder, "rows could not be kept"):
        folder.mkdir(parents=True)
    rows = min(run_rows(memory, row_bytes), max(1, ROW_GROUP // row_bytes))
    first = pl.DataFrame(schema=frame.collect_schema())  # a table without rows has its columns
    parts = chain([first], frame.collect_batches(chunk_size=rows, maintain_order=True, lazy=True, engine="streaming"))
    return pl.scan_parquet([_kept(part, folder / f"{i:06d}.parquet") for i, part in enumerate(parts)], glob=False)


def _kept(part: pl.DataFrame, file: Path) -> Path:
    with writing(file.parent, "rows could not be kept"):
        part.write_parquet(file, compression="lz4")
    return file
