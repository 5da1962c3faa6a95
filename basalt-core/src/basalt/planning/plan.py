"""Plans: what a run will do, before it does anything.

A *partition* is one trading date and one universe: the unit of work that is run, retried and published.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import attrs

from basalt.config.model import OutputEntry, PassConfig, PipelineConfig
from basalt.config.structure import structure
from basalt.errors import UserError
from basalt.outputs import Output, Target
from basalt.planning.dates import Asked, chosen
from basalt.planning.inputs import SourceColumns, declared_tables, open_source
from basalt.planning.known import Columns, Known
from basalt.planning.program import Program, build_program
from basalt.planning.rehearsal import rehearse
from basalt.plugins.registry import Registry
from basalt.sources import Source
from basalt.tables import TableSchema

EVERYTHING = "all"


@attrs.frozen(order=True)
class Partition:
    """One trading date × one universe."""

    date: date
    universe: str = EVERYTHING


@attrs.frozen(eq=False)
class PlannedOutput:
    """One output of a pass, configured; `name` is what {output} stands for."""

    name: str
    output: Output


@attrs.frozen(eq=False)
class Plan:
    """Everything a run needs: programs in order, partitions, outputs by pass, and the open source.

    `columns_of`: the source's tables as they are on the first date, by which everything is planned.
    """

    config: PipelineConfig
    folder: Path
    registry: Registry
    source: Source
    schemas: Mapping[str, TableSchema]
    columns_of: Mapping[str, Columns]
    programs: Sequence[Program]
    partitions: Sequence[Partition]
    outputs: Mapping[str, Sequence[PlannedOutput]]

    def program(self, name: str) -> Program:
        """The program of that pass; UserError with the names there are."""
        for program in self.programs:
            if program.name == name:
                return program
        raise UserError(f"no pass {name!r} in pipeline {self.config.name!r}; passes: {', '.join(self.names)}")

    @property
    def names(self) -> list[str]:
        """Names of the passes, in order."""
        return [program.name for program in self.programs]

    @property
    def notes(self) -> list[str]:
        """What the user should know before running."""
        return [note for program in self.programs for note in program.notes]

    def target(self, name: str, partition: Partition, output: str) -> Target:
        """Where templates put one partition of one pass."""
        return Target(self.config.name, name, partition.date, partition.universe, output)

    def places(self, name: str, partition: Partition) -> list[str]:
        """Where the pass's outputs put that partition."""
        return [one.output.place(self.target(name, partition, one.name)) for one in self.outputs[name]]


def make_plan(
    config: PipelineConfig, registry: Registry, folder: Path, dates: Asked = Asked(), source: Source | None = None
) -> Plan:
    """The plan; UserError or PluginError, in one sentence, for whatever could not run. Reads no rows."""
    source = source or open_source(config.source, registry, folder)
    registry.get("executors", config.executor)
    schemas = declared_tables(registry)
    days = chosen(config.dates, dates, source, schemas).days
    columns = SourceColumns(source, schemas, days[0])
    programs = _programs(config, registry, source, schemas, columns, days[0])
    _check_dates(programs, source, days)
    outputs = {p.name: _outputs(p, config, registry, folder) for p in config.passes}
    plan = Plan(config, folder, registry, source, schemas, columns, programs, [Partition(day) for day in days], outputs)
    _check_places(plan)
    _check_folders(plan)
    return plan


def _programs(
    config: PipelineConfig,
    registry: Registry,
    source: Source,
    schemas: Mapping[str, TableSchema],
    columns: Mapping[str, Columns],
    day: date,
) -> list[Program]:
    rolled_up = frozenset(entry.source for p in config.passes for entry in p.modules if entry.source)
    programs: list[Program] = []
    for one in config.passes:
        results = {program.name: program.result for program in programs}
        if one.name in results:
            raise UserError(f"pipeline {config.name!r} has two passes named {one.name!r}: rename one")
        known = Known(registry, schemas, columns, source.name, day, source.promises.shared_sequence, results, rolled_up)
        program = build_program(one, known)
        rehearse(program, results, day)
        programs.append(program)
    if not programs:
        raise UserError(f"pipeline {config.name!r} has no passes: add [[passes]] with a name, every and modules")
    return programs


