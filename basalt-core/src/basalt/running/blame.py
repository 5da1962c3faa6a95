"""Blame: which module of a failed pass is at fault, found by running them singly."""

from collections.abc import Callable, Mapping

import polars as pl

from basalt.errors import BasaltError, DataError, PluginError, one_line
from basalt.modules import FrameModule, PassContext
from basalt.planning.aggregations import aggregations
from basalt.planning.inputs import unread
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.uses import Use
from basalt.running.earlier import unreadable
from basalt.running.frames import Day
from basalt.running.fuse import grouped
from basalt.running.history import Previous, given

Frames = Mapping[str, pl.LazyFrame]


def blame(
    plan: Plan,
    program: Program,
    raw: Frames,
    tables: Frames,
    earlier: Frames,
    context: PassContext,
    previous: Previous,
    where: str,
    error: Exception,
) -> BasaltError:
    """The error to raise instead: a table that cannot be read, the first transform or module that fails, or the pass.

    `raw`: the tables before the pass's transforms. `where`: the pass, partition and batch, for the message.
    """
    for name in program.reads:
        if (failed := _failing(raw[name])) is not None:
            why = unread(failed, plan.source, plan.schemas[name], context.date)
            return DataError(f"{where}: table {name!r} cannot be read: {why}; mend the data and run it again")
    for step in program.steps:
        if (said := _unreadable(tables[step.transform.output])) is not None:
            return PluginError(f"{where}: {step.place}, transform {step.component.name}, failed: {said}")
    for name, rows in earlier.items():
        if (said := _unreadable(rows)) is not None:
            return unreadable(where, f"rows of passes.{name}", said)
    for use in {id(one.use): one.use for one in program.planned}.values():
        if (said := _fails_alone(use, program, raw, tables, context)) is not None:
            return PluginError(f"{where}: {use.place}, {use.title}, failed: {said}")
    for use in program.frame_uses:
        said = _fails(lambda use=use: _frame_rows(use, given(use, tables, earlier, context, previous)))  # type: ignore[misc]
        if said is not None:
            return PluginError(f"{where}: {use.place}, {use.title}, failed: {said}")
    return PluginError(f"{where}: its modules run singly but not together: {one_line(error)}")


def _fails_alone(use: Use, program: Program, raw: Frames, tables: Frames, context: PassContext) -> str | None:
    day = Day(tables, program.rule, context.date, with_cancelled=raw)
    mine = aggregations([one for one in program.planned if one.use is use])
    return _fails(lambda: pl.collect_all([grouped(a, day) for a in mine], engine="streaming"))


def _frame_rows(use: Use, inputs: tuple[Frames, PassContext]) -> list[pl.DataFrame]:
    assert isinstance(use.module, FrameModule)
    found = use.module.computed(*inputs)
    return pl.collect_all([found.rows, *(rows for name, rows in found.sides.items() if name in inputs[1].sides)])


def _unreadable(frame: pl.LazyFrame) -> str | None:
    failed = _failing(frame)
    return None if failed is None else one_line(failed)


def _failing(frame: pl.LazyFrame) -> BaseException | None:
    return _failed(lambda: frame.select(pl.all().count()).collect(engine="streaming"))


def _fails(work: Callable[[], object]) -> str | None:
    failed = _failed(work)
    return None if failed is None else one_line(failed)


def _failed(work: Callable[[], object]) -> BaseException | None:
    try:
        work()
    except (Exception, pl.exceptions.PanicException) as raised:  # noqa: BLE001 - whatever it raises is the answer
        return raised
    return None
