"""`basalt pipeline`: run a pipeline file, or say what running it would do."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from basalt.cli.output import counted, emit, format_option, narrate
from basalt.cli.planned import Chosen, choosing, file_argument, plan_of, set_option
from basalt.cli.session import registry_of


@click.group()
def pipeline() -> None:
    """Run pipelines: plan, check, run, and say what they read and emit."""


@pipeline.command()
@file_argument
@choosing
@format_option
@click.pass_context
def run(ctx: click.Context, file: Path, chosen: Chosen, format: str) -> None:
    """Run FILE: compute every pass and publish it. Prints what was published.

    Example: basalt pipeline run pipeline.toml --date 2026-01-05
    """
    from basalt.cli.progress import progress
    from basalt.running.run import run_plan

    plan = plan_of(ctx, file, chosen=chosen)
    for note in plan.notes:
        narrate(f"note: {note}")
    with progress() as observer:
        result = run_plan(plan, [observer, *plan.registry.observers()])
    rows = [{"pass": p.name, "date": p.date, "rows": p.rows, "places": list(p.places)} for p in result.published]
    if rows or format != "table":
        emit(rows, format, ["pass", "date", "rows", "places"])
    if result.failed:
        total = len(plan.partitions)
        narrate(f"{len(result.failed)} of {total} partitions failed; what is published stays, run again for the rest")
        ctx.exit(1)


@pipeline.command("plan")
@file_argument
@choosing
@format_option
@click.pass_context
def plan_command(ctx: click.Context, file: Path, chosen: Chosen, format: str) -> None:
    """Say what running FILE would do: passes, what they read, partitions, where results go.

    Example: basalt pipeline plan pipeline.toml --from 2026-01-05 --to 2026-01-09
    """
    from basalt.planning.described import describe

    plan = plan_of(ctx, file, chosen=chosen)
    described = describe(plan)
    if format == "json":
        click.echo(json.dumps(described, indent=2))
        return
    dates = [p["date"] for p in described["partitions"]]
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    narrate(f"{described['pipeline']}: {counted(len(dates), 'partition')} ({span}) of {plan.source.name}")
    emit([_pass_row(one) for one in described["passes"]], format)
    for note in plan.notes:
        narrate(f"note: {note}")


def _pass_row(one: dict[str, Any]) -> dict[str, Any]:
    reads = [f"{table} ({len(columns)} columns)" for table, columns in one["reads"].items()]
    places = [place for partition in one["outputs"] for place in partition]
    return {
        "pass": one["pass"],
        "rule": one["rule"],
        "modules": ", ".join(one["modules"]),
        "reads": ", ".join(reads + one["sources"]),
        "columns": one["columns"],
        "first output": places[0] if places else "none",
    }


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
        {"pass": program.name, "kind": "reads", "name": table, "columns": len(columns), "where": plan.source.name}
        for program in plan.programs
        for table, columns in program.reads.items()
    ]
    for program in plan.programs:
        rows += [{"pass": program.name, "kind": "reads", "name": s, "where": "earlier pass"} for s in program.sources]
        rows += [
            {"pass": program.name, "kind": "writes", "name": program.name, "date": partition.date, "where": place}
            | {"columns": len(program.result.columns)}
            for partition in plan.partitions
            for place in plan.places(program.name, partition)
        ]
    emit(rows, format, ["pass", "kind", "name", "date", "columns", "where"])


@pipeline.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@set_option
@click.option("--config", "of_config", is_flag=True, help="The JSON schema of pipeline files, for editors.")
@format_option
@click.pass_context
def schema(ctx: click.Context, file: Path | None, overrides: Sequence[str], of_config: bool, format: str) -> None:
    """List every column the passes of FILE emit: dtype, unit, rollup, null rule.

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
            "pass": program.name,
            "column": column.name,
            "dtype": str(column.dtype),
            "unit": column.unit.value,
            "over time": rollup_text(column.over_time),
            "over listings": rollup_text(column.over_listings),
            "null rule": null_rule(column),
            "hidden": column.hidden,
        }
        for program in plan.programs
        for column in program.result.columns
    ]
    emit(rows, format)
