"""The status of a pass's partition: *done*, *stale* (published, and no longer what the plan would compute), *missing*.

Of all that may have changed one reason is told: the first of what the user did, what was installed, what the data did,
and what follows from an earlier pass.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from basalt.planning.keys import WEIGHTS, Key
from basalt.running.ledger import Record, Unreadable


@attrs.frozen
class Status:
    """What is to be done for a partition, and why, in words that follow on "stale:"; no reason where it is done."""

    kind: Literal["done", "stale", "missing"]
    reason: str = ""


def status_of(record: Record | Unreadable | None, key: Key, places: Sequence[str]) -> Status:
    """The status by the ledger's record. `places`: where the plan's outputs would put the partition.

    It is done if all of them have it, whatever other places do. Reads no output: a file that somebody deleted is not
    missed here.
    """
    if record is None:
        return Status("missing", "it was never published")
    if isinstance(record, Unreadable):
        return Status(record.kind, record.said)
    if record.key != key.digest:
        return Status("stale", _changed(record.parts, key.parts))
    if not set(places) <= set(record.places):
        return Status("stale", "its outputs go elsewhere now")
    return Status("done")


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if then.get("configuration") != now["configuration"]:
        return "configuration of the pass changed"
    if then.get("universe") != now["universe"]:
        return "universe changed"
    return (
        _tables_read(_named(then, "inputs"), now["inputs"])
        or _those("columns of table", _named(then, "columns"), now["columns"])
        or _code(_named(then, "code"), now["code"])
        or _those("table", _named(then, "inputs"), now["inputs"])
        or _earlier(_named(then, "earlier"), now["earlier"])
        or "basalt computes it differently now"
    )


def _named(parts: Mapping[str, Any], name: str) -> Mapping[str, str]:
    """That part by name; empty in a record that has none."""
    found = parts.get(name)
    return found if isinstance(found, Mapping) else {}


def _tables_read(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Tables read by default, as marketstate, once the source has them."""
    more, less = [name for name in now if name not in then], [name for name in then if name not in now]
    if more:
        return f"it reads {_counted('table', more)} now"
    return f"it reads {_counted('table', less)} no longer" if less else ""


def _code(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    if WEIGHTS in now and WEIGHTS not in then:
        return "a later pass reads it now, so it has hidden weights"
    if WEIGHTS in then and WEIGHTS not in now:
        return "no later pass reads it any longer, so it has no hidden weights"
    for name in now:
        if name not in then:
            return f"{name} is new to it"
    changed = [name for name in now if now[name] != then[name]]
    return f"code of {' and '.join(changed)} changed" if changed else ""


def _earlier(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    for name in now:
        pass_name, _, date = name.partition("@")
        told = f"earlier pass {pass_name}" + (f" of {date}" if date else "")
        if name not in then:
            return f"{told} is there now"
        if now[name] != then[name]:
            return f"{told} changed"
    gone = [name for name in then if name not in now]
    return f"earlier pass {gone[0].replace('@', ' of ')} is not there any more" if gone else ""


def _those(noun: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    changed = [name for name in now if now[name] != then.get(name)]
    return f"{_counted(noun, changed)} changed" if changed else ""


def _counted(noun: str, names: Sequence[str]) -> str:
    """`table trades`, `tables trades and l2`."""
    if len(names) == 1:
        return f"{noun} {names[0]}"
    return f"{noun}s {', '.join(names[:-1])} and {names[-1]}"
