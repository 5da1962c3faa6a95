"""From a pipeline file to its plan: what the command line, `basalt.run` and Dagster all do."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from basalt.config.model import ExecutorEntry, PipelineConfig
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
    executor: str | None = None,
    workers: int | None = None,
) -> Plan:
    """The plan of a pipeline file; its relative paths are relative to its folder. `opened`: how plugins are opened.

    `executor`, `workers`: instead of the file's. Options and `workers` that the file has for another executor do not
    count. UserError, each sentence beginning with the file, for what could not run. Reads no rows.
    """
    config = _spread(read_pipeline(file, overrides), executor, workers)
    folder = file.resolve().parent
    registry = opened([folder / name for name in config.plugins.files], config.plugins.prefer)
    try:
        return make_plan(config, registry, folder, dates, universes)
    except UserError as error:
        raise UserError("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error


def _spread(config: PipelineConfig, executor: str | None, workers: int | None) -> PipelineConfig:
    configured = config.executor.type if isinstance(config.executor, ExecutorEntry) else config.executor
    if executor not in (None, configured):
        config = attrs.evolve(config, executor=executor, workers=None)
    return config if workers is None else attrs.evolve(config, workers=workers)
