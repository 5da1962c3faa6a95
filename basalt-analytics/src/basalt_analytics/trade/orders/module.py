"""The module `tca`."""

from collections.abc import Mapping, Sequence

import attrs
import polars as pl

from basalt.documents import ResultColumn
from basalt.durations import parse_duration
from basalt.modules import FrameModule, PassContext
from basalt.tables import NS_UTC
from basalt_analytics.trade.admissible import KEY, Admissible, check_column, check_states
from basalt_analytics.trade.filters import all_of, of_types, valid
from basalt_analytics.trade.orders import market
from basalt_analytics.trade.orders.benchmarks import benchmarks
from basalt_analytics.trade.orders.costs import costs, label, weight
from basalt_analytics.trade.orders.mids import before_orders, later, spread_capture
from basalt_analytics.trade.orders.options import WHO, TcaOptions
from basalt_analytics.trade.orders.parents import ORDER, events, parents
from basalt_analytics.transforms.quote_rows import of_listings, with_level


class Tca(FrameModule):
    """Transaction costs of parent orders: one row an order, in the bucket of its end.

    Market volume is that of `trades`, mids are those of `l2`, or with `quotes = "cbbo"` those of the instrument's best
    quotes over its venues. An order without a fill keeps its row: not trading has a cost as well.
    """

    name = "tca"
    inputs = ("orders", "trades", "l2")
    optional = ("marketstate",)
    keys = ORDER
    Config = TcaOptions
    config: TcaOptions

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        states = {name: self.columns_of[name] for name in ("trades", "l2") if name in self.reads(self.config)[0]}
        check_states(self.config.market_states, states, WHO)
        _check_quotes(self.config, self.columns_of)
        if self.config.trade_types is not None:
            check_column("TradeType", self.columns_of["trades"], WHO, "leave trade_types out")
        self._costs = [*costs(self.config), *benchmarks(self.config), label(), weight()]

    @classmethod
    def reads(cls, config: TcaOptions) -> tuple[Sequence[str], Sequence[str]]:
        """The table of the quotes, and reference where these are of instruments."""
        quotes = ("cbbo", "reference") if config.quotes == "cbbo" else ("l2",)
        return ("orders", "trades", *quotes), cls.optional

    def columns(self) -> list[ResultColumn]:
        """What an order did and cost, a label of what is wrong with it, and the hidden weight."""
        return [attrs.evolve(cost.column, reads=self._there(cost.column.reads)) for cost in self._costs]

    def _there(self, reads: Sequence[str]) -> tuple[str, ...]:
        """Those of the columns that the tables have; mids are of the table of quotes."""
        own = {"l2": self.config.quotes}
        named = [(own.get(table, table), column) for table, _, column in (name.partition(".") for name in reads)]
        if any(table == "cbbo" for table, _ in named):
            named.append(("reference", "InstrumentId"))
        return tuple(f"{table}.{column}" for table, column in named if column in self.columns_of[table])

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """One row an order."""
        assert self.rule is not None
        quotes = self._quotes(inputs)
        admissible = Admissible({**inputs, self.config.quotes: quotes}, self.rule, pass_, self.config.market_states)
        stretches = admissible.stretches(self._told_by)
        rows = events(inputs["orders"])
        orders = parents(rows, _session_end(inputs["orders"], stretches, pass_), pass_)
        sound = pl.col("OrderProblem").is_null()
        fills = _fills(rows, orders.filter(sound))
        trades = self._counted(admissible)
        prints = market.prints(trades)
        parts = [
            before_orders(orders, quotes),
            spread_capture(fills, quotes),
            later(orders, fills, quotes, stretches, [parse_duration(h) for h in self.config.horizons]),
            market.of_interval(orders, prints),
            market.participation(orders, prints, self.config.participation_rates),
            market.own_volume(fills, trades),
            market.up_to(orders, "End", prints, LastTrade="Price").select(*ORDER, "LastTrade"),
        ]
        for part in parts:
            orders = orders.join(part, on=ORDER, how="left")
        found = orders.join(market.of_day(prints), on=KEY, how="left")
        price = {"mid": pl.col("EndMid"), "last_trade": pl.col("LastTrade")}[self.config.end_price]
        decided = pl.coalesce("DecisionPrice", "DecisionMid", "ArrivalMid")
        values = {c.column.name: c.value if c.always else pl.when(sound).then(c.value) for c in self._costs}
        bucket = self.rule.bucket(pl.col("End").cast(NS_UTC), pass_.date)
        return found.with_columns(EndPrice=price, Decided=decided).select(*ORDER, TimeBucket=bucket, **values)

    def _quotes(self, inputs: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        """The quotes by listing, those of instruments for each listing that has orders."""
        if self.config.quotes == "l2":
            return with_level(inputs["l2"])
        return with_level(of_listings(inputs["cbbo"], inputs["reference"], inputs["orders"]))

    @property
    def _told_by(self) -> str:
        """The table whose rows tell when the market is open: best quotes of instruments carry no state."""
        stated = self.config.quotes == "cbbo" and "MarketState" in self.columns_of["trades"]
        return "trades" if stated else self.config.quotes

    def _counted(self, admissible: Admissible) -> pl.LazyFrame:
        types = None if self.config.trade_types is None else of_types(self.config.trade_types)
        kept = all_of(valid(allow_nonpositive_prices=False), types)
        assert kept is not None
        return admissible.rows("trades").filter(kept)


def _fills(rows: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
    """The fills of these orders, in order, with the order's side and times."""
    own = orders.select(*ORDER, "OrderSide", "Arrival", "LastFill")
    filled = rows.filter("Filled").select(*ORDER, "Price", "Size", "TradeId", At=pl.col("EventTimestamp").to_physical())
    return filled.join(own, on=ORDER, how="inner", maintain_order="left").with_columns(Fill=pl.int_range(pl.len()))


def _session_end(orders: pl.LazyFrame, stretches: pl.LazyFrame | None, pass_: PassContext) -> pl.LazyFrame:
    """(ListingId, SessionEnd): end of the last stretch, else of the pass's last session; null where nothing tells."""
    hours = pl.lit(pass_.sessions[-1][1] if pass_.sessions else None, pl.Int64)
    listings = orders.select(KEY).unique()
    if stretches is None:
        return listings.with_columns(SessionEnd=hours)
    end = pl.when(~pl.col("End").is_null().any()).then(pl.col("End").max())
    found = listings.join(stretches.group_by(KEY).agg(SessionEnd=end), on=KEY, how="left")
    inside = pl.col("SessionEnd") == hours + 1  # a stretch of hours ends behind their last instant
    return found.with_columns(SessionEnd=pl.when(inside).then(hours).otherwise(pl.coalesce("SessionEnd", hours)))


def _check_quotes(config: TcaOptions, columns_of: Mapping[str, Mapping[str, pl.DataType]]) -> None:
    """UserError where the tables behind mids lack a column."""
    check_column("AskPrice1", columns_of[config.quotes], WHO, "name another table in quotes, or add it", config.quotes)
    if config.quotes == "cbbo":
        check_column("InstrumentId", columns_of["reference"], WHO, "add it, or take quotes = 'l2'", "reference")
