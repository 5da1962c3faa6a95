"""Published results: what pipelines published and the source of this one has, to be read as an earlier pass is.

The source hands over their column documents, so that buckets, rollups, units and lags are those they were made with.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, cast

import attrs

from basalt.documents import PassResult, from_json, to_json
from basalt.errors import DataError
from basalt.planning.inputs import has_date
from basalt.planning.known import Columns
from basalt.planning.program import Program
from basalt.sources import Source

PROSE = frozenset({"doc", "formula", "citation", "sign", "reads", "distribution", "version"})


class Published(Mapping[str, PassResult]):
    """The published results that the source has on a date, by table; a document is read when it is first asked for."""

    def __init__(self, source: Source, day: date) -> None:
        self._source = source
        self._day = day
        self._found: dict[str, PassResult | None] = {}

    def __getitem__(self, name: str) -> PassResult:
        if name not in self._found:
            there = name in self._source.tables() and has_date(self._source, name, self._day)
            self._found[name] = result_of(self._source, name, self._day) if there else None
        found = self._found[name]
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._source.tables() if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def result_of(source: Source, table: str, day: date) -> PassResult | None:
    """What the table's document says of that date, under the table's name; None where no pipeline published it.
    DataError for a document that cannot be read."""
    document = source.document(table, day)
    try:
        return None if document is None else attrs.evolve(from_json(document), name=table)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"table {table} of source {source.name!r} carries a column document for {day} that cannot be read "
            f"({type(error).__name__}: {error}): publish it again"
        ) from error


def check_alike(planned: PassResult, source: Source, day: date) -> None:
    """DataError where the table means something else on that date than on the one it was planned by."""
    found = result_of(source, planned.name, day)
    if found is not None and meaning(planned).items() <= meaning(found).items():
        return
    what = "has no column document" if found is None else _differing(planned, found)
    raise DataError(
        f"table {planned.name} of source {source.name!r} {what} on {day}, unlike on the run's first date: run "
        "the dates that are alike by themselves"
    )


def meaning(result: PassResult) -> dict[str, str]:
    """What the values depend on, as text: keys, buckets, and of each column all but its prose and who made it."""
    document = to_json(result)
    columns = {one["name"]: {k: v for k, v in one.items() if k not in PROSE} for one in document["columns"]}
    keys = {name: document[name] for name in ("keys", "key_dtypes", "bucket")}
    return {name: json.dumps(value, sort_keys=True) for name, value in {**keys, **columns}.items()}


def key_columns(programs: Iterable[Program]) -> dict[str, Columns]:
    """By table, the keys of the published results that the programs read."""
    return {
        name: dict(zip(result.keys, cast(Any, result.key_dtypes), strict=True))
        for program in programs
        for name, result in program.published.items()
    }


def _differing(planned: PassResult, found: PassResult) -> str:
    then, now = meaning(planned), meaning(found)
    return f"has other {', '.join(name for name in then if then[name] != now.get(name))}"
