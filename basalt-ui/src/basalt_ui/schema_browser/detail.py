"""The detail pane's text: labels on the left, values that wrap beside them, lineage as a tree."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from basalt.lineage import Node


def rendered(explained: Mapping[str, Any]) -> RenderableType:
    """An explanation; labels without a value are left out."""
    return _grid([(label, _value(value)) for label, value in explained.items() if value not in (None, "", [])])


def _grid(rows: Sequence[tuple[str, RenderableType]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold", ratio=1)
    for label, value in rows:
        grid.add_row(Text(label), value)
    return grid


def _value(value: Any) -> RenderableType:
    match value:
        case {}:
            return Text("[[passes.modules]]\n" + toml(value))
        case [Node(), *_]:
            return Group(*(_tree(one) for one in value))
        case [(str(), str()), *_]:
            return _grid([(label, Text(text)) for label, text in value])
        case list():
            return Text("\n".join(map(str, value)))
    return Text(str(value))


def _tree(node: Node, tree: Tree | None = None) -> Tree:
    branch = Tree(Text(node.text)) if tree is None else tree.add(Text(node.text))
    for below in node.below:
        _tree(below, branch)
    return branch


def toml(options: Mapping[str, Any]) -> str:
    """Options as lines of a pipeline file; what is None is not written."""
    return "\n".join(_toml_pair(*pair) for pair in options.items() if pair[1] is not None)


def _toml_pair(key: str, value: Any) -> str:
    bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
    return f"{key if bare else json.dumps(key, ensure_ascii=False)} = {_toml_value(value)}"


def _toml_value(value: Any) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(_toml_pair(*pair) for pair in value.items()) + " }"
        case str() | bool() | int() | float():
            return json.dumps(value, ensure_ascii=False)
        case Sequence():
            return "[" + ", ".join(map(_toml_value, value)) + "]"
    return str(value)
