"""Worked examples: a column computed on the example day, beside the rows it is made from.

What is shown is computed when it is asked for, by the very code that a pipeline runs: bars of ten seconds of the module
entry alone, and, where it reads an earlier pass, of twenty seconds over that pass's.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import polars as pl

from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.documents import ResultColumn
from basalt.errors import BasaltError
from basalt.example_day import DATE, example_tables
from basalt.planning.plan import Plan, make_plan
from basalt.planning.program import context_of
from basalt.plugins.registry import Registry
from basalt.running.compute import prepared
from basalt.running.in_memory import passes_in_memory
from basalt.running.memory import MemorySource
from basalt.running.tables import Tables
from basalt.tables import NS_UTC, US_UTC

EVERY, OVER_A_PASS = "10s", "20s"
AS_WRITTEN = ("name", "label", "closed", "keys", "market_states", "preprocess", "modules")
"""Keys of a pass that an example keeps; the others say when a market is open, or where results go."""


@attrs.frozen
class Worked:
    """`tables`: rows of each table, of the columns that are read. `result`: the column by bucket."""

    every: str
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    result: Sequence[Mapping[str, Any]]


class Examples:
    """Examples of the columns of passes: `passes` are those of a pipeline, in order, or one made for a module."""

    def __init__(self, passes: Sequence[PassConfig], registry: Registry) -> None:
        self._passes = {one.name: one for one in passes}
        self._registry = registry
        self._worked: dict[int, _Pass] = {}

    @cached_property
    def _day(self) -> dict[str, pl.DataFrame]:
        """The example day, with the tables of plugins that have one there."""
        schemas = {component.name: component.load() for component in self._registry.components("tables")}
        return example_tables() | {name: one.example() for name, one in schemas.items() if one.example is not None}

    def of(self, name: str, entry: ModuleEntry, column: ResultColumn) -> Worked | str:
        """The worked column of that pass and module entry, or why there is none."""
        missing = sorted({table for table, _ in _read(column)} - {*self._day, *self._passes})
        if missing:
            return f"the example day has no table {', '.join(missing)}"
        try:
            if id(entry) not in self._worked:
                self._worked[id(entry)] = self._rows(self._passes[name], entry)
        except BasaltError as error:
            return f"the example day cannot be computed: {error}"
        worked = self._worked[id(entry)]
        if column.name not in worked.rows.columns:
            return f"the example day has no {column.name}"
        result = _told(worked.rows.select(*_labels(worked.rows), column.name))
        return Worked(worked.every, _inputs(column, worked), result)

    def _rows(self, config: PassConfig, entry: ModuleEntry) -> "_Pass":
        """The rows of the module alone."""
        behind = [self._passes[entry.source]] if entry.source in self._passes else []
        every = OVER_A_PASS if behind and config.every is not None else EVERY
        chain = [_shortened(one, one.modules, EVERY) for one in behind]
        last = _shortened(config, [entry], None if behind and config.every is None else every)
        try:
            plan = self._plan([*chain, attrs.evolve(last, timeline=None if behind else "dense")])
        except BasaltError:
            plan = self._plan([*chain, last])
        return _computed(plan, every)

    def _plan(self, passes: Sequence[PassConfig]) -> Plan:
        config = PipelineConfig(name="example", source=SourceEntry(type="memory"), passes=list(passes))
        return make_plan(config, self._registry, Path(), source=MemorySource(self._day, DATE))


@attrs.frozen(eq=False)
class _Pass:
    """What an example computed: the rows of its last pass, of that width, and the tables that pass saw. `uncut`: those
    whose cancelled rows it read too."""

    rows: pl.DataFrame
    every: str
    tables: Mapping[str, pl.DataFrame]
    uncut: Mapping[str, pl.DataFrame]


def _inputs(column: ResultColumn, made: _Pass) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables of events, and of the earlier pass, that it reads, cancelled ones where it asks for them."""
    found: dict[str, list[str]] = {}
    for table, name in _read(column):
        found.setdefault(table, []).append(name)
    tables = {**made.tables, **{t: f for t, f in made.uncut.items() if "IsCancelled" in found.get(t, ())}}
    return {
        table: _told(tables[table].select(_shown(tables[table], names)))
        for table, names in found.items()
        if table in tables and set(tables[table].columns) & {"EventTimestamp", "TimeBucket"}
    }


def _shortened(config: PassConfig, modules: Sequence[ModuleEntry], every: str | None) -> PassConfig:
    kept = {name: getattr(config, name) for name in AS_WRITTEN}
    daily = config.timeline == "daily"
    return PassConfig(
        **{**kept, "modules": list(modules), "every": None if daily else every, "timeline": "daily" if daily else None}
    )


def _computed(plan: Plan, every: str) -> _Pass:
    rows, program = passes_in_memory(plan, DATE), plan.programs[-1]
    read = Tables(plan, DATE).frames(program)
    seen = prepared(plan, program, read, context_of(program, DATE))
    uncut = {name: read[name].collect() for name in program.with_cancelled}
    return _Pass(rows[program.name], every, {**{name: frame.collect() for name, frame in seen.items()}, **rows}, uncut)


def _read(column: ResultColumn) -> list[tuple[str, str]]:
    """The tables and columns of them that it reads."""
    return [(table, name) for table, _, name in (read.partition(".") for read in column.reads)]


def _shown(frame: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """The columns read, behind the stamp, and what says that a row is none."""
    cancelled = [name for name in ("IsCancelled",) if name in frame.columns]
    return [n for n in dict.fromkeys(["EventTimestamp", "TimeBucket", *names, *cancelled]) if n in frame.columns]


def _told(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows, stamps as times of the day."""
    return frame.with_columns(pl.col(NS_UTC, US_UTC).dt.strftime("%H:%M:%S%.f")).to_dicts()


def _labels(rows: pl.DataFrame) -> list[str]:
    """Keys of the rows beside the one listing, and their bucket."""
    place = rows.columns.index("TimeBucket")
    return [name for name in rows.columns[: place + 1] if name not in ("ListingId", "InstrumentId")]
