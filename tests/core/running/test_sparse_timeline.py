"""Which buckets there are, and what stands in those that a column has no row for."""

import polars as pl

import basalt
from basalt.metrics import Empty


def test_a_row_of_any_table_makes_a_bucket(events, by_bucket, a_module, a_metric, a_volume):
    """Trades at 09:00:30 and a book row at 09:01:30: volume 5 and no bid, then volume 0 and a bid of 99."""
    book = a_module("book", a_metric("Bid", pl.col("BidPrice1").last()), table="l2")
    tables = {
        "trades": events("Price Size", (1, 30, 100, 5)),
        "l2": events("BidPrice1 BidQuantity1", (1, 90, 99, 1)),
    }
    bars = basalt.compute([a_module("volume", a_volume()), book], every="1m", **tables)
    assert by_bucket(bars, "Volume", "Bid") == {(1, "09:01"): (5.0, None), (1, "09:02"): (0.0, 99.0)}
    swapped = basalt.compute([book, a_module("volume", a_volume())], every="1m", **tables)
    assert by_bucket(swapped, "Volume", "Bid") == by_bucket(bars, "Volume", "Bid")


def test_a_row_that_only_fails_where_makes_a_bucket_of_volume_zero(events, by_bucket, a_module, a_volume):
    lit = a_module("lit", a_volume(), where=pl.col("Price") > 100)
    trades = events("Price Size", (1, 30, 101, 5), (1, 90, 100, 7))
    bars = basalt.compute(lit, every="1m", trades=trades)
    assert by_bucket(bars, "Volume") == {(1, "09:01"): 5.0, (1, "09:02"): 0.0}


def test_an_invalid_row_makes_no_bucket(events, by_bucket, a_module, a_volume):
    positive = a_module("positive", a_volume(), valid=pl.col("Price") > 0)
    trades = events("Price Size", (1, 30, 101, 5), (1, 90, -1, 7), (1, 150, None, 7))
    assert by_bucket(basalt.compute(positive, every="1m", trades=trades), "Volume") == {(1, "09:01"): 5.0}


def test_an_invalid_row_makes_a_bucket_for_the_module_that_takes_it(events, by_bucket, a_module, a_metric, a_volume):
    """The valid module has nothing in 09:02, the module of all rows has 7: one row, 0 and 7."""
    positive = a_module("positive", a_volume(), valid=pl.col("Price") > 0)
    every = a_module("every_row", a_metric("All", pl.col("Size").sum()))
    trades = events("Price Size", (1, 30, 101, 5), (1, 90, -1, 7))
    bars = basalt.compute([positive, every], every="1m", trades=trades)
    assert by_bucket(bars, "Volume", "All") == {(1, "09:01"): (5.0, 5.0), (1, "09:02"): (0.0, 7.0)}


def test_a_cancelled_row_makes_no_bucket_and_counts_nowhere(events, by_bucket, a_module, a_metric, a_volume):
    """Null means not reported as cancelled: 5 + 2 = 7."""
    rows = [(1, 30, 101, 5, False), (1, 31, 101, 90, True), (1, 32, 101, 2, None), (1, 90, 101, 7, True)]
    trades = events("Price Size IsCancelled", *rows)
    every = a_module("every_row", a_volume(), a_metric("N", pl.len(), dtype=pl.get_index_type()), states="any")
    assert by_bucket(basalt.compute(every, every="1m", trades=trades), "Volume", "N") == {(1, "09:01"): (7.0, 2)}


def test_a_function_never_sees_a_cancelled_row(events, by_bucket):
    @basalt.analytic("trades")
    def largest():
        """The largest print."""
        yield basalt.Metric("Largest", pl.col("Size").max(), basalt.Unit.SHARES, doc="Largest size.")

    trades = events("Price Size IsCancelled", (1, 30, 101, 5, False), (1, 31, 101, 90, True), (1, 90, 101, 7, True))
    assert by_bucket(basalt.compute(largest, every="1m", trades=trades), "Largest") == {(1, "09:01"): 5.0}


