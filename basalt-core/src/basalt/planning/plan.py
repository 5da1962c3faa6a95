"""Plans: what a run will do, before it does anything."""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

import attrs

from basalt.checks.planned import Checks, planned_checks
from basalt.checks.schema_lock import check_lock
from basalt.config.model import PipelineConfig
from basalt.documents import PassResult
from basalt.errors import UserError
from basalt.modules import Lag
from basalt.outputs import Target
from basalt.planning.dates import Asked, RunDates, chosen, previous_dates
from basalt.planning.held import check_owners
from basalt.planning.inputs import SourceColumns, declared_tables, open_source
from basalt.planning.keys import definition
from basalt.planning.known import Columns, Known
from basalt.planning.output_rows import check_indexes, dedupes
from basalt.planning.partitions import Partition, check_dates, check_states, partitions
from basalt.planning.places import PlannedOutput, check_folders, check_places, open_outputs, read_from
from basalt.planning.program import Program, build_program
from basalt.planning.published import Published, key_columns
from basalt.planning.rehearsal import rehearse
from basalt.planning.scopes import check_coverage, check_cut, check_history, check_universes, refers
from basalt.planning.sides import Side, lags_of_sides, offered, sides_made, sides_of, with_sides
from basalt.planning.universe import Universe, check_listing_dtypes, open_universes
from basalt.plugins.registry import Registry
from basalt.running.executors import open_executor
from basalt.running.ledger import Ledger
from basalt.sources import Source
from basalt.tables import TableSchema


@attrs.frozen(eq=False)
class Plan:
    """Everything a run needs: programs in order, partitions, outputs by result, checks by pass, the open source.

    A *result* is a pass, or a side output of one under its name `pass.side`. `sides`: those that are made, by pass.
    `columns_of`: the source's tables as they are on the first date, by which everything is planned, and side outputs.
    `dates`: those to run, and the calendar that previous dates are of. `notes`: what the user should know first.
    """

    config: PipelineConfig
    folder: Path
    registry: Registry
    source: Source
    schemas: Mapping[str, TableSchema]
    columns_of: Mapping[str, Columns]
    dates: RunDates
    universes: Mapping[str, Universe]
    programs: Sequence[Program]
    partitions: Sequence[Partition]
    outputs: Mapping[str, Sequence[PlannedOutput]]
    sides: Mapping[str, Sequence[Side]]
    checks: Mapping[str, Checks]
    notes: Sequence[str]

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

    @cached_property
    def definitions(self) -> dict[str, str]:
        """By pass, what it computes, whatever the data."""
        found: dict[str, str] = {}
        for program in self.programs:
            found[program.name] = definition(program, found)
        return found

    @property
    def ledger(self) -> Ledger:
        """Where the pipeline's records stand."""
        return Ledger(self.folder / self.config.state)

    @property
    def knows_instruments(self) -> bool:
        """Whether reference tells which listings are one instrument."""
        return "InstrumentId" in self.columns_of.get("reference", {})

    def beside(self, program: Program) -> list[str]:
        """Tables of the source that decide of the pass's rows, beside those it reads."""
        return ["reference"] if refers(program, self.columns_of, self.schemas, bool(self.config.universes)) else []

    def previous(self, day: date, dates: int) -> list[date]:
        """The dates of the pipeline's calendar before that one, so many or fewer, oldest first."""
        return previous_dates(self.dates.calendar, day, dates)

    def target(self, name: str, partition: Partition, output: str, run: str | None = None) -> Target:
        """What templates put one partition of one pass by; `run`: the one that publishes it, or did."""
        return Target(self.config.name, name, partition.date, partition.universe, output, run)

    def result_of(self, program: Program, source: str) -> PassResult:
        """What is read as `source` by the program: an earlier pass, or published by another pipeline."""
        found = program.published.get(source)
        return self.program(source).result if found is None else found

    def results(self, name: str) -> list[PassResult]:
        """What the pass publishes: its rows, and the side outputs that are made."""
        return [self.program(name).result, *(side.result for side in self.sides[name])]

    @property
    def all_results(self) -> list[PassResult]:
        """What all passes publish."""
        return [result for name in self.names for result in self.results(name)]

    def readable(self, name: str) -> bool:
        """Whether every result of the pass can be read back from some output."""
        return all(read_from(self.outputs[result.name]) for result in self.results(name))

    def places(self, name: str, partition: Partition, run: str | None = None) -> list[str]:
        """Where the pass's outputs put that partition, side outputs behind its rows."""
        return [
            one.output.place(self.target(result.name, partition, one.name, run))
            for result in self.results(name)
            for one in self.outputs[result.name]
        ]


