"""The module `l3`: how liquidity is placed, changed, withdrawn and consumed."""

from collections.abc import Iterator, Mapping

from basalt.errors import UserError
from basalt.expressions import roots, table_columns
from basalt.modules import BucketModule, FrameModule, Part, Rows, states
from basalt_analytics.groups import Emission, derived, without_repeats
from basalt_analytics.l3.flow import flow
from basalt_analytics.l3.fronts import fronts
from basalt_analytics.l3.options import L3Options, MessageWeights
from basalt_analytics.l3.ratios import ORDER_OF_TAKER, ratios
from basalt_analytics.lives.module import L3Lives
from basalt_analytics.trade.admissible import check_column

OLD = "put the transform l3_old_state in front of the module, or take a source that has it"
QUEUED = "put the transform l3_queue in front of the module, or take a source that has it"
CURES: Mapping[str, str] = {"OldSize": OLD, "OldPrice": OLD, "SizeAhead": QUEUED, "OrdersAhead": QUEUED}
WEIGHED = {"OrderToTradeCount", "{side}OrderToTradeCount"}


class L3(BucketModule):
    """What becomes of orders: how many and how large they come, change, go and execute, and what stands before them.

    Sizes are displayed ones. What an order was before an event is what the event's row says.
    """

    name = "l3"
    table = "l3"
    Config = L3Options
    config: L3Options

    @classmethod
    def beside(cls, config: L3Options) -> type[FrameModule] | None:
        """What follows the lives of orders, where a group asks for it."""
        return L3Lives if config.follows_lives else None

    def parts(self) -> list[Part]:
        """One, of the events of the states that count."""
        emissions = list(self._emissions())
        if not emissions:
            if self.config.follows_lives:
                return []
            raise UserError("l3 emits nothing: all its groups are empty, so name one in flow, ratios or another")
        without_repeats((e.group, e.metric.name) for e in emissions)
        for each in emissions:
            self._check(each)
        reads = Rows("l3", states(self.config.market_states))
        return [Part(reads, tuple(e.metric for e in emissions), derived(emissions))]

    def _emissions(self) -> Iterator[Emission]:
        config = self.config
        self._check_idle()
        if config.message_weights is not None and not WEIGHED & set(config.ratios):
            raise UserError(
                "l3: message_weights weigh OrderToTradeCount, which is not asked for: name it in ratios, or leave them "
                "out"
            )
        for i, group in enumerate(config.flow):
            yield from flow(group, f"l3.flow[{i}]")
        yield from ratios(
            list(config.ratios), config.message_weights or MessageWeights(), ORDER_OF_TAKER in self.columns
        )
        for i, queued in enumerate(config.queue):
            yield from fronts(queued, f"l3.queue[{i}]")

    def _check_idle(self) -> None:
        """UserError for an option of lives where no group reads it."""
        config = self.config
        own = bool(config.resting or config.fleeting or config.fill_probability)
        given = {"attribution": "end", "life": "order", "at_touch": False}
        idle = [name for name, default in given.items() if getattr(config, name) != default and not own]
        if config.snapshot and not config.follows_lives:
            idle.append("snapshot")
        if idle:
            raise UserError(
                f"l3: {idle[0]} is of lives of orders, and no group asks for them: name one in resting, fleeting or "
                f"fill_probability, or leave {idle[0]} out"
            )

    def _check(self, each: Emission) -> None:
        """UserError that says the cure for a column that a transform or another source has."""
        for column in table_columns(roots(each.metric.expr), each.derive):
            if column in CURES:
                check_column(column, self.columns, f"{each.group}: {each.metric.name}", CURES[column], "l3")
