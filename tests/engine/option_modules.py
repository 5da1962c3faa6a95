"""A module of each kind, written as a desk would: what options of a pass must reach."""

import attrs
import polars as pl

from basalt import FrameModule, Metric, Unit, analytic, ratio
from basalt.config.spellings import State
from basalt.documents import ResultColumn
from basalt.metrics import LAST, SUM, Empty, mean, previous
from basalt.modules import BucketModule, states
from basalt.options import option

SIZE, PRICE = pl.col("Size"), pl.col("Price")


@analytic("trades")
def printed():
    """The largest print and the mean price."""
    yield Metric("Largest", SIZE.max(), Unit.SHARES, doc="Largest size.")
    yield Metric("MeanPrice", PRICE.mean(), Unit.PRICE, doc="Mean price.", over_time=mean(pl.len()))


class Bucketed(BucketModule):
    """Volume, the price in force and the mean step between prices."""

    name = "bucketed"
    table = "trades"

    def derive(self):
        """The step from the trade before."""
        return {"Step": PRICE - previous(PRICE)}

    def metrics(self):
        """One of each empty rule."""
        step, steps = pl.col("Step").mean(), mean(pl.col("Step").count())
        yield Metric("Traded", SIZE.sum(), Unit.SHARES, "Shares.", over_time=SUM, empty=Empty.ZERO)
        yield Metric("InForce", PRICE.last(), Unit.PRICE, "Last price.", over_time=LAST, empty=Empty.CARRY)
        yield Metric("MeanStep", step, Unit.PRICE, "Mean step.", over_time=steps)


@attrs.frozen
class FramedOptions:
    """As any module over a table may have them."""

    market_states: State | list[State] | None = option("states whose rows count", default=None)


class Framed(FrameModule):
    """The same by hand, over the table's frame."""

    name = "framed"
    inputs = ("trades",)
    Config = FramedOptions

    def columns(self):
        """One of each empty rule, and a weight."""
        volume = ResultColumn("Framed", Unit.SHARES, "Shares.", over_time=SUM, empty=Empty.ZERO)
        price = ResultColumn("FramedPrice", Unit.PRICE, "Last price.", over_time=LAST, empty=Empty.CARRY)
        vwap = ResultColumn("FramedVWAP", Unit.PRICE, "VWAP.", over_time=mean("FramedVWAPWeight"))
        weight = ResultColumn("FramedVWAPWeight", Unit.WEIGHT, "Its weight.", over_time=SUM, hidden=True)
        return [volume, price, vwap, weight]

    def compute(self, inputs, pass_):
        """Rows of the buckets with a trade that counts."""
        asked = states(self.config.market_states)
        asked = pass_.market_states if asked == "default" else asked
        trades = inputs["trades"]
        if "MarketState" in trades.collect_schema():
            wanted = ["CONTINUOUS_TRADING"] if asked == "default" else asked
            trades = trades.filter(pl.col("MarketState").cast(pl.String).is_in(wanted))
        elif pass_.sessions is not None:
            at = pl.col("EventTimestamp").to_physical()
            trades = trades.filter(pl.any_horizontal(at.is_between(start, end) for start, end in pass_.sessions))
        label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        return trades.group_by(*pass_.keys, TimeBucket=label).agg(
            Framed=SIZE.sum(),
            FramedPrice=PRICE.last(),
            FramedVWAP=ratio((PRICE * SIZE).sum(), SIZE.sum()),
            FramedVWAPWeight=SIZE.sum(),
        )


class Behind(FrameModule):
    """Volume of an earlier pass, each of its rows taken for an event at the end of its bucket."""

    name = "behind"

    def columns(self):
        """One of each empty rule, and a weight."""
        volume = ResultColumn("Behind", Unit.SHARES, "Shares.", over_time=SUM, empty=Empty.ZERO)
        close = ResultColumn("BehindClose", Unit.PRICE, "Last close.", over_time=LAST, empty=Empty.CARRY)
        vwap = ResultColumn("BehindVWAP", Unit.PRICE, "VWAP.", over_time=mean("BehindVWAPWeight"))
        weight = ResultColumn("BehindVWAPWeight", Unit.WEIGHT, "Its weight.", over_time=SUM, hidden=True)
        return [volume, close, vwap, weight]

    def compute(self, inputs, pass_):
        """Rows of the buckets in which more than ten shares changed hands."""
        ended = self.source.rule.interval_end(pl.col("TimeBucket"))
        label = pass_.rule.bucket(ended, pass_.date)
        volume = pl.col("TradeTotalVolume")
        rows = inputs["source"].sort(*pass_.keys, "TimeBucket").group_by(*pass_.keys, TimeBucket=label)
        return rows.agg(
            Behind=volume.sum(),
            BehindClose=pl.col("TradeTotalClose").last(),
            BehindVWAP=ratio((pl.col("TradeTotalVWAP") * volume).sum(), volume.sum()),
            BehindVWAPWeight=volume.sum(),
        ).filter(pl.col("Behind") > 10)


MODULES = (printed, Bucketed, Framed, Behind)