def test_a_row_out_of_state_makes_no_bucket(events, by_bucket, a_module, a_volume):
    rows = [(1, 30, 101, 5, "CONTINUOUS_TRADING"), (1, 90, 101, 7, "CLOSING_AUCTION"), (1, 150, 101, 7, None)]
    bars = basalt.compute(a_module("volume", a_volume()), every="1m", trades=events("Price Size MarketState", *rows))
    assert by_bucket(bars, "Volume") == {(1, "09:01"): 5.0}


def test_the_count_of_invalid_trades_makes_no_bucket(events, by_bucket):
    """An invalid trade beside a valid one is counted in its bucket; the two alone in 09:02 make none."""
    trades = events("Price Size", (1, 30, 101, 5), (1, 31, 0, 5), (1, 90, -1, 7), (1, 91, 101, float("nan")))
    bars = basalt.compute("trade", every="1m", trades=trades)
    assert by_bucket(bars, "TradeTotalVolume", "TradeInvalidCount") == {(1, "09:01"): (5.0, 1)}


def test_rows_without_any_valid_one_give_no_row(events, a_module, a_volume):
    positive = a_module("positive", a_volume(), valid=pl.col("Price") > 0)
    bars = basalt.compute(positive, every="1m", trades=events("Price Size", (1, 30, -1, 5)))
    assert (bars.height, bars.columns) == (0, ["ListingId", "TimeBucket", "Volume"])


def test_empty_rules_of_each_listing(events, by_bucket, a_module, a_metric, a_volume):
    """Listing 1 passes `where` in 09:01 and 09:03, listing 2 only in 09:02; all trade in 09:01 to 09:03.

    Zero, null and the carried last price: listing 2 has nothing to carry in 09:01, and listing 1's 101 of 09:01
    fills 09:02 of listing 1 alone.
    """
    last = pl.col("Price").last()
    lit = a_module(
        "lit",
        a_volume(),
        a_metric("Last", last),
        a_metric("Held", last, empty=Empty.CARRY),
        where=pl.col("Price") > 100,
    )
    rows = [(1, 30, 101, 5), (1, 90, 90, 6), (1, 150, 103, 7), (2, 30, 40, 1), (2, 90, 202, 2), (2, 150, 43, 3)]
    bars = basalt.compute(lit, every="1m", trades=events("Price Size", *rows))
    assert by_bucket(bars, "Volume", "Last", "Held") == {
        (1, "09:01"): (5.0, 101.0, 101.0),
        (1, "09:02"): (0.0, None, 101.0),
        (1, "09:03"): (7.0, 103.0, 103.0),
        (2, "09:01"): (0.0, None, None),
        (2, "09:02"): (2.0, 202.0, 202.0),
        (2, "09:03"): (0.0, None, 202.0),
    }


def test_a_null_that_a_row_gave_is_carried_and_never_filled(events, by_bucket, a_module, a_metric):
    """The last row of 09:02 has no price: null there, and null carried to 09:03, not 101 of 09:01. Its size sums to 0
    by a row, and a null sum stays null where there is a row."""
    given = a_metric("Given", pl.col("Price").last(), empty=Empty.ZERO)
    held = a_metric("Held", pl.col("Price").last(), empty=Empty.CARRY)
    lit = a_module("lit", given, held, where=pl.col("Size") > 1)
    bars = basalt.compute(
        lit, every="1m", trades=events("Price Size", (1, 30, 101, 5), (1, 90, None, 6), (1, 150, 103, 1))
    )
    assert by_bucket(bars, "Given", "Held") == {
        (1, "09:01"): (101.0, 101.0),
        (1, "09:02"): (None, None),
        (1, "09:03"): (0.0, None),
    }


