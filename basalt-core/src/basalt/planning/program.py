"""Programs: what one pass executes, built from its configuration and checked, without reading a row.

The program of a pass holds expressions; its `result` is the plain description that plans print and outputs keep.
"""

from collections.abc import Mapping, Sequence

import attrs

from basalt.buckets import BucketRule
from basalt.columns import DType
from basalt.config.model import ModuleEntry, PassConfig
from basalt.documents import PassResult, ResultColumn
from basalt.errors import PluginError, UserError
from basalt.expressions import roots
from basalt.metrics import Empty, Rollup
from basalt.modules import BucketModule, FrameModule, Part, states
from basalt.planning.aggregations import aggregations
from basalt.planning.emitted import FRAME_COLUMNS, Planned, planned_columns, read_columns, without_clashes
from basalt.planning.known import Columns, Known
from basalt.planning.preprocess import Step, steps
from basalt.planning.requirements import check_columns
from basalt.planning.rules import bucket_rule
from basalt.planning.uses import Use, door, uses
from basalt.running.frames import Frame
from basalt.running.fuse import Aggregation

RESERVED = ("Date", "Universe", "ListingId", "InstrumentId", "TimeBucket", "StretchId")


@attrs.frozen(eq=False)
class Program:
    """One pass, ready to run: transforms, fused aggregations, frame modules, and the described result.

    `columns_of`: each table's columns after the steps.
    `reads`: what the pass needs of each table of the source. `sources`: earlier passes it reads.
    `notes`: what the plan tells the user about it.
    """

    config: PassConfig
    rule: BucketRule
    steps: Sequence[Step]
    planned: Sequence[Planned]
    aggregations: Sequence[Aggregation]
    frame_uses: Sequence[Use]
    result: PassResult
    columns_of: Mapping[str, Columns]
    reads: Mapping[str, Sequence[str]]
    notes: Sequence[str]
    shared_sequence: bool

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


def build_program(config: PassConfig, known: Known) -> Program:
    """The pass's program; UserError or PluginError for anything that could not run."""
    all_steps, columns_of = steps(config, known)
    configured = uses(config, columns_of, known)
    rule = _rule(config, configured)
    planned = without_clashes(_planned(config, configured, columns_of, known))
    for one in planned:
        check_columns(one, columns_of[one.part.reads.table], known.source)
    frame_uses = [use for use in configured if isinstance(use.module, FrameModule)]
    _check_names(planned, frame_uses)
    key, dtype = _key(config, configured, columns_of, known)
    needed = _needed(planned, frame_uses, columns_of, known)
    kept = [step for step in all_steps if not step.implied or "MarketState" in needed.get(step.transform.output, ())]
    return Program(
        config,
        rule,
        kept,
        planned,
        aggregations(planned),
        frame_uses,
        PassResult(
            config.name, [key], rule, _result_columns(planned, frame_uses, _wants_weights(config, known)), [dtype]
        ),
        columns_of,
        _through_steps(needed, kept, known),
        [*_state_notes(config, planned), *_dropped_notes(config, frame_uses)],
        known.shared_sequence,
    )


def _rule(config: PassConfig, configured: Sequence[Use]) -> BucketRule:
    sources = [u.module.source for u in configured if isinstance(u.module, FrameModule) and u.module.source]
    rule = bucket_rule(config, sources[0].rule if sources else None)
    reads_tables = any(isinstance(use.module, BucketModule) for use in configured)
    if rule is None or (config.every is None and reads_tables):
        raise UserError(f"passes.{config.name} has no `every`: a pass that reads tables needs one, as every = '1m'")
    return rule


def _planned(
    config: PassConfig, configured: Sequence[Use], columns_of: Mapping[str, Columns], known: Known
) -> list[Planned]:
    weights = _wants_weights(config, known)
    planned: list[Planned] = []
    for use in configured:
        for part in use.parts:
            frame = _frame(config, part, columns_of, known)
            planned += planned_columns(use, part, frame, weights)
    return planned


def _wants_weights(config: PassConfig, known: Known) -> bool:
    return config.weights or config.name in known.rolled_up


def _frame(config: PassConfig, part: Part, columns_of: Mapping[str, Columns], known: Known) -> Frame:
    table = part.reads.table
    asked = part.reads.market_states
    if asked == "default":
        asked = states(config.market_states)
    has_state = "MarketState" in columns_of[table]
    if asked == "default":
        asked = ("CONTINUOUS_TRADING",) if has_state else "any"
    if asked != "any" and not has_state:
        raise UserError(
            f"passes.{config.name} asks for market_states {', '.join(asked)} of table {table!r}, which has no "
            f"MarketState, and source {known.source!r} has no marketstate table: leave market_states out"
        )
    return Frame(table, known.schemas[table].key, None if isinstance(asked, str) else frozenset(asked))


