"""Module trade_characteristics at its edges: the order of the file, ids across buckets, bad values, what is missing."""

import datetime as dt
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import basalt
from basalt.errors import UserError
from basalt.tables import NS_UTC

C = "CONTINUOUS_TRADING"


@pytest.fixture
def told(table):
    """The facts of bars of 10 s, over rows of (second, price, size) and whole further columns."""

    def bars(rows, columns=None, tables=(), **more):
        trades = table("Price Size", rows).with_columns(**{name: pl.Series(values) for name, values in more.items()})
        module = {"module": "trade_characteristics", "columns": columns}
        return basalt.compute([module], every="10s", trades=trades, **dict(tables)).to_dicts()

    return bars


def facts(bars, name):
    return [bar[name] for bar in bars]


ROWS = [(2, 10.0, 1), (8, 10.0, 1), (12, 10.0, 1), (18, 10.0, 1)]
BACK = "TradeHasOutOfOrder"


def test_a_stamp_below_that_of_the_row_before_is_out_of_order(told):
    """The file has 12 before 8: row 8 goes back, across the edge at 10, and its bucket says so."""
    assert facts(told(ROWS, [BACK], RowOrder=[1, 3, 2, 4]), BACK) == [True, False]
    assert facts(told(ROWS, [BACK], RowOrder=[1, 2, 3, 4]), BACK) == [False, False]


def test_the_file_s_order_is_read_from_sequence_numbers_where_it_is_not_told(told):
    """18 has number 1: everything behind it in the file is stamped earlier, but 12 is not stamped before 8."""
    assert facts(told(ROWS, [BACK], SequenceNo=[20, 30, 40, 10]), BACK) == [True, False]
    assert facts(told(ROWS, [BACK], SequenceNo=[20, 30, 10, 40]), BACK) == [True, False]


def test_the_place_in_the_file_counts_before_the_number(told):
    assert facts(told(ROWS, [BACK], RowOrder=[1, 2, 3, 4], SequenceNo=[4, 3, 2, 1]), BACK) == [False, False]


def test_rows_without_a_number_have_no_predecessor(told):
    """8 has none, and 12 follows 2."""
    assert facts(told(ROWS, [BACK], SequenceNo=[1, None, 2, 3]), BACK) == [False, False]


def test_another_listing_s_row_is_no_predecessor(table):
    """In the file, listing 2 prints at 4 between the prints of listing 1 at 6 and 8."""
    trades = pl.concat(
        [
            table("Price Size", [(6, 10, 1), (8, 10, 1)]).with_columns(RowOrder=pl.Series([1, 3])),
            table("Price Size", [(4, 10, 1)]).with_columns(RowOrder=pl.Series([2]), ListingId=pl.lit(2, pl.Int64)),
        ]
    )
    module = {"module": "trade_characteristics", "columns": [BACK]}
    assert basalt.compute([module], every="10s", trades=trades)[BACK].to_list() == [False, False]


def test_an_id_that_was_printed_before_is_a_duplicate_in_its_own_bucket(told):
    """The id of 2 comes again at 18. Missing and empty ids are none."""
    bars = told([*ROWS, (19, 10.0, 1)], TradeId=["a", None, "", "a", None])
    assert facts(bars, "TradeHasDuplicateTradeId") == [False, True]
    assert facts(bars, "TradeHasTradeId") == [True, True]


def test_missing_and_empty_ids_are_no_ids(told):
    bars = told(ROWS[:2], TradeId=["", None])
    assert facts(bars, "TradeHasTradeId") == [False]
    assert facts(bars, "TradeHasDuplicateTradeId") == [False]


def test_several_venues(told):
    """XLON and nothing in the first bucket, two venues in the second."""
    bars = told(ROWS, ["TradeHasMultipleVenues"], Venue=["XLON", None, "XLON", "XPAR"])
    assert facts(bars, "TradeHasMultipleVenues") == [False, True]


