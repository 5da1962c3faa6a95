"""Passes in memory: each pass of a plan on one date, handed the rows of those before it. Nothing is written."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from basalt.modules import Dates, FrameModule
from basalt.planning.plan import Plan
from basalt.planning.program import Program, context_of
from basalt.running.compute import computed
from basalt.running.tables import Tables

Results = Mapping[str, pl.DataFrame]
"""Rows by pass."""


def passes_in_memory(
    plan: Plan, day: date, before: Mapping[date, Results] = {}, programs: Sequence[Program] | None = None
) -> dict[str, pl.DataFrame]:
    """The rows of each pass on that date, hidden columns included. `before`: what the passes had on previous dates, for
    modules that look back. `programs`: those of the plan that are run, in order, as they are run; None: as planned."""
    tables, found = Tables(plan, day), dict[str, pl.DataFrame]()
    for program in plan.programs if programs is None else programs:
        earlier = {name: _with_history(name, program, {**before, day: found}) for name in program.sources}
        context, frames = context_of(program, day), tables.frames(program)
        previous = _previous(program, sorted(before))
        found[program.name] = computed(plan, program, context, frames, earlier, previous=previous).rows
    return found


def _with_history(name: str, program: Program, results: Mapping[date, Results]) -> pl.LazyFrame:
    """As it is published: the date in front of each row, and previous dates in front of the day's."""
    kept = sorted(results)[-1 - program.history.get(name, 0) :]
    return pl.concat([results[day][name].lazy().select(pl.lit(day).alias("Date"), pl.all()) for day in kept])


def _previous(program: Program, dates: Dates) -> dict[str, Dates]:
    """By place of a module that looks back, the dates it sees."""
    modules = {use.place: use.module for use in program.frame_uses}
    back = {place: module.history for place, module in modules.items() if isinstance(module, FrameModule)}
    return {place: dates[-n:] for place, n in back.items() if n}
