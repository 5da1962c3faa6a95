"""Computing one pass of one partition: tables and earlier results in, its sorted rows out."""

from collections.abc import Mapping, Sequence

import attrs
import polars as pl

from basalt.buckets import WholeDate
from basalt.errors import BasaltError, PluginError
from basalt.metrics import Empty
from basalt.modules import Dates, FrameModule, PassContext, WithSides
from basalt.planning.inputs import STANDS
from basalt.planning.plan import Plan
from basalt.planning.program import Program, frame_columns
from basalt.planning.uses import Use, door
from basalt.running.blame import blame
from basalt.running.fill import Contribution, placed
from basalt.running.frames import Day, Frame, frame_stretches
from basalt.running.fuse import Emitted, grouped
from basalt.running.history import Previous, given
from basalt.running.rows import open_stretches, rows_of, touched, with_time
from basalt.running.stretches import closed_at
from basalt.running.tables import ordered
from basalt.tables import TableSchema

Frames = Mapping[str, pl.LazyFrame]


@attrs.frozen(eq=False)
class Computed:
    """What a pass has for one date, or one batch of its listings.

    `rows`: keys, TimeBucket, visible columns, hidden ones; sorted and unique by key. `sides`: side outputs by name.
    `dropped`: rows of frame modules that the timeline lacks. `repeated`: rows of them that a later one of the same keys
    took the place of.
    """

    rows: pl.DataFrame
    sides: Mapping[str, pl.DataFrame]
    dropped: int
    repeated: int


def computed(
    plan: Plan,
    program: Program,
    context: PassContext,
    tables: Frames,
    earlier: Frames,
    where: str = "",
    previous: Mapping[str, Dates] = {},
) -> Computed:
    """The pass's rows of the context's date; DataError or PluginError that names what failed.

    `where`: the pass, partition and batch, as messages name them. `previous`: what each module sees of `earlier`
    beside the day's rows.
    """
    prepared = dict(tables)
    try:
        day = _day(program, tables, context)
        context = attrs.evolve(context, sessions=day.sessions)
        prepared |= day.tables
        sides = _preprocess(plan, program, prepared, context)
        return _computed(program, attrs.evolve(day, tables=prepared), earlier, context, sides, previous)
    except BasaltError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        place = where or f"passes.{program.name} on {context.date}"
        raise blame(plan, program, tables, prepared, earlier, context, previous, place, error) from error


def prepared(plan: Plan, program: Program, tables: Frames, context: PassContext) -> dict[str, pl.LazyFrame]:
    """The pass's tables behind its transforms, as its modules see them."""
    day = _day(program, tables, context)
    found = dict(day.tables)
    _preprocess(plan, program, found, attrs.evolve(context, sessions=day.sessions))
    return found


def _day(program: Program, tables: Frames, context: PassContext) -> Day:
    """The date's tables and sessions; what the state table leaves open is closed at the session's end."""
    hours = program.timeline.hours
    sessions = None if hours is None else hours.sessions(context.date, tables)
    if sessions and "marketstate" in tables:
        tables = {**tables, "marketstate": closed_at(tables["marketstate"], sessions[-1][1])}
    found = {name: tables[name] for name in program.with_cancelled}
    standing = {name: frame.filter(STANDS) if name in found else frame for name, frame in tables.items()}
    return Day(standing, program.rule, context.date, sessions, with_cancelled=found)


def _preprocess(
    plan: Plan, program: Program, tables: dict[str, pl.LazyFrame], context: PassContext
) -> dict[str, pl.LazyFrame]:
    """Put what the steps make into `tables`; the side outputs of steps.

    A table that a step of the pipeline's makes is held: every aggregation, the check of its order and the steps behind
    it read it, and Polars would make it for each.
    """
    sides = dict[str, pl.LazyFrame]()
    for step in program.steps:
        output = step.transform.output
        with door(f"{step.place} on {context.date}", step.component):
            made = step.transform.apply({name: tables[name] for name in step.inputs}, context)
            tables[output] = made[output]
            sides |= _asked(made, step.transform.sides, context, f"transform {step.component.name}")
        if not step.implied:
            tables[output] = ordered(made[output].collect(engine="streaming").lazy(), plan, output)
            sides |= _asked(tables, [plan.schemas[output]], context, "")
    return sides


def _asked(made: Frames, sides: Sequence[TableSchema], context: PassContext, who: str) -> dict[str, pl.LazyFrame]:
    """Those of the side outputs that somebody asks for; PluginError, beginning with `who`, for one that is not made."""
    asked = [side.name for side in sides if side.name in context.sides]
    for name in asked:
        if name not in made:
            raise PluginError(f"{who} does not return the side output {name} on {context.date}, which is asked for")
    return {name: made[name] for name in asked}


