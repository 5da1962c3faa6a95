"""Files that appear in one step, and the *leftovers* of processes that were killed while they wrote one.

A file is written *beside* its place, under a hidden name that tells host and process, and renamed. The name is how a
leftover is known as one: its process is of this host, and gone.
"""

import hashlib
import os
import platform
import re
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def replace(place: Path, data: bytes) -> None:
    """Put `data` at `place`, whole or not at all, on disk when this returns; folders are made. OSError if it cannot be,
    and then the old file stays."""
    sweep(place)
    made = [folder for folder in place.parents if not folder.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    file = beside(place)
    try:
        _write(file, data)
        os.replace(file, place)
    except BaseException:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        raise
    for folder in {place.parent, *(folder.parent for folder in made)}:
        sync(folder)


def beside(place: Path) -> Path:
    """A name in the same folder that no reader's pattern matches and no other process takes."""
    return place.with_name(f".{place.name}.{uuid4().hex}.{host()}-{os.getpid()}.staged")


def sweep(place: Path) -> None:
    """Remove what killed processes of this host left of `place`. Other hosts' files stay: who lives there is unknown.

    Two containers of one host name that write one place at a time may take each other for dead: then the slower one's
    rename fails, as its file is gone, and what the other wrote stays whole.
    """
    leftover = re.compile(rf"{re.escape(f'.{place.name}.')}[0-9a-f]{{32}}\.{host()}-(\d+)\.staged")
    with suppress(OSError):
        for file in place.parent.iterdir():
            if (found := leftover.fullmatch(file.name)) and is_gone(int(found[1])):
                file.unlink(missing_ok=True)


def host() -> str:
    """This machine in eight characters that fit into any file name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def is_gone(process: int) -> bool:
    """Whether no process of this host has that number; False on systems where asking would disturb it."""
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def sync(folder: Path) -> None:
    """Make a rename in `folder` last through a power cut; only POSIX systems have it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(file: Path, data: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
