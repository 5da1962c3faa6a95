"""The rows a module sees: buckets, order, market state."""

from datetime import UTC, datetime

import polars as pl
import pytest

import basalt
from basalt.buckets import EPOCH
from basalt.tables import NS_UTC

LAST = pl.col("Price").last()


@pytest.mark.parametrize(
    ("label", "closed", "buckets"),
    [
        ("end", "right", {(1, "09:01"): 3.0}),
        ("end", "left", {(1, "09:01"): 1.0, (1, "09:02"): 2.0}),
        ("start", "left", {(1, "09:00"): 1.0, (1, "09:01"): 2.0}),
        ("start", "right", {(1, "09:00"): 3.0}),
    ],
)
def test_labels_of_all_four_rules(events, by_bucket, a_module, a_volume, label, closed, buckets):
    """Sizes 1 at 09:00:30 and 2 at 09:01:00: on the edge, which belongs to the bucket that is closed there."""
    trades = events("Price Size", (1, 30, 10, 1), (1, 60, 10, 2))
    bars = basalt.compute(a_module("volume", a_volume()), every="1m", label=label, closed=closed, trades=trades)
    assert by_bucket(bars, "Volume") == buckets
    assert bars.schema["TimeBucket"] == pl.Datetime("us", "UTC")


def test_an_event_at_midnight_belongs_to_its_own_date(events, a_module, a_volume):
    """Closed on the right, midnight itself ends the bucket labelled midnight."""
    midnight = datetime(2026, 1, 5, tzinfo=UTC)
    bars = basalt.compute(a_module("volume", a_volume()), every="1m", trades=events("Price Size", (1, midnight, 9, 4)))
    assert bars.rows() == [(1, midnight, 4.0)]


def test_a_width_that_does_not_divide_the_hour_counts_from_the_origin(events, by_bucket, a_module, a_volume):
    """7 minutes from 09:30 back: …, (08:55, 09:02], (09:02, 09:09]."""
    trades = events("Price Size", (1, 60, 10, 1), (1, 180, 10, 2))
    bars = basalt.compute(a_module("volume", a_volume()), every="7m", origin="09:30", trades=trades)
    assert by_bucket(bars, "Volume") == {(1, "09:02"): 1.0, (1, "09:09"): 2.0}


def test_unsorted_rows_give_what_sorted_ones_give(events, by_bucket, a_module, a_metric):
    module = a_module("edges", a_metric("First", pl.col("Price").first()), a_metric("Last", LAST))
    rows = [(2, 40, 21, 1), (1, 50, 12, 1), (2, 10, 20, 1), (1, 90, 13, 1), (1, 10, 11, 1)]
    shuffled = basalt.compute(module, every="1m", trades=events("Price Size", *rows))
    assert by_bucket(shuffled, "First", "Last") == {
        (1, "09:01"): (11.0, 12.0),
        (1, "09:02"): (13.0, 13.0),
        (2, "09:01"): (20.0, 21.0),
    }
    ordered = events("Price Size", *rows).sort("ListingId", "EventTimestamp")
    assert basalt.compute(module, every="1m", trades=ordered).equals(shuffled)
    assert basalt.compute(module, every="1m", trades=ordered.lazy()).equals(shuffled)


def test_ties_are_ordered_by_sequence_number(events, by_bucket, a_module, a_metric):
    """Three rows at one stamp: the last is that of sequence 3, wherever it stands in the file."""
    rows = [(1, 30, 12, 1, 2), (1, 30, 13, 1, 3), (1, 30, 11, 1, 1)]
    bars = basalt.compute(
        a_module("last", a_metric("Last", LAST)), every="1m", trades=events("Price Size SequenceNo", *rows)
    )
    assert by_bucket(bars, "Last") == {(1, "09:01"): 13.0}


def test_ties_without_sequence_numbers_keep_the_order_of_the_file(events, by_bucket, a_module, a_metric):
    bars = basalt.compute(
        a_module("last", a_metric("Last", LAST)),
        every="1m",
        trades=events("Price Size", (2, 30, 1, 1), (1, 30, 12, 1), (1, 30, 11, 1)),
    )
    assert by_bucket(bars, "Last") == {(1, "09:01"): 11.0, (2, "09:01"): 1.0}


def test_times_are_told_apart_by_the_nanosecond(a_module, a_metric, by_bucket):
    """Rows 1 ns apart around the edge 09:01:00: the later one is in the next bucket."""
    edge = (datetime(2026, 1, 5, 9, 1, tzinfo=UTC).date() - EPOCH).days * 86_400_000_000_000 + 32_460_000_000_000
    stamps = pl.Series([edge + 1, edge, edge - 1], dtype=pl.Int64).cast(NS_UTC)
    trades = pl.DataFrame({"ListingId": 1, "EventTimestamp": stamps, "Price": [3.0, 2.0, 1.0], "Size": 1.0})
    trades = trades.with_columns(pl.col("ListingId").cast(pl.Int64))
    bars = basalt.compute(a_module("last", a_metric("Last", LAST)), every="1m", trades=trades)
    assert by_bucket(bars, "Last") == {(1, "09:01"): 2.0, (1, "09:02"): 3.0}


