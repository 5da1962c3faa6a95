"""`basalt pipeline`: run a pipeline file, or say what running it would do."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.output import counted, emit, format_option, narrate
from basalt.cli.pipeline_plan import plan_command
from basalt.cli.pipeline_run import run
from basalt.cli.planned import file_argument, plan_of, set_option
from basalt.cli.session import registry_of

if TYPE_CHECKING:
    from basalt.planning.plan import Plan
    from basalt.planning.program import Program

EARLIER = "earlier pass"


@click.group()
def pipeline() -> None:
    """Run pipelines: plan, check, run, and say what they read and emit."""


pipeline.add_command(run)
pipeline.add_command(plan_command)


@pipeline.command()
@file_argument
@set_option
@click.pass_context
def check(ctx: click.Context, file: Path, overrides: Sequence[str]) -> None:
    """Check all of FILE without reading a row: keys, options, columns, filters, outputs.

    Example: basalt pipeline check pipeline.toml
    """
    plan = plan_of(ctx, file, overrides)
    for note in plan.notes:
        narrate(f"note: {note}")
    columns = sum(len(program.result.visible) for program in plan.programs)
    passes, partitions = counted(len(plan.programs), "pass"), counted(len(plan.partitions), "partition")
    narrate(f"{file} is sound: {passes}, {counted(columns, 'column')}, {partitions}")


@pipeline.command()
@file_argument
@set_option
@format_option
@click.pass_context
def datasets(ctx: click.Context, file: Path, overrides: Sequence[str], format: str) -> None:
    """List what FILE reads and what it writes.

    Example: basalt pipeline datasets pipeline.toml
    """
    plan = plan_of(ctx, file, overrides)
    rows = [
        row for program in plan.programs for row in (*_read(program, plan.source.name), *_written(plan, program.name))
    ]
    universe = ["universe"] if plan.config.universes else []
    emit(rows, format, ["pass", "kind", "name", "date", *universe, "columns", "where"])


def _read(program: "Program", source: str) -> Iterator[dict[str, Any]]:
    head = {"pass": program.name, "kind": "reads"}
    for table, columns in program.reads.items():
        where = EARLIER if ":" in table else source
        yield {**head, "name": table, "columns": len(columns), "where": where}
    for name in program.sources:
        yield {**head, "name": name, "where": source if name in program.published else EARLIER}


def _written(plan: "Plan", name: str) -> Iterator[dict[str, Any]]:
    """The pass and its side outputs, to every place of every partition."""
    from basalt.planning.standing import run_of

    for result in plan.results(name):
        for partition in plan.partitions:
            run = run_of(plan, name, partition)
            for one in plan.outputs[result.name]:
                yield {
                    "pass": name,
                    "kind": "writes",
                    "name": result.name,
                    "date": partition.date,
                    "universe": partition.universe,
                    "columns": len(result.columns),
                    "where": one.output.place(plan.target(result.name, partition, one.name, run)),
                }


@pipeline.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@set_option
@click.option("--config", "of_config", is_flag=True, help="The JSON schema of pipeline files, for editors.")
@format_option
@click.pass_context
def schema(ctx: click.Context, file: Path | None, overrides: Sequence[str], of_config: bool, format: str) -> None:
    """List every column the passes of FILE and their side outputs emit: dtype, unit, rollup, null rule.

    Example: basalt pipeline schema pipeline.toml, or basalt pipeline schema --config > basalt.schema.json
    """
    if of_config:
        from basalt.config.json_schema import json_schema

        click.echo(json.dumps(json_schema(registry_of(ctx)), indent=2))
        return
    if file is None:
        raise click.UsageError("name a pipeline file, or ask for the schema of such files with --config")
    from basalt.catalog import null_rule, rollup_text

    plan = plan_of(ctx, file, overrides)
    rows = [
        {
            "pass": result.name,
            "column": column.name,
            "dtype": str(column.dtype),
            "unit": column.unit.value,
            "over time": rollup_text(column.over_time),
            "over listings": rollup_text(column.over_listings),
            "null rule": null_rule(column),
            "hidden": column.hidden,
        }
        for name in plan.names
        for result in plan.results(name)
        for column in result.columns
    ]
    emit(rows, format)
