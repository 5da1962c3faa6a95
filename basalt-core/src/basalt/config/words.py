"""Words for messages: how values, lists of names, near misses and types are said to a user."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from basalt.config.spellings import Spelling

WIDTH = 60
LISTS: tuple[Any, ...] = (list, Sequence, tuple)
TABLES: tuple[Any, ...] = (dict, Mapping)


def shown(value: Any) -> str:
    """A value much as TOML writes it, on one line and cut to `WIDTH` characters."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _cut(f"[{', '.join(_item(v) for v in value[:5])}{', …' * (len(value) > 5)}]")
    return _cut(_item(value))


def _item(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() if value.bit_length() > 64:
            return "an integer of more than 64 bits"
        case Mapping():
            return "{…}" if value else "{}"
        case list() | tuple():
            return "[…]" if value else "[]"
        case date() | time():
            return value.isoformat()
    return " ".join(repr(value).split())


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def listed(names: Iterable[str], last: str = "or") -> str:
    """`'a', 'b' or 'c'`."""
    *head, tail = [repr(name) for name in names] or ["nothing"]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name a user most likely meant; None where nothing is near."""
    by_folded = {k.casefold(): k for k in known}
    found = get_close_matches(name.casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'every'?)`, or nothing."""
    meant = near(name, known)
    return f" (did you mean {meant!r}?)" if meant else ""


def describe_type(annotation: Any) -> str:
    """What an option takes, in a user's words: `a whole number or a list of whole numbers`. None goes unsaid."""
    return _words(annotation)[0]


_SCALARS = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
    str: ("a string", "strings"),
    date: ("a date", "dates"),
    Any: ("anything", "anything"),
}


def _words(annotation: Any) -> tuple[str, str]:
    """(one of them, many of them)."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return next(((a.one, a.many) for a in args[1:] if isinstance(a, Spelling)), _words(args[0]))
    if origin is Literal:
        choices = listed_values(args)
        return choices, choices
    if origin in (Union, UnionType):
        members = [_words(a) for a in args if a is not NoneType]
        return " or ".join(m[0] for m in members), " or ".join(m[1] for m in members)
    if origin in LISTS:
        return f"a list of {_words(args[0])[1]}", f"lists of {_words(args[0])[1]}"
    if origin in TABLES:
        return f"a table of {_words(args[1])[1]}", f"tables of {_words(args[1])[1]}"
    if attrs.has(annotation):
        return "a table", "tables"
    return f"a {annotation}", f"{annotation}"


def listed_values(values: Iterable[Any]) -> str:
    """`'end' or 5`: like `listed`, for values of any kind."""
    *head, tail = [shown(v) for v in values]
    return f"{', '.join(head)} or {tail}" if head else tail
