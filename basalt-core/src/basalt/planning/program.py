"""Programs: what one pass executes, built from its configuration and checked, without reading a row.

The program of a pass holds expressions; its `result` is the plain description that plans print and outputs keep.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import attrs
import polars as pl

from basalt.buckets import BucketRule, WholeDate
from basalt.config.explain import sentence
from basalt.config.model import ModuleEntry, PassConfig
from basalt.config.pass_rules import broken_pass
from basalt.documents import PassResult, ResultColumn
from basalt.errors import PluginError, UserError
from basalt.metrics import Rollup
from basalt.modules import BucketModule, FrameModule, PassContext, Rows, Scope, states
from basalt.planning.aggregations import aggregations
from basalt.planning.emitted import Planned, planned_columns, read_columns, without_clashes
from basalt.planning.grouping import grouping
from basalt.planning.known import Columns, Known
from basalt.planning.preprocess import Step, lags_of, steps
from basalt.planning.reads import needed_columns, through_steps
from basalt.planning.requirements import check_columns
from basalt.planning.rules import bucket_rule
from basalt.planning.scopes import history_of, scope_of
from basalt.planning.timelines import Counting, carrying, hours, timeline, touching
from basalt.planning.uses import Use, door, uses
from basalt.running.frames import Frame
from basalt.running.fuse import Aggregation
from basalt.timelines import Timeline

RESERVED = ("Date", "Universe", "ListingId", "InstrumentId", "TimeBucket", "StretchId")


@attrs.frozen(eq=False)
class Program:
    """One pass, ready to run: transforms, fused aggregations, frame modules, and the described result.

    `timeline`: which rows it has; `touching`: frames of tables that frame modules alone read, whose valid rows make
    buckets.
    `columns_of`: each table's columns after the steps.
    `reads`: what the pass needs of each table of the source. `sources`: earlier passes it reads, `published`: those of
    them that are results of other pipelines, which the source has.
    `notes`: what the plan tells the user about it. `dedupes`: of rows that a module returns with the same keys the last
    is kept.
    """

    config: PassConfig
    rule: BucketRule
    timeline: Timeline
    steps: Sequence[Step]
    planned: Sequence[Planned]
    aggregations: Sequence[Aggregation]
    frame_uses: Sequence[Use]
    touching: Sequence[tuple[Frame, pl.Expr | None]]
    result: PassResult
    columns_of: Mapping[str, Columns]
    reads: Mapping[str, Sequence[str]]
    notes: Sequence[str]
    shared_sequence: bool
    published: Mapping[str, PassResult] = attrs.field(factory=dict)
    dedupes: bool = False

    @property
    def name(self) -> str:
        """Name of the pass."""
        return self.config.name

    @property
    def key(self) -> str:
        """The column that says whose rows these are."""
        return self.result.keys[0]

    @property
    def entries(self) -> dict[str, ModuleEntry]:
        """The module entry behind each column of the result."""
        found = {one.column.name: one.use.entry for one in self.planned}
        for use in self.frame_uses:
            found |= {column.name: use.entry for column in frame_columns(use)}
        return found

    @property
    def sources(self) -> list[str]:
        """Earlier passes it reads."""
        named = [use.entry.source for use in self.frame_uses]
        return list(dict.fromkeys(name for name in named if name is not None))

    @property
    def side_sources(self) -> list[str]:
        """Side outputs of earlier passes it reads, as `pass:side`."""
        return [table for table in self.reads if ":" in table]

    @property
    def upstream(self) -> list[str]:
        """Earlier passes of this pipeline of which it, or a check of its rows, reads anything."""
        own = [name for name in self.sources if name not in self.published]
        sides = (name.partition(":")[0] for name in self.side_sources)
        preserved = self.config.expect.preserves_rows_of
        return list(dict.fromkeys([*own, *sides, *([preserved] if preserved else [])]))

    def rule_of(self, source: str) -> BucketRule | None:
        """The buckets of an earlier pass it reads; None where that has one row a date."""
        results = (u.module.source for u in self.frame_uses if isinstance(u.module, FrameModule) and u.module.source)
        return next(result.rule for result in results if result.name == source)

    @property
    def with_cancelled(self) -> set[str]:
        """Tables whose cancelled rows it reads too."""
        return {a.frame.table for a in self.aggregations if a.frame.cancelled} & set(self.reads)

    @property
    def scope(self) -> Scope:
        """How far it may be cut."""
        return scope_of(self.frame_uses, self.steps)

    @property
    def history(self) -> dict[str, int]:
        """By earlier pass, how many previous dates of it are read; none of those that are not here."""
        return history_of(self.frame_uses)

    @property
    def looks_back_to(self) -> dict[str, int]:
        """The same of passes of this pipeline alone, which it has to wait for."""
        return {name: dates for name, dates in self.history.items() if name not in self.published}


def build_program(config: PassConfig, known: Known) -> Program:
    """The pass's program; UserError or PluginError for anything that could not run."""
    for mistake in broken_pass(config):
        raise UserError(sentence(mistake, {}, f"passes.{config.name}"))
    all_steps, columns_of = steps(config, known)
    configured = uses(config, columns_of, known, {**known.lags, **lags_of(all_steps)})
    rule = _rule(config, configured)
    keys = grouping(config, configured, columns_of, known)
    _check_time(configured, keys.keys)
    counting = Counting(config, keys.keys, columns_of, known)
    weights = config.weights or config.name in known.rolled_up
    planned = without_clashes(_planned(configured, counting, weights))
    for one in planned:
        check_columns(one, _columns_read(one, columns_of, known), known.source)
    rows = timeline(counting, configured, keys)
    _check_labels(config, rows, planned)
    frame_uses = [attrs.evolve(u, frame=carrying(counting, u)) for u in configured if not u.parts]
    _check_names(planned, frame_uses, keys.keys)
    needed = needed_columns(planned, frame_uses, rows, counting)
    kept = [step for step in all_steps if not step.implied or "MarketState" in needed.get(step.transform.output, ())]
    described_rule = None if isinstance(rule, WholeDate) else rule
    columns = _result_columns(planned, frame_uses, weights)
    return Program(
        config,
        rule,
        rows,
        kept,
        planned,
        aggregations(planned),
        frame_uses,
        touching(counting, rows, configured),
        PassResult(config.name, list(keys.keys), described_rule, columns, list(keys.dtypes)),
        columns_of,
        through_steps(needed, kept, known),
        [
            *_step_notes(config, kept, columns_of, known),
            *_state_notes(config, planned),
            *_dropped_notes(config, frame_uses),
        ],
        known.shared_sequence,
        _published(frame_uses, known),
    )


