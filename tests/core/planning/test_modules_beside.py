"""A bucket module with a frame module beside it: one entry, its options for both, under one prefix."""

import datetime as dt

import attrs
import polars as pl
import pytest

import basalt
from basalt import BucketModule, FrameModule, Metric, Unit
from basalt.documents import ResultColumn
from basalt.errors import PluginError
from basalt.metrics import SUM
from basalt.options import option
from basalt.tables import NS_UTC

NINE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


@attrs.frozen
class Asked:
    """What is asked of both."""

    above: float = option("least size", default=0.0)
    counts: bool = option("whether the part counts", default=True)
    last: bool = option("whether the last price is told", default=True)


class Last(FrameModule):
    """The last price of trades of that size, and whether the pass has other buckets."""

    name = "sized"
    inputs = ("trades",)
    Config = Asked

    def columns(self):
        return [ResultColumn("LastPrice", Unit.PRICE, "The last price.", reads=("trades.Price",))]

    def compute(self, inputs, pass_):
        assert self.rule is not None
        bucket = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        kept = inputs["trades"].filter(pl.col("Size") >= self.config.above).with_columns(TimeBucket=bucket)
        found = kept.group_by("ListingId", "TimeBucket", maintain_order=True).agg(LastPrice=pl.col("Price").last())
        if pass_.touched is None:
            return found
        return found.join(pass_.touched, on=["ListingId", "TimeBucket"], how="semi")


class Sized(BucketModule):
    """Counts trades of that size."""

    name = "sized"
    table = "trades"
    Config = Asked

    @classmethod
    def beside(cls, config):
        return Last if config.last else None

    def parts(self):
        return super().parts() if self.config.counts else []

    def metrics(self):
        many = (pl.col("Size") >= self.config.above).sum().cast(pl.Int64)
        yield Metric("Many", many, Unit.COUNT, doc="Trades.", dtype=pl.Int64, over_time=SUM)


def trades():
    stamps = pl.Series([NINE + dt.timedelta(seconds=s) for s in (1, 2, 90)]).cast(NS_UTC)
    columns = {"Price": [10.0, 11.0, 12.0], "Size": [5.0, 1.0, 1.0]}
    return pl.DataFrame({"ListingId": 1, "EventTimestamp": stamps, **columns})


def ran(**options):
    return basalt.compute([{"module": Sized, **options}], every="1m", trades=trades()).drop("ListingId", "TimeBucket")


def test_both_have_the_options_of_the_entry():
    assert ran(above=2.0).to_dicts() == [{"Many": 1, "LastPrice": 10.0}, {"Many": 0, "LastPrice": None}]


def test_both_are_under_one_prefix():
    assert ran(prefix="Own").columns == ["OwnMany", "OwnLastPrice"]


def test_the_module_beside_may_be_all_there_is():
    assert ran(counts=False).to_dicts() == [{"LastPrice": 11.0}, {"LastPrice": 12.0}]


def test_options_may_ask_for_nothing_beside():
    assert ran(last=False).columns == ["Many"]


def test_a_module_that_emits_nothing_at_all_is_refused():
    with pytest.raises(PluginError, match="emits no metric with these options"):
        ran(counts=False, last=False)
