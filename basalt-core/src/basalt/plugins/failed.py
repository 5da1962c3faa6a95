"""A plugin that broke: what went wrong, where in its own code, and what to do about it.

The *place* is file:line of the deepest frame in the plugin's own code; the *hint* is the next step.
"""

from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from types import CodeType

import attrs

from basalt.errors import PluginError
from basalt.plugins.found import Found
from basalt.plugins.installed import canonical

_MACHINERY = ("basalt", "pluggy", "importlib")


@attrs.frozen
class Failed:
    """A plugin that broke. `what` went wrong, as a predicate; `place` is file:line in the plugin's own code."""

    found: Found
    what: str
    error: str
    message: str
    place: str
    hint: str
    exception: BaseException | None = attrs.field(default=None, repr=False, eq=False)

    @property
    def cause(self) -> str:
        """Error, message and place in a few words."""
        return f"{self.error}: {self.message}" + (f" at {self.place}" if self.place else "")

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        return f"{self.found.named} {self.what}: {self.cause}; try {self.hint}"

    def as_error(self, strict: bool = False) -> PluginError:
        """The error for a command that needs this plugin, or, if strict, any plugin."""
        error = PluginError(self.sentence)
        error.exit_code = 3 if strict else error.exit_code
        error.__cause__ = self.exception
        return error


def failure(found: Found, what: str, error: BaseException) -> Failed:
    """What is known of a plugin's exception."""
    message = " ".join(str(error).split()) or "no message"
    return Failed(found, what, type(error).__name__, message, place_of(found, error), hint_for(found, error), error)


def place_of(found: Found, error: BaseException) -> str:
    """`acme/metrics.py:12`; empty where none of the plugin's code was reached.

    Own code is what lies in the package that the entry names; where none of that was reached, anything that is
    neither basalt nor the import machinery.
    """
    frames = [*_frames(found, error)]
    for wanted in (True, False):
        for own, place in reversed(frames):
            if own is wanted:
                return place
    return ""


def place_of_code(found: Found, code: CodeType) -> str:
    """Where a function of the plugin begins."""
    return _spelled(found, code.co_filename, code.co_firstlineno)


def hint_for(found: Found, error: BaseException) -> str:
    """The next step for who installed the plugin."""
    if found.place:
        return f"mending {found.place.name}, or leave it out"
    missing = _top(error.name or "") if isinstance(error, ImportError) else ""
    if missing == _top(found.value):
        return f"pip install --force-reinstall {found.distribution}, which lacks a module of its own"
    if missing == "basalt":
        return f"pip install --upgrade {found.distribution} basalt-core, which do not fit each other"
    if canonical(found.distribution) == "basalt-core":
        return "pip install --force-reinstall basalt-core"
    return f"basalt plugins disable {found.distribution}, or tell its author with: basalt plugins doctor --format json"


def _frames(found: Found, error: BaseException) -> Iterator[tuple[bool, str]]:
    for frame, line in walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if _top(module) == _top(found.value):
            yield True, _spelled(found, frame.f_code.co_filename, line)
        elif _top(module) not in _MACHINERY and not frame.f_code.co_filename.startswith("<"):
            yield False, _spelled(found, frame.f_code.co_filename, line)
    if isinstance(error, SyntaxError) and error.filename:
        own = bool({_top(found.value), f"{_top(found.value)}.py"} & {*Path(error.filename).parts})
        yield own or error.filename == str(found.place), _spelled(found, error.filename, error.lineno or 0)


def _spelled(found: Found, file: str, line: int) -> str:
    """Short enough to read: from the package's folder on; the whole path for a single file."""
    parts = Path(file).parts
    top = _top(found.value)
    start = max((i for i, part in enumerate(parts) if part in (top, f"{top}.py")), default=0)
    return f"{Path(*parts[start:])}:{line}"


def _top(module: str) -> str:
    return module.partition(":")[0].partition(".")[0]
