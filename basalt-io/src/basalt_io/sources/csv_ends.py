"""The first and the last row of a CSV file: its header, and whether a transfer was cut short."""

import os
from typing import IO

_TAIL = 65_536  # bytes; more than a row


def ends(stream: IO[bytes]) -> tuple[bytes, bytes]:
    """Without line ends; empty where the file is. `stream` must be seekable without unpacking what it holds."""
    first = stream.readline().rstrip()
    stream.seek(-min(_TAIL, stream.seek(0, os.SEEK_END)), os.SEEK_END)
    return first, stream.read().rstrip().rpartition(b"\n")[2]
