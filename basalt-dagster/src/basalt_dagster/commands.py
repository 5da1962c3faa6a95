"""`basalt dagster`: what a pipeline becomes in Dagster, which is imported only when a command runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from basalt.cli.output import emit, format_option, narrate
from basalt.cli.planned import file_argument, plan_of, set_option

if TYPE_CHECKING:
    import dagster as dg


@click.command("definitions")
@file_argument
@set_option
@format_option
@click.pass_context
def definitions(ctx: click.Context, file: Path, overrides: Sequence[str], format: str) -> None:
    """List the Dagster assets that FILE becomes, what they depend on, and their partitions.

    Example: basalt dagster definitions pipeline.toml
    """
    plan = plan_of(ctx, file, overrides)
    from basalt_dagster.assets import definitions_of, keys

    specs = {spec.key: spec for spec in definitions_of(plan).resolve_all_asset_specs()}
    emit([_row(specs[key]) for key in keys(plan)], format)
    narrate(
        "to serve them: pip install dagster-webserver, dagster dev -f definitions.py, with these lines in that file:"
    )
    narrate("  from basalt_dagster import build_definitions")
    narrate(f"  defs = build_definitions({', '.join([repr(str(file.resolve())), *_given(overrides)])})")


def _row(spec: "dg.AssetSpec") -> dict[str, Any]:
    dates = spec.partitions_def.get_partition_keys() if spec.partitions_def else []
    return {
        "asset": spec.key.to_user_string(),
        "made by": "the source" if not dates else "basalt",
        "depends on": ", ".join(dep.asset_key.to_user_string() for dep in spec.deps),
        "partitions": len(dates),
        "first": dates[0] if dates else None,
        "last": dates[-1] if dates else None,
        "group": spec.group_name,
    }


def _given(overrides: Sequence[str]) -> list[str]:
    return [f"overrides={list(overrides)!r}"] if overrides else []
