"""Rehearsal: each module alone on frames without rows, compared with its declaration.

Catches what schema resolution misses (a non-Boolean filter, a wrong namespace), names the module, costs milliseconds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeVar

import polars as pl

from basalt.documents import PassResult, ResultColumn
from basalt.errors import BasaltError, PluginError, one_line
from basalt.modules import BucketModule, FrameModule, PassContext
from basalt.planning.aggregations import aggregations, check_row_wise
from basalt.planning.emitted import frame_columns as added_columns
from basalt.planning.known import Columns
from basalt.planning.preprocess import Step
from basalt.planning.program import Program, context_of, frame_columns
from basalt.planning.uses import Use, door, empty_inputs
from basalt.running.frames import Day
from basalt.running.fuse import Aggregation, grouped
from basalt.tables import US_UTC, TableSchema

Found = TypeVar("Found")


def rehearse(
    program: Program, results: Mapping[str, PassResult], day: date, sides: Iterable[str] = ()
) -> dict[str, Columns]:
    """PluginError for the first step or module of the pass whose result is not what it declares.

    `sides`: side outputs that it could make. Returns the dtypes of each that a step or module gave.
    """
    made = {step.transform.output for step in program.steps}
    names = {*program.reads, *made, *(one.part.reads.table for one in program.planned)}
    tables = {name: pl.LazyFrame(schema=dict(program.columns_of[name])) for name in names}
    context = context_of(program, day, sides=sides)
    found: dict[str, Columns] = {}
    for step in program.steps:
        found |= _rehearse_step(step, context)
    for use in {id(p.use): p.use for p in program.planned}.values():
        _rehearse_parts(use, program, Day(tables, program.rule, day, []))
    for use in program.frame_uses:
        found |= _rehearse_frame(use, empty_inputs(use, program.columns_of, results), program, context)
    return found


def _rehearse_step(step: Step, context: PassContext) -> dict[str, Columns]:
    with door(step.place, step.component):
        inputs = {name: pl.LazyFrame(schema=dict(columns)) for name, columns in step.read.items()}
        made = step.transform.apply(inputs, context)
        found = made[step.transform.output].collect().schema
        sides = _sides(step.transform.sides, made, f"{step.place}: transform {step.component.name}")
    declared = step.made
    if dict(found) != dict(declared):
        wrong = sorted(name for name in {*found, *declared} if found.get(name) != declared.get(name))
        raise PluginError(
            f"{step.place}: transform {step.component.name} declares other columns than it returns: {', '.join(wrong)}"
        )
    return {**sides, step.transform.output: dict(found)}


def _sides(declared: Sequence[TableSchema], made: Mapping[str, pl.LazyFrame], whose: str) -> dict[str, Columns]:
    """Dtypes of side outputs, each given, with the columns it declares and no others."""
    found: dict[str, Columns] = {}
    for schema in declared:
        if schema.name not in made:
            raise PluginError(f"{whose} declares the side output {schema.name} and does not return it")
        columns = dict(made[schema.name].collect().schema)
        wrong = [n for n, dtype in columns.items() if (c := schema.column(n)) is None or not c.accepts(dtype)]
        missing = [name for name in dict.fromkeys([schema.key, *schema.required]) if name not in columns]
        if wrong or missing:
            raise PluginError(
                f"{whose} declares other columns of the side output {schema.name} than it returns: "
                + ", ".join([*wrong, *missing])
            )
        found[schema.name] = columns
    return found


def _rehearse_parts(use: Use, program: Program, day: Day) -> None:
    assert isinstance(use.module, BucketModule)
    mine = [one for one in program.planned if one.use is use]
    for part in {id(one.part): one.part for one in mine}.values():
        taken = (*added_columns(part.reads), "EventTimestamp", *program.result.keys)
        check_row_wise(part, f"{use.place}: {use.title}", taken)
    for aggregation in aggregations(mine):
        found = _attempt(use, partial(_schema, aggregation, day))
        names = {e.name for e in aggregation.emitted}
        _compare(use, [one.column for one in mine if one.column.name in names], found)


def _schema(aggregation: Aggregation, day: Day) -> Columns:
    return grouped(aggregation, day).collect().schema


def _rehearse_frame(
    use: Use, inputs: Mapping[str, pl.LazyFrame], program: Program, context: PassContext
) -> dict[str, Columns]:
    assert isinstance(use.module, FrameModule)
    module = use.module
    found, sides = _attempt(use, partial(_frame_schemas, use, module, inputs, context))
    columns = frame_columns(use)
    if not columns:
        raise PluginError(f"{use.place}: {use.title} emits no column with these options")
    names = [use.entry.prefix + name if name not in (*context.keys, "TimeBucket") else name for name in found]
    _compare(use, columns, dict(zip(names, found.values(), strict=True)))
    keys = {**dict(zip(context.keys, program.result.key_dtypes, strict=True)), "TimeBucket": US_UTC}
    if any(found.get(name) != dtype for name, dtype in keys.items()):
        said = ", ".join(f"{name} as {dtype}" for name, dtype in keys.items())
        raise PluginError(f"{use.place}: {use.title} must return {said}, with its columns")
    extra = sorted(set(names) - {*context.keys, "TimeBucket", *(column.name for column in columns)})
    if extra:
        raise PluginError(f"{use.place}: {use.title} returns {', '.join(extra)}, which it does not declare")
    return sides


def _frame_schemas(
    use: Use, module: FrameModule, inputs: Mapping[str, pl.LazyFrame], context: PassContext
) -> tuple[Columns, dict[str, Columns]]:
    made = module.computed(inputs, context)
    return made.rows.collect().schema, _sides(module.sides, made.sides, f"{use.place}: {use.title}")


def _attempt(use: Use, work: Callable[[], Found]) -> Found:
    try:
        found = work()
    except BasaltError:
        raise
    except Exception as error:
        raise PluginError(f"{use.place}: {use.title} fails on a frame without rows: {one_line(error)}") from error
    return found


def _compare(use: Use, declared: list[ResultColumn], found: Mapping[str, Any]) -> None:
    for column in declared:
        if column.name not in found:
            raise PluginError(f"{use.place}: {use.title} declares {column.name} and does not return it")
        if found[column.name] != column.dtype:
            raise PluginError(
                f"{use.place}: {use.title} declares {column.name} as {column.dtype} and computes {found[column.name]}: "
                + _cure(found[column.name])
            )


def _cure(found: Any) -> str:
    if isinstance(found, pl.List):
        return "a metric is one value a bucket, so aggregate it, as in .mean()"
    return f"declare dtype=pl.{found}, or cast the expression"