def _key(
    config: PassConfig, configured: Sequence[Use], columns_of: Mapping[str, Columns], known: Known
) -> tuple[str, DType]:
    """The key all modules share and its dtype; modules with other keys need a pass of their own."""
    found: dict[str, tuple[Use, DType]] = {}
    for use in configured:
        if isinstance(use.module, FrameModule) and use.module.source is not None:
            name, dtype = use.module.source.keys[0], use.module.source.key_dtypes[0]
        else:
            table = use.module.table if isinstance(use.module, BucketModule) else use.module.inputs[0]
            name = known.schemas[table].key
            dtype = columns_of[table][name]
        other, first = found.setdefault(name, (use, dtype))
        if first != dtype:
            raise UserError(
                f"passes.{config.name}: {name} is {first} for module {other.entry.module} and {dtype} for module "
                f"{use.entry.module}: the tables of a run have one dtype of {name}"
            )
    if len(found) > 1:
        said = " and ".join(f"{use.entry.module} by {name}" for name, (use, _) in found.items())
        raise UserError(f"passes.{config.name} mixes modules of different keys, {said}: put one in a pass of its own")
    name, (_, dtype) = next(iter(found.items()))
    return name, dtype


def _needed(
    planned: Sequence[Planned], frame_uses: Sequence[Use], columns_of: Mapping[str, Columns], known: Known
) -> dict[str, list[str]]:
    """Columns of each table, after the steps, that the pass reads."""
    needed: dict[str, dict[str, None]] = {}
    for one in planned:
        table = one.part.reads.table
        names = needed.setdefault(table, dict.fromkeys(_order(table, columns_of, known)))
        names.update(dict.fromkeys(c for c in read_columns(one.emitted.expr, one.part) if c not in FRAME_COLUMNS))
        if one.frame.states is not None:
            names["MarketState"] = None
    for use in frame_uses:
        assert isinstance(use.module, FrameModule)
        for table in use.module.inputs:
            if table != "source":
                needed.setdefault(table, {}).update(dict.fromkeys(columns_of[table]))
    if any(_needs_stretches(one) for one in planned) and "marketstate" in columns_of:
        needed.setdefault("marketstate", dict.fromkeys(["ListingId", "EventTimestamp", "MarketState"]))
    return {table: list(names) for table, names in needed.items()}


def _needs_stretches(one: Planned) -> bool:
    """Whether runs of the state matter, not just the state of each row: a carried value, or a window in a stretch."""
    windows = any("StretchId" in roots(expr) for expr in one.part.derive.values())
    return one.frame.states is not None and (one.emitted.empty is Empty.CARRY or windows)


def _order(table: str, columns_of: Mapping[str, Columns], known: Known) -> list[str]:
    schema = known.schemas[table]
    names = [schema.key, *schema.order]
    return [name for name in [*names, "IsCancelled"] if name in columns_of[table]]


def _through_steps(needed: Mapping[str, Sequence[str]], kept: Sequence[Step], known: Known) -> dict[str, list[str]]:
    """The same in the source's own columns: what a step adds is not read, what it reads is."""
    reads = {t: dict.fromkeys(c for c in names if c in known.columns_of.get(t, {})) for t, names in needed.items()}
    for step in kept:
        for table in step.transform.inputs:
            whole = {} if step.implied and table in reads else known.columns_of.get(table, {})
            reads.setdefault(table, {}).update(dict.fromkeys(whole))
    return {table: list(names) for table, names in reads.items() if names}


def _result_columns(planned: Sequence[Planned], frame_uses: Sequence[Use], weights: bool) -> list[ResultColumn]:
    columns = [one.column for one in planned]
    for use in frame_uses:
        columns += [column for column in frame_columns(use) if weights or not column.hidden]
    return [c for c in columns if not c.hidden] + [c for c in columns if c.hidden]


def _check_names(planned: Sequence[Planned], frame_uses: Sequence[Use]) -> None:
    """No column takes a name of the engine's, and no frame module's one that something else of the pass emits."""
    columns = [one.column.name for one in planned] + [c.name for use in frame_uses for c in frame_columns(use)]
    for name in columns:
        if name in RESERVED or name.startswith("_"):
            raise PluginError(
                f"no column may be named {name!r}: {', '.join(RESERVED)} and names with _ in front are taken"
            )
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
            module=use.entry.module,
            distribution=owner.distribution,
            version=owner.version,
        )
        for column in own
    ]


def _prefixed(rollup: Rollup, prefix: str, names: set[str]) -> Rollup:
    return attrs.evolve(rollup, weight=prefix + str(rollup.weight)) if rollup.weight in names else rollup


def _state_notes(config: PassConfig, planned: Sequence[Planned]) -> list[str]:
    frames = dict.fromkeys(one.frame for one in planned)
    return [
        f"passes.{config.name}: table {frame.table} has no known market state, so all of its rows count"
        for frame in frames
        if frame.states is None and not any(f.table == frame.table and f.states for f in frames)
    ]


def _dropped_notes(config: PassConfig, frame_uses: Sequence[Use]) -> list[str]:
    found = []
    for use in frame_uses:
        for name in getattr(use.module, "dropped", ()):
            found.append(f"passes.{config.name}: module {use.entry.module} drops {name}, which has no rollup over time")
    return found
