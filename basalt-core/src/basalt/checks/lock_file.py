"""The file of the schema lock: JSON made for version control, one column a line, pipelines and passes by name.

Pipeline, pass, then `bucket` (null: one row a date), `keys` and `columns`, these in their own order, with dtypes as
column documents write them. Several pipelines share a file, as those of one folder do where none names another.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from basalt.documents import PassResult, ResultColumn, dtype_to_json, rule_to_json
from basalt.errors import PublishError, UserError, one_line
from basalt.leftovers import replace

CURE = "--set schema_lock.mode=update"
DEPTH = 4  # pipeline, pass, section, column: what is deeper stands on the column's line
Passes = Mapping[str, Mapping[str, Any]]


@attrs.frozen
class LockFile:
    """A lock file as it should be."""

    path: Path
    text: str

    def write(self) -> None:
        """Replace the file in one step; PublishError where that fails."""
        try:
            replace(self.path, self.text.encode())
        except OSError as error:
            raise PublishError(f"schema lock {self.path} could not be written: {one_line(error)}") from error


def locked_passes(results: Sequence[PassResult]) -> dict[str, dict[str, Any]]:
    """What the file says of these passes."""
    return {
        result.name: {
            "bucket": None if result.rule is None else rule_to_json(result.rule),
            "keys": {n: dtype_to_json(d) for n, d in zip(result.keys, result.key_dtypes, strict=True)},
            "columns": {column.name: _column(column) for column in result.columns},
        }
        for result in results
    }


def _column(column: ResultColumn) -> Any:
    dtype = dtype_to_json(column.dtype)
    return {"dtype": dtype, "hidden": True} if column.hidden else dtype


def written(pipelines: Mapping[str, Passes]) -> str:
    """The file's text."""
    return _laid_out({name: dict(sorted(pipelines[name].items())) for name in sorted(pipelines)}) + "\n"


def _laid_out(tree: Any, depth: int = 0) -> str:
    if depth == DEPTH or not isinstance(tree, dict) or not tree:
        return json.dumps(tree, ensure_ascii=False)
    pad = "  " * (depth + 1)
    lines = [f"{pad}{json.dumps(key, ensure_ascii=False)}: {_laid_out(tree[key], depth + 1)}" for key in tree]
    return "{\n" + ",\n".join(lines) + f"\n{pad[2:]}}}"


def read(path: Path) -> dict[str, Passes]:
    """Every pipeline of the file, none where there is no file; UserError for a file that is no schema lock."""
    if not path.exists():
        return {}
    cure = f"restore it, name another file, or remove it and run once with {CURE}"
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"schema_lock.file: {path} cannot be read as JSON ({one_line(error)}): {cure}") from error
    if not _is_lock(tree):
        raise UserError(f"schema_lock.file: {path} is JSON, but no schema lock: {cure}")
    return dict(tree)


def _is_lock(tree: Any) -> bool:
    return isinstance(tree, dict) and all(
        isinstance(passes, dict) and all(_is_pass(one) for one in passes.values()) for passes in tree.values()
    )


def _is_pass(tree: Any) -> bool:
    if not isinstance(tree, dict) or set(tree) != {"bucket", "keys", "columns"}:
        return False
    columns = [tree["keys"], tree["columns"]]
    return isinstance(tree["bucket"], dict | None) and all(
        isinstance(one, dict) and all(_is_column(value) for value in one.values()) for one in columns
    )


def _is_column(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {"dtype", "hidden"} and isinstance(value["dtype"], str | list)
    return isinstance(value, str) or (isinstance(value, list) and bool(value))
