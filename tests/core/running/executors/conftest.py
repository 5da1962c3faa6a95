"""Scripts that run partitions in a session of their own, and the way to `partition_work` for whoever they start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))


@attrs.frozen
class Started:
    """A script that runs; everything it starts is in its session."""

    process: subprocess.Popen[str]
    folder: Path

    def alive(self) -> list[int]:
        """Processes of the session that run still."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(session) == self.process.pid and state != "Z":
                found.append(int(stat.parent.name))
        return found

    def is_gone_within(self, seconds: float) -> bool:
        """Whether nothing of the session runs after that time at most."""
        return wait_for(lambda: not self.alive(), seconds)

    def has(self, *names: str, within: float = 20) -> bool:
        """Whether these files are in its folder after that time at most."""
        return wait_for(lambda: all((self.folder / name).exists() for name in names), within)

    def ended(self, seconds: float = 20) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        out, said = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, said


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    latest = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > latest:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[[str], Started]]:
    """Starts Python code; `folder` is defined in it."""
    started: list[Started] = []

    def start(code: str) -> Started:
        file = tmp_path / "script.py"
        file.write_text(f"from pathlib import Path\nfolder = Path({str(tmp_path)!r})\n{code}")
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        process = subprocess.Popen([sys.executable, str(file)], env={**os.environ, "PYTHONPATH": path}, **pipes)
        started.append(Started(process, tmp_path))
        return started[-1]

    yield start
    for one in started:
        for process in one.alive():
            os.kill(process, signal.SIGKILL)
        one.process.communicate()
