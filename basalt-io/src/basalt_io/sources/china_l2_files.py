"""Where the `china_l2` files lie, and their rows as text turned into numbers, or a refusal that names the file.

A *part* is what one folder or one zip has of a date: `entrust.csv`, `trade.csv`, `snapshot.csv`, or some of them.
"""

import datetime as dt
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath

import attrs
import polars as pl

from basalt.columns import DType
from basalt.errors import DataError, UserError
from basalt_io.files import first_line
from basalt_io.sources.csv_files import refuse_cut

KINDS = ("entrust", "trade", "snapshot")
COUNTS = ("TradNumber", "TurnNum")
"""Shanghai's and Shenzhen's columns of the number of trades so far."""
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError)
_FOLDER = re.compile(r"(?P<date>\d{8})")
_ZIP = re.compile(r"(?P<code>[^_]+)_(?P<date>\d{8})(_.*)?\.zip")


@attrs.frozen
class Part:
    """`code` is the security of a zip, None for a folder. `members`: names inside the place, by kind."""

    date: dt.date
    code: str | None
    place: Path
    members: Mapping[str, str]

    def file(self, kind: str) -> Path:
        """The file that changes when those rows change: the CSV itself, or the zip."""
        return self.place if self.code else self.place / self.members[kind]

    def header(self, kind: str) -> list[str]:
        """The names in the file's first row."""
        try:
            if not self.code:
                with self.file(kind).open("rb") as plain:
                    return _names(plain.readline())
            with zipfile.ZipFile(self.place) as archive, archive.open(self.members[kind]) as packed:
                return _names(packed.readline())
        except _UNREADABLE as error:
            raise _unreadable(self.place, error) from error

    def content(self, kind: str) -> Path | bytes:
        """What Polars reads: a plain file where it lies, or a zip's member unpacked."""
        if not self.code:
            return self.file(kind)
        try:
            with zipfile.ZipFile(self.place) as archive:
                return archive.read(self.members[kind])
        except _UNREADABLE as error:
            raise _unreadable(self.place, error) from error


def find(root: Path) -> list[Part]:
    """The parts of a folder, by (date, code). UserError where there is none, or where two may hold the same rows."""
    if not root.is_dir():
        raise UserError(f"source china_l2: root {root} is no folder: set `root` to the folder of the files")
    parts = [part for place in sorted(root.iterdir()) if (part := _part(place)) is not None]
    parts.sort(key=lambda part: (part.date, part.code or ""))
    if not parts:
        raise UserError(
            f"source china_l2: {root} holds neither a folder as 20230201 with entrust.csv, trade.csv and snapshot.csv "
            "nor a zip as 600519_20230201_level2.zip: set `root` to the folder that holds those"
        )
    _refuse_twins(parts)
    return parts


def rows(part: Part, kind: str, columns: Mapping[str, DType], words: Mapping[str, Sequence[str]]) -> pl.LazyFrame:
    """Those columns of a file. `words`: what a column of labels may hold.

    DataError where the header lacks a column or the last row is cut short; the query fails on a value that is no
    finite number, on a label that is not among its words, and on an empty field of any column but book levels.
    """
    content = part.content(kind)
    name = str(part.file(kind)) if part.code is None else f"{part.place}/{part.members[kind]}"
    _refuse_cut(content, name, columns)
    found = pl.scan_csv(content, schema_overrides=dict(columns), infer_schema=False, glob=False, quote_char=None)
    return found.select(list(columns)).map_batches(partial(_checked, name=name, words=words), streamable=True)


def may_be_empty(column: str) -> bool:
    """Whether it may be empty: one of the book's columns, where there is no such level, or the number of trades."""
    return column in COUNTS or re.fullmatch(r"(Bid|Ask)(Price|Volume)\d+|NumOrders[BS]\d+", column) is not None


def _part(place: Path) -> Part | None:
    if place.is_dir() and (match := _FOLDER.fullmatch(place.name)):
        members = {kind: f"{kind}.csv" for kind in KINDS if (place / f"{kind}.csv").is_file()}
        return Part(_date(place, match), None, place, members) if members else None
    if place.is_file() and (match := _ZIP.fullmatch(place.name)):
        return Part(_date(place, match), match["code"], place, _members(place))
    return None


def _members(place: Path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(place) as archive:
            names = [name for name in archive.namelist() if PurePosixPath(name).stem in KINDS and name.endswith(".csv")]
    except _UNREADABLE as error:
        raise _unreadable(place, error) from error
    twice = [stem for stem, times in Counter(PurePosixPath(name).stem for name in names).items() if times > 1]
    if twice:
        raise UserError(f"source china_l2: {place} holds more than one {twice[0]}.csv: make it a zip a date")
    if not names:
        raise UserError(f"source china_l2: {place} holds no entrust.csv, trade.csv or snapshot.csv: move it elsewhere")
    return {PurePosixPath(name).stem: name for name in names}


def _date(place: Path, match: re.Match[str]) -> dt.date:
    with suppress(ValueError):
        return dt.datetime.strptime(match["date"], "%Y%m%d").date()
    raise UserError(f"source china_l2: {place} names no date of the calendar: rename it")


def _refuse_twins(parts: Sequence[Part]) -> None:
    for before, part in pairwise(parts):
        if before.date == part.date and (before.code is None or before.code == part.code):
            raise UserError(
                f"source china_l2: {before.place} and {part.place} may both hold rows of {part.date}: keep one of them"
            )


def _refuse_cut(content: Path | bytes, name: str, columns: Iterable[str]) -> None:
    try:
        with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as stream:
            found = _names(stream.readline())
            missing = [column for column in columns if column not in found]
            if missing:
                raise DataError(
                    f"{name} has no column {missing[0]}, its header begins {', '.join(found[:4])[:80]!r}: this source "
                    "reads Shanghai's and Shenzhen's Level-2 layouts only, so fetch the file again or convert it to "
                    "one of them"
                )
            stream.seek(0)
            refuse_cut(stream, name)
    except OSError as error:
        raise _unreadable(Path(name), error) from error


def _names(line: bytes) -> list[str]:
    return line.rstrip().decode("utf-8-sig", "replace").split(",")


def _checked(found: pl.DataFrame, name: str, words: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    for column in found:
        if column.name in words and len(other := column.filter(~column.is_in(words[column.name]))):
            known = ", ".join(words[column.name])
            raise DataError(f"{name} has {column.name} {other[0]!r}, and {known} are known: fetch it again")
        if column.null_count() and not may_be_empty(column.name):
            raise DataError(f"{name} has {column.null_count()} rows without {column.name}: fetch it again")
        if column.dtype.is_float() and not column.is_finite().all():
            raise DataError(f"{name} has a {column.name} that is no number: fetch it again")
    return found


def _unreadable(place: Path, error: Exception) -> DataError:
    return DataError(f"{place} cannot be read ({first_line(error)}): fetch it again")
