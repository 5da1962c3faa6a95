"""The pipeline file as a JSON schema, for editors that complete and check while one types; and options as rows.

Both read the same attrs fields, annotations and `option` metadata that structuring reads. Draft 7, which TOML editors
understand; dates are strings there.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import attrs

from basalt.config.model import (
    ENTRIES,
    ExecutorEntry,
    ModuleEntry,
    OutputEntry,
    PipelineConfig,
    SourceEntry,
    TransformEntry,
    key_of,
    keys_of,
)
from basalt.config.spellings import Spelling
from basalt.config.words import LISTS, TABLES, describe_type, shown
from basalt.errors import BasaltError

Schema = dict[str, Any]
COMPUTED = object()  # a default that depends on other options
_KINDS = {
    SourceEntry: "sources",
    OutputEntry: "outputs",
    ExecutorEntry: "executors",
    TransformEntry: "transforms",
    ModuleEntry: "analytics",
}
_SCALARS: dict[Any, Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    date: {"type": "string", "format": "date"},
    Any: {},
}


class Component(Protocol):
    """What is asked of a component: its name, one sentence, and the class that has a `Config`."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    def load(self) -> Any: ...


class Offers(Protocol):
    """What is asked of a registry."""

    def components(self, kind: str) -> Sequence[Component]: ...


def json_schema(registry: Offers | None = None) -> Schema:
    """The schema of a pipeline file; with a registry, of the options of everything that is installed too.

    A component that does not load, or that two plugins offer, takes any option.
    """
    writer = _Writer(registry)
    root = writer.table(PipelineConfig)
    return {"$schema": "http://json-schema.org/draft-07/schema#", **root, "definitions": writer.definitions}


