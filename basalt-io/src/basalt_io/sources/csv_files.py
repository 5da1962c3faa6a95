"""CSV files of feeds: their rows, whatever quotes stand in them, and whether a transfer was cut short."""

import os
from functools import partial
from pathlib import Path
from typing import IO, Any

import polars as pl

from basalt.errors import DataError
from basalt_io.files import first_line

_TAIL = 65_536  # bytes; more than a row


def scan(file: Path, **how: Any) -> pl.LazyFrame:
    """`pl.scan_csv`, quotes being letters like others: as quotes, one too many makes rows vanish. A gzipped file is
    unpacked whole when the query runs; DataError where that fails."""
    frame = pl.scan_csv(file, glob=False, quote_char=None, **how)
    if file.suffix != ".gz":
        return frame
    return pl.defer(partial(_unpacked, frame, file), schema=frame.collect_schema())


def _unpacked(frame: pl.LazyFrame, file: Path) -> pl.DataFrame:
    try:
        return frame.collect()
    except OSError as error:
        raise DataError(f"{file} cannot be read ({first_line(error)}): fetch it again") from error


def ends(stream: IO[bytes]) -> tuple[bytes, bytes]:
    """The first and the last row without line ends; empty where the file is. `stream` must be seekable without
    unpacking what it holds."""
    first = stream.readline().rstrip()
    stream.seek(-min(_TAIL, stream.seek(0, os.SEEK_END)), os.SEEK_END)
    return first, stream.read().rstrip().rpartition(b"\n")[2]


def refuse_cut(stream: IO[bytes], name: str) -> bytes:
    """The header. DataError where the last row has too few fields, or no line end: a row that is cut in its last field
    looks whole but for that."""
    first, last = ends(stream)
    if last.count(b",") < first.count(b","):
        raise DataError(f"{name} ends in the middle of a row: fetch it again")
    if first and not _ends_a_line(stream):
        raise DataError(
            f"{name} has no line end behind its last row, which may be cut short: fetch it again, or end it with one "
            "if it is whole"
        )
    return first


def _ends_a_line(stream: IO[bytes]) -> bool:
    stream.seek(-1, os.SEEK_END)
    return stream.read() in (b"\n", b"\r")
