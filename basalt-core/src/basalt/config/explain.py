"""From cattrs' tree of errors to sentences: `passes.bars.modules[1].levels = '5' must be a whole number`.

A *mistake* is a path of keys and indexes into the raw tree, and what is said of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, get_type_hints

import attrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from basalt.config.model import key_of, keys_of
from basalt.config.words import describe_type, did_you_mean, near, shown
from basalt.errors import BasaltError, PluginError

Path = tuple[str | int, ...]


class Refusal(ValueError):
    """Raised by a hook: this value must be something else."""

    def __init__(self, value: Any, requirement: str) -> None:
        super().__init__(f" = {shown(value)} {requirement}")


@attrs.frozen
class Mistake:
    """What is wrong at a path; `said` follows the key path without a space of its own."""

    path: Path
    said: str


def sentence(mistake: Mistake, raw: Any, where: str = "") -> str:
    """The mistake in one line; `where` is the key path that `raw` itself stands at."""
    place = key_path(mistake.path, raw)
    return f"{where}{'.' if where and place else ''}{place}{mistake.said}"


def key_path(path: Path, raw: Any) -> str:
    """`passes.bars.modules[1].levels`: a pass goes by its name where that tells it apart, else by its index."""
    steps = list(path)
    if len(path) > 1 and path[0] == "passes" and isinstance(path[1], int):
        steps[1] = _pass_name(raw, path[1])
    return "".join(f"[{s}]" if isinstance(s, int) else f".{_quoted(s)}" for s in steps).removeprefix(".")


def _pass_name(raw: Any, index: int) -> str | int:
    names = [entry.get("name") if isinstance(entry, Mapping) else None for entry in raw["passes"]]
    name = names[index]
    return name if isinstance(name, str) and _quoted(name) == name and names.count(name) == 1 else index


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else shown(key)


def mistakes(error: BaseException, raw: Any, path: Path = ()) -> Iterator[Mistake]:
    """Every mistake of an error that structuring `raw` raised."""
    match error:
        case ClassValidationError():
            noted, bare = error.group_exceptions()
            for inner, note in noted:
                yield from _of_field(inner, note.name, error.cl, raw, path)
            for inner in bare:
                yield from _of_class(inner, raw, path)
        case IterableValidationError():
            for inner, step in error.group_exceptions()[0]:
                yield from mistakes(inner, raw, (*path, step.index))
        case Refusal():
            yield Mistake(path, str(error))
        case PluginError():
            raise error
        case BasaltError():
            yield Mistake(path, f": {error}")
        case _:
            raise PluginError(f"checking {key_path(path, raw)} raised {type(error).__name__}: {error}") from error


def _of_field(error: Exception, name: str, owner: type, raw: Any, path: Path) -> Iterator[Mistake]:
    if isinstance(error, KeyError) and error.args == (key_of(name),):
        yield Mistake((*path, key_of(name)), _missing(name, owner, _at(raw, path)))
    else:
        yield from mistakes(error, raw, (*path, key_of(name)))


def _missing(name: str, owner: type, given: Mapping[str, Any]) -> str:
    meant = near(key_of(name), set(given) - set(keys_of(owner)))
    hint = f" (is {meant!r} a slip of the pen?)" if meant else ""
    doc = getattr(attrs.fields(owner), name).metadata.get("doc")
    kind = describe_type(get_type_hints(owner, include_extras=True)[name])
    return f" is missing{hint}: it must be {kind}{f' ({doc})' if doc else ''}"


def _of_class(error: Exception, raw: Any, path: Path) -> Iterator[Mistake]:
    """Unknown keys, and what the class's own validators raise about the instance as a whole."""
    if isinstance(error, ForbiddenExtraKeysError):
        known = keys_of(error.cl)
        for key in sorted(error.extra_fields):
            yield Mistake((*path, key), f" is no known key{did_you_mean(key, known)}: {_allowed(known)}")
    elif isinstance(error, (ValueError, TypeError)) and not isinstance(error, Refusal):
        yield Mistake(path, f": {error.args[0] if error.args else error}")
    else:
        yield from mistakes(error, raw, path)


def _allowed(known: Sequence[str]) -> str:
    return f"the keys here are {', '.join(known)}" if known else "there is nothing to set here"


def _at(raw: Any, path: Path) -> Any:
    return reduce(lambda node, step: node[step], path, raw)
