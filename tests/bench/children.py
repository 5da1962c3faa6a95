"""Commands as whole processes, as users run them: how long they took, and the most memory they held.

Byte code is kept from run to run in a folder of its own, as installed packages have it kept: whatever the environment
of the one who measures says.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

BASALT = Path(sys.executable).parent / "basalt"
LOOKED_EVERY = 0.004  # seconds


@attrs.frozen
class Held:
    """What a process held at most, in bytes of resident memory, and its seconds."""

    peak: int
    seconds: float


def environment(cache: Path) -> dict[str, str]:
    """That of a child: with byte code kept below `cache`."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**found, "PYTHONPYCACHEPREFIX": str(cache / "bytecode")}


def called(command: Sequence[str | Path], folder: Path, cache: Path) -> None:
    """Run it to its end; what it says on stderr is shown where it fails."""
    done = subprocess.run(command, cwd=folder, env=environment(cache), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def held(command: Sequence[str | Path], folder: Path, cache: Path) -> Held:
    """Run it and look at it every few milliseconds: at the kernel's mark, which the run itself resets now and then.

    `ru_maxrss` would not do: it begins at what the parent held, and loses what was before the last reset.
    """
    started, peak = time.perf_counter(), 0
    child = subprocess.Popen(
        command, cwd=folder, env=environment(cache), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while child.poll() is None:
        peak = max(peak, _mark(child.pid))
        time.sleep(LOOKED_EVERY)
    said = child.communicate()[1]
    assert child.returncode == 0, said
    return Held(peak, time.perf_counter() - started)


def _mark(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
