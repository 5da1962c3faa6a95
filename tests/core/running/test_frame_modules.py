"""Frame modules in a pass: what they are given, and the buckets their rows make."""

import polars as pl

import basalt
from basalt import FrameModule, Unit
from basalt.documents import ResultColumn
from basalt.metrics import Empty


class Large(FrameModule):
    """Buckets with a print of more than 10 shares: how many, the largest, and a null that it returns itself."""

    name = "large"
    inputs = ("trades",)

    def columns(self):
        return [
            ResultColumn("N", Unit.COUNT, "Large prints.", pl.Int64, empty=Empty.ZERO),
            ResultColumn("Largest", Unit.SHARES, "Largest."),
            ResultColumn("Nothing", Unit.SHARES, "Null where there is a row.", empty=Empty.ZERO),
        ]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        kept = inputs["trades"].filter(pl.col("Size") > 10).with_columns(TimeBucket=label)
        return kept.group_by("ListingId", "TimeBucket").agg(
            Nothing=pl.lit(None, pl.Float64), Largest=pl.col("Size").max(), N=pl.len().cast(pl.Int64)
        )


ROWS = [(1, 20, 10, 5), (1, 40, 10, 20), (1, 90, 10, 7), (2, 150, 10, 30)]


def test_a_frame_module_alone_has_the_buckets_of_the_tables_it_reads(events, by_bucket):
    """Its rows are those of the sparse timeline, as any module's: 09:02 has a print, none of them large."""
    bars = basalt.compute(Large, every="1m", trades=events("Price Size", *ROWS))
    assert by_bucket(bars, "N") == {(1, "09:01"): 1, (1, "09:02"): 0, (2, "09:03"): 1}
    assert bars.equals(bars.sort("ListingId", "TimeBucket"))


def test_a_frame_module_gets_its_tables_in_order_and_without_cancelled_rows(events):
    seen = []

    class Sees(Large):
        """Keeps what it was given."""

        name = "sees"

        def compute(self, inputs, pass_):
            seen.append(inputs["trades"].select("ListingId", "Size").collect().rows())
            return super().compute(inputs, pass_)

    rows = [(2, 20, 10, 1, False), (1, 90, 10, 2, None), (1, 40, 10, 3, True), (1, 30, 10, 4, False)]
    basalt.compute(Sees, every="1m", trades=events("Price Size IsCancelled", *rows))
    assert seen[-1] == [(1, 4.0), (1, 2.0), (2, 1.0)]


def test_a_carried_column_keeps_its_prefix(events, by_bucket):
    """Two uses of one module with other filters: each carries its own close into the bucket it has no print in."""
    group = {"generic": [{"measures": ["OHLC"], "open_mode": "prev_close"}]}
    uses = [
        {"module": "trade", "prefix": "Small", "where": "Size <= 10", **group},
        {"module": "trade", "prefix": "Large", "where": "Size > 10", **group},
    ]
    trades = events("Price Size", (1, 20, 10, 5), (1, 40, 11, 20), (1, 90, 12, 5), (1, 150, 13, 20))
    bars = basalt.compute(uses, every="1m", trades=trades)
    names = ["SmallTradeTotalOpen", "SmallTradeTotalClose", "LargeTradeTotalOpen", "LargeTradeTotalClose"]
    assert by_bucket(bars, *names) == {
        (1, "09:01"): (10.0, 10.0, 11.0, 11.0),
        (1, "09:02"): (10.0, 12.0, 11.0, 11.0),
        (1, "09:03"): (12.0, 12.0, 11.0, 13.0),
    }


class Small(FrameModule):
    """Buckets with a print of at most 10 shares."""

    name = "small"
    inputs = ("trades",)

    def columns(self):
        return [ResultColumn("Smallest", Unit.SHARES, "Smallest.")]

    def compute(self, inputs, pass_):
        label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
        kept = inputs["trades"].filter(pl.col("Size") <= 10).with_columns(TimeBucket=label)
        return kept.group_by("ListingId", "TimeBucket").agg(Smallest=pl.col("Size").min())


def test_a_frame_module_beside_a_bucket_module_fills_its_buckets(events, by_bucket, a_module, a_volume):
    """09:02 has no large print: 0 of them, no largest; the null it returned in 09:01 stays null."""
    bars = basalt.compute([Large, a_module("volume", a_volume())], every="1m", trades=events("Price Size", *ROWS))
    assert bars.columns == ["ListingId", "TimeBucket", "Volume", "N", "Largest", "Nothing"]
    assert by_bucket(bars, "Volume", "N", "Largest", "Nothing") == {
        (1, "09:01"): (25.0, 1, 20.0, None),
        (1, "09:02"): (7.0, 0, None, 0.0),
        (2, "09:03"): (30.0, 1, 30.0, None),
    }


def test_frame_modules_alone_give_the_buckets_of_any(events, by_bucket):
    bars = basalt.compute([Small, Large], every="1m", trades=events("Price Size", *ROWS))
    assert by_bucket(bars, "Smallest", "N", "Largest") == {
        (1, "09:01"): (5.0, 1, 20.0),
        (1, "09:02"): (7.0, 0, None),
        (2, "09:03"): (None, 1, 30.0),
    }
    assert bars.equals(bars.sort("ListingId", "TimeBucket"))


def test_prefixes_tell_two_uses_of_a_frame_module_apart(events, by_bucket):
    modules = [{"module": Large, "prefix": "A"}, {"module": Large, "prefix": "B"}]
    bars = basalt.compute(modules, every="1m", trades=events("Price Size", *ROWS))
    assert by_bucket(bars, "AN", "BN", "ALargest", "BLargest")[1, "09:01"] == (1, 1, 20.0, 20.0)


class OneZero(Large):
    """One ZERO column alone."""

    name = "one_zero"

    def columns(self):
        return [c for c in super().columns() if c.name == "N"]

    def compute(self, inputs, pass_):
        return super().compute(inputs, pass_).select("ListingId", "TimeBucket", "N")


def test_a_single_zero_column_of_a_frame_module_is_filled(events, by_bucket, a_module, a_volume):
    """The one ZERO column of a module that has no row at 09:02 is 0 there."""
    bars = basalt.compute([OneZero, a_module("volume", a_volume())], every="1m", trades=events("Price Size", *ROWS))
    assert by_bucket(bars, "N") == {(1, "09:01"): 1, (1, "09:02"): 0, (2, "09:03"): 1}
