"""What basalt published, told by itself: the document of a Parquet file or a Delta table, and a table's history."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from basalt.documents import from_json, spelt
from basalt.errors import DataError
from basalt_io.outputs.parquet import read_document

FEW = 5  # labels of an Enum that are spelt out


def is_published(what: Path) -> bool:
    """Whether it is of a kind that carries a document."""
    return what.suffix == ".parquet" or is_delta(what)


def is_delta(what: Path) -> bool:
    """Whether it is the folder of a Delta table."""
    return (what / "_delta_log").is_dir()


def document_of(what: Path) -> dict[str, Any]:
    """The document; DataError where there is none."""
    if not is_delta(what):
        return read_document(what)
    from basalt_io.outputs.delta_table import DOCUMENT

    found = _delta(what).properties.get(DOCUMENT)
    if found is None:
        raise DataError(f"{what} carries no column document: read it with --source delta, or see --history")
    document: dict[str, Any] = json.loads(found)
    return document


def spoken(document: Mapping[str, Any]) -> str:
    """Pass, pipeline, keys and buckets in a phrase."""
    result, made = from_json(document), document["provenance"]
    rule = "one row a date" if result.rule is None else f"buckets {result.rule.describe()}"
    return f"pass {result.name!r} of pipeline {made.get('pipeline')!r}, by {', '.join(result.keys)}; {rule}"


def columns_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a column."""
    return [_described(column) for column in document["columns"]]


def _described(column: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "column": column["name"],
        "dtype": spelt(column["dtype"], FEW),
        "unit": column["unit"],
        "what": column["doc"],
        "formula": column["formula"],
        "over_time": column["over_time"]["kind"],
        "over_listings": column["over_listings"]["kind"],
        "empty": column["empty"],
        "known_after": column["known_after"],
        "hidden": column["hidden"],
        "module": column["module"],
        "version": f"{column['distribution']} {column['version']}".strip(),
    }


def versions(folder: Path) -> list[dict[str, Any]]:
    """A row a version of a Delta table, the newest first. `run_key`: of the run that published it."""
    return [
        {
            "version": told["version"],
            "at": datetime.fromtimestamp(told["timestamp"] / 1000, UTC),
            "operation": told["operation"],
            "mode": told.get("basalt.mode"),
            "run_key": told.get("basalt.run_key"),
        }
        for told in _delta(folder).log.history()
    ]


def _delta(folder: Path) -> Any:
    from basalt_io.object_store import Location
    from basalt_io.outputs.delta_table import opened

    table = opened(Location(str(folder.resolve())))
    if table is None:
        raise DataError(f"{folder} has a _delta_log and no Delta table in it: restore the log, or name another folder")
    return table
