"""What basalt published, told by itself: the document of a Parquet file or a Delta table, and a table's history."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import polars as pl

from basalt.documents import from_json, spelt
from basalt.errors import DataError
from basalt_io.object_store import Location
from basalt_io.outputs.parquet import METADATA_KEY
from basalt_io.parquet_errors import UNREAD, unreadable

FEW = 5  # labels of an Enum that are spelt out


def document_of(place: Location) -> dict[str, Any] | None:
    """The document of a Parquet file or a Delta table; None where it carries none."""
    text = _of_file(place) if place.is_parquet else _of_delta(place)
    with _telling(place):
        return None if text is None else dict(json.loads(text))


def _of_file(place: Location) -> str | None:
    try:
        return pl.read_parquet_metadata(place.uri, storage_options=place.options).get(METADATA_KEY)
    except UNREAD as error:
        raise unreadable(place.uri, error, "write it again or remove it") from error


def _of_delta(place: Location) -> str | None:
    from basalt_io.outputs.delta_table import DOCUMENT

    found: str | None = _delta(place).properties.get(DOCUMENT)
    return found


def spoken(place: Location, document: Mapping[str, Any]) -> str:
    """Pass, pipeline, keys and buckets in a phrase."""
    with _telling(place):
        result, made = from_json(document), document["provenance"]
        rule = "one row a date" if result.rule is None else f"buckets {result.rule.describe()}"
        return f"pass {result.name!r} of pipeline {made.get('pipeline')!r}, by {', '.join(result.keys)}; {rule}"


def columns_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a column, of a document that can be `spoken`."""
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


def versions(place: Location) -> list[dict[str, Any]]:
    """A row a version of a Delta table, the newest first. `run_key`: of the run that published it."""
    return [
        {
            "version": told["version"],
            "at": datetime.fromtimestamp(told["timestamp"] / 1000, UTC),
            "operation": told["operation"],
            "mode": told.get("basalt.mode"),
            "run_key": told.get("basalt.run_key"),
        }
        for told in _delta(place).log.history()
    ]


def _delta(place: Location) -> Any:
    from basalt_io.outputs.delta_table import opened

    table = opened(place)
    if table is None:
        raise DataError(f"{place.uri} has a _delta_log and no Delta table in it: restore the log, or name another")
    return table


@contextmanager
def _telling(place: Location) -> Iterator[None]:
    """DataError for a document that nobody of us wrote."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{place.uri} carries a column document that cannot be read ({type(error).__name__}: {error}): publish it "
            "again, or read its rows with --source"
        ) from error
