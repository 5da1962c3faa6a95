"""The ledger: one JSON record for each (pipeline, pass, date, universe) that was published.

`{state}/ledger/{pipeline}/{pass}/{date}/{universe}.json`, written beside and renamed after the last output of the
partition is committed: no server, no lock. A partition without its record is not done, whatever files there are; one
whose record cannot be read is not done either, and is computed again. While its rows are replaced by others, a
partition's record says just that, so that none ever tells of rows that are there no more.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from basalt.leftovers import replace
from basalt.outputs import Target

FORMAT = 1
"""Raised when what is written means something else than before; a field that is added has a default."""

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return type(value) is int


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _maps(check: Check) -> Check:
    return lambda value: isinstance(value, Mapping) and all(map(check, value.values()))


def _lists(check: Check) -> Check:
    return lambda value: isinstance(value, Sequence) and not _text(value) and all(map(check, value))


def _anything(_: Any) -> bool:
    return True


def _part(value: Any) -> bool:
    return _text(value) or _maps(_text)(value)


def _field(check: Check, **default: Any) -> Any:
    return attrs.field(metadata={"check": check}, **default)


@attrs.frozen(kw_only=True)
class Record:
    """One pass of one partition as it was published, by which run and from what.

    `key`, `parts`: its content key. `definition`: the same without data. `finished`: UTC, ISO 8601. `seconds`: by
    stage. `peak`: resident memory in bytes. `checks`: each with `check`, `passed` and `said`. `places`: where every
    output, side outputs included, put it. `side_outputs`: rows of each that was made.
    """

    key: str = _field(_text)
    parts: Mapping[str, Any] = _field(_maps(_part))
    definition: str = _field(_text)
    run: str = _field(_text)
    finished: str = _field(_text)
    rows: int = _field(_whole)
    rows_in: int = _field(_whole, default=0)
    seconds: Mapping[str, float] = _field(_maps(_number), factory=dict)
    peak: int = _field(_whole, default=0)
    batches: int = _field(_whole, default=1)
    versions: Mapping[str, str] = _field(_maps(_text), factory=dict)
    checks: Sequence[Mapping[str, Any]] = _field(_lists(_maps(_anything)), factory=list)
    places: Sequence[str] = _field(_lists(_text), factory=list)
    side_outputs: Mapping[str, int] = _field(_maps(_whole), factory=dict)


@attrs.frozen
class Unreadable:
    """A record that is there and says nothing: what its partition counts as, and why in a sentence."""

    kind: Literal["stale", "missing"]
    said: str


@attrs.frozen
class Ledger:
    """The records under one state folder."""

    state: Path

    def path(self, target: Target) -> Path:
        """Where the record of that partition stands."""
        folder = self.state / "ledger" / target.pipeline / target.pass_name / str(target.date)
        return folder / f"{target.universe}.json"

    def write(self, target: Target, record: Record) -> None:
        """Replace the record in one step, on disk when this returns."""
        text = json.dumps({"format": FORMAT, **attrs.asdict(record)}, indent=1, sort_keys=True) + "\n"
        replace(self.path(target), text.encode())

    def suspend(self, target: Target, run: str) -> None:
        """Put in the record's place that this run is about to replace its rows, on disk when this returns."""
        replace(self.path(target), json.dumps({"format": FORMAT, "replaced_by": run}).encode())

    def read(self, target: Target) -> Record | Unreadable | None:
        """The record; None where the partition was never published. Raises nothing, whatever the file holds."""
        try:
            return _from_json(json.loads(self.path(target).read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as error:
            return _corrupt(error.strerror or str(error))
        except (ValueError, RecursionError) as error:
            return _corrupt(str(error) if isinstance(error, _ShapeError) else "it is no whole JSON document")


class _ShapeError(ValueError):
    """JSON that is no record."""


def _from_json(tree: Any) -> Record | Unreadable:
    if not isinstance(tree, dict):
        raise _ShapeError("it holds no record")
    if tree.get("format") != FORMAT:
        found = tree.get("format", "none")
        return Unreadable("missing", f"its ledger record has format {found}, and this version of basalt reads {FORMAT}")
    if "replaced_by" in tree:
        return Unreadable("missing", f"run {tree['replaced_by']} stopped while it replaced it")
    found = {f.name: tree[f.name] for f in attrs.fields(Record) if f.name in tree}
    for field in attrs.fields(Record):
        if field.name not in found and field.default is attrs.NOTHING:
            raise _ShapeError(f"{field.name} is not in it")
        if field.name in found and not field.metadata["check"](found[field.name]):
            raise _ShapeError(f"{field.name} is not what it must be")
    return Record(**found)


def _corrupt(why: str) -> Unreadable:
    return Unreadable("stale", f"its ledger record cannot be read ({why})")
