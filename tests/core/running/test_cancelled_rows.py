"""Parts that read cancelled rows too: what they see, and what nobody else does."""

from datetime import date

import polars as pl
import pytest

import basalt
from basalt.errors import PluginError, UserError
from basalt.metrics import SUM, Empty, previous
from basalt.modules import Part, Rows

MONDAY = date(2026, 1, 5)
ROWS = [(1, 30, 100, 5, False), (1, 40, 100, 90, True), (1, 50, 100, 2, None), (1, 90, 100, 7, True)]
"""Two prints that stand and a cancelled one in 09:01, a cancelled one alone in 09:02."""
SESSION = {"session": {"start": "09:00", "end": "09:02", "tz": "UTC"}, "timeline": "dense"}


@pytest.fixture
def every(a_metric):
    """A part over rows of every state, cancelled ones among them."""

    def made(*metrics, table="trades", **more):
        return Part(Rows(table, "any", cancelled=True), metrics or (number(a_metric),), **more)

    return made


def number(a_metric, name="N"):
    return a_metric(name, pl.len().cast(pl.Int64), dtype=pl.Int64, over_time=SUM, empty=Empty.ZERO)


@pytest.fixture
def counted(a_module, a_part, a_metric, a_volume, every):
    """A module that counts every row and sums the sizes of those that stand."""
    gone = a_metric("Gone", pl.col("IsCancelled").sum().cast(pl.Int64), dtype=pl.Int64, empty=Empty.ZERO)
    return a_module("counted", every(number(a_metric), gone), a_part(a_volume()))


def test_a_part_that_says_so_reads_cancelled_rows_which_make_no_bucket(events, by_bucket, counted):
    """Three rows, one of them cancelled, and 5 + 2 of those that stand; nothing of 09:02."""
    bars = basalt.compute(counted, every="1m", trades=events("Price Size IsCancelled", *ROWS))
    assert by_bucket(bars, "N", "Gone", "Volume") == {(1, "09:01"): (3, 1, 7.0)}


def test_a_bucket_that_something_else_makes_has_its_cancelled_rows(events, by_bucket, counted):
    bars = basalt.compute(counted, every="1m", trades=events("Price Size IsCancelled", *ROWS), **SESSION)
    assert by_bucket(bars, "N", "Gone", "Volume") == {(1, "09:01"): (3, 1, 7.0), (1, "09:02"): (1, 1, 0.0)}


def test_alone_it_has_the_buckets_of_the_rows_that_stand(events, by_bucket, a_module, every):
    bars = basalt.compute(a_module("every", every()), every="1m", trades=events("Price Size IsCancelled", *ROWS))
    assert by_bucket(bars, "N") == {(1, "09:01"): 3}


def test_a_listing_of_cancelled_rows_alone_has_none(events, by_bucket, counted):
    trades = events("Price Size IsCancelled", *ROWS, (2, 30, 100, 5, True))
    assert by_bucket(basalt.compute(counted, every="1m", trades=trades), "N") == {(1, "09:01"): 3}


def test_they_stand_where_they_were_printed(events, by_bucket, a_module, a_metric, every):
    """The row before the last of 09:01 is the cancelled one of 90, whatever the order of the file."""
    before = a_metric("Before", pl.col("before").last())
    module = a_module("before", every(before, derive={"before": previous(pl.col("Size"))}))
    for rows in (ROWS, ROWS[::-1]):
        trades = events("Price Size IsCancelled", *rows)
        assert by_bucket(basalt.compute(module, every="1m", trades=trades), "Before") == {(1, "09:01"): 90.0}


def test_hours_count_for_them_as_for_others(events, by_bucket, counted):
    """One at 09:02:30 is outside the session."""
    trades = events("Price Size IsCancelled", *ROWS, (1, 150, 100, 1, True), (1, 160, 100, 1, False))
    bars = basalt.compute(counted, every="1m", trades=trades, **SESSION)
    assert by_bucket(bars, "N") == {(1, "09:01"): 3, (1, "09:02"): 1}


