"""What `aggressive_trades` takes, and what is refused while planning."""

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs
import polars as pl

from basalt.columns import Unit
from basalt.config.spellings import Duration, State
from basalt.durations import parse_duration
from basalt.errors import UserError
from basalt.options import option
from basalt_analytics.trade.admissible import check_column, check_states
from basalt_analytics.trade.selection import TradeType

Columns = Mapping[str, pl.DataType]
Rule = Literal["match_id", "event", "gap"]
RULES: tuple[Rule, ...] = ("match_id", "event", "gap")
GAP = "10us"
WHO = "aggressive_trades"


@attrs.frozen
class AggressiveTradesOptions:
    """Options of `aggressive_trades`."""

    table: Literal["trades", "l3"] = option(
        "what tells of executions: prints, or order events, whose aggressor is opposite to the resting side",
        default="trades",
    )
    max_gap: Duration = option(
        "the rule 'gap': how long after the execution before it the next may follow", default=GAP
    )
    rules: list[Rule] = option(
        "what says that an execution belongs to the order of the one before it, the first that applies: one match id, "
        "one exchange event of order events, or a short gap",
        factory=lambda: list(RULES),
    )
    match_column: str | None = option(
        "column with the exchange's id of the aggressive order, for the rule 'match_id'", default=None
    )
    max_duration: Duration | None = option("an order is closed where it would last longer, as '1ms'", default=None)
    monotone: bool = option("whether a buy below, or a sell above, the price before it begins an order", default=False)
    unknown_side: Literal["alone", "drop"] = option(
        "whether each execution of unknown side is an order by itself, or does not count", default="alone"
    )
    trade_types: list[TradeType] | None = option(
        "types of prints that count, 'null' the unknown one; default: Lit, where the table tells types", default=None
    )
    min_size: float = option("executions of this size and below do not count", default=0.0, unit=Unit.SHARES)
    stamp: Literal["last", "first"] = option("the execution whose time is the order's EventTimestamp", default="last")
    sweep_levels: int = option("how many prices make an order a sweep", default=2)
    cross_venue_gap: Duration | None = option(
        "adds SweepId and SweepVenues: orders of one instrument and side, on all of its venues, at most this far apart",
        default=None,
    )
    carry_first: list[str] = option("columns that the order has from its first execution", factory=list)
    carry_last: list[str] = option("columns that the order has from its last execution", factory=list)
    market_states: State | list[State] | None = option(
        "states whose executions count: a state, a list, or 'all'", default=None
    )

    @property
    def gap(self) -> int:
        """`max_gap` in nanoseconds."""
        return parse_duration(self.max_gap)

    @property
    def longest(self) -> int | None:
        """`max_duration` in nanoseconds."""
        return None if self.max_duration is None else parse_duration(self.max_duration)

    @property
    def venue_gap(self) -> int | None:
        """`cross_venue_gap` in nanoseconds."""
        return None if self.cross_venue_gap is None else parse_duration(self.cross_venue_gap)

    def types(self, columns: Columns) -> list[str] | None:
        """The types that count; None: all, as none are told."""
        if self.trade_types is not None:
            return list(self.trade_types)
        return ["Lit"] if self.table == "trades" and "TradeType" in columns else None

    def applied(self, columns: Columns) -> list[Rule]:
        """The rules that can say anything of these columns, in order."""
        silent = dict(self.silent(columns))
        return [rule for rule in self.rules if rule not in silent]

    def silent(self, columns: Columns) -> Iterator[tuple[Rule, str]]:
        """Rules that never apply, and the cure."""
        if self.match_column is None:
            yield "match_id", "name the column in match_column"
        if self.table == "trades":
            yield "event", "prints tell of no exchange events, take table = 'l3'"
        elif "EndOfEvent" not in columns:
            yield "event", "table l3 has no EndOfEvent"


def check(config: AggressiveTradesOptions, columns_of: Mapping[str, Columns]) -> None:
    """UserError for options that make no sense, or that lack a column."""
    columns = columns_of[config.table]
    _check_numbers(config)
    _check_rules(config, columns)
    _check_needed(config, columns)
    if "marketstate" not in columns_of:
        check_states(config.market_states, {config.table: columns}, WHO)
    if config.cross_venue_gap is not None and "InstrumentId" not in columns_of["reference"]:
        raise UserError(
            "cross_venue_gap needs InstrumentId, which table reference does not have: add it, or leave cross_venue_gap "
            "out"
        )


def _check_numbers(config: AggressiveTradesOptions) -> None:
    durations = {
        "max_gap": config.max_gap,
        "max_duration": config.max_duration,
        "cross_venue_gap": config.cross_venue_gap,
    }
    for name, text in durations.items():
        if text is not None and parse_duration(text) < 0:
            raise UserError(f"{name} = {text!r} is negative: give a duration from '0s' on")
    if not 0 <= config.min_size < float("inf"):
        raise UserError(f"min_size = {config.min_size} is no size: give a number from 0 on")
    if config.sweep_levels < 1:
        raise UserError(f"sweep_levels = {config.sweep_levels}: an order has at least one price, so give 1 or more")


def _check_rules(config: AggressiveTradesOptions, columns: Columns) -> None:
    rules = config.rules
    if not rules:
        raise UserError(f"rules is empty, so every execution would be an order: list some of {', '.join(RULES)}")
    if twice := [rule for rule in rules if rules.count(rule) > 1]:
        raise UserError(f"rules lists {twice[0]!r} twice: list it once")
    if "gap" in rules and rules[-1] != "gap":
        raise UserError(f"rules lists {rules[-1]!r} behind 'gap', which always decides: put 'gap' last")
    if config.match_column is not None and "match_id" not in rules:
        raise UserError(f"match_column = {config.match_column!r} is read by the rule 'match_id' alone: add it to rules")
    if "gap" not in rules and config.max_gap != GAP:
        raise UserError(f"max_gap = {config.max_gap!r} is read by the rule 'gap' alone: add it to rules")
    for rule, cure in config.silent(columns) if tuple(rules) != RULES else ():
        if rule in rules:
            raise UserError(f"rules lists {rule!r}, which never applies here: {cure}, or leave the rule out")


def _check_needed(config: AggressiveTradesOptions, columns: Columns) -> None:
    needed = ("AggressorSide",) if config.table == "trades" else ("ExecutionSize", "ExecutionPrice")
    cures = {"AggressorSide": "put the transform trade_signs before it"}
    for name in needed:
        check_column(name, columns, WHO, cures.get(name, "read trades, or add the column"), config.table)
    if config.match_column is not None:
        check_column(config.match_column, columns, "match_column", "name another column", config.table)
    if config.trade_types is not None:
        check_column("TradeType", columns, "trade_types", "leave trade_types out", config.table)
    carried = (*config.carry_first, *config.carry_last)
    for name in carried:
        if carried.count(name) > 1:
            raise UserError(f"carry_first and carry_last name {name!r} twice: an order has one column of that name")
        check_column(name, columns, "carry_first or carry_last", "leave it out", config.table)
