"""The `aggressive_trades` transform: executions that one aggressive order caused, put together again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import polars as pl

from basalt.errors import UserError
from basalt.metrics import Known
from basalt.modules import PassContext
from basalt.tables import TableSchema
from basalt.transforms import Transform
from basalt_analytics.transforms.aggressive.clusters import clustered, grows_until
from basalt_analytics.transforms.aggressive.executions import executions
from basalt_analytics.transforms.aggressive.options import WHO, AggressiveTradesOptions, Columns, check
from basalt_analytics.transforms.aggressive.orders import orders
from basalt_analytics.transforms.aggressive.sweeps import with_sweeps
from basalt_analytics.transforms.aggressive.tables import AGGRESSIVE_ORDERS, ORDER_COLUMNS, executions_table
from basalt_analytics.transforms.quote_rows import QUOTE

MICROSECOND = 1_000


class AggressiveTrades(Transform):
    """The table `aggressive_orders`, and its executions as the side table `aggressive_executions`.

    Every execution that counts is in exactly one order. An order may grow until its FinalTimestamp, so what is counted
    of orders is known later than their stamp: by `max_gap`, as an exchange event has one stamp; when the date is over
    where an id of the exchange, or a first stamp without `max_duration`, leaves that open.
    """

    name = WHO
    Config = AggressiveTradesOptions
    config: AggressiveTradesOptions
    optional = ("marketstate",)

    def __init__(self, config: AggressiveTradesOptions) -> None:
        super().__init__(config)
        self.scope = "listing" if config.cross_venue_gap is None else "instrument"
        self.sides: Sequence[TableSchema] = (executions_table(config.table),)

    @property
    def inputs(self) -> Sequence[str]:
        """The executions, and reference where sweeps go over venues."""
        return [self.config.table, *(["reference"] if self.config.cross_venue_gap is not None else [])]

    @property
    def output(self) -> str:
        """The orders."""
        return AGGRESSIVE_ORDERS.name

    def columns(self, columns_of: Mapping[str, Columns]) -> dict[str, pl.DataType]:
        """Columns of the orders; UserError for options that make no sense, or lack a column."""
        check(self.config, columns_of)
        own = columns_of[self.config.table]
        names = {"ListingId": own["ListingId"], **{name: ORDER_COLUMNS[name] for name in self._names(columns_of)}}
        carried = {name: own[name] for name in self._carried}
        if taken := [name for name in carried if name in names]:
            raise UserError(f"carry_first and carry_last name {taken[0]!r}, which every order has: leave it out")
        return {**names, **carried}

    @property
    def known_after(self) -> dict[str, timedelta | Known]:
        """By column, how long after the order's stamp its value is final."""
        names = dict.fromkeys([*ORDER_COLUMNS, *self._carried], self._lag)
        return {**names, "SweepVenues": Known.END_OF_DATE}

    def notes(self, columns_of: Mapping[str, Columns], shared_sequence: bool, hours: bool) -> Iterator[str]:
        """By which rules, and of which executions, where the table does not tell."""
        own = columns_of[self.config.table]
        yield f"{WHO} puts executions of {self.config.table} together by {', '.join(self.config.applied(own))}"
        if self.config.table == "trades" and "TradeType" not in own:
            yield f"{WHO} takes prints of every type, as trades tell none"
        if "marketstate" not in columns_of and "MarketState" not in own and not hours:
            yield f"{WHO} knows no market state and no session, so that every execution counts"

    def apply(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> dict[str, pl.LazyFrame]:
        """Orders and executions, in order."""
        config, columns_of = self.config, {name: table.collect_schema() for name, table in inputs.items()}
        own = columns_of[config.table]
        rules = config.applied(own)
        rows = clustered(executions(inputs, config, pass_), config, rules)
        found = orders(rows, config, own, grows_until(config, rules))
        if config.venue_gap is not None:
            found = with_sweeps(found, inputs["reference"], config.venue_gap)
        side = self.sides[0]
        known = [name for name in own if side.column(name) is not None]
        return {
            self.output: found.select("ListingId", *self._names(columns_of), *self._carried),
            side.name: rows.select(*known, "AggressiveOrderId", "ExecutionIndex"),
        }

    @property
    def _carried(self) -> list[str]:
        return [*self.config.carry_first, *self.config.carry_last]

    def _names(self, columns_of: Mapping[str, Columns]) -> list[str]:
        """The columns of an order beside its listing: those that its executions can tell."""
        own = columns_of[self.config.table]
        without = {"ListingId", *(name for name in QUOTE if name not in own)}
        if self.config.table == "trades":
            without.add("RestingOrders")
        if "MarketState" not in own and "marketstate" not in columns_of:
            without.add("MarketState")
        if self.config.cross_venue_gap is None:
            without |= {"SweepId", "SweepVenues"}
        if not {"BidQuantity", "AskQuantity"} & own.keys():
            without.add("SizeToTouch")
        return [name for name in ORDER_COLUMNS if name not in without]

    @property
    def _lag(self) -> timedelta | Known:
        config = self.config
        if config.match_column is not None:
            return Known.END_OF_DATE
        gap = config.gap if "gap" in config.rules else 0
        if config.stamp == "first":
            if config.longest is None:
                return Known.END_OF_DATE
            gap += config.longest
        return timedelta(microseconds=-(-gap // MICROSECOND))
