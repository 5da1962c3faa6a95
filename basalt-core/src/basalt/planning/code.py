"""Code digests: what tells that the Python behind a component changed.

What a frame module, transform or source does cannot be read off it, so its files stand for it: a module's or
transform's are those of its whole *distribution*; a source's are those it *imports* there, so that another source of
the distribution changes nothing. Compiled extensions count as files.

Imports are followed as they are written; what is imported by a computed name is not seen.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from uuid import uuid4
from weakref import WeakKeyDictionary

ENDINGS = (".py", *EXTENSION_SUFFIXES)
NOWHERE = uuid4().hex  # of code that stands in no file: the same in this process, and never again
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#;]+))", re.MULTILINE
)
_whole: WeakKeyDictionary[type, str] = WeakKeyDictionary()
_imported: WeakKeyDictionary[type, str] = WeakKeyDictionary()


def distribution_digest(made: type, distribution: str) -> str:
    """Digest of every file of the distribution that offers `made`; of an editable one or a single file, the package or
    file it stands in and what these import beside themselves.

    Read once for a class: a file changed later is not the code that this process runs. A single-file plugin is executed
    anew, and so read anew, for each plan.
    """
    if made not in _whole:
        _whole[made] = _digest(_classes(made), lambda start, home: _distributed(start, home, distribution))
    return _whole[made]


def import_digest(made: type) -> str:
    """Digest of the file `made` stands in and of what it imports of its own distribution. Read once for a class."""
    if made not in _imported:
        _imported[made] = _digest(_classes(made), lambda start, home: _followed([start], home, _top(start, home)))
    return _imported[made]


@cache
def code_digest(module: str) -> str:
    """Digest of the package, or the single file, that an imported module stands in, and of what it imports beside.

    Read once for a name.
    """
    return _digest([module], lambda start, home: _distributed(start, home, ""))


def _classes(made: type) -> list[str]:
    """The modules of the class and of those it derives from, basalt's engine aside."""
    engine = ("basalt", *sys.stdlib_module_names)
    above = [base.__module__ for base in made.__mro__ if base.__module__.partition(".")[0] not in engine]
    return list(dict.fromkeys([made.__module__, *above]))


def _digest(modules: Iterable[str], found: Callable[[Path, Path], Iterable[Path]]) -> str:
    hashed = hashlib.sha256()
    for module in modules:
        place = Path(getattr(sys.modules.get(module), "__file__", None) or "")
        if not place.is_file():
            hashed.update(NOWHERE.encode())
            continue
        home = _home(module, place)
        hashed.update(_contents({place, *found(place, home)}, home))
    return hashed.hexdigest()


def _contents(found: Iterable[Path], home: Path) -> bytes:
    contents = [(file.relative_to(home), file.read_bytes()) for file in sorted(found)]
    return b"".join(f"{name} {len(content)} ".encode() + content for name, content in contents)


def _home(module: str, place: Path) -> Path:
    """The folder from which the module's package is imported."""
    above = module.count(".") + (place.stem == "__init__")
    return place.parents[above]


def _top(file: Path, home: Path) -> str:
    return file.relative_to(home).parts[0].removesuffix(".py")


def _distributed(start: Path, home: Path, distribution: str) -> Iterable[Path]:
    recorded = _recorded(distribution)
    if start in recorded:
        return recorded
    top = _top(start, home)
    package = home / top
    within = start.is_relative_to(package)
    inside = [f for f in package.rglob("*") if f.name.endswith(ENDINGS)] if within else [start]
    return _followed(inside, home, top)


def _recorded(distribution: str) -> list[Path]:
    """What the distribution's installer wrote down; of an editable one that is little."""
    try:
        found = files(distribution) if distribution else None
    except PackageNotFoundError:
        return []
    places = [Path(str(file.locate())) for file in found or [] if file.name.endswith(ENDINGS)]
    return [place for place in places if place.is_file()]


def _followed(starts: Iterable[Path], home: Path, top: str) -> list[Path]:
    """The files and what they import, directly or not, from `home`; of a folder of installed packages, from `top`."""
    shared = any(home.glob("*.dist-info"))
    found, waiting = dict.fromkeys(starts), list(starts)
    while waiting:
        file = waiting.pop()
        for each in _named(file, home) if file.suffix == ".py" else ():
            parts = each.relative_to(home).parts if each.is_relative_to(home) else ()
            for there in _files_of(each, home) if parts and (parts[0] == top or not shared) else ():
                if there not in found:
                    found[there] = None
                    waiting.append(there)
    return list(found)


def _named(file: Path, home: Path) -> Iterator[Path]:
    """What the file's imports name, as paths without ending; some of them are functions and constants."""
    for base, names, plain in _IMPORT.findall(file.read_text(encoding="utf-8", errors="replace")):
        for part in plain.split(","):
            if part.strip():
                yield home.joinpath(*part.split()[0].split("."))
        if base:
            dots = len(base) - len(base.lstrip("."))
            folder = file.parents[dots - 1] if dots else home
            package = folder.joinpath(*filter(None, base.split(".")))
            yield from (package, *(package / name for name in re.findall(r"\w+", names)))


def _files_of(module: Path, home: Path) -> Iterator[Path]:
    """The file of a module, and the packages above it, which its import runs too."""
    for each in (module, *module.parents):
        if each == home:
            return
        candidates = [each / "__init__.py", *(each.with_name(each.name + ending) for ending in ENDINGS)]
        yield from (file for file in candidates if file.is_file())