STATES = [(1, 0, "CONTINUOUS_TRADING"), (1, 80, "HALTED"), (1, 110, "CONTINUOUS_TRADING"), (2, 0, "CLOSED")]


def test_states_on_the_rows_and_in_a_table_of_their_own_give_one_answer(
    events, by_bucket, a_module, a_metric, a_volume
):
    """The same trades, with the state as a column and as a table: the print in the halt counts in neither, and the
    change of price restarts after it."""
    rows = [(1, 30, 10, 1), (1, 70, 11, 2), (1, 90, 50, 100), (1, 115, 13, 4), (1, 118, 14, 8), (2, 30, 7, 9)]
    stated = [
        "CONTINUOUS_TRADING",
        "CONTINUOUS_TRADING",
        "HALTED",
        "CONTINUOUS_TRADING",
        "CONTINUOUS_TRADING",
        "CLOSED",
    ]
    moved = a_metric("Moved", pl.col("Change").sum())
    change = {"Change": pl.col("Price") - basalt.previous(pl.col("Price"))}
    module = a_module("several", a_volume(), moved, derive=change)
    from_table = basalt.compute(
        module, every="1m", trades=events("Price Size", *rows), marketstate=events("MarketState", *STATES)
    )
    on_rows = basalt.compute(
        module,
        every="1m",
        trades=events("Price Size MarketState", *[(*r, s) for r, s in zip(rows, stated, strict=True)]),
    )
    assert by_bucket(from_table, "Volume", "Moved") == {(1, "09:01"): (1.0, 0.0), (1, "09:02"): (14.0, 1 + 1.0)}
    assert on_rows.equals(from_table)


def test_the_state_of_a_pass_is_every_modules_that_sets_none(events, by_bucket, a_module, a_part, a_volume):
    own = a_module("own", a_part(a_volume("Continuous"), states=("CONTINUOUS_TRADING",)))
    rows = [(1, 30, 10, 1, "CONTINUOUS_TRADING"), (1, 40, 10, 2, "HALTED")]
    trades = events("Price Size MarketState", *rows)
    bars = basalt.compute([a_module("volume", a_volume()), own], every="1m", market_states="HALTED", trades=trades)
    assert by_bucket(bars, "Volume", "Continuous") == {(1, "09:01"): (2.0, 1.0)}


def test_without_any_state_all_rows_count(events, by_bucket, a_module, a_volume):
    bars = basalt.compute(a_module("volume", a_volume()), every="1m", trades=events("Price Size", (1, 30, 10, 1)))
    assert by_bucket(bars, "Volume") == {(1, "09:01"): 1.0}


def test_a_table_of_another_key_is_grouped_by_it(events, a_module, a_metric):
    quotes = events("BidPrice1 AskPrice1", (7, 30, 10, 11), (7, 40, 10, 12)).rename({"ListingId": "InstrumentId"})
    module = a_module("best", a_metric("Ask", pl.col("AskPrice1").last()), table="cbbo")
    bars = basalt.compute(module, every="1m", cbbo=quotes)
    assert bars.columns == ["InstrumentId", "TimeBucket", "Ask"]
    assert bars["Ask"].to_list() == [12.0]


def test_listings_may_be_named_by_text(a_module, a_volume):
    stamp = datetime(2026, 1, 5, 9, 0, 30, tzinfo=UTC)
    trades = pl.DataFrame({"ListingId": ["b", "a"], "EventTimestamp": stamp, "Price": 1.0, "Size": [2.0, 3.0]})
    bars = basalt.compute(a_module("volume", a_volume()), every="1m", trades=trades)
    assert bars.select("ListingId", "Volume").rows() == [("a", 3.0), ("b", 2.0)]


def test_an_empty_table_gives_no_rows_of_the_declared_dtypes(events, a_module, a_metric, a_volume):
    module = a_module("several", a_volume(), a_metric("N", pl.len().cast(pl.Int64), dtype=pl.Int64))
    bars = basalt.compute(module, every="1m", date=datetime(2026, 1, 5, tzinfo=UTC).date(), trades=events("Price Size"))
    assert bars.schema == pl.Schema(
        {"ListingId": pl.Int64, "TimeBucket": pl.Datetime("us", "UTC"), "Volume": pl.Float64, "N": pl.Int64}
    )
    assert bars.height == 0
