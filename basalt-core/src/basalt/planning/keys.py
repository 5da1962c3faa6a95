"""Content keys: equal when the same code would compute the same rows from the same inputs.

The *parts* of a key are kept apart, so that a change can be told in words: the configuration of the pass, the columns
it reads, the code of each module, transform and source, the engine, the universe, the tables' fingerprints, and the
keys of the earlier passes. The code of bucket modules is their expressions and what is declared of their columns; of
everything else it is files. A *definition* is what makes the rows, whatever the data, of the pass and of every pass
behind it.

Keys of a pass that stand at their default, where results go, which side outputs are made beside them and how much
memory a batch takes change no row and count for nothing; nor do sentences, formulas and citations.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import attrs
import polars as pl

from basalt.documents import to_json
from basalt.expressions import identity
from basalt.planning.code import distribution_digest, import_digest
from basalt.planning.program import Program
from basalt.planning.published import PROSE, meaning
from basalt.planning.uses import NOUNS, Use
from basalt.plugins.components import Component
from basalt.sources import Source

if TYPE_CHECKING:
    from basalt.planning.partitions import Partition

ENGINE = 1
"""Raised whenever the engine computes other rows than before from the same program and data."""
WEIGHTS = "weights"  # what the code of a pass's hidden columns is called
NOT_ROWS = ("outputs", "side_outputs", "memory")
CHECKS = ("quality", "expect")
APART = (
    *("config", "steps", "planned", "aggregations", "frame_uses", "result", "columns_of", "reads", "notes"),
    *("published", "dedupes"),
)
"""What a program holds that other parts tell of, or that changes no row; all the rest of it is the engine's."""


@attrs.frozen
class Key:
    """A partition's key, and what it is made of: by part a digest, or digests by name."""

    digest: str
    parts: Mapping[str, Any]


@attrs.frozen
class _Made:
    """The parts that are the same for every partition of a program. `unchecked`: the configuration but its checks."""

    configuration: str
    unchecked: str
    columns: Mapping[str, str]
    code: Mapping[str, str]
    engine: str


_made: WeakKeyDictionary[Program, _Made] = WeakKeyDictionary()


def content_key(
    program: Program,
    source: Source,
    partition: "Partition",
    universe: str,
    earlier: Mapping[str, str],
    beside: Sequence[str] = (),
) -> Key:
    """Key of one pass of one partition.

    `universe`: whatever changes with the listings of the partition. `earlier`: keys of earlier passes, by name, by
    `pass:side`, or by `pass@date` for a previous date; those of passes that this one does not read are ignored.
    `beside`: tables that decide of its rows, beside those it reads.
    """
    made = _made_of(program)
    tables = dict.fromkeys([*(table for table in program.reads if ":" not in table), *program.published, *beside])
    parts = {
        "configuration": made.configuration,
        "columns": made.columns,
        "code": {**made.code, **({f"source {source.name}": import_digest(type(source))} if tables else {})},
        "engine": made.engine,
        "universe": _digest(universe),
        "inputs": {table: source.fingerprint(table, partition.date) for table in tables},
        "earlier": {name: key for name, key in earlier.items() if pass_of(name) in _sources(program)},
    }
    return Key(_digest({**parts, "date": str(partition.date)}), parts)


def definition(program: Program, definitions_of_earlier: Mapping[str, str]) -> str:
    """Digest of the configuration and code of the pass and of every pass behind it, whatever the date and the data, and
    whatever its rows are checked for: published rows held once."""
    made = _made_of(program)
    read = {*program.sources, *map(pass_of, program.side_sources)} - {*program.published}
    earlier = {name: definitions_of_earlier[name] for name in read}
    return _digest([made.unchecked, made.code, made.engine, earlier])


def pass_of(name: str) -> str:
    """The pass that `pass`, `pass:side` or `pass@date` names."""
    return name.partition("@")[0].partition(":")[0]


