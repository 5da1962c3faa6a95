"""Real distributions for tests of the plugin host: folders with `*.dist-info`, as an installer leaves them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from textwrap import dedent

import attrs
import pytest


@attrs.frozen
class Site:
    """A folder of installed distributions, a working folder and a home of its own."""

    folder: Path
    work: Path
    home: Path

    def install(
        self,
        distribution: str,
        version: str = "1.0",
        groups: Mapping[str, Mapping[str, str]] | None = None,
        modules: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Install a distribution: its entry points by group, and its modules by file name."""
        folder = folder or self.folder
        folder.mkdir(exist_ok=True)
        metadata = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n\nText.\n"
        )
        lines = [
            line
            for group, entries in (groups or {}).items()
            for line in [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()), ""]
        ]
        (metadata / "entry_points.txt").write_text("\n".join(lines))
        for name, source in (modules or {}).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(dedent(source))

    def plugin(self, distribution: str, source: str, version: str = "1.0", group: str = "basalt.v1") -> None:
        """Install a distribution of one module with one plugin entry, named after its last word."""
        module = distribution.replace("-", "_")
        entry = distribution.rpartition("-")[2]
        self.install(distribution, version, {group: {entry: module}}, {f"{module}.py": source})

    def basalt(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in a fresh interpreter that sees these distributions."""
        return self.python("from basalt.cli.main import main; main()", *args)

    def python(self, code: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Run code in a fresh interpreter that sees these distributions."""
        return subprocess.run(
            [sys.executable, "-c", code, *args],
            cwd=self.work,
            env=os.environ
            | {"PYTHONPATH": str(self.folder), "XDG_CONFIG_HOME": str(self.home), "HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a shell line in which `basalt` is the command line."""
        basalt = f'basalt() {{ {sys.executable} -c "from basalt.cli.main import main; main()" "$@"; }}'
        env = {"PYTHONPATH": str(self.folder), "XDG_CONFIG_HOME": str(self.home)}
        return subprocess.run(
            ["sh", "-c", f"{basalt}\n{line}"],
            cwd=self.work,
            env=os.environ | env,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def core_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with the metadata of basalt-core, and no other distribution on the path; imported modules stay usable."""
    core = distribution("basalt-core")
    groups: dict[str, dict[str, str]] = {}
    for entry in core.entry_points:
        groups.setdefault(entry.group, {})[entry.name] = entry.value
    site.install("basalt-core", core.version, groups)
    for name in ("attrs", "cattrs", "click", "pluggy", "polars", "rich"):
        import_module(name)
    bare = [folder for folder in sys.path if not [*Path(folder).glob("*.dist-info")]]
    monkeypatch.setattr(sys, "path", [str(site.folder), *bare])
    monkeypatch.setenv("PYTHONPATH", str(site.folder))
    return site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site on this process's path, in front of what is really installed."""
    site = Site(tmp_path / "site", tmp_path / "work", tmp_path / "home")
    for folder in (site.folder, site.work, site.home):
        folder.mkdir()
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(site.folder))
    monkeypatch.chdir(site.work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(site.home))
    yield site
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file and str(tmp_path) in file:
            del sys.modules[name]
