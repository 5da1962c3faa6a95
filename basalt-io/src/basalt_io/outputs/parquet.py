"""The `parquet` output: one file a partition, replaced in one step, the column document inside.

In a folder the step is a rename, in an S3 bucket one put of the whole object: there is the old one or the new one, at
any moment. A reader asks a store several times, for the footer first, and one that is under way when its object is
replaced may meet both: it mostly stops at a page that is none, and is to read again.

The document stands as JSON under the key `basalt` of the file's metadata; `read_document` gives it back.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.errors import DataError, UserError
from basalt.options import option
from basalt.outputs import Output, Staged, Target
from basalt_io.object_store import location, storage_option
from basalt_io.outputs.parquet_places import Folder, Place, Prefix
from basalt_io.outputs.written import (
    Compression,
    compression_option,
    refuse_row_groups,
    row_group_option,
    same_schema,
)
from basalt_io.parquet_errors import unreadable

METADATA_KEY = "basalt"
_AGAIN = "remove it and run the pipeline again"


@attrs.frozen
class ParquetOutputOptions:
    """`[[outputs]] type = "parquet"`."""

    root: str = option("folder the files go to, relative to the pipeline file, or s3://bucket/prefix", default=".")
    path: str = option(
        "path of a partition's file below root; variables: {pipeline} {pass} {output} {date} {year} {month} {day} "
        "{universe} {run_id}",
        default="{pass}/date={date}/{universe}.parquet",
    )
    compression: Compression = compression_option()
    row_group_size: int = row_group_option()
    storage: dict[str, str] = storage_option()


class ParquetOutput(Output):
    """One Parquet file a partition. Rows are published as the engine spools them, in that order."""

    name = "parquet"
    Config = ParquetOutputOptions
    prunes = True

    def place(self, target: Target) -> str:
        """The file's absolute path, symbolic links resolved, or its address in the object store."""
        if not self.config.path.endswith(".parquet"):
            raise UserError(f"path = {self.config.path!r} must end in '.parquet': readers look for that")
        return self._files.address(self.config.path, target)

    def check(self, target: Target) -> str:
        """`place`; UserError where it is a folder, or its own folder, bucket or prefix cannot be written."""
        refuse_row_groups(self.config.row_group_size)
        file = self.place(target)
        self._files.check(file)
        return file

    def stage(self, target: Target, batches: Sequence[Path], document: Mapping[str, Any]) -> Staged:
        """Stream the batches into one file that waits; PublishError, and nothing left, where that fails."""
        file = self.place(target)
        same_schema(batches, target, file)
        waiting = self._files.stage(
            pl.scan_parquet(list(batches), glob=False, hive_partitioning=False),
            file,
            batches[0].parent,
            {METADATA_KEY: json.dumps(document, ensure_ascii=False, allow_nan=False)},
            compression=self.config.compression,
            row_group_size=self.config.row_group_size,
        )
        rows = pl.scan_parquet(waiting.file, glob=False).select(pl.len()).collect().item()
        return Staged(target, file, waiting, rows)

    def commit(self, staged: Staged, run_key: str) -> None:
        """Rename or put it; a repetition after a lost acknowledgement finds it there and is done."""
        self._files.publish(staged.waiting)

    def discard(self, staged: Staged) -> None:
        """Remove the file that waits, and the folders made for it."""
        self._files.withdraw(staged.waiting)

    def sweep(self, target: Target) -> None:
        """Remove the hidden files of killed processes of this host."""
        self._files.sweep(self.place(target))

    def document(self, target: Target) -> Mapping[str, Any] | None:
        """From the footer of the file."""
        file = self._files.published(self.config.path, target)
        return read_document(file, self._files.options) if file is not None else None

    def scan(self, target: Target) -> pl.LazyFrame:
        """The published partition; DataError where there is none, or it is no readable Parquet file."""
        file = self.place(target)
        if self._files.published(self.config.path, target) is None:
            raise DataError(f"{target.pass_name} of {target.date} is not published at {file}: run the pipeline first")
        frame = pl.scan_parquet(file, glob=False, hive_partitioning=False, storage_options=self._files.options)
        try:
            frame.collect_schema()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise unreadable(file, error, _AGAIN) from error
        return frame

    @cached_property
    def _files(self) -> Place:
        root = location(self.folder, self.config.root, self.config.storage)
        return Prefix(root) if root.path is None else Folder(root.path)


def read_document(file: Path | str, storage: dict[str, str] | None = None) -> dict[str, Any]:
    """The column document of a published file; DataError where it has none."""
    try:
        found = pl.read_parquet_metadata(file, storage_options=storage)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise unreadable(str(file), error, _AGAIN) from error
    if METADATA_KEY not in found:
        raise DataError(f"{file} carries no column document: only files that a pipeline published have one")
    document: dict[str, Any] = json.loads(found[METADATA_KEY])
    return document