def test_seconds_of_the_bucket_are_those_of_the_rows_that_stand(events, by_bucket, a_module, a_metric, every):
    """The listing is there from 09:00:00 to the end of the bucket of its last standing row: 60 s."""
    seconds = a_metric("Seconds", pl.col("AdmissibleSeconds").last(), basalt.Unit.SECONDS)
    trades = events("Price Size IsCancelled", *ROWS)
    found = basalt.compute(a_module("seconds", every(seconds)), every="1m", trades=trades)
    assert by_bucket(found, "Seconds") == {(1, "09:01"): 60.0}


def test_without_the_column_it_is_the_frame_of_everybody(events, by_bucket, counted, a_module, a_part, a_volume, every):
    trades = events("Price Size", *[row[:4] for row in ROWS])
    module = a_module("plain", every(), a_part(a_volume(), states="any"))
    found = basalt.compute(module, every="1m", trades=trades)
    assert by_bucket(found, "N", "Volume") == {(1, "09:01"): (3, 97.0), (1, "09:02"): (1, 7.0)}
    with pytest.raises(UserError, match="Gone of module counted needs column 'IsCancelled'"):
        basalt.compute(counted, every="1m", trades=trades)


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1]], ids=["in order", "to be sorted"])
def test_other_modules_and_passes_of_a_run_see_none(desk, events, a_module, a_part, a_metric, counted, rows):
    desk.modules += [counted, a_module("plain", a_part(number(a_metric, "Plain"), states="any"))]
    desk.put("trades", "2026-01-05", events("Price Size IsCancelled", *rows))
    first = {"name": "first", "every": "1m", "modules": [{"module": "plain"}]}
    both = {"name": "both", "every": "1m", "modules": [{"module": "plain"}, {"module": "counted"}]}
    result = desk.run(first, both, dates=[MONDAY])
    assert result.scan("first").select("Plain").collect().rows() == [(2,)]
    assert result.scan("both").select("Plain", "N", "Gone", "Volume").collect().rows() == [(2, 3, 1, 7.0)]


def test_transforms_see_none_and_it_sees_the_table_before_them(events, by_bucket, a_module, a_part, a_metric, every):
    """The quote is there for the prints that stand; the part of all rows has the source's columns."""
    quoted = a_part(a_metric("Bid", pl.col("BidPrice").last(), basalt.Unit.PRICE), states="any")
    tables = {
        "trades": events("Price Size IsCancelled", *ROWS),
        "l2": events("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", (1, 0, 99, 1, 101, 1)),
        "preprocess": [{"transform": "quotes_at_trades", "quotes": "l2"}],
    }
    bars = basalt.compute(a_module("quoted", every(), quoted), every="1m", **tables)
    assert by_bucket(bars, "N", "Bid") == {(1, "09:01"): (3, 99.0)}
    bid = a_metric("EveryBid", pl.col("BidPrice").last(), basalt.Unit.PRICE)
    with pytest.raises(UserError, match="EveryBid of module quoted needs column 'BidPrice' of table 'trades'"):
        basalt.compute(a_module("quoted", every(bid)), every="1m", **tables)


def test_rows_with_and_without_them_are_not_the_same_column(events, a_module, a_part, a_metric, every):
    trades = events("Price Size IsCancelled", *ROWS)
    standing = a_module("standing", a_part(number(a_metric), states="any"))
    with pytest.raises(UserError, match="both emit 'N' with different definitions: set `prefix` on one"):
        basalt.compute([standing, a_module("every", every())], every="1m", trades=trades)


def test_only_rows_of_every_state_may_be_read_so():
    with pytest.raises(PluginError, match="Rows of 'trades' with cancelled ones are of every state"):
        Rows("trades", cancelled=True)


def test_what_fails_on_them_is_the_module_s_fault(events, a_module, a_metric, every):
    """The size of a cancelled row is no Int8; those that stand are."""
    narrow = a_metric("Narrow", pl.col("Size").cast(pl.Int8).max(), dtype=pl.Int8)
    trades = events("Price Size IsCancelled", (1, 30, 100, 5, False), (1, 40, 100, 9000, True))
    with pytest.raises(PluginError, match=r"module narrow .* failed: .*9000"):
        basalt.compute(a_module("narrow", every(narrow)), every="1m", trades=trades)
