"""`basalt` as a click group: the options before the command, and the installed commands."""

from pathlib import Path

import click

from basalt.cli.front import OPTIONS, help_page, version_page
from basalt.cli.lazy_group import installed_commands
from basalt.cli.session import Session


class Root(click.Group):
    """The root group; its help is the front page, made without loading a command."""

    def get_help(self, ctx: click.Context) -> str:
        """The same page as the one printed before click is imported."""
        return help_page()


def _print_versions(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(version_page())
        ctx.exit()


def make_root() -> click.Group:
    """The root with what is installed now; made anew for each run, as the installation may change in between."""
    texts = {flag.split()[0]: text for flag, text in OPTIONS.items()}
    file = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)
    return Root(
        "basalt",
        installed_commands(),
        callback=_begin,
        params=[
            click.Option(["--plugin", "files"], type=file, multiple=True, metavar="FILE", help=texts["--plugin"]),
            click.Option(["--strict-plugins", "strict"], is_flag=True, help=texts["--strict-plugins"]),
            click.Option(["--debug"], is_flag=True, help=texts["--debug"]),
            click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_print_versions),
        ],
    )


@click.pass_context
def _begin(ctx: click.Context, files: tuple[Path, ...], strict: bool, debug: bool) -> None:
    ctx.obj = Session(files, strict, debug)