def test_a_carried_column_may_carry_another_of_its_module(events, by_bucket, a_module, a_metric):
    """Open is the first price of the bucket, and the close before where there is none: 12, not 10, in 09:02."""
    lit = a_module(
        "lit",
        a_metric("Open", pl.col("Price").first(), empty=Empty.CARRY, carries="Close"),
        a_metric("Close", pl.col("Price").last(), empty=Empty.CARRY),
        where=pl.col("Size") > 1,
    )
    trades = events("Price Size", (1, 20, 10, 5), (1, 40, 12, 5), (1, 90, 90, 1), (1, 150, 14, 5))
    bars = basalt.compute(lit, every="1m", trades=trades)
    assert by_bucket(bars, "Open", "Close") == {
        (1, "09:01"): (10.0, 12.0),
        (1, "09:02"): (12.0, 12.0),
        (1, "09:03"): (14.0, 14.0),
    }


def test_prev_close_bars_fill_an_empty_bucket_with_the_close(events, by_bucket):
    """Buyers trade at 10 and 12 in 09:01 and at 15 in 09:03; only a seller trades in 09:02. The bar of 09:02 is flat
    at 12, and that of 09:03 opens at 12, the close before."""
    group = {"measures": ["OHLC", "Volume"], "sides": ["Buy"], "open_mode": "prev_close"}
    rows = [(1, 20, 10, 1, "Buy"), (1, 40, 12, 1, "Buy"), (1, 90, 11, 9, "Sell"), (1, 150, 15, 1, "Buy")]
    trades = events("Price Size AggressorSide", *rows)
    bars = basalt.compute(
        [{"module": "trade", "generic": [group], "where": "AggressorSide = 'Buy'"}], every="1m", trades=trades
    )
    names = [f"TradeBuy{edge}" for edge in ("Open", "High", "Low", "Close", "Volume")]
    assert by_bucket(bars, *names) == {
        (1, "09:01"): (10.0, 12.0, 10.0, 12.0, 2.0),
        (1, "09:02"): (12.0, 12.0, 12.0, 12.0, 0.0),
        (1, "09:03"): (12.0, 15.0, 12.0, 15.0, 1.0),
    }


def test_nothing_is_carried_across_a_break_in_the_state(events, by_bucket, a_module, a_metric):
    """Continuous 09:00 to 09:02 and again from 09:03: the price of 09:01 fills 09:02, and neither 09:04 nor 09:05."""
    held = a_metric("Held", pl.col("Price").last(), empty=Empty.CARRY)
    lit = a_module("lit", held, where=pl.col("Size") > 1)
    states = [(1, 0, "CONTINUOUS_TRADING"), (1, 120, "HALTED"), (1, 180, "CONTINUOUS_TRADING")]
    trades = events("Price Size", (1, 30, 10, 5), (1, 90, 11, 1), (1, 210, 12, 1), (1, 250, 13, 5), (1, 310, 14, 1))
    bars = basalt.compute(lit, every="1m", trades=trades, marketstate=events("MarketState", *states))
    assert by_bucket(bars, "Held") == {
        (1, "09:01"): 10.0,
        (1, "09:02"): 10.0,
        (1, "09:04"): None,
        (1, "09:05"): 13.0,
        (1, "09:06"): 13.0,
    }


def test_a_break_within_one_bucket_ends_what_is_carried(events, by_bucket, a_module, a_metric):
    """Halted from 09:01:20 to 09:01:40, inside the bucket 09:02: its rows after the halt are of another stretch."""
    held = a_metric("Held", pl.col("Price").last(), empty=Empty.CARRY)
    lit = a_module("lit", held, where=pl.col("Size") > 1)
    states = [(1, 0, "CONTINUOUS_TRADING"), (1, 80, "HALTED"), (1, 100, "CONTINUOUS_TRADING")]
    trades = events("Price Size", (1, 30, 10, 5), (1, 110, 11, 1), (1, 150, 12, 1))
    bars = basalt.compute(lit, every="1m", trades=trades, marketstate=events("MarketState", *states))
    assert by_bucket(bars, "Held") == {(1, "09:01"): 10.0, (1, "09:02"): None, (1, "09:03"): None}
