"""How every command prints: `emit` puts data on stdout, `narrate` tells the story on stderr.

A *row* is a mapping of column name to value; columns appear in the order of `columns`, else of the first row.
"""

import csv
import io
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

import click

FORMATS = ("table", "json", "csv")
format_option = click.option(
    "--format", "format", type=click.Choice(FORMATS), default="table", show_default=True, help="How data is printed."
)


def narrate(text: str) -> None:
    """Say something to the person at the terminal; never part of the data."""
    click.echo(text, err=True)


def counted(number: int, noun: str) -> str:
    """`1 pass`, `2 passes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def emit(rows: Sequence[Mapping[str, Any]], format: str, columns: Sequence[str] | None = None) -> None:
    """Print rows: a table (styled on a terminal, plain and never wrapped or cut elsewhere), a JSON list, or CSV.

    Nulls are empty in tables and CSV, null in JSON. Tables show ten significant digits; JSON and CSV all of them.
    """
    names = list(columns) if columns is not None else list(rows[0]) if rows else []
    if format == "json":
        records = [{name: _json_value(row.get(name)) for name in names} for row in rows]
        click.echo(json.dumps(records, indent=2, ensure_ascii=False, default=_text))
    elif format == "csv":
        click.echo(_csv(rows, names), nl=False)
    elif names and sys.stdout.isatty():
        _styled(rows, names)
    elif names:
        click.echo("\n".join(lines(rows, names)))


def _csv(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if names:
        writer.writerow(names)
    writer.writerows([_text(row.get(name)) for name in names] for row in rows)
    return text.getvalue()


def lines(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """The rows as lines of a plain table, its head first."""
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    right = _numeric(rows, names)
    padded = (
        [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        for row in [list(names), *cells]
    )
    return ["  ".join(line).rstrip() for line in padded]


def _styled(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, right in zip(names, _numeric(rows, names), strict=True):
        table.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name))) for name in names))
    Console().print(table)


def _numeric(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> list[bool]:
    return [any(_is_number(row.get(n)) for row in rows) for n in names]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    text = f"{value:.10g}" if isinstance(value, float) else _text(value)
    return " ".join(text.split()) if "\n" in text else text


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Enum():
            return _text(value.value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g}s"
        case list() | tuple() | set() | frozenset():
            return ", ".join(map(_text, value))
    return str(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return sorted(value, key=str) if isinstance(value, set | frozenset) else value
