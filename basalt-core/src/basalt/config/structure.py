"""Structuring: raw values become Config objects, strictly, and every mistake becomes one sentence.

Nothing is converted that a reader could doubt: no integer from '5', 5.7 or true, no list from a string. A date may be
a TOML date or an ISO string, a number may be written without its point.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.gen import make_dict_structure_fn, mapping_structure_factory, override

from basalt.config.explain import Mistake, Refusal, mistakes, sentence
from basalt.config.model import (
    ENTRIES,
    ExecutorEntry,
    ModuleEntry,
    OutputEntry,
    SourceEntry,
    TransformEntry,
    key_of,
    keys_of,
)
from basalt.config.spellings import Spelling
from basalt.config.values import SCALARS, Hook, check_spelling, one_of, refuse
from basalt.config.words import LISTS, TABLES
from basalt.errors import PluginError, UserError

C = TypeVar("C")
RESERVED: Mapping[str, frozenset[str]] = {
    "sources": frozenset(keys_of(SourceEntry)),
    "outputs": frozenset(keys_of(OutputEntry)),
    "executors": frozenset(keys_of(ExecutorEntry)),
    "transforms": frozenset(keys_of(TransformEntry)),
    "analytics": frozenset(keys_of(ModuleEntry)),
}


def structure(config_class: type[C], raw: Mapping[str, Any], where: str) -> C:
    """`raw` as an instance of an options class; `where` is the key path it stands at, for messages.

    UserError with one sentence a line for whatever does not fit; PluginError where the class itself is unusable.
    """
    made, wrong = structured(config_class, raw)
    if made is None:
        raise UserError("\n".join(sentence(mistake, raw, where) for mistake in wrong))
    return made


def structured(config_class: type[C], raw: Any) -> tuple[C | None, list[Mistake]]:
    """The instance, or None and what is wrong."""
    try:
        return _converter().structure(raw, config_class), []
    except PluginError:
        raise
    except Exception as error:  # noqa: BLE001 - a Config's own validation may raise anything; `mistakes` sorts it out
        return None, list(mistakes(error, raw))


def check_reserved(config_class: type, kind: str, owner: str) -> None:
    """PluginError where the options class of a component (`kind`: sources, outputs, …) takes a key of the engine's."""
    if not attrs.has(config_class):
        raise PluginError(f"{owner}: its Config {config_class.__name__} is no attrs class: decorate it @attrs.frozen")
    taken = sorted(set(keys_of(config_class)) & RESERVED[kind])
    if taken:
        raise PluginError(f"{owner}: its Config declares {taken[0]!r}, which belongs to the engine: rename that option")


@cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook_factory(lambda _: True, _hook)
    for kind in (int, float, bool, str, bytes, Path):  # cattrs' own hooks for these come before any factory
        converter.register_structure_hook(kind, lambda value, kind: _hook(kind, converter)(value, kind))
    return converter


def _hook(annotation: Any, converter: Converter) -> Hook:
    if annotation in ENTRIES:
        return _entry(annotation, converter)
    if attrs.has(annotation):
        return _table(annotation, converter)
    if annotation in SCALARS:
        return SCALARS[annotation]
    factory = _FACTORIES.get(get_origin(annotation))
    if factory is None:
        raise PluginError(
            f"a Config has an option of type {annotation}: use int, float, bool, str, date, Literal, list[…], "
            "dict[str, …], an attrs class, or a union of these"
        )
    return factory(annotation, converter)


def _spelled(annotation: Any, converter: Converter) -> Hook:
    inner, *notes = get_args(annotation)
    plain = converter.get_structure_hook(inner)
    spellings = [note for note in notes if isinstance(note, Spelling)]

    def hook(value: Any, _: Any) -> Any:
        made = plain(value, inner)
        for spelling in spellings:
            check_spelling(made, spelling)
        return made

    return hook


def _union(annotation: Any, converter: Converter) -> Hook:
    """By the shape of the value: where one member alone can take it, the mistakes are that member's."""
    members = [(m, converter.get_structure_hook(m)) for m in get_args(annotation) if m is not NoneType]
    optional = NoneType in get_args(annotation)

    def hook(value: Any, _: Any) -> Any:
        if value is None and optional:
            return None
        fitting = [(m, h) for m, h in members if _takes(m, value)]
        if len(fitting) == 1:
            return fitting[0][1](value, fitting[0][0])
        for member, made in fitting:
            with suppress(Exception):
                return made(value, member)
        raise refuse(value, annotation)

    return hook


def _takes(annotation: Any, value: Any) -> bool:
    """Whether the value has the outer shape of the annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _takes(get_args(annotation)[0], value)
    if origin is Literal:
        return type(value) in {type(choice) for choice in get_args(annotation)}
    if origin in LISTS:
        return isinstance(value, (list, tuple))
    if origin in TABLES or attrs.has(annotation):
        return isinstance(value, Mapping)
    kinds: tuple[type, ...] = {float: (int, float), date: (date, str), Any: (object,)}.get(annotation, (annotation,))
    return isinstance(value, kinds) and (bool in kinds or object in kinds or not isinstance(value, bool))


def _sequence(annotation: Any, converter: Converter) -> Hook:
    is_tuple = get_origin(annotation) is tuple
    if is_tuple and get_args(annotation)[1:] != (...,):
        raise PluginError(f"a Config has an option of type {annotation}: use tuple[X, ...] or an attrs class")
    make = homogenous_tuple_structure_factory if is_tuple else list_structure_factory
    inner = make(annotation, converter)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise refuse(value, annotation)
        return inner(value, annotation)

    return hook


def _mapping(annotation: Any, converter: Converter) -> Hook:
    inner = mapping_structure_factory(annotation, converter, structure_to=dict)

    def hook(value: Any, _: Any) -> Any:
        _check_table(value, annotation)
        return inner(value, annotation)

    return hook


def _check_table(value: Any, annotation: Any) -> None:
    if not isinstance(value, Mapping):
        raise refuse(value, annotation)
    wrong = [key for key in value if not isinstance(key, str)]
    if wrong:
        raise Refusal(wrong[0], "cannot be a key, keys are strings")


def _table(annotation: Any, converter: Converter, **omitted: Any) -> Hook:
    keys = {field.name: override(rename=key_of(field.name)) for field in attrs.fields(annotation)}
    inner = cast("Hook", make_dict_structure_fn(annotation, converter, **{**keys, **omitted}))

    def hook(value: Any, _: Any) -> Any:
        _check_table(value, annotation)
        return inner(value, annotation)

    return hook


def _entry(annotation: Any, converter: Converter) -> Hook:
    """An entry keeps the keys that are not its own, raw, as the options of the component it names."""
    own_keys = set(keys_of(annotation))
    inner = _table(annotation, converter, options=override(omit=True))

    def hook(value: Any, _: Any) -> Any:
        _check_table(value, annotation)
        made = inner({k: v for k, v in value.items() if k in own_keys}, annotation)
        return attrs.evolve(made, options={k: v for k, v in value.items() if k not in own_keys})

    return hook


_FACTORIES: dict[Any, Callable[[Any, Converter], Hook]] = {
    Annotated: _spelled,
    Literal: lambda annotation, _: one_of(annotation),
    Union: _union,
    UnionType: _union,
    **dict.fromkeys(LISTS, _sequence),
    **dict.fromkeys(TABLES, _mapping),
}
