"""First stage: plugins that are there, known by metadata alone. Nothing of theirs is imported.

A plugin is an *entry* of the group `basalt.v1` of a distribution, whose *value* names a module; or a single Python
file. The number in the group's name is the plugin API; entries of a later API are found and not loaded.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from basalt.errors import UserError
from basalt.plugins.installed import declared

API = 1
_GROUP = re.compile(r"basalt\.v(\d+)")


@attrs.frozen
class Found:
    """A plugin by metadata. `place`: the file of a single-file plugin; its distribution is the file's name."""

    distribution: str
    version: str
    entry: str
    value: str
    api: int = API
    place: Path | None = None

    @property
    def named(self) -> str:
        """As reports name it: `acme-toxicity 0.2.1 [toxicity]`, or the file."""
        return (
            str(self.place)
            if self.place
            else " ".join(filter(None, [self.distribution, self.version, f"[{self.entry}]"]))
        )

    @property
    def beyond(self) -> str:
        """Why this basalt cannot use it; empty if it can."""
        return f"needs plugin API {self.api}, this is {API}" if self.api > API else ""


def find_installed(path: Sequence[str] | None = None) -> list[Found]:
    """Plugins of the distributions on `path` (default: `sys.path`), sorted by (distribution, entry)."""
    found = []
    for e in declared(path):
        if match := _GROUP.fullmatch(e.group):
            found.append(Found(e.distribution, e.version, e.name, e.value, int(match[1])))
    return sorted(found, key=lambda f: (f.distribution, f.entry, f.api))


def find_files(files: Iterable[Path]) -> list[Found]:
    """Single-file plugins, each once; UserError for one that is not there."""
    places = sorted({file.resolve() for file in files})
    for place in places:
        if not place.is_file():
            raise UserError(f"there is no plugin file {place}: mend the path after --plugin or in [plugins] files")
    return [Found(p.name, "", p.stem, _module_name(p), place=p) for p in places]


def _module_name(place: Path) -> str:
    """A module name that no installed module has and that is the same in every process."""
    return f"basalt_file_{re.sub(r'[^0-9A-Za-z]', '_', place.stem)}_{zlib.crc32(str(place).encode()):08x}"
