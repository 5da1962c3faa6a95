"""The five distributions are in step, and nothing of the place they were written in is in the files that are shared."""

import hashlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("basalt-core", "basalt-analytics", "basalt-io", "basalt-dagster", "basalt-ui")
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
ADDRESSES = re.compile(r"index-url|find-links|pythonhosted|pypi\.|/simple\b|https?://[^\s/]*(?:registry|mirror|proxy)")
MACHINE = re.compile(r"(?<![\w.}*-])/(?:root|work|home/\w+)/\w")


def project(folder: str) -> dict:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no git checkout, so there is no list of tracked files")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def tracked_text() -> dict[str, str]:
    """The text of every tracked file that is text, by its path in the checkout."""
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found[str(path.relative_to(ROOT))] = content.decode()
    return found


def test_all_versions_are_the_workspaces():
    version = project(".")["version"]
    found = {f"{folder}/pyproject.toml": project(folder)["version"] for folder in PACKAGES}
    face = (ROOT / "basalt-core" / "src" / "basalt" / "__init__.py").read_text()
    found["basalt-core/src/basalt/__init__.py"] = re.search(r'^__version__ = "(.+)"$', face, re.MULTILINE)[1]
    wrong = [file for file, other in found.items() if other != version]
    assert not wrong, f"pyproject.toml says version {version}: write it into {', '.join(wrong)}"


@pytest.mark.parametrize("folder", [*PACKAGES, "examples/desk-spreads"])
def test_siblings_are_pinned_to_this_minor_version(folder):
    major, minor, *_ = map(int, project(".")["version"].split("."))
    pin = f">={major}.{minor},<{major}.{minor + 1}"
    siblings = [d for d in project(folder)["dependencies"] if d.startswith("basalt-")]
    right = [re.match(r"[\w-]+", dependency)[0] + pin for dependency in siblings]
    assert siblings == right, f"{folder}/pyproject.toml: write dependencies = {right}, beside those of others"
    assert folder == "basalt-core" or siblings


def test_the_workspace_depends_on_all_five():
    assert project(".")["dependencies"] == list(PACKAGES)


@pytest.mark.parametrize("group", ["basalt.v1", "basalt.commands", "console_scripts"])
def test_every_entry_point_of_ours_resolves(group):
    ours = [e for e in entry_points(group=group) if e.dist and e.dist.name in PACKAGES]
    assert ours
    for entry in ours:
        assert entry.load() is not None


def test_every_package_has_its_marker_licence_and_readme():
    names = {str(path.relative_to(ROOT)) for path in tracked()}
    for folder in PACKAGES:
        name = "basalt" if folder == "basalt-core" else folder.replace("-", "_")
        wanted = {f"{folder}/{file}" for file in ("LICENSE", "README.md", "pyproject.toml", f"src/{name}/py.typed")}
        assert wanted <= names
        assert len((ROOT / folder / "README.md").read_text().splitlines()) > 10
        assert project(folder)["license"] == "Apache-2.0"


@pytest.mark.parametrize("folder", [".", *PACKAGES])
def test_the_licence_is_apache_2(folder):
    assert hashlib.sha256((ROOT / folder / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_locks_with_addresses_are_not_tracked():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"uv.lock", "pylock.toml"} <= set(ignored)
    assert not [path for path in tracked() if path.name in ("uv.lock", "pylock.toml")]


def test_no_tracked_file_holds_the_address_of_a_registry_or_a_path_of_a_machine():
    found = [
        f"{name}: {match[0]}"
        for name, text in tracked_text().items()
        for pattern in (ADDRESSES, MACHINE)
        for match in pattern.finditer(text)
        if not name.endswith("test_workspace.py")
    ]
    assert found == []


def test_pins_are_exact_and_cover_what_the_packages_and_tools_name():
    """Names as an index normalises them; `extra`s and markers left out."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = tools["tool"]["uv"]["constraint-dependencies"]
    pinned = {re.match(r"([\w.-]+)==[^\s;]+( ; .+)?$", pin)[1] for pin in pins}
    named = [*tools["dependency-groups"]["dev"], *(d for folder in PACKAGES for d in project(folder)["dependencies"])]
    asked = {re.match(r"[\w.-]+", dependency)[0] for dependency in named} - set(PACKAGES)
    assert asked <= pinned, f"uv run nox -s pins, for {', '.join(sorted(asked - pinned))}"


@pytest.mark.slow
def test_every_bench_can_be_collected():
    """No bench is run by `pytest`, so a name that went would be missed until someone measures."""
    files = sorted((ROOT / "tests" / "bench").glob("bench_*.py"))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert all(f"{file.name}::test_" in done.stdout for file in files)
