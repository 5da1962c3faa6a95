"""Rehearsal: each module alone on frames without rows, compared with its declaration.

Catches what schema resolution misses (a non-Boolean filter, a wrong namespace), names the module, costs milliseconds.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import attrs
import polars as pl

from basalt.documents import PassResult, ResultColumn
from basalt.errors import BasaltError, PluginError
from basalt.modules import BucketModule, FrameModule, PassContext
from basalt.planning.aggregations import aggregations, check_row_wise
from basalt.planning.known import Columns
from basalt.planning.program import Program, frame_columns
from basalt.planning.uses import Use
from basalt.running.fuse import fused
from basalt.tables import US_UTC


def rehearse(program: Program, columns_of: Mapping[str, Columns], results: Mapping[str, PassResult], day: date) -> None:
    """PluginError for the first module of the pass whose result is not what it declares."""
    tables = {name: pl.LazyFrame(schema=dict(columns)) for name, columns in columns_of.items()}
    for use in {id(p.use): p.use for p in program.planned}.values():
        _rehearse_parts(use, program, tables, day)
    for use in program.frame_uses:
        _rehearse_frame(use, program, tables, results, day)


def _rehearse_parts(use: Use, program: Program, tables: Mapping[str, pl.LazyFrame], day: date) -> None:
    assert isinstance(use.module, BucketModule)
    mine = [one for one in program.planned if one.use is use]
    for part in {id(one.part): one.part for one in mine}.values():
        check_row_wise(part, use.title)
    for aggregation in aggregations(mine):
        spine = attrs.evolve(aggregation, makes_buckets=True)
        found = _attempt(use, lambda a=spine: fused([a], tables, program.rule, day).schema)
        names = {e.name for e in aggregation.emitted}
        _compare(use, [one.column for one in mine if one.column.name in names], found)


def _rehearse_frame(
    use: Use, program: Program, tables: Mapping[str, pl.LazyFrame], results: Mapping[str, PassResult], day: date
) -> None:
    assert isinstance(use.module, FrameModule)
    inputs = frame_inputs(use, tables, {n: empty_result(r) for n, r in results.items()})
    context = PassContext(program.name, day, program.result.keys, program.rule, program.shared_sequence)
    found = _attempt(use, lambda: use.module.compute(inputs, context).collect().schema)
    prefix = use.entry.prefix
    _compare(use, frame_columns(use), {prefix + name: dtype for name, dtype in found.items()})


def frame_inputs(
    use: Use, tables: Mapping[str, pl.LazyFrame], results: Mapping[str, pl.LazyFrame]
) -> dict[str, pl.LazyFrame]:
    """What a frame module's `compute` gets: its tables, and the earlier pass as "source"."""
    assert isinstance(use.module, FrameModule)
    return {n: results[str(use.entry.source)] if n == "source" else tables[n] for n in use.module.inputs}


def empty_result(result: PassResult) -> pl.LazyFrame:
    """A pass's result without rows."""
    keys = dict(zip(result.keys, result.key_dtypes, strict=True))
    return pl.LazyFrame(schema={**keys, "TimeBucket": US_UTC, **{c.name: c.dtype for c in result.columns}})


def _attempt(use: Use, work: Any) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = work()
    except BasaltError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise PluginError(f"{use.place}: {use.title} fails on a frame without rows: {said}") from error
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
