"""The part of module `l3` that follows orders from event to event."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import attrs
import polars as pl

from basalt.documents import ResultColumn
from basalt.modules import FrameModule, PassContext
from basalt_analytics.groups import without_repeats
from basalt_analytics.l3.inputs import check_events, each, events_and, need, with_stood
from basalt_analytics.l3.options import L3Options
from basalt_analytics.lives.asked import asked
from basalt_analytics.trade.admissible import KEY, Admissible, check_keys, check_states

WHO = "l3"


class L3Lives(FrameModule):
    """How long orders rest, what ends them, how likely they execute, and how old what rests is.

    Every event is replayed, in whatever state; `market_states` say which of the facts count, by the state at their own
    time. In a sparse pass there are rows of the buckets it has; facts of others are left out, and told of the run.
    """

    name = WHO
    inputs = ("l3",)
    optional = ("marketstate",)
    whole_book = True
    Config = L3Options
    config: L3Options

    def prepare(self) -> None:
        """Check the options against the tables, and keep what they come to."""
        events = self.columns_of["l3"]
        check_states(self.config.market_states, {"l3": events}, WHO)
        check_events(events, WHO)
        self.valid = {self.config.snapshot: pl.lit(False)} if self.config.snapshot else {}
        self._asked = asked(self.config)
        if self._asked.executes:
            need("ExecutionSize", events, f"{WHO} tells executions from cancels and")
        without_repeats(self._asked.names())

    @classmethod
    def reads(cls, config: L3Options) -> tuple[Sequence[str], Sequence[str]]:
        """Order events, and snapshots where they are named."""
        return events_and(config.snapshot), cls.optional

    def columns(self) -> list[ResultColumn]:
        """Those of the groups in their order, the numbers of open orders behind what rests."""
        return [attrs.evolve(one, reads=tuple(self._there(one.reads))) for one in self._asked.columns()]

    def compute(self, inputs: Mapping[str, pl.LazyFrame], pass_: PassContext) -> pl.LazyFrame:
        """One row for each bucket that has a fact, and of the pass's buckets from the listing's first event on."""
        from basalt_analytics.lives.rows import Clock, of_batch

        check_keys(pass_, WHO)
        assert self.rule is not None
        spans = Admissible(inputs, self.rule, pass_, self.config.market_states).spans("l3")
        told = spans.select(KEY, "Start", "End", "Told", Edge=pl.lit(None, pl.Int64))
        rows = [with_stood(inputs["l3"], inputs, self.config.snapshot), told]
        if pass_.touched is not None:
            rows.append(pass_.touched.select(KEY, Edge=self.rule.interval_end(pl.col("TimeBucket"))).unique())
        schema = {KEY: self.columns_of["l3"][KEY], **self._asked.schema}
        clock = Clock(self.rule, pass_.date, pass_.touched is None)
        made = partial(of_batch, asked=self._asked, clock=clock, schema=schema)
        return each(pl.concat(rows, how="diagonal"), made, schema)

    def _there(self, reads: Sequence[str]) -> Iterator[str]:
        yield from (name for name in reads if name.partition(".")[2] in self.columns_of["l3"])
