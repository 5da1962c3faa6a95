"""The `parquet` output: one file a partition, replaced in one step, the column document inside.

The document stands as JSON under the key `basalt` of the file's metadata; `read_document` gives it back.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import polars as pl

from basalt.errors import DataError, PublishError, UserError
from basalt.leftovers import sweep
from basalt.options import option
from basalt.outputs import Output, Staged, Target
from basalt_io.files import first_line, publish, refuse_unwritable, stage, withdraw
from basalt_io.paths import below, place

METADATA_KEY = "basalt"


@attrs.frozen
class ParquetOutputOptions:
    """`[[outputs]] type = "parquet"`."""

    root: str = option("folder the files go to, relative to the pipeline file", default=".")
    path: str = option(
        "path of a partition's file below root; variables: {pipeline} {pass} {output} {date} {year} {month} {day} "
        "{universe}",
        default="{pass}/date={date}/{universe}.parquet",
    )
    compression: Literal["zstd", "lz4", "snappy", "gzip", "brotli", "uncompressed"] = option(
        "how the files are compressed", default="zstd"
    )
    row_group_size: int | None = option("rows of a row group; Polars decides where not set", default=None)


class ParquetOutput(Output):
    """One Parquet file a partition. Rows are published as the engine spools them, in that order."""

    name = "parquet"
    Config = ParquetOutputOptions

    def place(self, target: Target) -> str:
        """The file's absolute path, symbolic links resolved."""
        if not self.config.path.endswith(".parquet"):
            raise UserError(f"path = {self.config.path!r} must end in '.parquet': readers look for that")
        return str(self._place(target))

    def check(self, target: Target) -> str:
        """The file's absolute path; UserError where it is a folder, or its own folder cannot be written."""
        if self.config.row_group_size is not None and self.config.row_group_size <= 0:
            raise UserError(f"row_group_size = {self.config.row_group_size} must be positive: leave it out if unsure")
        file = self.place(target)
        refuse_unwritable(Path(file))
        return file

    def stage(self, target: Target, batches: Sequence[Path], document: Mapping[str, Any]) -> Staged:
        """Stream the batches into a hidden file beside the place; PublishError, and nothing left, where that fails."""
        file = self._place(target)
        if not batches:
            raise PublishError(
                f"{file} was given no batch of {target.pass_name}: an empty partition is one empty batch"
            )
        waiting = stage(
            pl.scan_parquet(list(batches), glob=False, hive_partitioning=False),
            file,
            {METADATA_KEY: json.dumps(document, ensure_ascii=False, allow_nan=False)},
            compression=self.config.compression,
            row_group_size=self.config.row_group_size,
        )
        rows = pl.scan_parquet(waiting.file, glob=False).select(pl.len()).collect().item()
        return Staged(target, str(file), waiting, rows)

    def commit(self, staged: Staged, run_key: str) -> None:
        """Rename it to its place; a repetition after a lost acknowledgement finds it there and is done."""
        publish(staged.waiting)

    def discard(self, staged: Staged) -> None:
        """Remove the hidden file, and the folders made for it."""
        withdraw(staged.waiting)

    def sweep(self, target: Target) -> None:
        """Remove the hidden files of killed processes of this host."""
        sweep(self._place(target))

    def document(self, target: Target) -> Mapping[str, Any] | None:
        """From the footer of the file."""
        file = below(self._root, self.config.path, target)
        return read_document(Path(file)) if os.path.isfile(file) else None

    def scan(self, target: Target) -> pl.LazyFrame:
        """The published partition; DataError where there is none, or it is no readable Parquet file."""
        file = self._place(target)
        if not file.is_file():
            raise DataError(f"{target.pass_name} of {target.date} is not published at {file}: run the pipeline first")
        frame = pl.scan_parquet(file, glob=False, hive_partitioning=False)
        try:
            frame.collect_schema()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _unreadable(file, error) from error
        return frame

    def _place(self, target: Target) -> Path:
        return place(self._root, self.config.path, target)

    @property
    def _root(self) -> Path:
        return self.folder / Path(self.config.root).expanduser()


def read_document(file: Path) -> dict[str, Any]:
    """The column document of a published file; DataError where it has none."""
    try:
        found = pl.read_parquet_metadata(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(file, error) from error
    if METADATA_KEY not in found:
        raise DataError(f"{file} carries no column document: only files that a pipeline published have one")
    document: dict[str, Any] = json.loads(found[METADATA_KEY])
    return document


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(f"{file} is no readable Parquet file ({first_line(error)}): remove it and run the pipeline again")
