"""Writes the pages beside it from what the code declares: `uv run nox -s reference`."""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import click
import polars as pl
from click.testing import CliRunner

from basalt.catalog import Entry, default_columns, null_rule, rollup_text
from basalt.cli.front import SIBLINGS
from basalt.cli.root import make_root
from basalt.config.json_schema import option_rows
from basalt.config.model import PipelineConfig
from basalt.plugins.components import Component
from basalt.plugins.registry import Registry, open_registry
from basalt.tables import BUILT_IN, TableSchema

HERE = Path(__file__).parent
WRITTEN = "<!-- Written by generate.py: change the code it reads, then `uv run nox -s reference`. -->"
KINDS = {
    "sources": ("Sources", "source", "[source] type"),
    "outputs": ("Outputs", "output", "[[outputs]] type"),
    "transforms": ("Transforms", "transform", "[[passes.preprocess]] transform"),
    "analytics": ("Modules", "module", "[[passes.modules]] module"),
    "executors": ("Executors", "executor", "[executor] type"),
}


def pages() -> dict[str, str]:
    """Every page by file name, from the five distributions alone, whatever else is installed."""
    registry = open_registry()
    return {
        "commands.md": page("Commands", commands()),
        "configuration.md": page("Pipeline files", configuration(registry)),
        "tables.md": page("Tables", tables()),
        "metrics.md": page("Metrics", metrics(registry)),
    }


def page(title: str, parts: Iterator[str]) -> str:
    return "\n\n".join([f"# {title}", WRITTEN, *parts]) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def commands() -> Iterator[str]:
    yield (
        "stdout is data (a table, or `--format json`, `--format csv`), stderr is narration. Exit codes: 0 done, 1 "
        "failed while running, 2 the input is wrong, 3 a plugin failed under `--strict-plugins`, 4 a check failed, 130 "
        "interrupted. A run of which several partitions failed for different reasons ends with 1."
    )
    yield help_of(())
    found = {}
    for entry in entry_points(group="basalt.commands"):
        if entry.dist and entry.dist.name in SIBLINGS:
            path = tuple(entry.name.split("."))
            command = entry.load()
            found[path] = entry.dist.name
            for name in command.commands if isinstance(command, click.Group) else ():
                found[(*path, name)] = entry.dist.name
    for path in sorted(found):
        yield f"## basalt {' '.join(path)}"
        yield f"From `{found[path]}`."
        yield help_of(path)


def help_of(path: tuple[str, ...]) -> str:
    done = CliRunner().invoke(make_root(), [*path, "--help"], prog_name="basalt", terminal_width=100)
    assert done.exit_code == 0, done.output
    return f"```text\n{done.output.rstrip()}\n```"


def configuration(registry: Registry) -> Iterator[str]:
    yield (
        "A pipeline is a TOML file, or a Python file whose `pipeline` is a `PipelineConfig` of `basalt.config.model`, "
        "or a function that returns one. `[]` stands for an entry of a list, as `[[passes]]`. `basalt pipeline schema "
        "--config` prints the same as JSON schema, for editors."
    )
    yield options_table(PipelineConfig)
    for kind, (title, noun, place) in KINDS.items():
        yield f"## {title}"
        for component in ours(registry, kind):
            yield f"### {noun} `{component.name}`"
            yield f'`{place} = "{component.name}"`, from `{component.owner.distribution}`: {component.summary}'
            yield options_table(component.load().Config)


def options_table(config_class: type) -> str:
    rows = [(f"`{r['name']}`", r["type"], default(r["default"]), r["doc"]) for r in option_rows(config_class)]
    return table(["key", "takes", "default", "what"], rows) if rows else "It takes no options."


def default(text: str) -> str:
    """Defaults that are tables are told by their own keys."""
    return text if text in ("required", "none", "computed") else "" if "(" in text else f"`{text}`"


def ours(registry: Registry, kind: str) -> list[Component]:
    return [c for c in registry.components(kind) if c.owner.distribution in SIBLINGS]


def tables() -> Iterator[str]:
    yield (
        "What sources deliver and metrics may name. Rows of event tables are in the order of (key, EventTimestamp, "
        "SequenceNo). `{i}` stands for the levels 1, 2, … as deep as the data goes. A required column must be there; a "
        "metric that needs one of the others is refused, while planning, where the source does not have it."
    )
    for schema in BUILT_IN:
        yield f"## {schema.name}"
        yield f"{schema.doc}; key `{schema.key}`."
        yield columns_of(schema)


def columns_of(schema: TableSchema) -> str:
    rows = [
        (f"`{c.name}`", dtype_text(c.dtype), c.unit.value if c.unit else "", "yes" if c.required else "", c.doc)
        for c in schema.columns
    ]
    return table(["column", "dtype", "unit", "required", "what"], rows)


def dtype_text(dtype: object) -> str:
    match dtype:
        case pl.Datetime():
            return f"Datetime[{dtype.time_unit}, {dtype.time_zone}]"
        case pl.Enum():
            return f"Enum: {', '.join(dtype.categories)}"
    return str(dtype)


def metrics(registry: Registry) -> Iterator[str]:
    yield (
        "What each module emits where nothing is configured; options of the modules ([pipeline files]"
        "(configuration.md)) give more. `{i}` stands for book levels 1 to 10. `basalt analytics list --columns "
        "--pipeline FILE` lists what a pipeline emits, `basalt analytics explain NAME` says everything about a column."
    )
    entries = [e for e in default_columns(registry) if e.column.distribution in SIBLINGS]
    for component in ours(registry, "analytics"):
        yield f"## {component.name}"
        yield f"From `{component.owner.distribution}`: {component.summary}"
        mine = [e for e in entries if e.column.module == component.name]
        yield metric_table(mine) if mine else "Its columns are those of the pass it reads."


def metric_table(entries: Sequence[Entry]) -> str:
    rows: dict[str, Sequence[object]] = {}
    for entry in entries:
        column = entry.column
        name, doc, formula = column.name, column.doc, column.formula or ""
        if name[-1].isdigit():
            name, doc = re.sub(r"\d+$", "{i}", name), re.sub(r"\blevel \d+\b", "level i", doc)
            formula = re.sub(r"_(\{j≤)?\d+", lambda m: f"_{m[1] or ''}i", formula)
        unit, rollup = column.unit.value, rollup_text(column.over_time)
        rows.setdefault(name, (f"`{name}`", unit, formula, rollup, null_rule(column), doc))
    return table(["column", "unit", "formula", "over time", "without rows", "what"], list(rows.values()))


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text)
