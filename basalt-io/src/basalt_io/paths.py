"""Path templates: where a partition's file stands below a root folder.

A template is a relative path with variables in braces, as `{pass}/date={date}/{universe}.parquet`. Values are
percent-escaped, so different values never give one path; nothing in a template or a value leads out of the root.
"""

import os
import string
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from basalt.errors import UserError
from basalt.outputs import Target

VARIABLES = ("pipeline", "pass", "output", "date", "year", "month", "day", "universe", "run_id")

UNKNOWN_RUN = "{run_id}"


def place(root: Path, template: str, target: Target) -> Path:
    """The absolute path of `target` below `root`, symbolic links resolved; UserError for a template or value that is
    no path below it."""
    return Path(os.path.realpath(below(root, template, target)))


def below(root: Path, template: str, target: Target) -> str:
    """The same path, as `root` and links have it: enough to look whether it is there."""
    return os.path.join(root, relative(template, target))


def relative(template: str, target: Target) -> str:
    """The same path, from the root on."""
    known = values(target)
    filled = "".join(
        text if variable is None else _escaped(variable, known[variable]) for text, variable in _pieces(template)
    )
    if not filled or filled.startswith("/") or "\\" in filled or os.path.isabs(filled):
        raise UserError(f"path = {template!r} must be a path below `root`: put the folder it starts from in `root`")
    if not {"", ".", ".."}.isdisjoint(filled.split("/")):
        raise UserError(f"path = {template!r} gives {filled!r}, which has an empty, '.' or '..' step: leave that out")
    return filled


def located(folder: Path, path: str) -> Path:
    """A configured folder, absolute: relative to the pipeline file's folder, `~` meaning the user's own."""
    return (folder / Path(path).expanduser()).resolve()


@lru_cache
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """The template as literal texts and the names of variables, each known."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UserError(f"path = {template!r} is no template ({error}): write variables as {{date}}") from None
    pieces: list[tuple[str, str | None]] = []
    for text, variable, form, conversion in parsed:
        pieces.append((text, None))
        if variable is None:
            continue
        if variable not in VARIABLES or form or conversion:
            asked = variable + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            known = ", ".join(f"{{{name}}}" for name in VARIABLES)
            raise UserError(f"path = {template!r} names {{{asked}}}, which is unknown: use {known}")
        pieces.append(("", variable))
    return tuple(pieces)


def values(target: Target) -> dict[str, str]:
    """What each variable stands for; `{run_id}` for itself where no run is known."""
    day = target.date
    return {
        "pipeline": target.pipeline,
        "pass": target.pass_name,
        "output": target.output,
        "date": day.isoformat(),
        "year": f"{day.year:04}",
        "month": f"{day.month:02}",
        "day": f"{day.day:02}",
        "universe": target.universe,
        "run_id": UNKNOWN_RUN if target.run is None else target.run,
    }


def _escaped(variable: str, value: str) -> str:
    if not value or "/" in value or "\\" in value or "\0" in value:
        raise UserError(
            f"the {variable} {value!r} cannot stand in a path: name it without '/', '\\' and NUL, and not empty"
        )
    escaped = value if (variable, value) == ("run_id", UNKNOWN_RUN) else quote(value, safe="")
    return "%2E" + escaped[1:] if escaped.startswith(".") else escaped
