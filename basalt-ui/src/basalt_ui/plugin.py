"""What basalt-ui registers: commands below `basalt`, each of which imports its app when it runs."""

import sys
from pathlib import Path

import click

from basalt.cli.analytics import pipeline_option
from basalt.cli.output import narrate
from basalt.cli.planned import plan_of
from basalt.cli.session import registry_of
from basalt.errors import UserError


@click.command("browse")
@pipeline_option
@click.pass_context
def browse(ctx: click.Context, file: Path | None) -> None:
    """Browse the installed modules and every column they emit; press ? for the keys.

    Example: basalt analytics browse --pipeline pipeline.toml
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("basalt analytics browse needs a terminal: basalt analytics list --columns prints the same")
    from basalt_ui.schema_browser.items import installed_items, planned_items

    if file is None:
        items, about = installed_items(registry_of(ctx)), "installed"
    else:
        plan = plan_of(ctx, file)
        items, about = planned_items(plan, plan.registry), f"pipeline {plan.config.name}"
    if not items:
        narrate("no analytics are installed: pip install basalt-analytics, or any plugin that brings some")
        return
    from basalt_ui.schema_browser.app import SchemaBrowser

    SchemaBrowser(items, about).run()
