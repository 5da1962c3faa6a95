"""Names that would collide, places that would be shared, and rows that belong nowhere."""

from datetime import date

import polars as pl
import pytest

import basalt
from basalt import FrameModule
from basalt.errors import BasaltError, UserError
from basalt.tables import NS_UTC


def test_a_derived_column_named_as_one_of_the_table_changes_no_other_module(events, by_bucket, a_module, a_metric):
    """Sizes 5 + 6 = 11, prices 10 + 20 = 30; a derived Price of one module is not the other's."""
    shadow = a_module("shadow", a_metric("Sizes", pl.col("Price").sum()), derive={"Price": pl.col("Size")})
    plain = a_module("plain", a_metric("Prices", pl.col("Price").sum()))
    trades = events("Price Size", (1, 20, 10, 5), (1, 40, 20, 6))
    assert by_bucket(basalt.compute([shadow, plain], every="1m", trades=trades), "Sizes", "Prices") == {
        (1, "09:01"): (11.0, 30.0)
    }


def test_a_renamed_derived_column_never_takes_the_name_of_one_of_the_table(events, by_bucket, a_module, a_metric):
    """The source has a column X_, which the renamed second X must not take: C is 500 + 600 = 1100."""
    trades = events("Price Size X_", (1, 20, 10, 5, 500), (1, 40, 20, 6, 600))
    x = pl.col("X").sum()
    modules = [
        a_module("a", a_metric("A", x), derive={"X": pl.col("Price")}),
        a_module("b", a_metric("B", x), derive={"X": pl.col("Size")}),
        a_module("c", a_metric("C", pl.col("X_").sum())),
    ]
    assert by_bucket(basalt.compute(modules, every="1m", trades=trades), "A", "B", "C") == {
        (1, "09:01"): (30.0, 11.0, 1100.0)
    }


@pytest.mark.parametrize("name", ["ListingId", "TimeBucket", "StretchId", "EventTimestamp"])
def test_a_derived_column_may_not_be_named_as_a_key(events, a_module, a_metric, name):
    """It would change whose rows these are."""
    module = a_module("keys", a_metric("A", pl.col("Size").sum()), derive={name: pl.col("Size").cast(pl.Int64)})
    with pytest.raises(BasaltError, match=name):
        basalt.compute(module, every="1m", trades=events("Price Size", (1, 20, 10, 5), (1, 40, 10, 6)))


@pytest.mark.parametrize("name", ["Date", "Universe"])
def test_a_metric_may_not_be_named_as_what_publishing_adds(desk, a_module, a_metric, name):
    """Every published row begins with Date and Universe."""
    desk.modules.append(a_module("dated", a_metric(name, pl.col("Size").sum())))
    with pytest.raises(BasaltError, match=name):
        desk.plan({"name": "minutes", "every": "1m", "modules": [{"module": "dated"}]})


def test_two_outputs_of_one_pass_may_not_go_to_one_place(desk):
    outputs = [{"type": "parquet", "root": "out"}, {"type": "parquet", "root": "out"}]
    with pytest.raises(UserError, match="both go to"):
        desk.plan({"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}, outputs=outputs)


def test_two_passes_of_one_name_are_refused_from_python_too(desk):
    """A pipeline built in Python is held to the rules of a file."""
    one = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
    with pytest.raises(UserError, match="minutes"):
        desk.plan(one, one)


def test_an_event_without_a_stamp_is_the_datas_fault(desk, events):
    """It belongs to no bucket."""
    stampless = events("Price Size", (1, 30, 1, 1)).with_columns(EventTimestamp=pl.lit(None, dtype=NS_UTC))
    desk.put("trades", "2026-01-05", stampless)
    minutes = {"name": "minutes", "every": "1m", "modules": [{"module": "volume"}]}
    result = desk.run(minutes, dates=[date(2026, 1, 5)])
    assert "EventTimestamp" in result.failed[0].error


def test_tables_whose_keys_have_other_dtypes_are_refused_while_planning(events, a_module, a_metric, a_volume):
    book = a_module("book", a_metric("Bid", pl.col("BidPrice1").last()), table="l2")
    text = events("Price Size", (1, 30, 1, 1)).with_columns(pl.col("ListingId").cast(pl.String))
    with pytest.raises(UserError, match="ListingId"):
        basalt.compute(
            [a_module("volume", a_volume()), book],
            every="1m",
            trades=text,
            l2=events("BidPrice1 BidQuantity1", (1, 30, 1, 1)),
        )


def test_a_frame_module_that_emits_nothing_is_refused(desk):
    class Nothing(FrameModule):
        """Emits nothing."""

        name = "nothing"
        inputs = ("trades",)

        def columns(self):
            return []

        def compute(self, inputs, pass_):
            label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            return inputs["trades"].select("ListingId", TimeBucket=label).unique()

    desk.modules.append(Nothing)
    with pytest.raises(BasaltError, match="emits no"):
        desk.plan({"name": "minutes", "every": "1m", "modules": [{"module": "nothing"}]})
