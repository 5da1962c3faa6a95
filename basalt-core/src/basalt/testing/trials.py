"""Trials: an analytic planned for one sample day, in memory, and run on that day's rows or on a changed copy of them.

A *setting* is what is tried and how: the analytic, its pass, and the first pass in front of it where it reads one.
Nothing is written: the rows of the first pass are handed on as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import polars as pl
from polars import selectors as cs

from basalt.buckets import BucketRule
from basalt.columns import DType
from basalt.config.model import ModuleEntry, PassConfig, PipelineConfig, SourceEntry
from basalt.config.structure import structure
from basalt.documents import PassResult, ResultColumn
from basalt.errors import UserError
from basalt.given import Module, entry_of, registry_with
from basalt.modules import FrameModule
from basalt.planning.plan import Plan, make_plan
from basalt.planning.program import Program
from basalt.planning.uses import Use
from basalt.running.in_memory import Results, passes_in_memory
from basalt.running.memory import MemorySource
from basalt.tables import US_UTC
from basalt.testing.days import DATE, DAYS
from basalt.timelines import Timeline

Frames = Mapping[str, pl.DataFrame]
FIRST, TRIED = "first", "tried"


@attrs.frozen(eq=False)
class Trial:
    """An analytic and one sample day. `frames`: the tables of the day that its passes read, market states included."""

    setting: "Setting"
    day: str
    plan: Plan
    frames: Frames

    @property
    def program(self) -> Program:
        """The program of the analytic's pass."""
        return self.plan.programs[-1]

    @property
    def result(self) -> PassResult:
        """What that pass declares."""
        return self.program.result

    @property
    def rule(self) -> BucketRule:
        """Its buckets."""
        return self.program.rule

    @property
    def keys(self) -> list[str]:
        """What makes its rows unique."""
        return [*self.result.keys, "TimeBucket"]

    @property
    def declared(self) -> dict[str, DType]:
        """Dtypes of its rows, hidden columns included."""
        keys = dict(zip(self.result.keys, self.result.key_dtypes, strict=True))
        return {**keys, "TimeBucket": US_UTC, **{c.name: c.dtype for c in self.result.columns}}

    @property
    def columns(self) -> list[ResultColumn]:
        """The columns that laws speak of: hidden weights are checked by none."""
        return self.result.visible

    @property
    def uses(self) -> list[Use]:
        """The configured modules of all its passes, in order."""
        return [use for program in self.plan.programs for use in self.uses_of(program)]

    def uses_of(self, program: Program) -> list[Use]:
        """The configured modules of one of them."""
        found = (*(one.use for one in program.planned), *program.frame_uses)
        return list({id(use): use for use in found}.values())

    @cached_property
    def whole(self) -> pl.DataFrame:
        """Its rows on the day as it is."""
        return self.run(self.frames)

    def run(self, frames: Frames, before: Frames | None = None) -> pl.DataFrame:
        """Its rows on these tables, hidden columns included, by the plan made for the day. `before`: the tables that
        previous dates are made of, where it looks back; None: the same."""
        results = self._results(frames if before is None else before)
        return self._passes(frames, DATE, self.programs, results)[self.program.name]

    @property
    def looks_back(self) -> int:
        """How many previous dates it sees: two, where more are not needed, of those it asks for."""
        uses = [use.module for use in self.uses if isinstance(use.module, FrameModule)]
        return max((min(one.history, max(2, one.least_history)) for one in uses), default=0)

    @property
    def programs(self) -> list[Program]:
        """Its passes, as they are run."""
        return [_as_returned(program) for program in self.plan.programs]

    def _results(self, frames: Frames) -> dict[date, Results]:
        """What the first pass had on previous dates."""
        days = [timedelta(days=back) for back in range(1, self.looks_back + 1)]
        return {DATE - by: self._passes(_earlier(frames, by), DATE - by, self.programs[:-1], {}) for by in days}

    def _passes(
        self, frames: Frames, day: date, programs: Sequence[Program], before: Mapping[date, Results]
    ) -> Results:
        plan = attrs.evolve(self.plan, source=MemorySource(frames, day))
        return passes_in_memory(plan, day, before, programs)


def _earlier(frames: Frames, by: timedelta) -> Frames:
    """The day once more on an earlier date; on every other one, what happened after noon did not."""
    whole = by.days % 2 == 1
    found = {}
    for name, frame in frames.items():
        morning = pl.col("EventTimestamp").dt.hour() < 12 if "EventTimestamp" in frame.columns else pl.lit(True)
        found[name] = frame.filter(pl.lit(whole) | morning).with_columns(cs.datetime() - by)
    return found


def _as_returned(program: Program) -> Program:
    """A frame module by itself shows every row it returns, those too that a timeline would drop."""
    if program.aggregations or program.config.timeline is not None:
        return program
    return attrs.evolve(program, timeline=Timeline("returned"), touching=[])


@attrs.frozen(eq=False)
class Setting:
    """What is tried. `options`: keys of its pass, as `closed`. `source`: modules of the first pass it reads, if any."""

    analytic: Module
    every: str = "1m"
    options: Mapping[str, Any] = attrs.field(factory=dict)
    source: Sequence[Module] = ()
    source_every: str = "1m"
    days: Mapping[str, Callable[[], Frames]] = DAYS

    def trials(self) -> list[Trial]:
        """One for each sample day."""
        return [self.trial(name) for name in self.days]

    def trial(self, day: str, entries: Sequence[ModuleEntry] | None = None) -> Trial:
        """The trial of that day. `entries`: other options, in the order of `self.entries`."""
        *first, tried = self.entries if entries is None else entries
        passes = [self._pass(FIRST, self.source_every, {}, first)] if first else []
        if first:
            tried = attrs.evolve(tried, source=FIRST)
        passes.append(self._pass(TRIED, self.every, self.options, [tried]))
        config = PipelineConfig(name="laws", source=SourceEntry(type="memory"), passes=passes)
        frames = self.days[day]()
        plan = make_plan(
            config,
            registry_with([*self.source, self.analytic]),
            Path(),
            source=MemorySource(frames, DATE),
            in_memory=True,
        )
        read = {table for program in plan.programs for table in program.reads}
        return Trial(self, day, plan, {name: frame for name, frame in frames.items() if name in read})

    @property
    def entries(self) -> list[ModuleEntry]:
        """The modules as a pipeline names them: those of the first pass, then the analytic."""
        found = [entry_of(one) for one in (*self.source, self.analytic)]
        if found[-1].source is not None:
            raise UserError(
                f"module {found[-1].module} names the pass source = {found[-1].source!r}: leave that out, and set "
                "`source` of the class to the modules of the pass it reads"
            )
        return found

    def _pass(self, name: str, every: str, options: Mapping[str, Any], entries: Sequence[ModuleEntry]) -> PassConfig:
        raw = {"name": name, "every": every, **options}
        return attrs.evolve(structure(PassConfig, raw, f"passes.{name}"), modules=list(entries))
