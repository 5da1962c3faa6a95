"""Files that appear in one step, and the *leftovers* of processes that were killed while they wrote one.

A file is written *beside* its place, under a hidden name that tells its *owner*, and renamed. The name is how a
leftover is known as one: its owner, a process of this host, is gone.
"""

import hashlib
import os
import platform
import re
from contextlib import suppress
from datetime import UTC, datetime
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
    return place.with_name(f".{place.name}.{uuid4().hex}.{owner()}.staged")


def sweep(place: Path) -> None:
    """Remove what killed processes of this host left of `place`. Other hosts' files stay: who lives there is unknown.

    Two containers of one host name that write one place at a time may take each other for dead: then the slower one's
    rename fails, as its file is gone, and what the other wrote stays whole.
    """
    leftover = re.compile(rf"{re.escape(f'.{place.name}.')}[0-9a-f]{{32}}\.(.+)\.staged")
    with suppress(OSError):
        for file in place.parent.iterdir():
            if (found := leftover.fullmatch(file.name)) and is_gone(found[1]):
                file.unlink(missing_ok=True)


def owner() -> str:
    """This process, as no other is named: host, number, and start, for systems give a number out again, and in a
    container the first process has the same one each time."""
    return f"{_host()}-{os.getpid()}-{_seen(os.getpid())[1]}"


def run_id() -> str:
    """A name for a run that begins: sorts by time; tells its owner, so that what it leaves if it is killed is known as
    a leftover."""
    return f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%f')}-{owner()}"


def is_gone(owner: str) -> bool:
    """Whether that owner was a process of this host and is no more; False where that cannot be told."""
    found = re.fullmatch(rf"{_host()}-(\d+)-(\d+)", owner)
    if found is None or os.name != "posix":  # elsewhere, asking would disturb it
        return False
    number, start = map(int, found.groups())
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    state, started = _seen(number)
    return state in ("Z", "X") or (0 not in (start, started) and start != started)


def _host() -> str:
    """This machine in eight characters that fit into any file name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _seen(process: int) -> tuple[str, int]:
    """The state of a process, Z and X for one that is dead and was not buried, and its start in ticks since the system
    began; nothing and 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[19])
    return "", 0


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
