"""`basalt analytics`: what is installed, and what each column means."""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.output import emit, format_option, lines, narrate
from basalt.cli.planned import plan_of
from basalt.cli.session import registry_of
from basalt.errors import UserError

if TYPE_CHECKING:
    from basalt.catalog import Entry

pipeline_option = click.option(
    "--pipeline",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Columns as this pipeline makes them, instead of each module's defaults.",
)


@click.group()
def analytics() -> None:
    """List and explain the installed modules and their columns."""


@analytics.command("list")
@click.option("--columns", "of_columns", is_flag=True, help="Every output column with its unit.")
@pipeline_option
@format_option
@click.pass_context
def list_command(ctx: click.Context, of_columns: bool, file: Path | None, format: str) -> None:
    """List installed modules, or with --columns or --pipeline every column they emit.

    Example: basalt analytics list --columns
    """
    from basalt.catalog import column_row, modules

    if of_columns or file:
        emit([column_row(entry) for entry in _entries(ctx, file)], format)
        return
    rows = modules(registry_of(ctx))
    if not rows:
        narrate("no analytics are installed: pip install basalt-analytics, or any plugin that brings some")
    if rows or format != "table":
        emit(rows, format, ["module", "reads", "distribution", "version", "what"])


@analytics.command()
@click.argument("name")
@pipeline_option
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def explain(ctx: click.Context, name: str, file: Path | None, format: str) -> None:
    """Explain the column or module NAME: formula, unit, sign, null rule, citation, inputs, plugin.

    Example: basalt analytics explain TradeTotalVWAP
    """
    from basalt.catalog import explanation

    entries = _entries(ctx, file)
    found = [explanation(entry) for entry in entries if entry.column.name == name]
    found = found or _module(ctx, name, entries)
    if not found:
        raise _unknown(ctx, name, entries)
    if format == "json":
        click.echo(json.dumps(found, indent=2, default=str, ensure_ascii=False))
        return
    click.echo("\n\n".join(_text(one) for one in found))


def _unknown(ctx: click.Context, name: str, entries: "list[Entry]") -> UserError:
    names = [entry.column.name for entry in entries] + sorted({entry.column.module for entry in entries})
    near = ", ".join(get_close_matches(name, names, n=4)) or "none"
    failed = "".join(f"; {f.found.named} {f.what} and may offer it: try {f.hint}" for f in registry_of(ctx).failed)
    return UserError(
        f"no column or module {name!r} is known; near it: {near}; see basalt analytics list --columns{failed}"
    )


def _entries(ctx: click.Context, file: Path | None) -> "list[Entry]":
    from basalt.catalog import default_columns, planned_columns

    if file is None:
        return default_columns(registry_of(ctx))
    plan = plan_of(ctx, file)
    return planned_columns(plan)


def _module(ctx: click.Context, name: str, entries: "list[Entry]") -> list[dict[str, Any]]:
    from basalt.catalog import module_explanation

    columns = [entry.column.name for entry in entries if entry.column.module == name]
    found = module_explanation(registry_of(ctx), name, columns)
    return [found] if found else []


def _text(explained: dict[str, Any]) -> str:
    width = max(len(label) for label in explained)
    return "\n".join(
        f"{label.ljust(width)}  {_value(value, width + 2)}"
        for label, value in explained.items()
        if value not in (None, "", [])
    )


def _worked(example: dict[str, Any]) -> list[str]:
    """The rows read, table by table, then the column by bucket, as lines."""
    result, every = example["result"], example["every"]
    given = {f"rows of {name}": rows for name, rows in example.items() if name not in ("every", "result")}
    shown = {**given, f"bars of {every}": result}
    return [line for title, rows in shown.items() for line in (title, *(lines(rows, list(rows[0])) if rows else []))]


def _value(value: Any, indent: int) -> str:
    if isinstance(value, dict) and "result" in value:
        value = _worked(value)
    if isinstance(value, list):
        lines = [_option(row) if isinstance(row, dict) else str(row) for row in value]
        return ("\n" + " " * indent).join(lines)
    if isinstance(value, dict):
        return ", ".join(f"{k} = {json.dumps(v, default=str)}" for k, v in value.items())
    return str(value)


def _option(row: dict[str, Any]) -> str:
    return f"{row['name']}: {row['type']}, default {row['default']}: {row['doc']}"
