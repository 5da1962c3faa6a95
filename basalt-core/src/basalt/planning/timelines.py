"""The timeline of a pass: which rows it has, from which states and hours, and which frames its rows are of."""

from collections.abc import Iterator, Mapping, Sequence

import attrs
import polars as pl

from basalt.config.model import PassConfig
from basalt.config.spellings import time_of_day
from basalt.errors import UserError
from basalt.expressions import identity
from basalt.metrics import Empty
from basalt.modules import ALL_STATES, DEFAULT_STATES, BucketModule, FrameModule, Grid, Intervals, Reads, States, states
from basalt.planning.grouping import Grouping, event_tables
from basalt.planning.inputs import knows_cancelled
from basalt.planning.known import Columns, Known
from basalt.planning.uses import Use, door
from basalt.running.frames import Frame, InForce, Sampled
from basalt.timelines import EVERY_STATE, CalendarHours, Hours, Kind, LocalHours, Timeline


@attrs.frozen(eq=False)
class Counting:
    """Which rows of a pass count: its configuration, its keys and what the tables carry."""

    config: PassConfig
    keys: tuple[str, ...]
    columns_of: Mapping[str, Columns]
    known: Known

    def knows_state(self, table: str) -> bool:
        """Whether rows of the table carry their state."""
        return "MarketState" in self.columns_of[table]

    def states(self, asked: States, table: str) -> States | None:
        """The states asked of a table, the pass's or the default where none are; None where none is known."""
        if asked == "default":
            asked = states(self.config.market_states)
        if asked == "any" or (asked == "default" and not self.knows_state(table)):
            return "any" if self.knows_state(table) else None
        if not self.knows_state(table):
            raise UserError(
                f"passes.{self.config.name} asks for market_states {', '.join(asked)} of table {table!r}, which has no "
                f"MarketState, and source {self.known.source!r} has no marketstate table: leave market_states out"
            )
        return DEFAULT_STATES if asked == "default" else asked

    def frame(self, asked: States, table: str) -> Frame:
        """The rows of a table that count for a module that asks for these states."""
        found = self.states(asked, table)
        return self._frame(table, None if found is None or isinstance(found, str) else frozenset(found))

    def viewed(self, reads: Reads) -> Frame:
        """The frame that a part names."""
        frame = self.frame(reads.market_states, reads.table)
        match reads:
            case Intervals():
                return attrs.evolve(frame, view=InForce(reads.max_age, reads.memory))
            case Grid():
                return attrs.evolve(frame, view=Sampled(reads.step, reads.max_age, reads.memory))
        return attrs.evolve(frame, cancelled=reads.cancelled and self._cancels(reads.table))

    def _cancels(self, table: str) -> bool:
        """Whether the source knows rows of the table as cancelled."""
        return knows_cancelled(self.known.schemas[table], self.known.columns_of.get(table, {}))

    def _frame(self, table: str, kept: frozenset[str] | None) -> Frame:
        own = (self.known.schemas[table].key, *self.keys[1:])
        return Frame(table, own, kept, not self.knows_state(table) and hours(self.config) is not None)

    def any_of(self, kept: frozenset[str], table: str) -> Frame:
        """The rows of a table that count for any module of the pass."""
        return self._frame(table, None if kept == EVERY_STATE or not self.knows_state(table) else kept)


def hours(config: PassConfig) -> Hours | None:
    """The hours the pass names."""
    if config.calendar is not None:
        return CalendarHours(config.calendar)
    if config.session is not None:
        return LocalHours(time_of_day(config.session.start), time_of_day(config.session.end), config.session.tz)
    return None


def timeline(counting: Counting, configured: Sequence[Use], grouping: Grouping) -> Timeline:
    """The rows the pass has; UserError where nothing tells them, or where a setting would do nothing."""
    config, known, key = counting.config, counting.known, grouping.keys[0]
    read = dict.fromkeys(table for use in configured for table in event_tables(use, key, known))
    kind = _kind(config, grouping, bool(read))
    if not read and kind in ("returned", "sparse"):
        _check_unused(config, _fills(configured, kind))
    _check_calendar(config, counting)
    if kind == "returned":
        return Timeline("returned", hours=hours(config))
    found = Timeline(
        kind,
        _states(counting, configured, grouping),
        _state_tables(counting, list(read), key),
        hours(config),
        config.halts == "keep",
    )
    if kind == "dense" and not found.state_tables and found.hours is None:
        raise UserError(
            f"passes.{config.name} has timeline = 'dense', and nothing tells when the market is open: no table of the "
            f"pass carries MarketState, and source {known.source!r} has no marketstate table that fits; give "
            "calendar = a MIC, or session = { start = '08:00', end = '16:30', tz = 'Europe/London' }"
        )
    return found


