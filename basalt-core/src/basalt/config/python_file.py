"""A pipeline computed by Python: a `.py` file that defines `pipeline`, a PipelineConfig or a function that returns one.

Its objects become the same tree that TOML gives, so both are checked by the same rules.
"""

import importlib.util
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from basalt.config import model
from basalt.config.model import ENTRIES, PipelineConfig, key_of, keys_of
from basalt.config.words import did_you_mean
from basalt.errors import UserError


def python_tree(path: Path, text: str) -> dict[str, Any]:
    """The tree of the file's `pipeline`; UserError where running the file fails or gives something else."""
    module = _run(path, text)
    if not hasattr(module, "pipeline"):
        hint = did_you_mean("pipeline", [name for name in vars(module) if not name.startswith("_")])
        raise UserError(f"{path} defines no `pipeline`{hint}: assign it a PipelineConfig, or a function returning one")
    made = module.pipeline
    if callable(made):
        made = _called(made, path)
    if not isinstance(made, PipelineConfig):
        raise UserError(
            f"{path}: `pipeline` is of type {type(made).__name__}: make it a PipelineConfig of basalt.config.model"
        )
    tree: dict[str, Any] = tree_of(made, path)
    return tree


def _run(path: Path, text: str) -> ModuleType:
    """The executed file as a module of its own, which stays importable so that its classes keep their annotations."""
    name = f"basalt_pipeline_{path.stem}"
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(text, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise _failed(error, path) from error
    return module


def _called(function: Any, path: Path) -> Any:
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise _failed(error, path) from error


def _failed(error: BaseException, path: Path) -> UserError:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    said = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return UserError(f"{path}{f': line {line}' if line else ''}: raised {type(error).__name__}: {said}")


def tree_of(value: Any, path: Path) -> Any:
    if type(value).__module__ == model.__name__:
        return _table(value, path)
    if isinstance(value, (list, tuple)):
        return [tree_of(v, path) for v in value]
    if isinstance(value, Mapping):
        return {k: tree_of(v, path) for k, v in value.items()}
    return value


def _table(made: Any, path: Path) -> dict[str, Any]:
    """The object's keys that are set; those of an entry's options stand beside its own, as in TOML."""
    options = made.options if isinstance(made, ENTRIES) else {}
    taken = sorted(set(options) & set(keys_of(type(made)))) if isinstance(options, Mapping) else ["options"]
    if taken:
        raise UserError(f"{path}: {type(made).__name__} has {taken[0]!r} among its options: give it as an argument")
    keys = keys_of(type(made))
    own = {key_of(f.name): getattr(made, f.name) for f in attrs.fields(type(made)) if key_of(f.name) in keys}
    return {key: tree_of(value, path) for key, value in {**own, **options}.items() if value is not None}
