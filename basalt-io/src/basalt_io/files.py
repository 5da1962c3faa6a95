"""Files as inputs and as results: what tells that an input changed, and how a result appears in one step.

*Staged*: written under a hidden name in the target's own folder, so that no reader's `*.parquet` matches it and one
rename makes it visible. What a killed process left of a target is removed when it is staged again on that host.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.errors import PublishError, UserError
from basalt.leftovers import beside, sweep, sync

ROW_GROUP = 32_768
"""Rows of a row group where nothing else is asked: rows are sorted by listing, and a reader of one reads the row groups
that have it. Of a million rows of 500 listings and 60 columns, that takes a third of the time of Polars' default, which
is four times as many rows; the file is 5 % larger, and all of it is read and written as fast."""


def fingerprint(files: Iterable[Path], *options: object) -> str:
    """Changes with the names, sizes and times of the files, and with the options that change what is read of them."""
    facts = [repr(option) for option in options]
    for file in sorted(files):
        stat = file.stat()
        facts.append(f"{file.name} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def one_of(files: Iterable[Path]) -> str:
    """The files' names for messages: all, or the first and how many there are; empty where there is none."""
    names = sorted({str(file) for file in files})
    return " or ".join(names) if len(names) < 4 else f"{names[0]} or another of {len(names)} files"


@attrs.frozen
class Waiting:
    """A staged file: its hidden name, the name it is for, its inode, and the folders made for it, outermost first."""

    file: Path
    place: Path
    inode: int
    made: tuple[Path, ...]


def refuse_unwritable(place: Path) -> None:
    """UserError where a file could not be created or replaced at `place`; leaves nothing behind."""
    try:
        if place.is_dir():
            raise UserError(f"{place} is a folder, and a file goes there: choose another place or remove the folder")
        existing = next(folder for folder in place.parents if folder.exists())
        if not existing.is_dir():
            raise UserError(f"{place} cannot be written, as {existing} is a file: choose another place or remove it")
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise UserError(
            f"{place} cannot be written ({first_line(error)}): choose another place or change the permissions"
        ) from error


def refuse_mixed(place: Path) -> None:
    """UserError where a table's file cannot be written at `place`, or other Parquet files of its date lie beside it."""
    refuse_unwritable(place)
    others = sorted(set(place.parent.glob("*.parquet")) - {place}) if "=" in place.parent.name else []
    if others:
        raise UserError(f"{others[0]} is there already, and rows beside it would mix with it: choose another folder")


def stage(frame: pl.LazyFrame, place: Path, metadata: Mapping[str, str], **how: Any) -> Waiting:
    """Write `frame` as Parquet beside `place`, on disk when this returns; PublishError, and nothing left, if it fails.

    `how` goes to Polars: compression, row_group_size.
    """
    sweep(place)
    file = beside(place)
    made = tuple(reversed([folder for folder in place.parents if not folder.exists()]))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        frame.sink_parquet(file, metadata=dict(metadata), sync_on_close="all", **how)
        return Waiting(file, place, file.stat().st_ino, made)
    except (OSError, pl.exceptions.PolarsError) as error:
        _remove(file, made)
        raise PublishError(
            f"{place} could not be written ({first_line(error)}): the old version stays; see that there is room, and "
            "run it again"
        ) from error
    except BaseException:
        _remove(file, made)
        raise


def publish(waiting: Waiting) -> None:
    """Rename the staged file to its place, in one step; a repetition finds it there and is done."""
    place = waiting.place
    try:
        if waiting.file.exists() or not _is_there(waiting):
            os.replace(waiting.file, place)
        for folder in {place.parent, *(folder.parent for folder in waiting.made)}:
            sync(folder)
    except OSError as error:
        raise PublishError(f"{place} could not be published ({first_line(error)}): run again") from error


def withdraw(waiting: Waiting) -> None:
    """Remove the staged file, and the folders made for it that are empty."""
    _remove(waiting.file, waiting.made)


def first_line(error: BaseException) -> str:
    """What an error says, without the lines that libraries add."""
    text = getattr(error, "strerror", None) or str(error)
    return text.strip().partition("\n")[0].rstrip(".: ") or type(error).__name__


def _is_there(waiting: Waiting) -> bool:
    with suppress(FileNotFoundError):
        return waiting.place.stat().st_ino == waiting.inode
    return False


def _remove(file: Path, made: tuple[Path, ...]) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)
        for folder in reversed(made):
            folder.rmdir()