def _check_dates(programs: Sequence[Program], source: Source, days: Sequence[date]) -> None:
    for table in dict.fromkeys(table for program in programs for table in program.reads):
        available = source.dates(table)
        missing = [str(day) for day in days if available and day not in available]
        if missing:
            raise UserError(
                f"source {source.name!r} has no {table} for {', '.join(missing)}; "
                f"it has {len(available)} dates from {available[0]} to {available[-1]}"
            )


def _outputs(pass_config: PassConfig, config: PipelineConfig, registry: Registry, folder: Path) -> list[PlannedOutput]:
    own = pass_config.outputs is not None
    entries: Sequence[OutputEntry] = config.outputs if pass_config.outputs is None else pass_config.outputs
    found = []
    for i, entry in enumerate(entries):
        made = registry.get("outputs", entry.type).load()
        place = f"passes.{pass_config.name}.outputs[{i}]" if own else f"outputs[{i}]"
        found.append(
            PlannedOutput(entry.name or entry.type, made(structure(made.Config, entry.options, place), folder))
        )
    return found


def _check_places(plan: Plan) -> None:
    """No two partitions of any pass go to one place, none into the source, and each folder can be written."""
    taken: dict[str, str] = {}
    folders: set[Path] = set()
    for program in plan.programs:
        for partition in plan.partitions:
            for i, one in enumerate(plan.outputs[program.name]):
                target = plan.target(program.name, partition, one.name)
                place = one.output.place(target)
                several = f" by output {i}" if len(plan.outputs[program.name]) > 1 else ""
                mine = f"passes.{program.name} on {partition.date}{several}"
                other = taken.setdefault(place, mine)
                if other != mine:
                    raise UserError(f"{other} and {mine} both go to {place}: put {{pass}} and {{date}} in the path")
                _check_outside_source(plan, mine, place)
                if Path(place).parent not in folders:
                    folders.add(Path(place).parent)
                    one.output.check(target)


def _check_outside_source(plan: Plan, mine: str, place: str) -> None:
    root = plan.source.root
    if root is not None and Path(place).is_relative_to(root.resolve()):
        raise UserError(
            f"{mine} would go to {place}, inside the folder {root} that source {plan.source.name!r} reads: give the "
            "output another root"
        )


def _check_folders(plan: Plan) -> None:
    """The ledger and the spool can be written."""
    for key, name in (("state", plan.config.state), ("work", plan.config.work)):
        folder = plan.folder / name
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            why = "cannot be written" if there.is_dir() else "is a file"
            raise UserError(f"{key} = {name!r} cannot be used: {there} {why}; name another folder")


def describe(plan: Plan) -> dict[str, Any]:
    """The plan as plain data: what `basalt pipeline plan` prints."""
    return {
        "pipeline": plan.config.name,
        "source": plan.source.name,
        "promises": attrs.asdict(plan.source.promises),
        "partitions": [{"date": str(p.date), "universe": p.universe} for p in plan.partitions],
        "passes": [_described(plan, program) for program in plan.programs],
        "notes": plan.notes,
    }


def _described(plan: Plan, program: Program) -> dict[str, Any]:
    return {
        "pass": program.name,
        "rule": program.rule.describe(),
        "keys": [*program.result.keys, "TimeBucket"],
        "reads": {table: list(columns) for table, columns in program.reads.items()},
        "sources": program.sources,
        "modules": [entry.module for entry in program.config.modules],
        "columns": len(program.result.visible),
        "aggregations": len(program.aggregations),
        "outputs": [plan.places(program.name, partition) for partition in plan.partitions],
    }
