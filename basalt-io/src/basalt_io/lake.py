"""A lake: canonical tables in Parquet files below a folder or an S3 prefix, as the parquet source reads them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from basalt.errors import UserError
from basalt.leftovers import is_gone, owner
from basalt.planning.places import beginning
from basalt_io.files import ROW_GROUP, refuse_mixed
from basalt_io.object_paths import listed
from basalt_io.object_store import location
from basalt_io.objects import ObjectError
from basalt_io.outputs.parquet_places import Folder, Place, Prefix

_WORK = ".converting."


class Lake:
    """The tables below `out`, written one date's file after another."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.root = location(Path.cwd(), out, {})

    def refuse_inside(self, read: Path | str | None) -> None:
        """UserError where it lies inside what is read."""
        there = beginning(read)
        if there and beginning(self.root.uri).startswith(there):
            raise UserError(f"--out {self.out} is inside {read}, which is read: name another place")

    def address(self, table: str, day: date | None) -> str:
        """Where a date's rows of a table go; with None those that hold for every date."""
        steps = [f"{table}.parquet"] if day is None else [table, f"date={day}", f"{table}.parquet"]
        return self.root.below(*steps).uri

    def shown(self, address: str) -> str:
        """The address as one who named `out` so knows it."""
        return self.out.rstrip("/") + address.removeprefix(self.root.uri)

    def check(self, address: str) -> None:
        """UserError where nothing can be written there, or other files of that date lie beside it."""
        if self.root.path is not None:
            refuse_mixed(Path(address))
            return
        self._place.check(address)
        others = self._others(address) if "=" in address.rpartition("/")[0].rpartition("/")[2] else []
        if others:
            raise UserError(f"{others[0]} is there already, and rows beside it would mix with it: choose another place")

    def write(self, rows: pl.LazyFrame, address: str, work: Path) -> int:
        """Put the rows in one step, and count them."""
        waiting = self._place.stage(rows, address, work, {}, row_group_size=ROW_GROUP)
        count: int = pl.scan_parquet(waiting.file, glob=False).select(pl.len()).collect().item()
        self._place.publish(waiting)
        return count

    @contextmanager
    def work(self) -> Iterator[Path]:
        """A folder where a date can be sorted that memory does not hold: beside the results, where there is room for
        them; for those of a store where this machine keeps what is temporary. What a killed process left there is
        removed."""
        folder = self.root.path
        work = Path(mkdtemp(prefix=_WORK)) if folder is None else folder / f"{_WORK}{owner()}"
        for left in () if folder is None else folder.glob(f"{_WORK}*"):
            if is_gone(left.name.removeprefix(_WORK)):
                shutil.rmtree(left, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _others(self, address: str) -> list[str]:
        """Parquet files of the same date, under other names."""
        folder = address.removeprefix(self.root.uri + "/").rpartition("/")[0]
        try:
            found = listed(self.root.below(folder)).glob("*.parquet")
        except ObjectError as error:
            raise UserError(f"{self.root.uri} cannot be listed, as {error}") from error
        return sorted(str(one) for one in found if str(one) != address)

    @cached_property
    def _place(self) -> Place:
        return Prefix(self.root) if self.root.path is None else Folder(self.root.path)
