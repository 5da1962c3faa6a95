"""Outputs: where a pass's result goes. A partition arrives whole or not at all.

*Stage* writes beside, invisible to readers; *commit* makes the partition visible in one step; committing the same
partition again replaces it and nothing else.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import attrs
import polars as pl

from basalt.options import NoOptions


@attrs.frozen
class Target:
    """One partition of one pass: what path templates may name. `run`: the run that publishes it, or did; None where
    none is known yet, and then templates show `{run_id}` itself."""

    pipeline: str
    pass_name: str
    date: date
    universe: str
    output: str
    run: str | None = None


@attrs.frozen
class Staged:
    """A partition written beside its place: `place` is where commit puts it, `waiting` what is written so far."""

    target: Target
    place: str
    waiting: Any
    rows: int


class Output(ABC):
    """A place results go to. `folder` is what relative paths are relative to: the pipeline file's folder.

    `prunes`: as of a source, a scan reads little beyond the rows and columns that a query asks of it. Where not, a
    later pass reads a partition once, and keeps it on disk for its batches.
    """

    name: ClassVar[str]
    Config: ClassVar[type] = NoOptions
    prunes: ClassVar[bool] = False

    def __init__(self, config: Any, folder: Path) -> None:
        self.config = config
        self.folder = folder

    @abstractmethod
    def place(self, target: Target) -> str:
        """The place the partition goes to, from templates alone: writes and tries nothing. UserError where a template
        names what is unknown or leads out of its root."""

    @abstractmethod
    def check(self, target: Target) -> str:
        """`place`, after making sure that it can be written, leaving nothing behind; UserError where it cannot."""

    @abstractmethod
    def stage(self, target: Target, batches: Sequence[Path], document: Mapping[str, Any]) -> Staged:
        """Write the spooled batch files, in order, beside their place; `document` is the column document as JSON."""

    @abstractmethod
    def commit(self, staged: Staged, run_key: str) -> None:
        """Make it visible, replacing that partition and nothing else; safe to repeat after a lost acknowledgement."""

    @abstractmethod
    def discard(self, staged: Staged) -> None:
        """Remove what `stage` wrote; the old partition stays."""

    @property
    def replaces(self) -> bool:
        """Whether a commit puts the partition in the place of what was there of it, and does not add to that."""
        return True

    def sweep(self, target: Target) -> None:
        """Remove what processes left that were killed between `stage` and `commit`, where that is known."""
        return

    def document(self, target: Target) -> Mapping[str, Any] | None:
        """The document that the published partition carries; None where no partition is there, empty where that is not
        cheap to tell. DataError where what is there carries none, or cannot be read."""
        return {}

    @abstractmethod
    def scan(self, target: Target) -> pl.LazyFrame:
        """The published partition; DataError where there is none."""
