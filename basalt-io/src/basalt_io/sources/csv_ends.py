"""The ends of a CSV file: its header, and whether a transfer was cut short."""

import os
from typing import IO

from basalt.errors import DataError

_TAIL = 65_536  # bytes; more than a row


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
