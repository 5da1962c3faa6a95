"""Computing one pass of one partition: tables and earlier results in, its sorted rows out."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

import polars as pl

from basalt.errors import BasaltError, PluginError
from basalt.metrics import Empty
from basalt.modules import FrameModule, PassContext
from basalt.planning.plan import Plan
from basalt.planning.program import Program
from basalt.planning.uses import Use, door, frame_inputs
from basalt.running.blame import blame
from basalt.running.fuse import fused
from basalt.running.tables import ordered

Frames = Mapping[str, pl.LazyFrame]


def computed(plan: Plan, program: Program, day: date, tables: Frames, earlier: Frames) -> pl.DataFrame:
    """The pass's rows of that date: keys, TimeBucket, visible columns, hidden ones; sorted and unique by key."""
    context = PassContext(program.name, day, program.result.keys, program.rule, program.shared_sequence)
    prepared = _preprocessed(plan, program, tables, context)
    try:
        rows = query(program, prepared, earlier, context).collect()
    except BasaltError:
        raise
    except Exception as error:
        raise blame(program, tables, prepared, earlier, context, error) from error
    _check_unique(rows, program)
    return rows


def _preprocessed(plan: Plan, program: Program, tables: Frames, context: PassContext) -> dict[str, pl.LazyFrame]:
    prepared = dict(tables)
    for step in program.steps:
        output = step.transform.output
        with door(f"{step.place} on {context.date}", step.component):
            made = step.transform.apply({name: prepared[name] for name in step.transform.inputs}, context)[output]
            prepared[output] = made if step.implied else ordered(made, plan, output)
    return prepared


def query(program: Program, tables: Frames, earlier: Frames, context: PassContext) -> pl.LazyFrame:
    """The pass as a query over what its aggregations gave; frame modules are lazy in it."""
    keys = [*program.result.keys, "TimeBucket"]
    frames = [_frame_result(use, tables, earlier, context) for use in program.frame_uses]
    if program.aggregations:
        rows, beside = fused(program.aggregations, tables, program.rule, context.date).lazy(), frames
    else:
        rows, beside = frames[0], frames[1:]
    for frame in beside:
        how: Literal["left", "full"] = "left" if program.aggregations else "full"
        rows = rows.join(frame, on=keys, how=how, coalesce=True)
    zeroed = [_zeroed(use) for use in program.frame_uses] if beside else []
    return rows.with_columns(*zeroed).select(*keys, *(c.name for c in program.result.columns)).sort(keys)


def _frame_result(use: Use, tables: Frames, earlier: Frames, context: PassContext) -> pl.LazyFrame:
    """The module's rows, its columns prefixed, and `_There…`, which tells its rows from those a join adds."""
    assert isinstance(use.module, FrameModule)
    found = use.module.compute(frame_inputs(use, tables, earlier), context)
    columns = [pl.col(c.name).alias(use.entry.prefix + c.name) for c in use.module.columns()]
    return found.select(*context.keys, "TimeBucket", *columns, pl.lit(True).alias(f"_There {use.place}"))


def _zeroed(use: Use) -> pl.Expr:
    """The module's ZERO columns, 0 in rows it did not return; a null it returned stays."""
    assert isinstance(use.module, FrameModule)
    zero = [use.entry.prefix + c.name for c in use.module.columns() if c.empty is Empty.ZERO]
    return pl.when(pl.col(f"_There {use.place}").is_not_null()).then(pl.col(zero)).otherwise(0)


def _check_unique(rows: pl.DataFrame, program: Program) -> None:
    keys = [*program.result.keys, "TimeBucket"]
    repeated = rows.lazy().select(keys).filter(pl.struct(keys) == pl.struct(keys).shift(1)).head(1).collect()
    if repeated.height:
        raise PluginError(
            f"passes.{program.name} has more than one row for {repeated.row(0, named=True)}: a module returned "
            "duplicate keys; rows of a pass are unique by key and TimeBucket"
        )
