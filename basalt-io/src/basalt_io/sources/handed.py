"""What a source hands over with results that a pipeline published: their column document, and their *index*, the column
that numbers the rows of a partition where an output was asked for one, dropped or restored.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import polars as pl

from basalt.errors import DataError
from basalt.options import option

Index = Literal["drop", "restore"]
Document = Mapping[str, Any]


def index_option() -> Any:
    """The option `index`."""
    return option(
        "what becomes of the column by which an output with `index` numbered the rows of published results: `drop` "
        "leaves it out, `restore` reads it as a column of theirs",
        default="drop",
    )


def parsed(text: str | None, whose: str) -> Document | None:
    """A document as it is kept; None where none is. DataError for what is none."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DataError(f"{whose} carries a column document that is no JSON ({error}): publish it again") from error
    if not isinstance(found, dict):
        raise DataError(f"{whose} carries a column document that is no JSON object: publish it again")
    return found


def handed_over(documents: Iterable[Document | None], index: Index, whose: str) -> Document | None:
    """The document of a date's partitions; None where none has one. DataError where they are not of one kind."""
    found = list(documents)
    first = found[0] if found else None
    for other in found[1:]:
        if _apart(other) != _apart(first):
            raise DataError(
                f"{whose} were published with different column documents, so they cannot be read as one: run the "
                "pipeline that made them for that date again"
            )
    if first is None:
        return None
    columns, name = first.get("columns"), _index_of(first) if index == "drop" else None
    if not isinstance(columns, list) or not all(isinstance(one, Mapping) and "name" in one for one in columns):
        raise DataError(f"{whose} carry a column document that names no columns: publish them again")
    return {**first, "columns": [column for column in columns if column["name"] != name]}


def without_index(frame: pl.LazyFrame, document: Document | None, index: Index) -> pl.LazyFrame:
    """The rows without their index, where they have one and it is to be dropped."""
    name = _index_of(document) if document is not None and index == "drop" else None
    return frame if name is None else frame.drop(name, strict=False)


def _index_of(document: Document) -> str | None:
    made = document.get("provenance")
    return made.get("index") if isinstance(made, Mapping) else None


def _apart(document: Document | None) -> Document | None:
    """All but whose the rows are."""
    return document and {key: value for key, value in document.items() if key != "provenance"}