def _kind(config: PassConfig, grouping: Grouping, reads_tables: bool) -> Kind:
    if not grouping.own:
        return config.timeline or ("sparse" if reads_tables else "returned")
    if config.timeline is not None:
        raise UserError(
            f"passes.{config.name} has timeline = {config.timeline!r}, and its modules have rows by "
            f"{', '.join(grouping.keys)}, of which no timeline is known: leave timeline out"
        )
    return "returned"


def _fills(configured: Sequence[Use], kind: Kind) -> bool:
    """Whether values may be carried, inside the stretches of states, into rows that a module did not return."""
    return (kind == "sparse" or len(configured) > 1) and any(_carries(use) for use in configured)


def _carries(use: Use) -> bool:
    with door(use.place, use.component):
        return isinstance(use.module, FrameModule) and any(c.empty is Empty.CARRY for c in use.module.columns())


def _check_unused(config: PassConfig, fills: bool) -> None:
    for name in ("session", "calendar", *(() if fills else ("market_states",))):
        if getattr(config, name) is not None:
            raise UserError(
                f"passes.{config.name} has the rows of the pass it reads or of its modules, so {name} would do "
                "nothing: leave it out, or set timeline = 'dense' or 'daily'"
            )


def _check_calendar(config: PassConfig, counting: Counting) -> None:
    if config.calendar is None:
        return
    asker = f"passes.{config.name} (calendar = {config.calendar!r})"
    columns = counting.known.table("calendar", asker)
    for name in ("SessionStart", "SessionEnd"):
        if name not in columns:
            raise UserError(f"{asker} needs column {name} of table 'calendar', which the source does not have")


def _states(counting: Counting, configured: Sequence[Use], grouping: Grouping) -> frozenset[str]:
    """States that any module of the pass counts; every one where none is known."""
    asked = [s for use in configured for s in _asked(counting, use, grouping.keys[0]) if s is not None]
    if not asked or any(isinstance(s, str) for s in asked):
        return EVERY_STATE
    return frozenset(state for states_ in asked for state in states_)


def _asked(counting: Counting, use: Use, key: str) -> Iterator[States | None]:
    if isinstance(use.module, BucketModule):
        for part in use.parts:
            if part.makes_buckets:
                yield counting.states(part.reads.market_states, part.reads.table)
        return
    tables = event_tables(use, key, counting.known)
    for table in tables:
        yield counting.states(asked_by(use), table)
    if not tables and _has_states(counting, key):
        yield _of_the_pass(counting.config)


def _of_the_pass(config: PassConfig) -> States:
    found = states(config.market_states)
    return DEFAULT_STATES if found == "default" else found


def asked_by(use: Use) -> States:
    """The states a frame module asks for: its option `market_states`, and every one where it has no such option."""
    config = use.module.config
    return states(config.market_states) if hasattr(config, "market_states") else "any"


def _has_states(counting: Counting, key: str) -> bool:
    return key == "ListingId" and "marketstate" in counting.columns_of


def _state_tables(counting: Counting, read: Sequence[str], key: str) -> tuple[str, ...]:
    if _has_states(counting, key):
        return ("marketstate",)
    return tuple(table for table in read if counting.knows_state(table))


def touching(counting: Counting, found: Timeline, configured: Sequence[Use]) -> list[tuple[Frame, pl.Expr | None]]:
    """Frames of the tables that frame modules alone read, and which of their rows are valid: they make buckets too."""
    if found.kind == "returned":
        return []
    covered = {part.reads.table for use in configured for part in use.parts if part.makes_buckets}
    made: dict[tuple[str, str], tuple[Frame, pl.Expr | None]] = {}
    for use in (use for use in configured if not use.parts):
        for table in event_tables(use, counting.keys[0], counting.known):
            valid = _valid(use, table)
            if table not in covered:
                made[table, identity(valid)] = counting.any_of(found.states, table), valid
    return list(made.values())


def _valid(use: Use, table: str) -> pl.Expr | None:
    assert isinstance(use.module, FrameModule)
    return next((expr for name, expr in use.module.valid.items() if use.entry.tables.get(name, name) == table), None)


def carrying(counting: Counting, use: Use) -> Frame | None:
    """The frame whose stretches the values of a frame module are carried in; None: none are, or the date is one."""
    key = counting.keys[0]
    if not _carries(use):
        return None
    table = next(iter(event_tables(use, key, counting.known)), None)
    if table is not None:
        found = counting.frame(asked_by(use), table)
    elif _has_states(counting, key):
        found = Frame("marketstate", (key,), frozenset(_of_the_pass(counting.config)))
    else:
        return None
    one = found.states is None or set(ALL_STATES) <= found.states
    return None if one and not found.in_hours else found