def _computed(
    program: Program,
    day: Day,
    earlier: Frames,
    context: PassContext,
    sides: dict[str, pl.LazyFrame],
    previous: Previous,
) -> Computed:
    """One streaming query reads the tables for all aggregations; putting its small results together is quicker in
    memory."""
    keys, day = program.result.keys, with_time(program, day)
    context = attrs.evolve(context, touched=day.touched)
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
    results = {
        use.place: _frame_result(use, program, given(use, day.tables, earlier, context, previous))
        for use in program.frame_uses
    }
    of_modules, side_rows, repeated = _of_frame_modules(program, results, context, stretches, sides)
    contributions += of_modules
    spine = rows_of(program, day, contributions, seen, opened)
    put = [placed(spine, one, keys, day.rule) for one in contributions]
    rows = pl.concat([spine, *(columns for columns, _ in put)], how="horizontal")
    order = [*keys, "TimeBucket", *(c.name for c in program.result.columns)]
    return Computed(rows.select(order), side_rows, sum(dropped for _, dropped in put[len(groups) :]), repeated)


def _carried(program: Program, day: Day, complete: bool) -> dict[Frame, pl.LazyFrame]:
    """Stretches of the frames whose values may be carried into rows they do not have, where the state is known.

    `complete`: the pass's one aggregation makes every row of a sparse timeline.
    """
    alone = program.timeline.kind == "returned" and len(program.frame_uses) == 1
    if alone or program.timeline.kind == "daily":
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
    return [
        Emitted(c.name, pl.col(c.name), c.empty, c.carries, idle=c.idle) for c in frame_columns(use) if c.name in kept
    ]


def _of_frame_modules(
    program: Program,
    results: Mapping[str, WithSides],
    context: PassContext,
    stretches: Mapping[Frame, pl.DataFrame],
    sides: dict[str, pl.LazyFrame],
) -> tuple[list[Contribution], dict[str, pl.DataFrame], int]:
    """What each frame module has, every side output that is asked for, and how many repeated rows were left out.
    `results`: by place; `sides`: those that steps make."""
    for use in program.frame_uses:
        assert isinstance(use.module, FrameModule)
        sides |= _asked(results[use.place].sides, use.module.sides, context, f"{use.place}: {use.title}")
    collected = iter(pl.collect_all([*(result.rows for result in results.values()), *sides.values()]))
    whole = program.timeline.kind == "returned"
    found, repeated = [], 0
    for use in program.frame_uses:
        rows = next(collected)
        if program.dedupes:
            kept = rows.unique(_unique_by(program), keep="last", maintain_order=True)
            rows, repeated = kept, repeated + rows.height - kept.height
        _check_unique(rows, use, program)
        one = stretches.get(use.frame) if use.frame else None
        found.append(Contribution(rows, _emitted(use, program), whole, one))
    return found, {name: next(collected) for name in sides}, repeated


def _frame_result(use: Use, program: Program, inputs: tuple[Frames, PassContext]) -> WithSides:
    """The module's rows, its columns prefixed, and its side outputs."""
    assert isinstance(use.module, FrameModule)
    prefix = use.entry.prefix
    found = use.module.computed(*inputs)
    columns = [pl.col(e.name.removeprefix(prefix)).alias(e.name) for e in _emitted(use, program)]
    return attrs.evolve(found, rows=found.rows.select(*program.result.keys, "TimeBucket", *columns))


def check_dtypes(rows: pl.DataFrame, program: Program, where: str) -> None:
    """PluginError, beginning with `where`, for a column that is not what the plan found on frames without rows."""
    for column in program.result.columns:
        if rows.schema[column.name] != column.dtype:
            raise PluginError(
                f"{where}: module {column.module} returned {column.name} as {rows.schema[column.name]}, and as "
                f"{column.dtype} for frames without rows: cast it"
            )


def _unique_by(program: Program) -> list[str]:
    return [*program.result.keys, *([] if isinstance(program.rule, WholeDate) else ["TimeBucket"])]


def _check_unique(rows: pl.DataFrame, use: Use, program: Program) -> None:
    keys = _unique_by(program)
    repeated = rows.select(keys).filter(rows.select(keys).is_duplicated())
    if repeated.height:
        raise PluginError(
            f"passes.{program.name} has more than one row for {repeated.row(0, named=True)}: {use.place}, {use.title}, "
            "returned them, and rows of a pass are unique by key and TimeBucket: mend the module, or keep the last of "
            "each with dedupe = 'keys' on the outputs"
        )