def _sources(program: Program) -> set[str]:
    return {*program.upstream, *program.published}


def _made_of(program: Program) -> _Made:
    if program not in _made:
        configured = (_configuration(program), _configuration(program, CHECKS))
        _made[program] = _Made(*configured, _columns(program), _code(program), _engine(program))
    return _made[program]


def _configuration(program: Program, apart: Sequence[str] = ()) -> str:
    """What the user wrote of the pass, some keys `apart`, and options as frame modules and transforms resolve them.

    Resolved options of bucket modules are in their expressions.
    """
    modules = [[use.component.name, _plain(use.module.config)] for use in program.frame_uses]
    steps = [[step.component.name, _plain(step.transform.config)] for step in program.steps if not step.implied]
    written = _plain(program.config, set_alone=True)
    kept = {k: value for k, value in written.items() if k not in (*NOT_ROWS, *apart)}
    dedupe = {"dedupe": "keys"} if program.dedupes else {}
    return _digest([{**kept, **dedupe}, modules, steps])


def _columns(program: Program) -> dict[str, str]:
    """Of each table the dtypes of what is read of it."""
    return {
        table: _digest([[name, str(program.columns_of.get(table, {}).get(name))] for name in names])
        for table, names in program.reads.items()
    }


def _code(program: Program) -> dict[str, str]:
    """By module and transform, what it does; under a name of their own the hidden columns, which depend on later
    passes."""
    found: dict[str, list[Any]] = {}
    for one in program.planned:
        definition = [str(part) for part in one.definition]
        named = WEIGHTS if one.column.hidden else _named(one.use.component)
        found.setdefault(named, []).append([*definition, one.part.makes_buckets])
    for made, component in [(type(use.module), use.component) for use in program.frame_uses] + [
        (type(step.transform), step.component) for step in program.steps
    ]:
        owner = component.owner
        found.setdefault(_named(component), []).append([distribution_digest(made, owner.distribution), owner.version])
    for column in to_json(program.result)["columns"]:
        declared = {key: value for key, value in column.items() if key not in PROSE}
        found.setdefault(WEIGHTS if column["hidden"] else f"{NOUNS['analytics']} {column['module']}", []).append(
            declared
        )
    read = {f"result {name}": _digest(meaning(result)) for name, result in program.published.items()}
    return {**{name: _digest(parts) for name, parts in found.items()}, **read}


def _engine(program: Program) -> str:
    """What the engine made of the configuration and the tables it found: rule, keys, timeline, frames."""
    made = {f.name: getattr(program, f.name) for f in attrs.fields(Program) if f.name not in APART}
    return _digest([ENGINE, list(program.result.keys), _plain(made), [_plain(_of_use(u)) for u in program.frame_uses]])


def _of_use(use: Use) -> dict[str, Any]:
    apart = ("place", "entry", "component", "module", "parts")
    return {f.name: getattr(use, f.name) for f in attrs.fields(Use) if f.name not in apart}


def _named(component: Component) -> str:
    return f"{NOUNS[component.kind]} {component.name}"


def _plain(value: Any, set_alone: bool = False) -> Any:
    """The value as JSON has it, the same in every process. `set_alone`: of records, the fields not at their default."""
    if attrs.has(type(value)):
        fields = {f.name: (f, getattr(value, f.name)) for f in attrs.fields(type(value))}
        if set_alone:
            return {name: _plain(each, True) for name, (field, each) in fields.items() if each != _default(field)}
        return [type(value).__name__, {name: _plain(each) for name, (_, each) in fields.items()}]
    if isinstance(value, Mapping):
        return {str(key): _plain(each, set_alone) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(each, set_alone) for each in value), key=_text)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each, set_alone) for each in value]
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, pl.Expr):
        return identity(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _default(field: Any) -> Any:
    default = field.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _digest(value: Any) -> str:
    return hashlib.sha256(_text(value).encode()).hexdigest()
