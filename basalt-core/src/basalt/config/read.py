"""Reading a pipeline file: TOML, or Python that builds the same objects, into a checked `PipelineConfig`.

The *tree* is the file as plain tables, lists and values. Overrides change the tree, so the same checks apply to them.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from basalt.config.explain import Mistake, sentence
from basalt.config.model import PipelineConfig
from basalt.config.override import Override, override
from basalt.config.python_file import python_tree, tree_of
from basalt.config.rules import broken
from basalt.config.structure import structured
from basalt.errors import UserError


def read_pipeline(path: Path, overrides: Sequence[str] = ()) -> PipelineConfig:
    """The checked pipeline of a `.toml` or `.py` file, after `KEY=VALUE` overrides.

    UserError with one sentence a line for whatever is wrong: every mistake of shape, or else every broken rule.
    """
    tree = _tree(Path(path))
    return _checked(tree, path, [override(tree, text) for text in overrides])


def checked(config: PipelineConfig, overrides: Sequence[str] = ()) -> PipelineConfig:
    """A pipeline that Python built, after `KEY=VALUE` overrides, checked as a file is.

    UserError with one sentence a line for whatever is wrong.
    """
    path = Path(f"pipeline {config.name!r}")
    tree = tree_of(config, path)
    return _checked(tree, path, [override(tree, text) for text in overrides])


def _checked(tree: dict[str, Any], path: Path, set_by_user: Sequence[Override]) -> PipelineConfig:
    config, wrong = structured(PipelineConfig, tree)
    if config is not None:
        wrong = list(broken(config))
    if wrong or config is None:
        raise UserError("\n".join(f"{_culprit(m, path, set_by_user)}: {sentence(m, tree)}" for m in wrong))
    return config


def _tree(path: Path) -> dict[str, Any]:
    if path.suffix not in (".toml", ".py"):
        raise UserError(f"{path} is no pipeline file: name a .toml file, or a .py file that defines `pipeline`")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: name a .toml or .py file that does") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} could not be read as UTF-8 text ({error})") from error
    return python_tree(path, text) if path.suffix == ".py" else _toml_tree(path, text)


def _toml_tree(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        said, _, place = str(error).rstrip(")").partition(" (at ")
        at = f"{place}: " if place else ""
        raise UserError(f"{path}: {at}no valid TOML: {said[:1].lower()}{said[1:]}") from error
    except RecursionError as error:
        raise UserError(f"{path}: no valid TOML: tables or lists are nested too deeply") from error


def _culprit(mistake: Mistake, path: Path, set_by_user: Sequence[Override]) -> str:
    """The override that made the mistake, else the file."""
    return next((f"--set {o.text}" for o in set_by_user if mistake.path[: len(o.path)] == o.path), str(path))
