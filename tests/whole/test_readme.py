"""The README and the pages that teach do what they say.

A block ```toml NAME or ```python NAME is written to the file NAME; other Python is run, one namespace a page; lines of
a ```sh block are run where they call basalt. A ```text block after one of these is what it printed on stdout, where
`…` stands for anything on its line.
"""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from basalt.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DATA = ROOT / ".." / "shared" / "data" / "lobster"
PAGES = [README, *sorted((ROOT / "docs" / "tutorial").glob("*.md")), *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
EVERY_PAGE = sorted(
    page for page in ROOT.rglob("*.md") if not any(part.startswith(".") for part in page.relative_to(ROOT).parts)
)
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLS = ("python3 -m pip", "pip install", ". .venv", "python3 -m uv sync")


@attrs.frozen
class Block:
    """One fenced block of a page."""

    language: str
    file: str | None
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(language, file or None, text) for language, file, text in BLOCK.findall(page.read_text())]


def printed_by(block: Block, names: dict[str, Any]) -> str:
    """What a block prints on stdout, its commands run in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if block.language == "python":
            exec(block.text, names)
        for line in block.text.splitlines() if block.language == "sh" else ():
            run_line(line)
    return out.getvalue()


def run_line(line: str) -> None:
    inner = line.rpartition("python3 -m uv run ")[2]
    words = shlex.split(inner, comments=True)
    if not words or inner.startswith(INSTALLS) or words[0] in ("pytest", "nox"):
        return
    assert words[0] == "basalt", f"{line!r} is no command that this test can run"
    assert run(words[1:]) == 0, line


def assert_printed(expected: str, printed: str) -> None:
    want, got = ([line.rstrip() for line in text.strip().splitlines()] for text in (expected, printed))
    assert len(got) == len(want), printed
    for said, line in zip(want, got, strict=True):
        assert re.fullmatch(re.escape(said).replace("…", ".*"), line), f"the page says {said!r}, printed is {line!r}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder whose modules can be imported, and are forgotten afterwards."""
    known = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, folder):
    if "LOBSTER" in page.read_text().partition("\n")[0]:
        if not DATA.is_dir():
            pytest.skip(f"the LOBSTER files are not at {DATA}")
        (folder / "data").symlink_to(DATA)
    names: dict[str, Any] = {"__name__": "page"}
    printed = None
    for block in blocks(page):
        if block.language == "text" and printed is not None:
            assert_printed(block.text, printed)
        printed = None
        if block.file:
            (folder / block.file).write_text(block.text)
        elif block.language in ("python", "sh"):
            printed = printed_by(block, names)


def test_the_check_script_runs_the_readmes_test_command():
    (command,) = [
        line for b in blocks(README) if b.language == "sh" for line in b.text.splitlines() if "pytest" in line
    ]
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_readmes_plugin_is_the_example():
    (shown,) = [b for b in blocks(README) if b.file == "desk_spreads.py"]
    assert shown.text == (ROOT / "examples" / "desk-spreads" / "src" / "desk_spreads.py").read_text()


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []
