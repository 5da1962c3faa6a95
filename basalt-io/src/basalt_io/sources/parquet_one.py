"""One Parquet file as a source of one table: what `basalt data` reads where it is given a file.

The table is called as its folder, in `{table}/date=YYYY-MM-DD/any.parquet`, else as the file.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from basalt.errors import UserError
from basalt_io.object_paths import AnyPath, ObjectPath
from basalt_io.object_store import Location
from basalt_io.objects import ObjectError, Objects
from basalt_io.sources.layouts import HIVE
from basalt_io.sources.parquet import ParquetSource


class OneParquetFile(ParquetSource):
    """`table`: what it is called, where that is not as its place says."""

    def __init__(self, config: Any, file: Location, table: str | None) -> None:
        super().__init__(config, Path())
        self._table = table or named(file.uri)
        self._file = _found(file)

    def _theirs(self) -> Iterator[tuple[str, AnyPath]]:
        yield self._table, self._file


def named(file: str) -> str:
    """The table that its place says it is of."""
    path = PurePosixPath(file)
    return path.parent.parent.name if path.parent.name.startswith(HIVE) else path.stem


def _found(file: Location) -> AnyPath:
    if file.path is not None:
        return file.path
    try:
        one = Objects(file.above).described(PurePosixPath(file.uri).name)
    except ObjectError as error:
        raise UserError(f"{file.uri} cannot be read, as {error}") from error
    if one is None:
        raise UserError(f"there is no {file.uri}: name an object that is there")
    return ObjectPath(file.uri, one)
