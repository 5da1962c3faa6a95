"""From a pipeline file to its plan: what the command line, `basalt.run` and Dagster all do."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from basalt.config.read import read_pipeline
from basalt.errors import UserError
from basalt.planning.dates import Asked
from basalt.planning.plan import Plan, make_plan
from basalt.plugins.registry import Registry, open_registry

Opener = Callable[[Sequence[Path], Mapping[str, str]], Registry]


def plan_file(
    file: Path,
    overrides: Sequence[str] = (),
    dates: Asked = Asked(),
    universes: Sequence[str] = (),
    opened: Opener = open_registry,
) -> Plan:
    """The plan of a pipeline file; its relative paths are relative to its folder. `opened`: how plugins are opened.

    UserError, each sentence beginning with the file, for what could not run. Reads no rows.
    """
    config = read_pipeline(file, overrides)
    folder = file.resolve().parent
    registry = opened([folder / name for name in config.plugins.files], config.plugins.prefer)
    try:
        return make_plan(config, registry, folder, dates, universes)
    except UserError as error:
        raise UserError("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error