def test_bad_values(told):
    """A size of 0 and one below; a price of 0; NaN and infinity, which are no numbers and end up nowhere."""
    nan, inf = float("nan"), float("inf")
    [bar] = told([(1, 10.0, 0), (2, 10.0, -5), (3, 0.0, 20), (4, nan, nan), (5, inf, inf), (6, None, None)])
    assert (bar["TradeEventCount"], bar["TradePrintedVolume"]) == (6, 15)
    assert bar["TradeHasZeroSize"] is bar["TradeHasNegativeSize"] is bar["TradeHasNonPositivePrice"] is True
    [bar] = told([(4, nan, nan), (5, inf, inf), (6, None, None)])
    assert bar["TradeHasZeroSize"] is bar["TradeHasNegativeSize"] is bar["TradeHasNonPositivePrice"] is False


GONE = ["TradeEventCount", "TradeCancelledCount", "TradeHasCancellations"]


def test_cancelled_prints_are_counted_as_such_and_are_nothing_else(told):
    """Of two prints the first is cancelled: its price of 0, its venue and its id are nobody's."""
    rows = [(2, 0.0, 100), (8, 10.0, 1)]
    [bar] = told(rows, IsCancelled=[True, False], TradeId=["a", "a"], Venue=["XPAR", "XLON"])
    assert [bar[name] for name in GONE] == [2, 1, True]
    assert bar["TradePrintedVolume"] == 1
    assert bar["TradeHasNonPositivePrice"] is bar["TradeHasDuplicateTradeId"] is bar["TradeHasMultipleVenues"] is False


def test_a_bucket_of_cancelled_prints_alone_is_there_where_the_timeline_has_it(told):
    """12 and 18 are cancelled: a sparse pass has no second row, a dense one counts them there."""
    gone = {"IsCancelled": [False, None, True, True]}
    [bar] = told(ROWS, GONE, **gone)
    assert [bar[name] for name in GONE] == [2, 0, False]
    session = {"session": {"start": "09:00", "end": "09:00:30", "tz": "UTC"}, "timeline": "dense"}
    bars = told(ROWS, [*GONE, "TradePrintedVolume"], session, **gone)
    assert [[bar[name] for name in GONE] for bar in bars] == [[2, 0, False], [2, 2, True], [0, 0, None]]
    assert facts(bars, "TradePrintedVolume") == [2, 0, 0]


def test_nothing_but_cancelled_prints_is_nothing(told):
    assert told(ROWS, GONE, IsCancelled=[True] * 4) == []


def test_cancelled_prints_are_counted_in_front_of_a_transform(told, table):
    """Quotes come to the print that stands alone."""
    quotes = table("BidPrice1 BidQuantity1 AskPrice1 AskQuantity1", [(0, 20.0, 1, 21.0, 1)])
    tables = {"l2": quotes, "preprocess": [{"transform": "quotes_at_trades", "quotes": "l2"}]}
    [bar] = told(ROWS[:2], [*GONE, "TradeHasPriceOutsideQuote"], tables, IsCancelled=[True, False])
    assert [bar[name] for name in (*GONE, "TradeHasPriceOutsideQuote")] == [2, 1, True, True]


def test_every_market_state_counts(told, table):
    """Before the open, in the halt, and closed; the first print is of no known state, whatever the pass asks for."""
    states = table("MarketState", [(5, C), (10, "HALTED"), (15, "CLOSED")])
    tables = {"marketstate": states, "market_states": [C]}
    bars = told(ROWS, ["TradeEventCount", "TradeHasUnknownMarketState"], tables)
    assert facts(bars, "TradeEventCount") == [2, 2]
    assert facts(bars, "TradeHasUnknownMarketState") == [True, False]


def test_a_bucket_without_a_print_has_counts_of_nothing_and_no_flag(told):
    session = {"session": {"start": "09:00", "end": "09:00:30", "tz": "UTC"}, "timeline": "dense"}
    [*_, last] = told(ROWS, ["TradeEventCount", "TradeHasZeroSize", "TradePrintedVolume"], session)
    assert (last["TradeEventCount"], last["TradePrintedVolume"], last["TradeHasZeroSize"]) == (0, 0, None)


def test_published_before_it_happened(told):
    """A second early, and never."""
    early = (pl.Series([1767603601, None]) * 10**9).cast(pl.Int64).cast(NS_UTC)
    [bar] = told([(2, 10.0, 1), (3, 10.0, 1)], PublicationTimestamp=early)
    assert bar["TradeHasEarlyPublication"] is True
    assert bar["TradePublicationDelayMeanSeconds"] == pytest.approx(-1)
    assert bar["TradePublishedAtOnceRatio"] == 0


