"""Clean environments: wheels built here, installed with what they declare and nothing else.

Third-party distributions come from the registry (or uv's cache), in the versions these tests run on.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = os.environ.get("UV") or shutil.which("uv")  # `uv run` names itself, on the path or not


@attrs.frozen
class Environment:
    """A virtual environment, and a working folder and home of its own for what runs in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    def create(self, requirements: Sequence[str | Path], constraints: Path) -> None:
        """Make it and install the requirements."""
        for name in ("work", "home"):
            (self.folder / name).mkdir(parents=True)
        where = self.folder / "venv"
        if UV:
            run([UV, "venv", "-q", "--python", sys.executable, where])
            install = [UV, "pip", "install", "-q", "--python", self.python]
        else:
            run([sys.executable, "-m", "venv", where])
            install = [self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        run([*install, "-c", constraints, *requirements])

    def basalt(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the command line, whatever its exit code."""
        command = [self.python.parent / "basalt", *args]
        return subprocess.run(command, **self._surroundings(), capture_output=True, text=True, timeout=60)

    def run(self, code: str, *args: str | Path) -> str:
        """What the code prints; fails where it does."""
        return run([self.python, "-c", code, *args], **self._surroundings())

    def _surroundings(self) -> dict[str, Any]:
        home = str(self.folder / "home")
        inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        own = {"HOME": home, "XDG_CONFIG_HOME": home, "NO_COLOR": "1", "COLUMNS": "200"}
        return {"cwd": self.folder / "work", "env": inherited | own}


def run(command: Sequence[str | Path], **options: Any) -> str:
    """What a command prints; fails where it does."""
    done = subprocess.run(command, **options, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(map(str, command))} gave {done.returncode}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build the wheel of a folder of this repository, once; no network and no isolation is needed."""
    out = tmp_path_factory.mktemp("wheels")
    built: dict[str, Path] = {}

    def build(folder: str) -> Path:
        if folder not in built:
            run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out / folder], cwd=ROOT / folder)
            (built[folder],) = (out / folder).glob("*.whl")
        return built[folder]

    return build


@pytest.fixture(scope="session")
def clean_environment(
    tmp_path_factory: pytest.TempPathFactory, wheel: Callable[[str], Path]
) -> Callable[..., Environment]:
    """An environment with the wheels of these folders and what they declare; made once for each set of folders.

    `clean_environment("basalt-core", "examples/desk-spreads")`. Tests share it: put back what you change.
    """
    constraints = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    constraints.write_text("".join(f"{pin}\n" for pin in sorted(_pins())))
    made: dict[tuple[str, ...], Environment] = {}

    def environment(*folders: str) -> Environment:
        if folders not in made:
            fresh = Environment(tmp_path_factory.mktemp("environment"))
            fresh.create([wheel(folder) for folder in folders], constraints)
            made[folders] = fresh
        return made[folders]

    return environment


def _pins() -> set[str]:
    """Versions of this environment, those of the repository left out: the registry has others of these names."""
    ours = {path.parent.name for path in ROOT.glob("*/pyproject.toml")} | {"basalt-workspace"}
    found = {(d.metadata["Name"], d.version) for d in metadata.distributions()}
    return {f"{name}=={version}" for name, version in found if name and name not in ours and "+" not in version}
