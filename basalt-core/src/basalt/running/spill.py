"""The spill: a table that came out of order, sorted once on disk in bounded memory.

A sort by merging, in two stages. A *run* is a slice of the table in file order, sorted by key and written as one file.
A *section* is a range of keys: its rows are read from all runs, whose row groups they let pass over, sorted in memory
and written as one file. Sections in order are the table in order. Rows that tie keep file order, as runs are read in
it and every sort is stable.

Not a sink partitioned by key, nor batches of a streaming query: both hold a whole table and more where it is read
faster than it is written. Slices take what they are told to.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from basalt.errors import PublishError, one_line
from basalt.running.order import sorted_by

ROW_GROUP = 16 * 2**20  # bytes in memory: batches of few listings read few bytes
RUN_PARTS = 8  # row groups of a run
UNSORTED = "rows that came out of order could not be sorted"
SLICE, SECTION = 6, 5  # parts of the memory that one takes as it is: copied to be sorted, copied to be written


def run_rows(memory: int, row_bytes: int) -> int:
    """Rows of a slice, so that reading, sorting and writing it stays below `memory`."""
    return max(1, memory // SLICE // row_bytes)


def fits(rows: int, memory: int, row_bytes: int) -> bool:
    """Whether so many rows can be sorted at once."""
    return rows * row_bytes <= memory // SECTION


def sort_to_disk(
    slices: Iterable[pl.DataFrame],
    rows: pl.DataFrame,
    order: Sequence[str],
    folder: Path,
    memory: int,
    row_bytes: int,
) -> list[Path]:
    """Write the rows of `slices`, in file order, sorted by (key, *order); the files in order.

    `rows`: key and Rows, ascending, none null. PublishError where the disk does not take them.
    """
    key = rows.columns[0]
    made: list[Path] = []
    with writing(folder, UNSORTED):
        folder.mkdir(parents=True)
    if fits(int(rows["Rows"].sum()), memory, row_bytes):
        whole = [part for part in slices if part.height]
        return [_section(pl.concat(whole), key, order, folder / "000000.parquet", row_bytes)] if whole else made
    runs = [_run(part, key, folder / "runs" / f"{i:06d}.parquet") for i, part in enumerate(slices) if part.height]
    for i, (first, last) in enumerate(_sections(rows, memory // SECTION // row_bytes)):
        found = pl.scan_parquet(runs, glob=False).filter(pl.col(key).is_between(pl.lit(first), pl.lit(last))).collect()
        made.append(_section(found, key, order, folder / f"{i:06d}.parquet", row_bytes))
    shutil.rmtree(folder / "runs")
    return made


def _sections(rows: pl.DataFrame, limit: int) -> Iterator[tuple[object, object]]:
    """First and last key of each section: as many keys as have `limit` rows, and at least one."""
    key = rows.columns[0]
    ahead = pl.col("Rows").cum_sum() - pl.col("Rows")
    found = rows.group_by(ahead // max(1, limit), maintain_order=True).agg(First=pl.col(key).first(), Last=pl.last(key))
    yield from found.select("First", "Last").iter_rows()


def _run(part: pl.DataFrame, key: str, file: Path) -> Path:
    ordered = part.sort(key, maintain_order=True)
    with writing(file.parent, UNSORTED):
        file.parent.mkdir(exist_ok=True)
        ordered.write_parquet(file, compression="lz4", row_group_size=-(-part.height // RUN_PARTS))
    return file


def _section(part: pl.DataFrame, key: str, order: Sequence[str], file: Path, row_bytes: int) -> Path:
    ordered = part[_places(part, key, order)]
    with writing(file.parent, UNSORTED):
        ordered.write_parquet(file, compression="lz4", row_group_size=max(1, ROW_GROUP // row_bytes))
    return file


def _places(part: pl.DataFrame, key: str, order: Sequence[str]) -> pl.Series:
    """Row numbers in the order asked for: narrow sorts, so that wide rows move once."""
    narrow = part.lazy().select(key, *order).with_row_index("_Place")
    return sorted_by(narrow, key, order).select("_Place").collect().to_series()


@contextmanager
def writing(folder: Path, what: str) -> Iterator[None]:
    """Where the disk does not take rows, PublishError that begins with `what`."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise PublishError(
            f"{what} in {folder} ({one_line(error)}): make room there, or set `work` to a folder that has it, and run "
            "again"
        ) from error
