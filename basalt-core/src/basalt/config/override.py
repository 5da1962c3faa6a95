"""`--set passes.bars.every=5m`: one value of the tree replaced, before it is checked."""

import re
import tomllib
from collections.abc import Mapping
from datetime import time
from typing import Any

import attrs

from basalt.config.words import did_you_mean, listed, shown
from basalt.errors import UserError

_STEP = re.compile(r'(?:^|(?<=.)\.)([A-Za-z0-9_-]+|"[^"]*")|\[(\d{1,6})\]')
EXAMPLE = "write KEY=VALUE, as passes.bars.every=5m or passes.bars.modules[0].levels=[1, 5]"


@attrs.frozen
class Override:
    """An override as the user wrote it, and the path it changed: passes by index, whatever the user called them."""

    text: str
    path: tuple[str | int, ...]


def override(tree: dict[str, Any], text: str) -> Override:
    """Change the tree in place. UserError where KEY names a pass, an index or a table that is not there.

    A VALUE that is TOML means what TOML says; any other is a string. Missing tables on the way are made, so that a
    key that does not exist is refused like one in the file.
    """
    key, equals, value = text.partition("=")
    steps = _steps(key.strip())
    if not equals or not steps:
        raise UserError(f"--set {text}: {EXAMPLE}")
    node: Any = tree
    path: list[str | int] = []
    for i, step in enumerate(steps):
        place = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps[:i]).removeprefix(".")
        found = _found(node, step, place, text)
        path.append(found)
        if i == len(steps) - 1:
            node[found] = _value(value.strip())
        else:
            node = node.setdefault(found, {}) if isinstance(node, dict) else node[found]
    return Override(" ".join(text.split()), tuple(path))


def _steps(key: str) -> list[str | int]:
    """Keys and indexes of `passes.bars.modules[0]`; empty where it is not written so."""
    found = list(_STEP.finditer(key))
    if "".join(m[0] for m in found) != key or (found and found[0][2]):
        return []
    return [int(m[2]) if m[2] else m[1].strip('"') for m in found]


def _found(node: Any, step: str | int, place: str, text: str) -> str | int:
    """The key or index of `node` that the step means."""
    if isinstance(node, dict) and isinstance(step, str):
        return step
    if isinstance(node, list):
        return _index(node, step, place, text)
    what = "a table, which has no" if isinstance(node, dict) else f"{shown(node)}, which has no"
    raise UserError(f"--set {text}: {place} is {what} {f'[{step}]' if isinstance(step, int) else f'key {step!r}'}")


def _index(entries: list[Any], step: str | int, place: str, text: str) -> int:
    if isinstance(step, int):
        if step < len(entries):
            return step
        raise UserError(
            f"--set {text}: {place}[{step}] does not exist, {place} has {len(entries)} entries, counted from 0"
        )
    names = [str(entry.get("name")) for entry in entries if isinstance(entry, Mapping) and "name" in entry]
    if names.count(step) == 1:
        return next(i for i, e in enumerate(entries) if isinstance(e, Mapping) and str(e.get("name")) == step)
    if not names:
        raise UserError(f"--set {text}: the entries of {place} have no names, write {place}[0] for the first")
    raise UserError(
        f"--set {text}: there is {'more than one' if step in names else 'no'} {place}.{step}"
        f"{did_you_mean(step, set(names) - {step})}: known here: {listed(names, 'and')}"
    )


def _value(text: str) -> Any:
    """What the text means as TOML; as it stands where it is none, or a time of day, which options take as strings."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return text if set(parsed) != {"value"} or isinstance(parsed["value"], time) else parsed["value"]
