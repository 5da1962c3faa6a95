"""Objects as a tree of paths: what the layouts of files ask of a folder, asked of one listing of a prefix.

A listing is taken once and does not change; where a key is also what other keys begin with, it is a folder.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath, PurePosixPath
from typing import Any, Protocol, TypeAlias

import attrs

from basalt_io.object_store import Location
from basalt_io.objects import Object, Objects

Node: TypeAlias = "Object | dict[str, Node]"


class AnyPath(Protocol):
    """A file or folder to read: of this machine, a `Path`, or in an object store, an `ObjectPath`."""

    @property
    def name(self) -> str:
        """The last step."""

    @property
    def stem(self) -> str:
        """The last step without its ending."""

    @property
    def parent(self) -> "AnyPath":
        """What it is in."""

    def is_dir(self) -> bool:
        """Whether files are below it."""

    def is_file(self) -> bool:
        """Whether it is a file."""

    def glob(self, pattern: str) -> Iterator["AnyPath"]:
        """What is below it; `*` stands for anything in one step."""

    def relative_to(self, other: Any) -> PurePath:
        """The steps from `other` to it."""

    def __lt__(self, other: Any) -> bool: ...


@attrs.frozen
class ObjectPath:
    """A prefix of a listing, or an object in it. `above`: what it is in; None for the listed prefix itself."""

    uri: str
    node: Node = attrs.field(eq=False, repr=False)
    above: "ObjectPath | None" = attrs.field(default=None, eq=False, repr=False)

    def __str__(self) -> str:
        return self.uri

    def __lt__(self, other: "ObjectPath") -> bool:
        return self.uri < other.uri

    @property
    def name(self) -> str:
        return PurePosixPath(self.uri).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.uri).stem

    @property
    def parent(self) -> "ObjectPath":
        return self.above or self

    def is_dir(self) -> bool:
        return isinstance(self.node, dict)

    def is_file(self) -> bool:
        return not self.is_dir()

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:
        step, _, rest = pattern.partition("/")
        matching = re.compile("[^/]*".join(map(re.escape, step.split("*"))))
        for name, node in self.node.items() if isinstance(self.node, dict) else ():
            if matching.fullmatch(name):
                below = ObjectPath(f"{self.uri}/{name}", node, self)
                yield from below.glob(rest) if rest else (below,)

    def relative_to(self, other: Any) -> PurePosixPath:
        return PurePosixPath(self.uri).relative_to(str(other))


def listed(root: Location) -> ObjectPath:
    """The prefix and all below it, as it is now; ObjectError where it cannot be listed."""
    tree: dict[str, Node] = {}
    for one in Objects(root).listed():
        *folders, name = one.key.split("/")
        _folder(tree, folders).setdefault(name, one)
    return ObjectPath(root.uri, tree)


def _folder(tree: dict[str, Node], steps: list[str]) -> dict[str, Node]:
    for step in steps:
        below = tree.get(step)
        if not isinstance(below, dict):
            below = tree[step] = {}
        tree = below
    return tree
