"""Memory of this process: what is left for it, what it holds now, and the most it held during some work.

*Resident* memory is what the process holds in RAM. What is *left* is what the machine could give without swapping, and
no more than the control groups allow that containers, batch queues and services run in.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from basalt.sizes import parse_size

UNKNOWN = 4 * 10**9  # what is taken to be left where the system does not tell
SHARE = 0.6  # of what is left, for a run that names no budget
SAMPLED_EVERY = 0.01  # seconds
# Files of a control group, versions 2 and 1: the limits, what is used, and what of that is cache that gives way.
_LIMITS = ("memory.max", "memory.high", "memory.limit_in_bytes")
_USED = ("memory.current", "memory.usage_in_bytes")
_CACHE = ("total_inactive_file", "inactive_file")


def budget(run: str | None) -> int:
    """Bytes a run may take: its `memory` as configured, as `"4GB"`, else 60 % of what is left."""
    return int(SHARE * available()) if run is None else parse_size(run)


def available(root: Path = Path("/")) -> int:
    """Bytes left for this process. `root`: where the system's own folders `proc` and `sys` are."""
    left = [*_of_machine(root), *_of_groups(root)]
    return min(left) if left else UNKNOWN


def resident() -> int:
    """Bytes this process holds now; where the system does not tell, the most it ever held; 0 where not even that."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with suppress(ImportError):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return 0


class Peak:
    """`with Peak() as peak:` … `peak.bytes`: the most resident memory since the block began, to its end.

    The kernel's own high-water mark where it may be reset, which misses nothing; else a sample every 10 ms. Blocks
    may be nested and overlap.
    """

    _open: ClassVar["list[Peak]"] = []
    _lock: ClassVar = threading.Lock()

    def __init__(self) -> None:
        self._most = 0
        self._sampler: Sampler | None = None

    @property
    def bytes(self) -> int:
        """So far inside the block, final behind it."""
        if self in self._open:
            with self._lock:
                self._note()
        return self._most

    def __enter__(self) -> "Peak":
        with self._lock:
            self._note()  # for the blocks around this one, which lose the mark
            if not reset_high_water():
                self._sampler = Sampler()
            self._most = resident()
            self._open.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._note()
            self._open.remove(self)
        if self._sampler is not None:
            self._most = max(self._most, self._sampler.stop())

    @classmethod
    def _note(cls) -> None:
        most = high_water()
        for one in cls._open:
            one._most = max(one._most, most if one._sampler is None else one._sampler.most)


class Sampler:
    """Looks at the resident memory every 10 ms until it is stopped. `most`: the most it saw."""

    def __init__(self) -> None:
        self.most = resident()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="basalt memory", daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The most it saw."""
        self._end.set()
        self._thread.join()
        self.most = max(self.most, resident())
        return self.most

    def _watch(self) -> None:
        while not self._end.wait(SAMPLED_EVERY):
            self.most = max(self.most, resident())


def reset_high_water() -> bool:
    """Let the kernel's mark begin anew at what is resident now; False where it does not let us."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def high_water() -> int:
    """The kernel's mark in bytes; where it keeps none, what is resident."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return max(int(line.split()[1]) * 1024, resident())
    return resident()


def _of_machine(root: Path) -> Iterator[int]:
    with suppress(OSError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) * 1024
                return
    with suppress(ValueError, OSError, AttributeError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _of_groups(root: Path) -> Iterator[int]:
    """What each control group with a memory limit leaves, from this process's own up to the root."""
    for group in _groups(root):
        used = [number for number in (_number(group / name) for name in _USED) if number is not None]
        limits = [number for number in (_number(group / name) for name in _LIMITS) if number is not None]
        if used and limits:
            yield max(0, min(limits) - max(0, used[0] - _cached(group)))


def _groups(root: Path) -> Iterator[Path]:
    """A path that is not below the mount is one seen from outside the container: the mount itself is its group."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory") or "memory" in controllers.split(","):
                mount = root / "sys/fs/cgroup" / ("memory" if controllers else "")
                group = mount / path.lstrip("/")
                yield from [group, *group.parents][: len(group.parts) - len(mount.parts) + 1]


def _number(file: Path) -> int | None:
    """`max` is no number: no limit."""
    with suppress(OSError, ValueError):
        return int(file.read_text())
    return None


def _cached(group: Path) -> int:
    with suppress(OSError):
        facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return next((int(facts[name]) for name in _CACHE if name in facts), 0)
    return 0
