"""Lineage: what a column is made from, as a tree down to columns of the source's tables."""

from collections.abc import Mapping, Sequence

import attrs

from basalt.documents import PassResult
from basalt.tables import TableSchema


@attrs.frozen
class Node:
    """A table, a pass, or a column of one; `below` is what it is made from."""

    text: str
    below: Sequence["Node"] = ()


def lineage(reads: Sequence[str], results: Mapping[str, PassResult], schemas: Mapping[str, TableSchema]) -> list[Node]:
    """Trees of what is read, one a table or earlier pass; `reads` are written `trades.Price`.

    `results`: earlier passes by name, whose columns are followed further down.
    """
    grouped: dict[str, list[str]] = {}
    for name in reads:
        owner, _, column = name.partition(".")
        grouped.setdefault(owner, []).append(column)
    return [
        Node(f"pass {owner}", [_earlier(results, schemas, owner, column) for column in columns])
        if owner in results
        else Node(f"table {owner}", [_given(schemas.get(owner), column) for column in columns])
        for owner, columns in grouped.items()
    ]


def _earlier(results: Mapping[str, PassResult], schemas: Mapping[str, TableSchema], owner: str, name: str) -> Node:
    column = results[owner].column(name)
    return Node(name) if column is None else Node(name, lineage(column.reads, results, schemas))


def _given(schema: TableSchema | None, name: str) -> Node:
    column = None if schema is None else schema.column(name)
    return Node(name if column is None or not column.doc else f"{name}: {column.doc}")


def lines(nodes: Sequence[Node], indent: str = "") -> list[str]:
    """The trees as indented text."""
    return [line for node in nodes for line in (indent + node.text, *lines(node.below, indent + "  "))]
