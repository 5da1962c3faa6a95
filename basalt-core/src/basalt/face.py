"""`compute` and `run`: basalt from Python, in a notebook or a script."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.errors import UserError
from basalt.hooks import hookimpl
from basalt.modules import BucketModule, FrameModule
from basalt.planning.dates import Asked
from basalt.planning.plan import Plan, make_plan
from basalt.plugins.found import Found
from basalt.plugins.loaded import accept
from basalt.plugins.registry import Registry, open_registry
from basalt.running.compute import computed, open_tables
from basalt.running.events import Observer
from basalt.running.memory import MemorySource
from basalt.running.run import RunResult, run_plan

Module = str | Mapping[str, Any] | type[BucketModule]
GIVEN = "given"
_PASS_OPTIONS = frozenset(f.name for f in attrs.fields(PassConfig)) - {"name", "modules", "outputs", "every"}


def compute(
    modules: Sequence[Module] | Module, *, every: str, date: date | None = None, **tables_and_options: Any
) -> pl.DataFrame:
    """One pass over frames in memory: ListingId, TimeBucket and the modules' columns, sorted.

    modules: names (`"trade"`), tables of options (`{"module": "trade", "prefix": "X"}`) or `@analytic` functions.
    Keywords are tables (`trades=frame`) or keys of a pass (`market_states=["all"]`, `closed="left"`). `date`: the
    trading date of every row; left out, rows are computed by their stamps' UTC date, and nothing carries over.
    Raises UserError or PluginError before anything is computed.
    """
    listed = [modules] if isinstance(modules, str | Mapping | type) else list(modules)
    options = {k: v for k, v in tables_and_options.items() if k in _PASS_OPTIONS}
    frames = {k: v for k, v in tables_and_options.items() if k not in _PASS_OPTIONS}
    plan = plan_in_memory(listed, every, date, frames, options)
    program = plan.programs[0]
    days = [
        computed(plan, program, partition.date, open_tables(plan, partition.date), {}) for partition in plan.partitions
    ]
    return pl.concat(days).select(*program.result.keys, "TimeBucket", *(c.name for c in program.result.visible))


def plan_in_memory(
    modules: Sequence[Module],
    every: str,
    day: date | None,
    frames: Mapping[str, pl.DataFrame | pl.LazyFrame],
    options: Mapping[str, Any],
) -> Plan:
    """The plan of one pass, named `computed`, over frames."""
    for name, frame in frames.items():
        if not isinstance(frame, pl.DataFrame | pl.LazyFrame):
            raise UserError(
                f"{name} = {frame!r} is neither a table nor an option of a pass: tables are Polars frames, options "
                f"are {', '.join(sorted(_PASS_OPTIONS))}"
            )
    from basalt.config.structure import structure

    registry = _registry([one for one in modules if isinstance(one, type)])
    entries = [_entry(one) for one in modules]
    raw = {"name": "computed", "every": every, **options}
    one_pass = attrs.evolve(structure(PassConfig, raw, "passes.computed"), modules=entries)
    config = PipelineConfig(name="compute", source=SourceEntry(type="memory"), passes=[one_pass])
    return make_plan(config, registry, Path(), source=MemorySource(frames, day))


class _Given:
    """A plugin of the modules handed to `compute` as they are."""

    def __init__(self, modules: Sequence[type]) -> None:
        self._modules = list(modules)

    @hookimpl
    def basalt_analytics(self) -> list[type]:
        return self._modules


def _registry(given: Sequence[type]) -> Registry:
    """The installed plugins, and in front of them the modules given as objects."""
    names = [getattr(module, "name", module.__name__) for module in given]
    registry = open_registry(prefer=dict.fromkeys(names, GIVEN))
    if given:
        registry.take(accept(Found(GIVEN, "", "compute", GIVEN), _Given(given)))
    return registry


def _entry(module: Module) -> ModuleEntry:
    if isinstance(module, str):
        return ModuleEntry(module=module)
    if isinstance(module, Mapping):
        own = {k: v for k, v in module.items() if k in ("module", "prefix", "source")}
        return ModuleEntry(**own, options={k: v for k, v in module.items() if k not in own})
    if isinstance(module, type) and issubclass(module, BucketModule | FrameModule):
        return ModuleEntry(module=module.name)
    raise UserError(f"{module!r} is no module: give a name, a table with module = a name, or an @analytic function")


def run(
    pipeline: str | Path | PipelineConfig,
    *,
    dates: Sequence[date] | None = None,
    observers: Sequence[Observer] = (),
    overrides: Sequence[str] = (),
) -> RunResult:
    """Run a pipeline file (or a PipelineConfig, relative to the working folder). `dates`: these alone.

    A partition that fails is in `result.failed`; the others go on. Raises UserError where the plan is refused.
    """
    from basalt.config.read import read_pipeline

    if isinstance(pipeline, PipelineConfig):
        config, folder = pipeline, Path.cwd()
    else:
        config, folder = read_pipeline(Path(pipeline), overrides), Path(pipeline).resolve().parent
    registry = open_registry([folder / f for f in config.plugins.files], config.plugins.prefer)
    plan = make_plan(config, registry, folder, Asked(tuple(dates or ())))
    return run_plan(plan, [*registry.observers(), *observers])
