"""What every group of `trade` has: options that select its trades, and the group with the module's in their place.

A group's `market_states`, `trade_types` and `where` override the module's. Those that all groups of one frame share
filter its rows; the others are masks of the group's own metrics.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import attrs
import polars as pl

from basalt.buckets import BucketRule
from basalt.config.filters import row_filter
from basalt.config.spellings import Duration, State
from basalt.modules import Lag, States
from basalt.options import option
from basalt_analytics.groups import Template
from basalt_analytics.trade.admissible import check_column
from basalt_analytics.trade.filters import all_of, of_types, published_within
from basalt_analytics.trade.populations import SIDES, Population, Side
from basalt_analytics.trade.prices import known_price

TradeType = Literal["Lit", "Dark", "Auction", "OffBook", "SystematicInternaliser", "null"]
STATES = "states whose trades count: a state, a list, or 'all'"
TYPES = "trade types that count; 'null' is the unknown type"
WHERE = "SQL expression over the table's columns; trades that fail it are dropped"
SIDES_DOC = "by aggressor: all, bought, sold, or of unknown side"
NAME_DOC = "template of the column names"


@attrs.frozen
class ModuleSelection:
    """Options of a module over trades that say which of them count."""

    market_states: State | list[State] | None = option(STATES, default=None)
    trade_types: list[TradeType] | None = option(TYPES, default=None)
    where: str | None = option(WHERE, default=None)
    max_publication_delay: Duration | None = option(
        "drops trades published later than this after execution, as '3m', and those with no publication time",
        default=None,
    )


def published(config: ModuleSelection) -> pl.Expr | None:
    """The filter by publication, where one is asked for."""
    return None if config.max_publication_delay is None else published_within(config.max_publication_delay)


def module_filter(config: ModuleSelection, columns: Mapping[str, pl.DataType], name: str) -> pl.Expr | None:
    """All filters of a module without groups but its states; `name` is what messages call it."""
    types = None if config.trade_types is None else of_types(config.trade_types)
    where = None if config.where is None else row_filter(config.where, columns, f"{name}.where")
    return all_of(published(config), types, where)


@attrs.frozen(slots=False)  # so that a group may have options of another kind as well
class Selection:
    """Options of every group."""

    market_states: State | list[State] | None = option(f"{STATES}; default: the module's", default=None)
    trade_types: list[TradeType] | None = option(f"{TYPES}; default: the module's", default=None)
    where: str | None = option(f"{WHERE}; default: the module's", default=None)
    name: str = option(NAME_DOC)


@attrs.frozen(slots=False)
class SidedSelection(Selection):
    """Options of every group that tells trades apart by side."""

    sides: list[Side] = option(SIDES_DOC, factory=lambda: ["Total"])


S = TypeVar("S", bound=Selection)


@attrs.frozen
class Trades:
    """The table as its source and the pass's transforms have it. `known_after`: how long after a row's stamp its value
    in a column is known, for columns that are not known at the stamp. `rule`: the buckets of the pass."""

    columns: Mapping[str, pl.DataType]
    known_after: Mapping[str, Lag]
    allow_nonpositive_prices: bool = False
    rule: BucketRule | None = None

    def price(self, column: str) -> pl.Expr:
        """A column's price where it counts, else null."""
        return known_price(column, self.allow_nonpositive_prices)

    def needed(self, column: str, who: str, cure: str) -> None:
        """UserError that says the cure where the table lacks the column."""
        check_column(column, self.columns, who, cure)


@attrs.frozen(eq=False)
class Group(Generic[S]):
    """A configured group, the module's options filled in where it has none of its own.

    `mask`: filters of its own that the frame's rows have not passed.
    """

    label: str
    options: S
    trades: Trades
    states: States
    trade_types: Sequence[str] | None
    where: str | None
    mask: pl.Expr | None = None

    def filter(self, types: bool = True, where: bool = True) -> pl.Expr | None:
        """Its filters by type and by `where`, those asked for; None where there is none."""
        of_type = of_types(self.trade_types) if types and self.trade_types is not None else None
        return all_of(of_type, self._where() if where else None)

    def _where(self) -> pl.Expr | None:
        place = "trade.where" if self.options.where is None else f"{self.label}.where"
        return None if self.where is None else row_filter(self.where, self.trades.columns, place)

    def population(self, side: str) -> Population:
        """The group's trades of one side."""
        side_mask, words = SIDES[side]
        return Population(all_of(self.mask, side_mask), words)

    def template(self, *fields: str) -> Template:
        """The group's checked `name`."""
        return Template.checked(self.options.name, self.label, fields)


def populations(group: Group[Any]) -> Iterator[tuple[str, Population]]:
    """Each side that the group names, with its trades."""
    for side in group.options.sides:
        yield side, group.population(side)
