"""Names in a database: the table a template gives, and staging tables, whose names tell their owner."""

import string
from uuid import uuid4

from basalt.errors import UserError
from basalt.leftovers import is_gone, owner
from basalt.outputs import Target
from basalt_io.outputs.sql_books import RESERVED
from basalt_io.paths import VARIABLES, values

_STAGING = f"{RESERVED}staged_"


def table_name(template: str, target: Target, longest: int) -> str:
    """The table of `target`; UserError for a template or a value that names none of at most `longest` bytes."""
    known = values(target)
    name = "".join(text + ("" if field is None else known[field]) for text, field in _pieces(template))
    if not name or "\0" in name or name.startswith(RESERVED):
        raise UserError(f"table = {template!r} gives {name!r}, which can be no table here: choose another name")
    if len(name.encode()) > longest:
        raise UserError(f"table = {template!r} gives {name!r}, longer than the {longest} bytes a name may have here")
    return name


def _pieces(template: str) -> list[tuple[str, str | None]]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UserError(f"table = {template!r} is no template ({error}): write variables as {{pass}}") from None
    for _, field, form, conversion in parsed:
        if field is not None and (field not in VARIABLES or form or conversion):
            known = ", ".join(f"{{{name}}}" for name in VARIABLES)
            raise UserError(f"table = {template!r} names {{{field}}}, which is unknown: use {known}")
    return [(text, field) for text, field, _, _ in parsed]


def staging_name() -> str:
    """A name that no other stage takes, of 63 bytes at most."""
    return f"{_STAGING}{uuid4().hex[:12]}_{owner()}"


def is_left(name: str) -> bool:
    """Whether it is the staging table of a process of this host that is no more."""
    return name.startswith(_STAGING) and is_gone(name.removeprefix(_STAGING).partition("_")[2])
