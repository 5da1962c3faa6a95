"""DBN files: what their metadata say of schema, dataset, dates and symbols, and which schemas make which table."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from basalt.errors import DataError, UserError
from basalt_io.sources.databento_decoding import SCHEMAS, header

# Schemas by table, the fullest first.
TABLES: Mapping[str, tuple[str, ...]] = {
    "l3": ("mbo",),
    "l3_snapshot": ("mbo",),
    "l2": ("mbp-10", "mbp-1", "bbo-1s", "bbo-1m"),
    "trades": ("mbo", "trades", "tbbo", "mbp-1", "mbp-10", "tcbbo", "cmbp-1"),
    "cbbo": ("cmbp-1", "cbbo-1s", "cbbo-1m"),
    "imbalance": ("imbalance",),
    "marketstate": ("status",),
    "reference": ("definition",),
}
_DAY = dt.timedelta(days=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NANOSECONDS = 1_000_000_000
_DAY_NANOSECONDS = 86_400 * _NANOSECONDS
_LATEST = 4_102_444_800 * _NANOSECONDS  # 2100


@attrs.frozen
class DbnFile:
    """A file by its metadata: `start` (inclusive) and `end` (exclusive) in nanoseconds since the epoch, and `names`,
    the intervals of dates (first, day after the last) in which a name stands for an instrument id."""

    file: Path
    dataset: str
    schema: str
    start: int
    end: int
    names: tuple[tuple[str, int, dt.date, dt.date], ...]

    @property
    def dates(self) -> list[dt.date]:
        """The UTC dates it covers."""
        first, last = _date(self.start), _date(self.end - 1)
        return [first + n * _DAY for n in range((last - first).days + 1)]

    def named(self, day: dt.date) -> dict[int, str]:
        """A name by every instrument id that is named on that date."""
        return {number: name for name, number, first, end in self.names if first <= day < end}

    def symbols(self, day: dt.date) -> dict[int, str]:
        """Symbol by instrument id on that date, where one stands for one."""
        pairs = {(name, number) for name, number, first, end in self.names if first <= day < end}
        names, numbers = Counter(name for name, _ in pairs), Counter(number for _, number in pairs)
        return {number: name for name, number in pairs if names[name] == 1 and numbers[number] == 1}


def described(root: Path) -> list[DbnFile]:
    """Every file of `root`, by name. UserError where that is no folder; DataError for a file without sound metadata."""
    if not root.is_dir():
        raise UserError(f"source databento: root {root} is no folder: set `root` to the folder of the .dbn files")
    named = [file for file in sorted(root.iterdir()) if file.name.endswith((".dbn", ".dbn.zst"))]
    return [_described(file) for file in named if not file.name.startswith(".")]


def chosen(root: Path, there: Sequence[DbnFile], dataset: str | None, schemas: Sequence[str] | None) -> list[DbnFile]:
    """The files that make tables, by start and name. UserError where there is none, where they are of several datasets
    and none is named, or where two hold the same."""
    _refuse_unknown(schemas)
    found = [one for one in there if one.schema in (schemas or SCHEMAS) and dataset in (None, one.dataset)]
    if not found:
        raise UserError(_nothing(root, there, dataset, schemas))
    datasets = sorted({one.dataset for one in found})
    if len(datasets) > 1:
        raise UserError(
            f"source databento: {root} holds files of {', '.join(datasets)}, whose listings may have the same names: "
            f"name one, as dataset = {datasets[0]!r}"
        )
    _refuse_twice(found)
    return sorted(found, key=lambda one: (one.start, one.file.name))


def ignored(there: Sequence[DbnFile], dataset: str | None) -> list[DbnFile]:
    """The files whose schemas make no table."""
    return [one for one in there if one.schema not in SCHEMAS and dataset in (None, one.dataset)]


def _described(file: Path) -> DbnFile:
    said = header(file)
    schema, end = said.schema, said.end
    if schema is None or end is None or end <= said.start:
        lacks = "one schema" if schema is None else "the end of the time it covers"
        raise DataError(f"{file} does not say {lacks}, as files of a live session do not: fetch it as history")
    if end > _LATEST:
        raise DataError(f"{file} says that it ends behind the year 2100, so its head is damaged: fetch it again")
    try:
        names = tuple(
            (name, number, _day(interval["start_date"]), _day(interval["end_date"]))
            for symbol, intervals in said.mappings.items()
            for interval in intervals
            for name, number in _pair(said, symbol, interval["symbol"])
        )
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{file} has metadata that make no sense ({error}): fetch it again") from error
    return DbnFile(file, str(said.dataset), str(schema), said.start, end, names)


def _pair(said: Any, symbol: str, other: str) -> Iterable[tuple[str, int]]:
    """(name, instrument id) of a mapping, whichever way round it is; nothing where neither side is an id."""
    if str(said.stype_out) == "instrument_id":
        return [(symbol, int(other))] if other else []
    return [(other, int(symbol))] if str(said.stype_in) == "instrument_id" and other else []


def _day(said: dt.date | str) -> dt.date:
    return said if isinstance(said, dt.date) else dt.date.fromisoformat(said)


def _date(nanoseconds: int) -> dt.date:
    return (_EPOCH + dt.timedelta(seconds=nanoseconds // _NANOSECONDS)).date()


def _refuse_unknown(schemas: Sequence[str] | None) -> None:
    for schema in schemas or ():
        if schema not in SCHEMAS:
            raise UserError(f"source databento: schema {schema!r} makes no table: `schemas` knows {', '.join(SCHEMAS)}")


def _nothing(root: Path, there: Sequence[DbnFile], dataset: str | None, schemas: Sequence[str] | None) -> str:
    if not there:
        return f"source databento: {root} holds no file named *.dbn or *.dbn.zst: put them there, or set `root`"
    holds = ", ".join(sorted({f"{one.schema} of {one.dataset}" for one in there}))
    asked = " and ".join(
        [f"dataset {dataset!r}"] * (dataset is not None) + [f"schemas {', '.join(schemas or SCHEMAS)}"]
    )
    return f"source databento: {root} holds {holds}, and nothing of {asked}: set `dataset` and `schemas` to those"


def _refuse_twice(files: Sequence[DbnFile]) -> None:
    ordered = sorted(files, key=lambda one: (one.schema, one.start))
    for n, one in enumerate(ordered, 1):
        for other in islice(ordered, n, None):
            if other.schema != one.schema or other.start >= one.end:
                break
            if {number for _, number, *_ in one.names} & {number for _, number, *_ in other.names}:
                raise UserError(
                    f"source databento: {one.file} and {other.file} hold {one.schema} of the same instruments and "
                    "time: keep one of them"
                )
