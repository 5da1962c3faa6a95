"""Reading Parquet files, of a folder or of an object store: rows, columns, sizes, and what tells that one changed."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import polars as pl

from basalt.errors import DataError, UserError
from basalt.sources import Size
from basalt_io.files import fingerprint
from basalt_io.object_paths import AnyPath, ObjectPath, listed
from basalt_io.object_store import Location
from basalt_io.objects import Object, ObjectError
from basalt_io.outputs.parquet import METADATA_KEY
from basalt_io.parquet_errors import UNREAD, unreadable
from basalt_io.sources.handed import Document, parsed


class ParquetFiles:
    """The files below one root."""

    def __init__(self, where: Location) -> None:
        self.where = where

    @cached_property
    def root(self) -> AnyPath:
        """The folder, or the prefix as it was when it was first asked for; UserError where there is none."""
        folder = self.where.path
        if folder is None:
            try:
                return listed(self.where)
            except ObjectError as error:
                raise UserError(f"source parquet: root {self.where.uri} cannot be listed, as {error}") from error
        if not folder.is_dir():
            raise UserError(f"source parquet: root {folder} is no folder: set `root` to the folder of the tables")
        return folder

    def scan(self, files: Sequence[AnyPath]) -> pl.LazyFrame:
        """All rows, as the files have them."""
        addresses = [str(file) for file in files]
        return pl.scan_parquet(addresses, glob=False, hive_partitioning=False, storage_options=self.where.options)

    def document(self, file: AnyPath) -> Document | None:
        """The column document of a file that a pipeline published; None of others."""
        try:
            found = pl.read_parquet_metadata(str(file), storage_options=self.where.options)
        except UNREAD as error:
            raise unread(file, error) from error
        return parsed(found.get(METADATA_KEY), str(file))

    def refuse_differing(self, files: Sequence[AnyPath]) -> None:
        """DataError where the files' columns are not the same, or one cannot be read."""
        first = self._schema(files[0])
        for file in files[1:]:
            differing = set(self._schema(file).items()) ^ set(first.items())
            if differing:
                name = sorted(name for name, _ in differing)[0]
                raise DataError(
                    f"{file} differs from {files[0]} in column {name}: files of one table and date have the same "
                    "columns and dtypes, so write them alike"
                )

    def on_disk(self, files: Iterable[AnyPath]) -> int:
        """How many bytes, or so many in the store."""
        return sum(map(_bytes, files))

    def size(self, files: Iterable[AnyPath]) -> Size:
        """From footers."""
        found = [(self._rows(file), _bytes(file)) for file in files]
        return Size(sum(rows for rows, _ in found), sum(size for _, size in found))

    def fingerprint(self, files: Sequence[AnyPath], *options: object) -> str:
        """Changes with the names, sizes, and times or entity tags of the files, and with the options."""
        if self.where.path is not None:
            return fingerprint(map(Path, map(str, files)), *options)
        facts = [f"{file.name} {one.size} {one.e_tag}" for file in sorted(files) for one in [_object(file)]]
        return sha256("\n".join([*map(repr, options), *facts]).encode()).hexdigest()

    def _schema(self, file: AnyPath) -> Mapping[str, pl.DataType]:
        try:
            return pl.read_parquet_schema(file) if isinstance(file, Path) else self.scan([file]).collect_schema()
        except UNREAD as error:
            raise unread(file, error) from error

    def _rows(self, file: AnyPath) -> int:
        """Of a bare scan, Polars takes the number of rows from the footer."""
        try:
            return int(self.scan([file]).select(pl.len()).collect().item())
        except UNREAD as error:
            raise unread(file, error) from error


def unread(file: AnyPath, error: BaseException) -> DataError:
    """What is said of a file that cannot be read."""
    return unreadable(str(file), error, "write it again or remove it")


def _bytes(file: AnyPath) -> int:
    return file.stat().st_size if isinstance(file, Path) else _object(file).size


def _object(file: AnyPath) -> Object:
    assert isinstance(file, ObjectPath)
    assert isinstance(file.node, Object)
    return file.node
