"""Layouts of Parquet files: which files are which table's, and which date's.

*Hive*: `{table}/date=YYYY-MM-DD/*.parquet`. A *template* is a path below the root with the variables `{table}`, and
`{date}` (YYYY-MM-DD) or `{year} {month} {day}`; `*` stands for anything in one step. A *single file* is
`{table}.parquet` in the root, in either layout. Files and folders whose name begins with a dot are not there.
"""

import datetime as dt
import re
import string
from collections.abc import Iterator, Mapping
from contextlib import suppress

from basalt.errors import UserError
from basalt_io.object_paths import AnyPath

HIVE = "date="
_VARIABLES = {
    "table": r"(?P<table>[^/.][^/]*?)",
    "date": r"(?P<date>\d{4}-\d\d-\d\d)",
    "year": r"(?P<year>\d{4})",
    "month": r"(?P<month>\d\d)",
    "day": r"(?P<day>\d\d)",
}
Dates = dict[dt.date, list[AnyPath]]


def hive_folders(root: AnyPath) -> Iterator[tuple[str, AnyPath]]:
    """Folders that hold folders of dates, by their name."""
    for place in sorted({place.parent for place in root.glob(f"*/{HIVE}*") if place.is_dir()}):
        yield place.name, place


def single_files(root: AnyPath) -> Iterator[tuple[str, AnyPath]]:
    """Parquet files in the root, by their name."""
    for file in sorted(root.glob("*.parquet")):
        if not file.name.startswith("."):
            yield file.stem, file


def hive_dates(folder: AnyPath) -> Dates:
    """The files of each date, ascending; UserError for a folder whose name tells no date."""
    dated = {}
    for place in sorted(folder.glob(f"{HIVE}*")):
        files = sorted(file for file in place.glob("*.parquet") if not file.name.startswith("."))
        if files:
            dated[_hive_day(place)] = files
    return dated


def _hive_day(place: AnyPath) -> dt.date:
    written = place.name.removeprefix(HIVE)
    with suppress(ValueError):
        day = dt.date.fromisoformat(written)
        if day.isoformat() == written:
            return day
    raise UserError(f"source parquet: {place} names no date: rename it as date=YYYY-MM-DD")


def by_template(root: AnyPath, template: str) -> Mapping[str, Dates]:
    """The files of each table and date; UserError for a template that is none, or a file whose date does not exist."""
    pattern, glob = _compiled(template)
    found: dict[str, Dates] = {}
    for file in sorted(root.glob(glob)):
        relative = file.relative_to(root).as_posix()
        match = pattern.fullmatch(relative)
        if match and not any(step.startswith(".") for step in relative.split("/")):
            found.setdefault(match["table"], {}).setdefault(_day(match.groupdict(), file), []).append(file)
    return {table: dict(sorted(dates.items())) for table, dates in found.items()}


def _compiled(template: str) -> tuple[re.Pattern[str], str]:
    """What its files match, and the glob that finds them."""
    told = f"source parquet: path = {template!r}"
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UserError(f"{told} is no template ({error}): write variables as {{date}}") from None
    names = [name for _, name, _, _ in pieces if name is not None]
    for name in names:
        if name not in _VARIABLES or names.count(name) > 1:
            known = " ".join(f"{{{each}}}" for each in _VARIABLES)
            raise UserError(f"{told} names {{{name}}}: use each of {known} at most once")
    if set(names) not in ({"table", "date"}, {"table", "year", "month", "day"}):
        raise UserError(f"{told} must name {{table}}, and {{date}} or {{year}}, {{month}} and {{day}}")
    if template.startswith("/") or ".." in template.split("/") or not template.endswith(".parquet"):
        raise UserError(f"{told} must be a path below `root` that ends in .parquet: put the folder before it in `root`")
    expression = "".join(_literal(text) + ("" if name is None else _VARIABLES[name]) for text, name, _, _ in pieces)
    glob = "".join(text + ("" if name is None else "*") for text, name, _, _ in pieces)
    return re.compile(expression), re.sub(r"\*+", "*", glob)


def _literal(text: str) -> str:
    return "[^/]*".join(re.escape(part) for part in text.split("*"))


def _day(told: Mapping[str, str | None], file: AnyPath) -> dt.date:
    try:
        return dt.date.fromisoformat(told.get("date") or "{year}-{month}-{day}".format(**told))
    except ValueError as error:
        raise UserError(f"source parquet: {file} names no date ({error}): rename or move it") from None
