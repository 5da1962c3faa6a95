"""Where the `parquet` output puts its files: a folder, or a prefix of an S3 bucket.

In a folder a file is staged beside its place, under a hidden name, and renamed. An object store has no rename: there a
file is staged on this machine, beside the batches it is made of, and put whole; a killed process leaves nothing in the
store, and its file goes with its run's spool.
"""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import attrs
import polars as pl

from basalt.errors import PublishError, UserError
from basalt.leftovers import beside, sweep
from basalt.outputs import Target
from basalt_io import files
from basalt_io.files import Waiting, first_line, refuse_unwritable
from basalt_io.object_store import Location
from basalt_io.objects import ObjectError, Objects
from basalt_io.paths import below, place, relative


class Place(Protocol):
    """Where files go. An *address* is what readers are given: an absolute path, or `s3://bucket/key`."""

    @property
    def options(self) -> dict[str, str] | None:
        """What Polars takes as `storage_options`."""

    def address(self, template: str, target: Target) -> str:
        """Where the partition goes; looks at nothing but symbolic links."""

    def published(self, template: str, target: Target) -> str | None:
        """The address where a file is, cheaply; None where none is."""

    def check(self, address: str) -> None:
        """UserError where nothing can be written there; leaves nothing behind."""

    def stage(self, rows: pl.LazyFrame, address: str, spool: Path, metadata: Mapping[str, str], **how: Any) -> Any:
        """What waits, its `file` on this machine; PublishError, and nothing left, where that fails."""

    def publish(self, waiting: Any) -> None:
        """Make it visible in one step; harmless to repeat."""

    def withdraw(self, waiting: Any) -> None:
        """Remove what waits."""

    def sweep(self, address: str) -> None:
        """Remove what killed processes left for that address."""


@attrs.frozen
class Folder:
    """A folder of this machine."""

    root: Path
    options: None = None

    def address(self, template: str, target: Target) -> str:
        return str(place(self.root, template, target))

    def published(self, template: str, target: Target) -> str | None:
        file = below(self.root, template, target)
        return file if os.path.isfile(file) else None

    def check(self, address: str) -> None:
        refuse_unwritable(Path(address))

    def stage(self, rows: pl.LazyFrame, address: str, spool: Path, metadata: Mapping[str, str], **how: Any) -> Waiting:
        return files.stage(rows, Path(address), metadata, **how)

    def publish(self, waiting: Waiting) -> None:
        files.publish(waiting)

    def withdraw(self, waiting: Waiting) -> None:
        files.withdraw(waiting)

    def sweep(self, address: str) -> None:
        sweep(Path(address))


@attrs.frozen
class Upload:
    """A file of this machine that waits to be put; `mark` tells the object it becomes from any other."""

    file: Path
    address: str
    mark: str = attrs.field(factory=lambda: uuid4().hex)


class Prefix:
    """A prefix of an S3 bucket."""

    def __init__(self, root: Location) -> None:
        self.root = root
        self._objects = Objects(root)

    @property
    def options(self) -> dict[str, str] | None:
        return self.root.options

    def address(self, template: str, target: Target) -> str:
        return self.root.below(relative(template, target)).uri

    def published(self, template: str, target: Target) -> str | None:
        address = self.address(template, target)
        try:
            return address if self._objects.has(self._key(address)) else None
        except ObjectError as error:
            raise UserError(f"{address} cannot be looked at, as {error}") from error

    def check(self, address: str) -> None:
        if self._refusal:
            raise UserError(f"{address} cannot be written, as {self._refusal}")

    def stage(self, rows: pl.LazyFrame, address: str, spool: Path, metadata: Mapping[str, str], **how: Any) -> Upload:
        local = spool / "upload.parquet"
        sweep(local)
        waiting = Upload(beside(local), address)
        try:
            rows.sink_parquet(waiting.file, metadata=dict(metadata), **how)
        except BaseException as error:
            self.withdraw(waiting)
            if not isinstance(error, OSError | pl.exceptions.PolarsError):
                raise
            raise PublishError(
                f"{address} could not be written to {spool} ({first_line(error)}): the old version stays; see that "
                "there is room, and run it again"
            ) from error
        return waiting

    def publish(self, waiting: Upload) -> None:
        try:
            self._objects.put(self._key(waiting.address), waiting.file, waiting.mark)
        except (ObjectError, OSError) as error:
            if not self._is_there(waiting):
                told = str(error) if isinstance(error, ObjectError) else f"{waiting.file} is gone: run it again"
                raise PublishError(f"{waiting.address} could not be published, as {told}") from error
        self.withdraw(waiting)

    def withdraw(self, waiting: Upload) -> None:
        waiting.file.unlink(missing_ok=True)

    def sweep(self, address: str) -> None:
        return

    @cached_property
    def _refusal(self) -> str:
        """Why nothing can be written; empty where it can. Tried once: a plan has thousands of places."""
        try:
            self._objects.try_out()
        except ObjectError as error:
            return str(error)
        return ""

    def _is_there(self, waiting: Upload) -> bool:
        """Whether it was put, though the answer was lost or this is a repetition."""
        try:
            return self._objects.mark(self._key(waiting.address)) == waiting.mark
        except ObjectError:
            return False

    def _key(self, address: str) -> str:
        return address.removeprefix(self.root.uri + "/")
