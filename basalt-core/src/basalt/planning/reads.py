"""Reads: the columns of each table that a pass needs, after its transforms and of the source itself."""

from collections.abc import Iterator, Mapping, Sequence

from basalt.expressions import roots
from basalt.metrics import Empty
from basalt.modules import FrameModule, Part
from basalt.planning.emitted import Planned, frame_columns, read_columns
from basalt.planning.grouping import tables_of
from basalt.planning.known import Known
from basalt.planning.preprocess import Step
from basalt.planning.timelines import Counting
from basalt.planning.uses import Use
from basalt.running.fuse import SECONDS
from basalt.timelines import CalendarHours, Timeline

STATE_COLUMNS = ("ListingId", "EventTimestamp", "MarketState")
CALENDAR_COLUMNS = ("MIC", "Date", "SessionStart", "SessionEnd")


def needed_columns(
    planned: Sequence[Planned], frame_uses: Sequence[Use], rows: Timeline, counting: Counting
) -> dict[str, list[str]]:
    """Columns of each table, after the steps, that the pass reads."""
    needed: dict[str, dict[str, None]] = {}
    for one in planned:
        table = one.part.reads.table
        names = needed.setdefault(table, dict.fromkeys(_order(table, counting)))
        added = frame_columns(one.part.reads)
        for expr in (one.emitted.expr, *([] if one.emitted.carried is None else [one.emitted.carried])):
            names.update(dict.fromkeys(c for c in read_columns(expr, one.part) if c not in added))
        if one.frame.states is not None:
            names["MarketState"] = None
    for use in frame_uses:
        for table in tables_of(use):
            needed.setdefault(table, {}).update(dict.fromkeys(counting.columns_of[table]))
    for table, columns in _for_stretches(planned, frame_uses, rows, counting):
        needed.setdefault(table, {}).update(dict.fromkeys(columns))
    return {table: list(names) for table, names in needed.items()}


def _for_stretches(
    planned: Sequence[Planned], frame_uses: Sequence[Use], rows: Timeline, counting: Counting
) -> Iterator[tuple[str, Sequence[str]]]:
    """What tells of states and hours."""
    if rows.kind in ("dense", "daily"):
        for table in rows.state_tables:
            yield table, STATE_COLUMNS if table == "marketstate" else ("MarketState",)
    filled = rows.kind != "returned" or len(frame_uses) > 1
    parts = {id(one.part): one.part for one in planned}
    derived = {at: _behind(part) for at, part in parts.items()}
    runs = any(_needs_stretches(one, derived[id(one.part)]) for one in planned)
    runs = runs or (filled and any(_carries(use) for use in frame_uses))
    if runs and "marketstate" in counting.columns_of:
        yield "marketstate", STATE_COLUMNS
    if isinstance(rows.hours, CalendarHours):
        yield "calendar", CALENDAR_COLUMNS


def _behind(part: Part) -> set[str]:
    """The columns that derived ones name."""
    return {name for expr in part.derive.values() for name in roots(expr)}


def _needs_stretches(one: Planned, derived: set[str]) -> bool:
    """Whether runs of the state matter, not just the state of each row: a carried value, a window in a stretch, or
    time itself."""
    read = {*derived, *roots(one.emitted.expr)}
    runs = one.frame.view is not None or bool(read & {"StretchId", SECONDS})
    return one.frame.states is not None and (one.emitted.empty is Empty.CARRY or runs)


def _carries(use: Use) -> bool:
    assert isinstance(use.module, FrameModule)
    states = use.frame is not None and use.frame.states is not None
    return states and any(column.empty is Empty.CARRY for column in use.module.columns())


def _order(table: str, counting: Counting) -> list[str]:
    schema = counting.known.schemas[table]
    names = [schema.key, *counting.keys[1:], *schema.order, "IsCancelled"]
    return [name for name in names if name in counting.columns_of[table]]


def through_steps(needed: Mapping[str, Sequence[str]], kept: Sequence[Step], known: Known) -> dict[str, list[str]]:
    """The same in the source's own columns: what a step adds or makes anew is not read, what it reads is."""
    reads = {t: dict.fromkeys(c for c in names if c in known.columns_of.get(t, {})) for t, names in needed.items()}
    for step in reversed(kept):
        if step.transform.output not in step.inputs:
            reads.pop(step.transform.output, None)
        for table in step.inputs:
            whole = {} if step.implied and table in reads else known.columns_of.get(table, {})
            reads.setdefault(table, {}).update(dict.fromkeys(whole))
    return {table: list(names) for table, names in reads.items() if names}