def _columns_read(one: Planned, columns_of: Mapping[str, Columns], known: Known) -> Columns:
    """The columns of its table, before the pass's transforms where these do not see its rows."""
    return (known.columns_of if one.frame.cancelled else columns_of)[one.part.reads.table]


def _published(frame_uses: Sequence[Use], known: Known) -> dict[str, PassResult]:
    names = [str(use.entry.source) for use in frame_uses if use.entry.source not in (None, *known.results)]
    return {name: known.published[name] for name in names}


def context_of(program: Program, day: date, previous: Sequence[date] = (), sides: Iterable[str] = ()) -> PassContext:
    """What the pass's frame modules and transforms are told of that date. `previous`: the dates in its history;
    `sides`: the side outputs to make."""
    return PassContext(
        program.name,
        day,
        program.result.keys,
        program.rule,
        program.shared_sequence,
        previous,
        states(program.config.market_states),
        frozenset(sides),
    )


def _rule(config: PassConfig, configured: Sequence[Use]) -> BucketRule:
    over = {u.entry.source: u for u in configured if u.over}
    _check_rules(config, list(over.values()))
    first = next(iter(over.values()), None)
    rule = first.rule if first else bucket_rule(config)
    reads_tables = any(isinstance(use.module, BucketModule) for use in configured)
    if rule is None or (config.every is None and config.timeline != "daily" and reads_tables):
        raise UserError(f"passes.{config.name} has no `every`: a pass that reads tables needs one, as every = '1m'")
    return rule


def _check_rules(config: PassConfig, over: Sequence[Use]) -> None:
    """All passes that it reads, one a use of `over`, come in the same buckets; those of a date are one anyway."""
    for use in over[1:]:
        if use.rule != over[0].rule and config.timeline != "daily":
            said = [f"{u.entry.source} in buckets of {u.rule.describe()}" for u in (over[0], use) if u.rule]
            raise UserError(
                f"passes.{config.name} reads {' and '.join(said)}: set what differs on this pass, or put one in a pass "
                "of its own"
            )


