"""`basalt plugins`: list what is installed without loading it, examine it, switch it on and off."""

import json

import click

from basalt.cli.output import emit, format_option, narrate
from basalt.cli.session import session_of
from basalt.errors import UserError
from basalt.plugins.describe import COLUMNS, described, distribution_named, state_of
from basalt.plugins.found import find_files, find_installed
from basalt.plugins.installed import canonical, declared
from basalt.plugins.switches import disable, enable, read_switches


@click.group()
def plugins() -> None:
    """List, diagnose, enable and disable plugins."""


@plugins.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, format: str) -> None:
    """List the installed plugins; none of them is loaded."""
    found = [*find_installed(), *find_files(session_of(ctx).files)]
    emit(described(found, declared(), read_switches()), format, COLUMNS)


@plugins.command()
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="How long one plugin may take.")
@format_option
@click.pass_context
def doctor(ctx: click.Context, timeout: float, format: str) -> None:
    """Load every plugin and command, each in a process of its own, and say what broke, where, and what to try.

    Broken plugins give exit code 3 under --strict-plugins, else 0.
    """
    from basalt.plugins.doctor import Examination, examine, host_versions, subjects

    switches = read_switches()
    host = host_versions()
    if format == "table":
        click.echo(", ".join(f"{name} {version}" for name, version in host.items()))
    examinations = []
    for found, command in subjects([*find_installed(), *find_files(session_of(ctx).files)], declared()):
        state = state_of(found, switches)
        done = examine(found, command, timeout) if state == "enabled" else Examination(found, command, state)
        examinations.append(done)
        if format == "table":
            click.echo(done.report)
    if format == "json":
        click.echo(json.dumps({"versions": host, "plugins": [e.row for e in examinations]}, indent=2))
    elif format == "csv":
        emit([e.row | {"failures": "; ".join(f.cause for f in e.failures)} for e in examinations], format)
    if session_of(ctx).strict and any(e.failures for e in examinations):
        ctx.exit(3)


@plugins.command("enable")
@click.argument("name")
def enable_(name: str) -> None:
    """Switch a disabled plugin on again; NAME is its distribution or one of its entries."""
    before = read_switches()
    distribution = distribution_named(name, declared(), before.disabled)
    if not before.disables(distribution):
        narrate(f"{distribution} is enabled already")
        return
    narrate(f"enabled {distribution} in {enable(distribution).file}")


@plugins.command("disable")
@click.argument("name")
def disable_(name: str) -> None:
    """Switch a plugin and its commands off; NAME is its distribution or one of its entries."""
    distribution = distribution_named(name, declared())
    if canonical(distribution) == "basalt-core":
        raise UserError("basalt-core is basalt itself and cannot be disabled; basalt plugins list shows what can")
    before = read_switches()
    if before.disables(distribution):
        narrate(f"{distribution} is disabled already, in {before.file}")
        return
    narrate(f"disabled {distribution} in {disable(distribution).file}")
