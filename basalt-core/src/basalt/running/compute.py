"""Computing one pass of one partition: tables and earlier results in, its sorted rows out."""

from collections.abc import Mapping

import attrs
import polars as pl

from basalt.buckets import WholeDate
from basalt.errors import BasaltError, PluginError
from basalt.metrics import Empty
from basalt.modules import FrameModule, PassContext
from basalt.planning.plan import Plan
from basalt.planning.program import Program, frame_columns
from basalt.planning.uses import Use, door, frame_inputs
from basalt.running.blame import blame
from basalt.running.fill import Contribution, placed
from basalt.running.frames import Day, Frame, frame_stretches
from basalt.running.fuse import Emitted, grouped
from basalt.running.rows import open_stretches, rows_of, touched
from basalt.running.stretches import closed_at
from basalt.running.tables import ordered

Frames = Mapping[str, pl.LazyFrame]


@attrs.frozen(eq=False)
class Computed:
    """What a pass has for one date, or one batch of its listings.

    `rows`: keys, TimeBucket, visible columns, hidden ones; sorted and unique by key. `sides`: side outputs by name.
    `dropped`: rows of modules that the timeline lacks.
    """

    rows: pl.DataFrame
    sides: Mapping[str, pl.DataFrame]
    dropped: int


def computed(plan: Plan, program: Program, context: PassContext, tables: Frames, earlier: Frames) -> Computed:
    """The pass's rows of the context's date; DataError or PluginError that names what failed."""
    prepared = tables
    try:
        given = _day(program, tables, context)
        day = attrs.evolve(given, tables=_preprocessed(plan, program, given.tables, context))
        prepared = day.tables
        return _computed(program, day, earlier, context)
    except BasaltError:
        raise
    except Exception as error:
        raise blame(program, tables, prepared, earlier, context, error) from error


def _day(program: Program, tables: Frames, context: PassContext) -> Day:
    """The date's tables and sessions; what the state table leaves open is closed at the session's end."""
    hours = program.timeline.hours
    sessions = None if hours is None else hours.sessions(context.date, tables)
    if sessions and "marketstate" in tables:
        tables = {**tables, "marketstate": closed_at(tables["marketstate"], sessions[-1][1])}
    return Day(tables, program.rule, context.date, sessions)


def _preprocessed(plan: Plan, program: Program, tables: Frames, context: PassContext) -> dict[str, pl.LazyFrame]:
    prepared = dict(tables)
    for step in program.steps:
        output = step.transform.output
        with door(f"{step.place} on {context.date}", step.component):
            made = step.transform.apply({name: prepared[name] for name in step.transform.inputs}, context)[output]
            prepared[output] = made if step.implied else ordered(made, plan, output)
    return prepared


def _computed(program: Program, day: Day, earlier: Frames, context: PassContext) -> Computed:
    """One streaming query reads the tables for all aggregations; putting its small results together is quicker in
    memory."""
    keys = program.result.keys
    groups = [grouped(a, day) for a in program.aggregations]
    touches, runs = touched(program, day, earlier), open_stretches(program, day, earlier)
    carried = _carried(program, day, complete=not touches and len(groups) == 1)
    queries = [*groups, *touches, *runs, *carried.values()]
    collected = iter(pl.collect_all(queries, engine="streaming"))
    found, seen, opened = ([next(collected) for _ in some] for some in (groups, touches, runs))
    stretches = {frame: next(collected) for frame in carried}
    contributions = [
        Contribution(rows, a.emitted, a.whole, stretches.get(a.frame))
        for a, rows in zip(program.aggregations, found, strict=True)
    ]
    contributions += _of_frame_modules(program, day, earlier, context, stretches)
    spine = rows_of(program, day, contributions, seen, opened)
    put = [placed(spine, one, keys, day.rule) for one in contributions]
    rows = pl.concat([spine, *(columns for columns, _ in put)], how="horizontal")
    order = [*keys, "TimeBucket", *(c.name for c in program.result.columns)]
    return Computed(rows.select(order), {}, sum(dropped for _, dropped in put))


def _carried(program: Program, day: Day, complete: bool) -> dict[Frame, pl.LazyFrame]:
    """Stretches of the frames whose values may be carried into rows they do not have, where the state is known.

    `complete`: the pass's one aggregation makes every row of a sparse timeline.
    """
    if program.timeline.kind == "daily":
        return {}
    complete = complete and program.timeline.kind == "sparse"
    frames = {a.frame for a in program.aggregations if a.carrying and not complete}
    frames |= {use.frame for use in program.frame_uses if use.frame and any(_carry(c) for c in _emitted(use, program))}
    found = {frame: frame_stretches(frame, day) for frame in frames}
    return {frame: stretches for frame, stretches in found.items() if stretches is not None}


def _carry(column: Emitted) -> bool:
    return column.empty is Empty.CARRY


def _emitted(use: Use, program: Program) -> list[Emitted]:
    """A frame module's columns, those that the pass keeps."""
    kept = {c.name for c in program.result.columns}
    return [Emitted(c.name, pl.col(c.name), c.empty, c.carries) for c in frame_columns(use) if c.name in kept]


def _of_frame_modules(
    program: Program, day: Day, earlier: Frames, context: PassContext, stretches: Mapping[Frame, pl.DataFrame]
) -> list[Contribution]:
    queries = [_frame_result(use, program, day, earlier, context) for use in program.frame_uses]
    whole = program.timeline.kind == "returned"
    found = []
    for use, rows in zip(program.frame_uses, pl.collect_all(queries), strict=True):
        _check_unique(rows, use, program)
        one = stretches.get(use.frame) if use.frame else None
        found.append(Contribution(rows, _emitted(use, program), whole, one))
    return found


def _frame_result(use: Use, program: Program, day: Day, earlier: Frames, context: PassContext) -> pl.LazyFrame:
    """The module's rows, its columns prefixed."""
    assert isinstance(use.module, FrameModule)
    prefix = use.entry.prefix
    found = use.module.compute(frame_inputs(use, day.tables, earlier), context)
    columns = [pl.col(e.name.removeprefix(prefix)).alias(e.name) for e in _emitted(use, program)]
    return found.select(*program.result.keys, "TimeBucket", *columns)


def _check_unique(rows: pl.DataFrame, use: Use, program: Program) -> None:
    keys = list(program.result.keys) if isinstance(program.rule, WholeDate) else [*program.result.keys, "TimeBucket"]
    repeated = rows.select(keys).filter(rows.select(keys).is_duplicated())
    if repeated.height:
        raise PluginError(
            f"passes.{program.name} has more than one row for {repeated.row(0, named=True)}: {use.place}, {use.title}, "
            "returned them, and rows of a pass are unique by key and TimeBucket"
        )
