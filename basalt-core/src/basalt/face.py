"""`compute` and `run`: basalt from Python, in a notebook or a script."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.config.model import PassConfig, PipelineConfig, SourceEntry
from basalt.config.read import checked
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.given import Module, entry_of, registry_with
from basalt.planning.dates import Asked
from basalt.planning.pipeline_file import plan_file
from basalt.planning.plan import Plan, make_plan
from basalt.plugins.registry import open_registry
from basalt.running.events import Observer
from basalt.running.in_memory import passes_in_memory
from basalt.running.memory import MemorySource
from basalt.running.run import RunResult, run_plan

_OF_RUNS = {"name", "modules", "every", "outputs", "side_outputs", "memory", "quality", "expect"}
_PASS_OPTIONS = frozenset(f.name for f in attrs.fields(PassConfig)) - _OF_RUNS


def compute(
    modules: Sequence[Module] | Module, *, every: str | None = None, date: date | None = None, **tables_and_options: Any
) -> pl.DataFrame:
    """One pass over frames in memory: ListingId, TimeBucket and the modules' columns, sorted.

    modules: names (`"trade"`), tables of options (`{"module": "trade", "prefix": "X"}`) or `@analytic` functions.
    Keywords are tables (`trades=frame`) or keys of a pass (`market_states=["all"]`, `closed="left"`); `calendar` is a
    pair of a MIC and the table. `every` is left out with `timeline="daily"` alone. `date`: the trading date of every
    row; left out, rows are computed by their stamps' UTC date, and nothing carries over.
    Raises UserError or PluginError before anything is computed.
    """
    listed: list[Any] = list(modules) if isinstance(modules, list | tuple) else [modules]
    options, frames = _parted(tables_and_options)
    plan = plan_in_memory(listed, every, date, frames, options)
    program = plan.programs[0]
    days = [passes_in_memory(plan, partition.date)[program.name] for partition in plan.partitions]
    return pl.concat(days).select(*program.result.keys, "TimeBucket", *(c.name for c in program.result.visible))


def _parted(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the pass, and tables; `calendar` is both, and given as a pair of them."""
    options = {k: v for k, v in given.items() if k in _PASS_OPTIONS and not isinstance(v, pl.DataFrame | pl.LazyFrame)}
    frames = {k: v for k, v in given.items() if k not in options}
    if isinstance(given.get("calendar"), tuple):
        options["calendar"], frames["calendar"] = given["calendar"]
    return options, frames


def plan_in_memory(
    modules: Sequence[Module],
    every: str | None,
    day: date | None,
    frames: Mapping[str, pl.DataFrame | pl.LazyFrame],
    options: Mapping[str, Any],
) -> Plan:
    """The plan of one pass, named `computed`, over frames."""
    registry = registry_with(modules)
    tables = registry.names("tables")
    for name, frame in frames.items():
        if name not in tables or not isinstance(frame, pl.DataFrame | pl.LazyFrame):
            raise UserError(
                f"{name} (a {type(frame).__name__}) is neither a table nor an option of a pass: tables are Polars "
                f"frames named {', '.join(tables)}; options are {', '.join(sorted(_PASS_OPTIONS))}"
            )
    entries = [entry_of(one) for one in modules]
    raw = {"name": "computed", "every": every, **options}
    one_pass = attrs.evolve(structure(PassConfig, raw, "passes.computed"), modules=entries)
    config = PipelineConfig(name="compute", source=SourceEntry(type="memory"), passes=[one_pass])
    return make_plan(config, registry, Path(), source=MemorySource(frames, day))


def run(
    pipeline: str | Path | PipelineConfig,
    *,
    dates: Sequence[date | str] | None = None,
    universes: Sequence[str] = (),
    overrides: Sequence[str] = (),
    observers: Sequence[Observer] = (),
    force: bool = False,
    only_missing: bool = False,
    fail_fast: bool = False,
) -> RunResult:
    """Run what is not done of a pipeline file (or of a PipelineConfig, relative to the working folder).

    `dates`: `datetime.date`, or text as "2026-01-05"; they and `universes` are run alone. `overrides`: keys of the
    file, as `passes.bars.every=5m` or `executor=processes`. `force`: what is done too. `only_missing`: leave partitions
    alone whose every pass was published before, from whatever code and data. `fail_fast`: stop at the first failure.
    A partition that fails is in `result.failed`; the others go on. Raises UserError where the plan is refused.
    """
    asked = Asked() if dates is None else Asked(_named(dates))
    if isinstance(pipeline, PipelineConfig):
        folder = Path.cwd()
        registry = open_registry([folder / f for f in pipeline.plugins.files], pipeline.plugins.prefer)
        plan = make_plan(checked(pipeline, overrides), registry, folder, asked, universes)
    else:
        plan = plan_file(Path(pipeline), overrides, asked, universes)
    everyone = [*plan.registry.observers(), *observers]
    return run_plan(plan, everyone, force=force, only_missing=only_missing, fail_fast=fail_fast)


def _named(dates: Sequence[date | str]) -> tuple[date, ...]:
    if isinstance(dates, str | date):
        raise UserError(f"dates is {dates!r}, a single one: put it in a list, as [{dates!r}]")
    if not len(dates):
        raise UserError("dates is empty, which names nothing to run: name dates, or leave it out for all of them")
    return tuple(map(_day, dates))


def _day(given: object) -> date:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    with suppress(ValueError):
        if isinstance(given, str):
            return date.fromisoformat(given)
    raise UserError(f"dates has {given!r}, which is no date: give datetime.date, or text as '2026-01-05'")
