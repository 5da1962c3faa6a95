"""`basalt analytics browse` as a command: what it imports, where it refuses, and that it runs in a real terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

BASALT = [sys.executable, "-c", "from basalt.cli.main import main; main()"]
HEAVY = "print(sorted({'textual', 'polars'} & set(sys.modules)))"


def _python(code: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_naming_the_command_imports_neither_textual_nor_polars(tmp_path):
    assert _python(f"import sys, basalt_ui.plugin; {HEAVY}", tmp_path) == "[]"


def test_the_commands_help_imports_neither_textual_nor_polars(tmp_path):
    code = f"import sys; from basalt.cli.main import run; run(['analytics', 'browse', '--help']); {HEAVY}"
    said = _python(code, tmp_path)
    assert "--pipeline FILE" in said
    assert said.endswith("[]")


def test_without_a_terminal_it_names_the_command_that_prints(tmp_path):
    done = subprocess.run(
        [*BASALT, "analytics", "browse"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: basalt analytics browse needs a terminal: basalt analytics list --columns prints the same\n"
    )


class Terminal:
    """A command in a pseudo-terminal of 80×24."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], command, os.environ | {"TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80"})
        self.seen = b""

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Read until the text was written."""
        end = time.monotonic() + seconds
        while text.encode() not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not appear in {self.seen[-2000:]!r}"
            self._read()

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def exit_code(self, seconds: float = 30) -> int:
        """Wait for the command to end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"the command did not end; it wrote {self.seen[-2000:]!r}")

    def _read(self) -> None:
        ready, _, _ = select.select([self.fd], [], [], 0.1)
        if ready:
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError:
                return


@pytest.mark.slow
def test_in_a_terminal_it_opens_without_a_pipeline_searches_and_quits_with_0(tmp_path):
    terminal = Terminal([*BASALT, "analytics", "browse"], tmp_path)
    terminal.wait_for("installed")
    terminal.press("/ttvw")
    terminal.wait_for("Volume-weighted average price of trades; one")
    terminal.press("\x1b")
    time.sleep(0.5)
    terminal.press("q")
    assert terminal.exit_code() == 0


@pytest.mark.slow
def test_a_broken_pipeline_file_is_an_error_before_the_screen_opens(tmp_path):
    (tmp_path / "p.toml").write_text('name = "p"\n')
    terminal = Terminal([*BASALT, "analytics", "browse", "--pipeline", "p.toml"], tmp_path)
    terminal.wait_for("error: ")
    assert terminal.exit_code() == 2
    assert b"p.toml" in terminal.seen
    assert b"\x1b[?1049h" not in terminal.seen
