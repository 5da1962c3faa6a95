"""Data files of a Delta table before a commit names them: unseen by every reader, as readers ask the log.

Beside a file on this machine stands a *marker*, hidden, empty and named after its owner, from before the file is
written until its fate is known; so what a killed process left is found. In an object store a full vacuum of the table
(`vacuum(full=True)`) removes such files, those that wait to be committed aside, as they are young.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import attrs
import obstore
import polars as pl
from obstore.exceptions import BaseError
from obstore.store import S3Store

from basalt.errors import PublishError
from basalt.leftovers import beside, is_gone, sync
from basalt.outputs import Target
from basalt_io.object_store import Location, said

_MARKER = re.compile(r"\.([0-9a-f]{32}\.parquet)\.[0-9a-f]{32}\.(.+)\.staged")


@attrs.frozen
class Unseen:
    """A written file: its path below the table, its marker, bytes, rows, and the folders made for it, outermost
    first."""

    path: str
    marker: Path | None
    size: int = 0
    rows: int = 0
    made: tuple[Path, ...] = ()


def folder_of(target: Target) -> str:
    """The folder of a partition below its table, as Hive names it."""
    return f"Date={target.date.isoformat()}/Universe={quote(target.universe, safe='')}"


def write(frame: pl.LazyFrame, table: Location, target: Target, **how: Any) -> Unseen:
    """Stream the rows into a new file of the partition; PublishError, and nothing left, where that fails.

    `how` goes to Polars: metadata, compression, row_group_size.
    """
    path = f"{folder_of(target)}/{uuid4().hex}.parquet"
    file = table.below(path)
    made, marker = _made_room(file.path) if file.path is not None else ((), None)
    try:
        frame.sink_parquet(file.uri, storage_options=file.options, sync_on_close="all", **how)
        return Unseen(path, marker, _size(table, path), _rows(file), made)
    except BaseException as error:
        remove(Unseen(path, marker, made=made), table)
        if not isinstance(error, (OSError, pl.exceptions.PolarsError, BaseError)):
            raise
        raise PublishError(
            f"{table.uri}/{folder_of(target)} could not be written ({said(error)}): the old version stays; see that "
            "there is room, and run it again"
        ) from error


def remove(unseen: Unseen, table: Location) -> None:
    """Remove the file and what was made for it; in a store that does not answer it stays, unseen."""
    with suppress(OSError, BaseError):
        file = table.below(unseen.path).path
        if file is None:
            obstore.delete(*_object(table, unseen.path))
            return
        file.unlink(missing_ok=True)
        settle(unseen)
        for folder in reversed(unseen.made):
            folder.rmdir()


def settle(unseen: Unseen) -> None:
    """The file's fate is known: its marker goes."""
    if unseen.marker is not None:
        unseen.marker.unlink(missing_ok=True)


def is_gone_from(table: Location, unseen: Unseen) -> bool:
    """Whether somebody removed the file."""
    try:
        _size(table, unseen.path)
    except FileNotFoundError:
        return True
    return False


def keep(unseen: Unseen) -> None:
    """Make the file's name last through a power cut, before a commit names it."""
    if unseen.marker is not None:
        for folder in {unseen.marker.parent, *(folder.parent for folder in unseen.made)}:
            with suppress(FileNotFoundError):  # then the file is gone too, which is told
                sync(folder)


def left(table: Location, target: Target) -> Iterator[Unseen]:
    """What killed processes of this host left of a partition: it may have been committed."""
    if table.path is None:
        return
    with suppress(OSError):
        for marker in (table.path / folder_of(target)).iterdir():
            if (found := _MARKER.fullmatch(marker.name)) and is_gone(found[2]):
                yield Unseen(f"{folder_of(target)}/{found[1]}", marker)


def _made_room(file: Path) -> tuple[tuple[Path, ...], Path]:
    """The folders made for a file, and its marker."""
    made = tuple(reversed([folder for folder in file.parents if not folder.exists()]))
    marker = beside(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError as error:
        raise PublishError(
            f"{file.parent} could not be made ({said(error)}): choose another place or change the permissions"
        ) from error
    return made, marker


def _size(table: Location, path: str) -> int:
    file = table.below(path).path
    if file is not None:
        return file.stat().st_size
    return obstore.head(*_object(table, path))["size"]


def _object(table: Location, path: str) -> tuple[S3Store, str]:
    """The bucket of a table in a store, and the key of one of its files there."""
    bucket, _, prefix = table.uri.removeprefix("s3://").partition("/")
    config: Any = table.options
    return S3Store(bucket, config=config), f"{prefix}/{path}"


def _rows(file: Location) -> int:
    """From its footer."""
    bare = pl.scan_parquet(file.uri, glob=False, hive_partitioning=False, storage_options=file.options)
    return int(bare.select(pl.len()).collect().item())
