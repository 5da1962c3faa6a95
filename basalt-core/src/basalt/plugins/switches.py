"""Switches: which plugins are disabled, and who wins where two offer one name.

They live in the table `[plugins]` of `basalt.toml` in the working folder; where that file does not exist, in
`basalt.toml` of the user's configuration folder. One file counts, the two are never mixed.

    [plugins]
    disabled = ["acme-toxicity"]
    prefer = { trade = "desk-trade" }
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from basalt.errors import UserError
from basalt.plugins.installed import canonical

FILE = "basalt.toml"
_ALLOWED = ("disabled", "prefer")
_HEADER = re.compile(r"^[ \t]*\[[ \t]*plugins[ \t]*\][ \t]*(#.*)?$", re.MULTILINE)
_DISABLED = re.compile(r"^[ \t]*disabled[ \t]*=[ \t]*\[[^\]]*\]", re.MULTILINE)


class Switches(NamedTuple):
    """`disabled`: distributions as the file spells them. `file`: where they stand; empty if there is no file."""

    disabled: tuple[str, ...] = ()
    prefer: Mapping[str, str] = {}
    file: str = ""

    def disables(self, distribution: str) -> bool:
        """Whether that distribution's plugins and commands are switched off."""
        return canonical(distribution) in map(canonical, self.disabled)


def user_folder() -> str:
    """The user's configuration folder of basalt: what `click.get_app_dir("basalt")` says, without importing click."""
    if sys.platform.startswith("win"):
        return os.path.join(os.environ.get("APPDATA") or os.path.expanduser("~"), "basalt")
    if sys.platform == "darwin":
        return os.path.join(os.path.expanduser("~/Library/Application Support"), "basalt")
    return os.path.join(os.environ.get("XDG_CONFIG_HOME", os.path.expanduser("~/.config")), "basalt")


def switches_file() -> str:
    """The file that counts, whether it exists yet or not."""
    return FILE if os.path.isfile(FILE) else os.path.join(user_folder(), FILE)


def read_switches() -> Switches:
    """The switches in force; none where there is no file. UserError for a file that says something else."""
    file = switches_file()
    if not os.path.isfile(file):
        return Switches()
    with open(file, encoding="utf-8") as stream:
        return _structured(_parsed(stream.read(), file), file)


def disable(distribution: str) -> Switches:
    """Write that distribution into `disabled`; creates the file in the user's folder where there is none."""
    now = read_switches()
    return now if now.disables(distribution) else _write(now, sorted({*now.disabled, distribution}))


def enable(distribution: str) -> Switches:
    """Take that distribution out of `disabled`."""
    now = read_switches()
    kept = [name for name in now.disabled if canonical(name) != canonical(distribution)]
    return _write(now, kept) if len(kept) < len(now.disabled) else now


def _write(now: Switches, disabled: Sequence[str]) -> Switches:
    file = now.file or switches_file()
    text = ""
    if now.file:
        with open(file, encoding="utf-8") as stream:
            text = stream.read()
    edited = _edited(text, disabled)
    _make_sure(text, edited, disabled, file)
    os.makedirs(os.path.dirname(file) or os.curdir, exist_ok=True)
    with open(file + ".new", "w", encoding="utf-8") as stream:
        stream.write(edited)
    os.replace(file + ".new", file)
    return Switches(tuple(disabled), now.prefer, file)


def _edited(text: str, disabled: Sequence[str]) -> str:
    line = "disabled = [" + ", ".join(f'"{name}"' for name in disabled) + "]"
    header = _HEADER.search(text)
    if not header:
        return f"{text.rstrip()}\n\n[plugins]\n{line}\n".lstrip()
    end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, header.end())
    table = text[header.end() : end.start() if end else len(text)]
    table, written = _DISABLED.subn(lambda _: line, table, count=1)
    if not written:
        table = f"\n{line}{table}"
    return text[: header.end()] + table + (text[end.start() :] if end else "")


def _make_sure(before: str, after: str, disabled: Sequence[str], file: str) -> None:
    """The edit is text; the meaning must be: the same file with `disabled` set, or nothing is written."""
    import tomllib

    wanted = tomllib.loads(before)
    wanted.setdefault("plugins", {})["disabled"] = list(disabled)
    try:
        same = tomllib.loads(after) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise UserError(f"{file} is written in a way that cannot be edited safely: set plugins.disabled to {disabled}")


def _parsed(text: str, file: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is not valid TOML: {error}") from error


def _structured(content: Mapping[str, Any], file: str) -> Switches:
    table = content.get("plugins", {})
    if not isinstance(table, dict):
        raise UserError(f"{file}: plugins must be a table with {' and '.join(_ALLOWED)}, not {table!r}")
    for key in table:
        if key not in _ALLOWED:
            raise UserError(f"{file}: plugins.{key} is not a switch; those are {' and '.join(_ALLOWED)}")
    disabled, prefer = table.get("disabled", []), table.get("prefer", {})
    if not (isinstance(disabled, list) and all(isinstance(name, str) for name in disabled)):
        raise UserError(f"{file}: plugins.disabled must be a list of distribution names, not {disabled!r}")
    if not (isinstance(prefer, dict) and all(isinstance(name, str) for name in prefer.values())):
        raise UserError(f"{file}: plugins.prefer must map component names to distributions, not {prefer!r}")
    return Switches(tuple(disabled), prefer, file)