@attrs.define
class _Writer:
    registry: Offers | None
    definitions: dict[str, Schema] = attrs.field(factory=dict)

    def of(self, annotation: Any) -> Schema:
        """The schema of a value with this annotation; classes become definitions of their own."""
        if annotation in _SCALARS:
            return dict(_SCALARS[annotation])
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return {**self.of(args[0]), **_spelled(args[1:])}
        if origin is Literal:
            return {"enum": list(args)}
        if origin in (Union, UnionType):
            members = [self.of(a) for a in args if a is not NoneType]
            return members[0] if len(members) == 1 else {"anyOf": members}
        if origin in LISTS:
            return {"type": "array", "items": self.of(args[0])}
        if origin in TABLES:
            return {"type": "object", "additionalProperties": self.of(args[1])}
        return self._reference(annotation)

    def _reference(self, config_class: type) -> Schema:
        name = f"{config_class.__module__}.{config_class.__qualname__}"
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self._entry(config_class) if config_class in ENTRIES else self.table(config_class)
        return {"$ref": f"#/definitions/{name}"}

    def table(self, config_class: type) -> Schema:
        """A table that takes the keys of the class and no other."""
        properties = {key_of(field.name): self._option(field, hint) for field, hint in _options(config_class)}
        required = [key_of(field.name) for field, _ in _options(config_class) if field.default is attrs.NOTHING]
        return {
            "type": "object",
            "description": _summary(config_class),
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _option(self, field: Any, annotation: Any) -> Schema:
        schema = self.of(annotation)
        said = {"description": _doc(field)} if _doc(field) else {}
        plain, default = _plain_default(field)
        if plain and default is not None:
            said["default"] = default
        return {"allOf": [schema], **said} if "$ref" in schema else {**schema, **said}

    def _entry(self, config_class: type) -> Schema:
        """An entry: its own keys, and by the component it names, the options of that component."""
        own = self.table(config_class)
        if self.registry is None:
            return {**own, "additionalProperties": True}
        key = keys_of(config_class)[0]
        components = self.registry.components(_KINDS[config_class])
        names = [component.name for component in components]
        own["properties"][key]["enum"] = list(dict.fromkeys(names))
        alone = [c for c in components if names.count(c.name) == 1]
        cases = [
            {"if": {"properties": {key: {"const": c.name}}, "required": [key]}, "then": then}
            for c in alone
            if (then := self._with_options(own, c)) is not None
        ]
        return {**own, "additionalProperties": True, **({"allOf": cases} if cases else {})}

    def _with_options(self, own: Schema, component: Component) -> Schema | None:
        """The entry's table with the component's options beside its own keys; None where it does not load."""
        try:
            options = self.table(component.load().Config)
        except BasaltError:
            return None
        return {
            **options,
            "description": component.summary,
            "properties": {**options["properties"], **dict.fromkeys(own["properties"], True)},
        }


def option_rows(config_class: type, under: str = "") -> list[dict[str, Any]]:
    """The options of a Config, one row each, those of nested tables below theirs as `generic[].sides`.

    Keys: name, type (in words), default (as TOML; `required`, or `none` for an option left out), allowed (a list,
    empty where the type says it all), unit, doc.
    """
    rows = []
    for field, annotation in _options(config_class):
        name, unit = f"{under}{key_of(field.name)}", field.metadata.get("unit")
        rows.append(
            {
                "name": name,
                "type": describe_type(annotation),
                "default": _default_text(field),
                "allowed": list(_allowed(annotation)),
                "unit": unit.value if unit else None,
                "doc": field.metadata.get("doc", ""),
            }
        )
        for nested, mark in _nested(annotation):
            rows += option_rows(nested, f"{name}{mark}.")
    return rows


def _options(config_class: type) -> Iterator[tuple[Any, Any]]:
    """(field, annotation) of every key of the class."""
    hints = get_type_hints(config_class, include_extras=True)
    keys = keys_of(config_class)
    return ((field, hints[field.name]) for field in attrs.fields(config_class) if key_of(field.name) in keys)


def _spelled(notes: Sequence[Any]) -> Schema:
    for spelling in (note for note in notes if isinstance(note, Spelling)):
        return {"enum": list(spelling.allowed)} if spelling.allowed else {"pattern": f"^({spelling.pattern})$"}
    return {}


def _summary(config_class: type) -> str:
    """The first sentence of the docstring; attrs writes signatures into classes that have none."""
    doc = (config_class.__doc__ or "").partition("\n")[0]
    return "" if doc.startswith("Method generated by attrs") else doc


def _doc(field: Any) -> str:
    doc, unit = field.metadata.get("doc", ""), field.metadata.get("unit")
    return f"{doc} (unit: {unit.value})" if unit else doc


def _default(field: Any) -> Any:
    made = field.default
    if isinstance(made, attrs.Factory):  # type: ignore[arg-type]
        return COMPUTED if made.takes_self else made.factory()
    return made


def _plain_default(field: Any) -> tuple[bool, Any]:
    """(whether JSON can say it, the default)."""
    default = _default(field)
    items = default if isinstance(default, (list, tuple)) else [default]
    plain = all(item is None or isinstance(item, (str, int, float, bool)) for item in items)
    return plain, default


def _default_text(field: Any) -> str:
    default = _default(field)
    said = {id(attrs.NOTHING): "required", id(COMPUTED): "computed", id(None): "none"}
    return said.get(id(default)) or shown(default)


def _allowed(annotation: Any) -> Sequence[Any]:
    args = get_args(annotation)
    if get_origin(annotation) is Literal:
        return args
    for arg in args:
        if isinstance(arg, Spelling):
            return arg.allowed
        if choices := _allowed(arg):
            return choices
    return ()


def _nested(annotation: Any, mark: str = "") -> Iterator[tuple[type, str]]:
    """Options classes inside the annotation, and how a key path enters them: `[]` for a list."""
    origin = get_origin(annotation)
    if isinstance(annotation, type) and attrs.has(annotation):
        yield annotation, mark
    inside = "[]" if origin in LISTS else ".*" if origin in TABLES else ""
    for arg in get_args(annotation) if origin is not Literal else ():
        yield from _nested(arg, mark + inside)
