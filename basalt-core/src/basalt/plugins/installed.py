"""What installed distributions declare, read from their metadata files; nothing of theirs is imported.

Apart from `importlib.metadata`, whose import alone takes as long as `basalt --help` may. It answers the same for
distributions in folders on `sys.path`, the first of a name winning; zip files are not searched.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

COMMANDS = "basalt.commands"
_METADATA = (".dist-info", ".egg-info")


class Declared(NamedTuple):
    """One entry point of a group `basalt.…`, and the distribution that declares it."""

    distribution: str
    version: str
    group: str
    name: str
    value: str


def canonical(distribution: str) -> str:
    """The spelling in which names of distributions are compared: `Acme_X` is `acme-x`."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared(path: Sequence[str] | None = None) -> list[Declared]:
    """Every entry point of a group `basalt.…`, each once, sorted by (group, name, distribution)."""
    found = {entry for folder in _metadata_folders(path) for entry in _entries(folder)}
    return sorted(found, key=lambda e: (e.group, e.name, e.distribution, e.value))


def versions(distributions: Sequence[str]) -> dict[str, str]:
    """Versions of those of the named distributions that are installed, in the order asked."""
    folders = {_name_of(folder): folder for folder in _metadata_folders(None)}
    return {name: _identity(folders[canonical(name)])[1] for name in distributions if canonical(name) in folders}


def _metadata_folders(path: Sequence[str] | None) -> Iterator[str]:
    seen = set()
    for entry in sys.path if path is None else path:
        for folder in _listed(entry or os.curdir):
            name = _name_of(folder)
            if name not in seen:
                seen.add(name)
                yield folder


def _listed(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [os.path.join(folder, name) for name in sorted(names) if name.endswith(_METADATA)]


def _name_of(folder: str) -> str:
    stem = os.path.basename(folder).rpartition(".")[0]
    return canonical(stem.partition("-")[0])


def _entries(folder: str) -> Iterator[Declared]:
    text = _read(os.path.join(folder, "entry_points.txt"))
    if "basalt." not in text:
        return
    distribution, version = _identity(folder)
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[] ")
        elif group.startswith("basalt.") and "=" in line and line[0] not in "#;":
            name, _, value = line.partition("=")
            yield Declared(distribution, version, group, name.strip(), value.partition("[")[0].strip())


def _identity(folder: str) -> tuple[str, str]:
    text = _read(os.path.join(folder, "METADATA")) or _read(os.path.join(folder, "PKG-INFO"))
    head = dict(line.split(": ", 1) for line in text.partition("\n\n")[0].splitlines() if ": " in line)
    return head.get("Name", _name_of(folder)).strip(), head.get("Version", "").strip()


def _read(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
