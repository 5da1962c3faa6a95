"""The schema lock (`[schema_lock]`): the passes as planned against what the file says, told as a readable diff."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from basalt.checks.lock_file import CURE, LockFile, Passes, locked_passes, read, written
from basalt.config.model import PipelineConfig
from basalt.documents import PassResult, spelt
from basalt.errors import CheckError


def check_lock(config: PipelineConfig, folder: Path, results: Sequence[PassResult]) -> list[str]:
    """How the passes differ from the lock, in sentences; nothing where `mode` is `off` or `update`.

    CheckError for `raise` where they differ or are not locked; UserError for a file that is no schema lock.
    """
    lock = config.schema_lock
    if lock.mode in ("off", "update"):
        return []
    agreed = read(folder / lock.file).get(config.name)
    if agreed is None:
        said = f"schema lock {lock.file} has nothing on pipeline {config.name!r}: run once with {CURE} to make it"
        if lock.mode == "raise":
            raise CheckError(said)
        return [said]
    found = [f"{lock.file}: {one}" for one in differences(agreed, locked_passes(results))]
    if found and lock.mode == "raise":
        raise CheckError("\n".join([*found, f"the plan is not what {lock.file} says: if it is right, run with {CURE}"]))
    return found


def locked(config: PipelineConfig, folder: Path, results: Sequence[PassResult]) -> LockFile | None:
    """What `mode = "update"` has to write; None in other modes, and where the file says so already.

    Other pipelines of the file stay. UserError where it is no schema lock.
    """
    if config.schema_lock.mode != "update":
        return None
    path = folder / config.schema_lock.file
    text = written({**read(path), config.name: locked_passes(results)})
    there = path.read_text(encoding="utf-8") if path.exists() else None
    return None if text == there else LockFile(path, text)


def differences(agreed: Passes, planned: Passes) -> Iterator[str]:
    """A sentence for each way in which the planned passes are not those agreed on."""
    for name in sorted({*agreed, *planned}):
        place = f"passes.{name}"
        if name not in agreed:
            yield f"{place} is new"
        elif name not in planned:
            yield f"{place} is gone"
        else:
            was, now = agreed[name], planned[name]
            yield from (f"{place}: {said}" for said in _of_rules(was["bucket"], now["bucket"]))
            yield from (f"{place}: {said}" for said in _of_columns("key", was["keys"], now["keys"]))
            yield from (f"{place}: {said}" for said in _of_columns("column", was["columns"], now["columns"]))


def _of_rules(was: Mapping[str, str] | None, now: Mapping[str, str] | None) -> Iterator[str]:
    if was is None or now is None:
        if was != now:
            said = ["one a date" if rule is None else f"buckets of {rule.get('every')}" for rule in (was, now)]
            yield f"rows were {said[0]}, are {said[1]}"
        return
    for key in now:
        if was.get(key) != now[key]:
            yield f"{key} was {was.get(key)}, is {now[key]}"


def _of_columns(kind: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in was:
        if name not in now:
            yield f"{kind} {name} is gone, was {_said(was[name])}"
        elif was[name] != now[name]:
            yield f"{kind} {name} was {_said(was[name])}, is {_said(now[name])}"
    for name in now:
        if name not in was:
            yield f"{kind} {name} is new, {_said(now[name])}"
    orders = zip((n for n in was if n in now), (n for n in now if n in was), strict=True)
    moved = next(((before, after) for before, after in orders if before != after), None)
    if moved:
        yield f"{kind}s are in another order: {moved[1]} is where {moved[0]} was"


def _said(value: Any) -> str:
    """The dtype; a hidden column says so."""
    return f"{spelt(value['dtype'])} and hidden" if isinstance(value, dict) else spelt(value)
