"""What the options before the command say, and the registry they lead to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from basalt.cli.output import narrate

if TYPE_CHECKING:
    from basalt.plugins.registry import Registry


@attrs.frozen
class Session:
    """`basalt --plugin FILE --strict-plugins --debug …`; click keeps it as the root context's object."""

    files: tuple[Path, ...] = ()
    strict: bool = False
    debug: bool = False


def session_of(ctx: click.Context) -> Session:
    """The session of a command; the default one where it runs without the root, as in tests."""
    return ctx.find_object(Session) or Session()


def registry_of(ctx: click.Context, files: Sequence[Path] = (), prefer: Mapping[str, str] | None = None) -> "Registry":
    """Load the plugins: installed ones, `--plugin` files and `files` (a pipeline's, already resolved).

    Each failed plugin is one line on stderr, whenever it fails; under `--strict-plugins` it ends the command with 3.
    """
    from basalt.plugins.registry import open_registry

    session = session_of(ctx)
    return open_registry(
        [*session.files, *files],
        prefer or {},
        strict=session.strict,
        report=lambda failed: _tell_once(ctx, f"plugin {failed.sentence}"),
    )


def _tell_once(ctx: click.Context, line: str) -> None:
    """A command may open more than one registry; a plugin that fails in each is told of once."""
    told: set[str] = ctx.meta.setdefault("basalt.told", set())
    if line not in told:
        told.add(line)
        narrate(line)