def _planned(configured: Sequence[Use], counting: Counting, weights: bool) -> list[Planned]:
    planned: list[Planned] = []
    for use in configured:
        for part in use.parts:
            planned += planned_columns(use, part, counting.viewed(part.reads), weights)
    return planned


def _result_columns(planned: Sequence[Planned], frame_uses: Sequence[Use], weights: bool) -> list[ResultColumn]:
    columns = [one.column for one in planned]
    for use in frame_uses:
        columns += [column for column in frame_columns(use) if weights or not column.hidden]
    return [c for c in columns if not c.hidden] + [c for c in columns if c.hidden]


def _check_time(configured: Sequence[Use], keys: Sequence[str]) -> None:
    """What is in force is so of a listing, not of a listing and a further key."""
    for use in configured:
        if len(keys) > 1 and any(not isinstance(part.reads, Rows) for part in use.parts):
            raise UserError(
                f"{use.place}: module {use.entry.module} weighs or samples time, which is by {keys[0]} alone, and the "
                f"pass has rows by {', '.join(keys)}: put it in a pass without keys"
            )


def _check_labels(config: PassConfig, rows: Timeline, planned: Sequence[Planned]) -> None:
    """The label of a daily row is known once the whole date is."""
    for one in planned:
        if rows.kind == "daily" and "TimeBucket" in read_columns(one.emitted.expr, one.part):
            raise UserError(
                f"{one.use.place}: {one.column.name} reads TimeBucket, which the rows of a daily pass do not have: put "
                f"module {one.use.entry.module} in a pass with every"
            )


def _check_names(planned: Sequence[Planned], frame_uses: Sequence[Use], keys: Sequence[str]) -> None:
    """No column takes a name of the engine's or of a key, nor a frame module's one that something else emits."""
    columns = [one.column.name for one in planned] + [c.name for use in frame_uses for c in frame_columns(use)]
    taken = dict.fromkeys([*RESERVED, *keys])
    for name in columns:
        if name in taken or name.startswith("_") or (name.startswith("^") and name.endswith("$")):
            said = f"{', '.join(taken)}, names with _ in front and patterns from ^ to $ are taken"
            raise PluginError(f"no column may be named {name!r}: {said}")
    owner = {one.column.name: one.use.place for one in planned}
    for use in frame_uses:
        for column in frame_columns(use):
            other = owner.setdefault(column.name, use.place)
            if other != use.place:
                raise UserError(f"{other} and {use.place} both emit {column.name!r}: set `prefix` on one")


def frame_columns(use: Use) -> list[ResultColumn]:
    """A frame module's columns as the pass emits them: prefixed, with their owner."""
    assert isinstance(use.module, FrameModule)
    owner, prefix = use.component.owner, use.entry.prefix
    with door(use.place, use.component):
        own = use.module.columns()
    names = {column.name for column in own}
    return [
        attrs.evolve(
            column,
            name=prefix + column.name,
            over_time=_prefixed(column.over_time, prefix, names),
            over_listings=_prefixed(column.over_listings, prefix, names),
            carries=prefix + column.carries if column.carries else None,
            module=use.entry.module,
            distribution=owner.distribution,
            version=owner.version,
        )
        for column in own
    ]


def _prefixed(rollup: Rollup, prefix: str, names: set[str]) -> Rollup:
    return attrs.evolve(rollup, weight=prefix + str(rollup.weight)) if rollup.weight in names else rollup


def _step_notes(
    config: PassConfig, kept: Sequence[Step], columns_of: Mapping[str, Columns], known: Known
) -> Iterator[str]:
    for step in kept:
        given = {table: columns_of[table] for table in step.inputs}
        with door(step.place, step.component):
            said = list(step.transform.notes(given, known.shared_sequence, hours(config) is not None))
        yield from (f"passes.{config.name}: {one}" for one in said)


def _state_notes(config: PassConfig, planned: Sequence[Planned]) -> list[str]:
    frames = dict.fromkeys(one.frame.of_rows for one in planned)
    return [
        f"passes.{config.name}: table {frame.table} has no known market state, so all of its rows "
        + ("inside the session count" if frame.in_hours else "count")
        for frame in frames
        if frame.states is None and not any(f.table == frame.table and f.states for f in frames)
    ]


def _dropped_notes(config: PassConfig, frame_uses: Sequence[Use]) -> list[str]:
    found = []
    for use in frame_uses:
        for name in getattr(use.module, "dropped", ()):
            found.append(f"passes.{config.name}: module {use.entry.module} drops {name}, which has no rollup over time")
    return found