def make_plan(
    config: PipelineConfig,
    registry: Registry,
    folder: Path,
    dates: Asked = Asked(),
    universes: Sequence[str] = (),
    source: Source | None = None,
    in_memory: bool = False,
) -> Plan:
    """The plan; UserError or PluginError, in one sentence, for whatever could not run. `in_memory`: nothing will be
    published, and who computes it has the rows of previous dates.

    Reads no rows, but those of table `calendar` where an exchange's dates are asked, and files of universes.
    """
    open_executor(config, registry)
    plan = draft(config, registry, folder, dates, universes, source, in_memory)
    read = [table for program in plan.programs for table in (*program.reads, *plan.beside(program)) if ":" not in table]
    read += [table for program in plan.programs for table in program.published]
    read += [table for universe in plan.universes.values() for table in universe.reads]
    check_dates(read, plan.source, plan.dates.days)
    check_states(plan.programs, plan.columns_of, plan.source, plan.dates.days)
    check_places(plan)
    check_folders(config, folder)
    check_owners(plan)
    return plan


def draft(
    config: PipelineConfig,
    registry: Registry,
    folder: Path,
    dates: Asked = Asked(),
    universes: Sequence[str] = (),
    source: Source | None = None,
    in_memory: bool = False,
) -> Plan:
    """The plan, before it is looked at what each date has and whether results can be written: what another process
    makes of a plan that passed."""
    source = source or open_source(config.source, registry, folder)
    schemas = declared_tables(registry)
    run_dates = chosen(config.dates, dates, source, schemas)
    columns = SourceColumns(source, schemas, run_dates.days[0])
    known = Known(
        registry,
        schemas,
        columns,
        source.name,
        run_dates.days[0],
        source.promises.shared_sequence,
        published=Published(source, run_dates.days[0]),
        folder=folder,
        complete_book=source.promises.complete_book,
    )
    programs, sides = _programs(config, known)
    keyed = ChainMap(key_columns(programs), cast(Any, columns))
    chosen_universes = open_universes(config, source, keyed, folder, universes)
    check_listing_dtypes(chosen_universes.values(), keyed, [t for p in programs for t in (*p.reads, *p.published)])
    every_schema, every_column = with_sides(schemas, columns, sides)
    outputs = {one.name: open_outputs(one, config, registry, folder) for one in config.passes}
    made = sides_made(config, programs, sides)
    for name, several in made.items():
        outputs |= {side.result.name: side.outputs_of(outputs[name]) for side in several}
    results = {program.name: program.result for program in programs}
    checks = {p.name: planned_checks(p.config, p.result, _before(results, p.name)) for p in programs}
    for program in programs:
        check_cut(program)
        check_universes(program, every_column, every_schema, named=bool(config.universes))
        check_coverage(program, columns, named=bool(config.universes))
        if not in_memory:
            check_history(program, outputs)
    check_indexes([*results.values(), *(side.result for several in made.values() for side in several)], outputs)
    plan = Plan(
        config,
        folder,
        registry,
        source,
        every_schema,
        every_column,
        run_dates,
        chosen_universes,
        programs,
        partitions(run_dates.days, chosen_universes),
        outputs,
        made,
        checks,
        [*source.unread(), *run_dates.notes, *(note for program in programs for note in program.notes)],
    )
    return attrs.evolve(plan, notes=[*plan.notes, *check_lock(config, folder, plan.all_results)])


def _before(results: Mapping[str, PassResult], name: str) -> dict[str, PassResult]:
    """Results of the passes in front of that one."""
    return dict(takewhile(lambda item: item[0] != name, results.items()))


def _programs(config: PipelineConfig, known: Known) -> tuple[list[Program], dict[str, list[Side]]]:
    """The programs, and by pass the side outputs it could make, which those behind it may read."""
    rolled_up = frozenset(entry.source for p in config.passes for entry in p.modules if entry.source)
    programs: list[Program] = []
    sides: dict[str, list[Side]] = {}
    lags: dict[str, dict[str, Lag]] = {}
    for one in config.passes:
        results = {program.name: program.result for program in programs}
        if one.name in results:
            raise UserError(f"pipeline {config.name!r} has two passes named {one.name!r}: rename one")
        schemas, columns = with_sides(known.schemas, known.columns_of, sides)
        seen = attrs.evolve(known, schemas=schemas, columns_of=columns, results=results, rolled_up=rolled_up, lags=lags)
        program = attrs.evolve(build_program(one, seen), dedupes=dedupes(one, config))
        names = offered(program, schemas)
        rehearsed = rehearse(program, {**results, **program.published}, known.day, names)
        sides[one.name] = sides_of(program, schemas, rehearsed)
        lags |= lags_of_sides(program, sides[one.name])
        programs.append(program)
    if not programs:
        raise UserError(f"pipeline {config.name!r} has no passes: add [[passes]] with a name, every and modules")
    return programs, sides