def test_nothing_published_is_nothing_told(told):
    [bar] = told([(2, 10.0, 1)], PublicationTimestamp=pl.Series([None], dtype=NS_UTC))
    assert (bar["TradePublishedAtOnceRatio"], bar["TradePublicationDelayMaxSeconds"]) == (None, None)


def test_a_price_on_the_quote_in_other_binary_digits_is_not_outside(told):
    """.1 + .2 is .3; one over 1e-9 is above it. A price too large for a key is nothing that could be told."""
    name = "TradeHasPriceOutsideQuote"
    quote = {"BidPrice": [0.1], "AskPrice": [0.3]}
    assert [facts(told([(1, price, 1)], [name], **quote), name) for price in (0.1 + 0.2, 0.300000002, 1e300)] == [
        [False],
        [True],
        [False],
    ]


def test_only_what_the_table_can_tell_is_told_by_default(told):
    [bar] = told(ROWS[:1])
    names = ["TradeEventCount", "TradePrintedVolume", "TradeHasZeroSize", "TradeHasNegativeSize"]
    assert list(bar) == ["ListingId", "TimeBucket", *names, "TradeHasNonPositivePrice"]


def test_columns_come_in_the_order_asked_and_with_the_prefix(table):
    module = {"module": "trade_characteristics", "columns": ["TradeHasZeroSize", "TradeEventCount"], "prefix": "Tape"}
    found = basalt.compute([module], every="10s", trades=table("Price Size", ROWS))
    assert found.columns[2:] == ["TapeTradeHasZeroSize", "TapeTradeEventCount"]


def test_columns_of_cancelled_prints_come_in_the_order_asked_too(told):
    asked = ["TradeHasCancellations", "TradeHasZeroSize", "TradeEventCount", "TradePrintedVolume"]
    [bar] = told(ROWS[:2], asked, IsCancelled=[True, False])
    assert list(bar) == ["ListingId", "TimeBucket", *asked]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["TradeHasBlock"], "TradeHasBlock needs IsBlock, which table trades does not have"),
        (["TradeHasPriceOutsideQuote"], "needs BidPrice and AskPrice"),
        (["TradeCancelledCount"], "TradeCancelledCount needs IsCancelled, which table trades does not have"),
        ([BACK], "needs RowOrder or SequenceNo"),
        ([], "columns is empty"),
        (["TradeEventCount", "TradeEventCount"], "names one twice"),
        (["TradeCount"], "TradeEventCount"),
    ],
)
def test_columns_that_cannot_be_are_refused(told, columns, said):
    with pytest.raises(UserError, match=said):
        told(ROWS, columns)


PLACES = st.lists(st.tuples(st.integers(0, 59), st.one_of(st.none(), st.integers(1, 12)), st.sampled_from([1, 2])))
"""(second, place in the file, listing)."""


@settings(max_examples=60)
@given(PLACES)
def test_out_of_order_is_what_going_through_the_file_finds(places):
    """Rows of one place keep the order in which they stand; those without a place have no predecessor and are none."""
    rows = sorted(places, key=lambda row: (row[2], row[0]))
    stamps = pl.Series([(1767603600 + t) * 10**9 for t, *_ in rows], dtype=pl.Int64).cast(NS_UTC)
    file_ = pl.Series([place for _, place, _ in rows], dtype=pl.Int64)
    listing = pl.Series([which for *_, which in rows], dtype=pl.Int64)
    trades = pl.DataFrame({"ListingId": listing, "EventTimestamp": stamps, "RowOrder": file_})
    module = {"module": "trade_characteristics", "columns": [BACK]}
    found = basalt.compute([module], every="10s", trades=trades.with_columns(Price=pl.lit(1.0), Size=pl.lit(1.0)))
    backward = set()
    for one in (1, 2):
        own = sorted((row for row in rows if row[2] == one and row[1] is not None), key=lambda row: row[1])
        backward |= {(one, -(-now[0] // 10) * 10) for last, now in pairwise(own) if now[0] < last[0]}
    start = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    told = {(row["ListingId"], (row["TimeBucket"] - start).seconds): row[BACK] for row in found.to_dicts()}
    assert {bucket for bucket, is_so in told.items() if is_so} == backward
