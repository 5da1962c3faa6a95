"""The daily timeline: one row a listing and date, labelled with the end of its session."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

import basalt
from basalt.metrics import Empty

C = "CONTINUOUS_TRADING"
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
TRADES = [(1, 30, 10, 5), (1, 700, 12, 3), (1, 1801, 99, 9), (2, 90, 7, 7)]


def after(seconds):
    return NINE + timedelta(seconds=seconds)


@pytest.fixture
def bar(a_module, a_metric, a_volume):
    """Volume (ZERO), last price (CARRY)."""
    return a_module("bar", a_volume(), a_metric("Last", pl.col("Price").last(), empty=Empty.CARRY))


@pytest.fixture
def daily(events, bar):
    def run(trades, states=None, modules=None, **options):
        tables = {"trades": events("Price Size", *trades)}
        if states is not None:
            tables["marketstate"] = events("MarketState", *states)
        return basalt.compute(modules or bar, timeline="daily", **options, **tables).rows()

    return run


def test_metrics_are_over_the_admissible_rows_of_the_date(daily):
    """Continuous 09:00 to 09:30 with a halt: 5 + 3 of listing 1, the print at 09:30:01 is out. Ends: 09:30, 09:02."""
    states = [(1, 0, C), (1, 600, "HALTED"), (1, 660, C), (1, 1800, "CLOSED"), (2, 0, C), (2, 120, "CLOSED")]
    assert daily(TRADES, states) == [(1, after(1800), 8.0, 12.0), (2, after(120), 7.0, 7.0)]


def test_a_listing_in_marketstate_alone_has_a_row_of_zero(daily):
    assert daily([], [(4, 0, C), (4, 60, "CLOSED")], date=NINE.date()) == [(4, after(60), 0.0, None)]


def test_a_listing_whose_rows_count_nowhere_has_a_row_that_ends_at_midnight(daily):
    """Listing 2 is not in marketstate: UNKNOWN, no stretch, volume 0."""
    assert daily(TRADES[:1] + TRADES[3:], [(1, 0, C), (1, 60, "CLOSED")]) == [
        (1, after(60), 5.0, 10.0),
        (2, MIDNIGHT, 0.0, None),
    ]


def test_without_states_and_hours_the_date_ends_at_the_next_utc_midnight(daily):
    assert daily(TRADES) == [(1, MIDNIGHT, 17.0, 99.0), (2, MIDNIGHT, 7.0, 7.0)]


def test_a_last_stretch_without_an_end_ends_with_the_session_else_at_midnight(daily):
    states = [(1, 0, C), (2, 0, C)]
    assert [row[1] for row in daily(TRADES, states)] == [MIDNIGHT, MIDNIGHT]
    session = {"start": "09:00", "end": "09:20"}
    assert daily(TRADES, states, session=session) == [(1, after(1200), 8.0, 12.0), (2, after(1200), 7.0, 7.0)]


def test_hours_are_the_session_where_no_state_is_known(daily):
    """Local hours of Berlin, an hour ahead: 09:00 to 09:20 UTC. Of listing 1 two trades are inside, of 2 its one."""
    session = {"start": "10:00", "end": "10:20", "tz": "Europe/Berlin"}
    assert daily(TRADES, session=session) == [(1, after(1200), 8.0, 12.0), (2, after(1200), 7.0, 7.0)]


def test_a_listing_that_traded_outside_the_hours_alone_has_a_row_of_zero(daily):
    assert daily(TRADES[3:], session={"start": "10:00", "end": "10:20"}) == [(2, after(4800), 0.0, None)]


def test_all_states_end_with_the_last_that_is_not_closed(daily):
    states = [(1, 0, "PRE_OPEN"), (1, 60, C), (1, 120, "CLOSED"), (1, 240, "POST_TRADE"), (1, 300, "CLOSED")]
    assert daily(TRADES[:1], states, market_states="all") == [(1, after(300), 5.0, 10.0)]


def test_a_session_over_midnight_ends_on_the_next_day(daily):
    """17:00 to 16:00 Chicago from 5 January: to 22:00 UTC of the 6th."""
    late = [(1, datetime(2026, 1, 6, 3, tzinfo=UTC), 10, 5)]
    session = {"start": "17:00", "end": "16:00", "tz": "America/Chicago"}
    assert daily(late, session=session, date=date(2026, 1, 5)) == [(1, datetime(2026, 1, 6, 22, tzinfo=UTC), 5.0, 10.0)]


def test_no_row_is_behind_the_label_of_a_date_without_a_known_end(daily):
    """Trades of 5 January to 00:30 of the 6th: labelled with the midnight behind them."""
    rows = [(1, 30, 10, 5), (1, datetime(2026, 1, 6, 0, 30, tzinfo=UTC), 11, 6)]
    assert daily(rows, date=date(2026, 1, 5)) == [(1, datetime(2026, 1, 7, tzinfo=UTC), 11.0, 11.0)]


def test_an_end_between_two_microseconds_is_rounded_up(events, bar):
    """A label before the session's end would know the future by part of a microsecond."""
    end = pl.lit(after(60)).dt.cast_time_unit("ns") + pl.duration(nanoseconds=1)
    closing = pl.when(pl.col("MarketState") == "CLOSED").then(end).otherwise("EventTimestamp")
    states = events("MarketState", (1, 0, C), (1, 60, "CLOSED")).with_columns(EventTimestamp=closing)
    found = basalt.compute(bar, timeline="daily", trades=events("Price Size", (1, 30, 1, 1)), marketstate=states)
    assert found["TimeBucket"].to_list() == [after(60) + timedelta(microseconds=1)]


def test_each_date_has_its_own_row(daily):
    """Without a date of their own, rows are of their stamps' UTC date."""
    rows = [(1, 30, 10, 5), (1, datetime(2026, 1, 6, 9, tzinfo=UTC), 11, 6)]
    assert daily(rows) == [(1, MIDNIGHT, 5.0, 10.0), (1, datetime(2026, 1, 7, tzinfo=UTC), 6.0, 11.0)]


def test_modules_of_two_tables_and_filters_share_the_row(events, bar, a_module, a_metric, a_volume):
    """Listing 1 trades, listing 2 has a book alone; `lit` has no row of listing 1, and its volume is 0."""
    lit = a_module("lit", a_volume("Lit"), where=pl.col("Price") > 100)
    book = a_module("book", a_metric("Bid", pl.col("BidPrice1").last(), empty=Empty.CARRY), table="l2")
    tables = {
        "trades": events("Price Size", (1, 30, 10, 5)),
        "l2": events("BidPrice1 BidQuantity1", (2, 90, 99, 1)),
    }
    bars = basalt.compute([bar, lit, book], timeline="daily", **tables)
    assert bars.drop("TimeBucket").rows() == [(1, 5.0, 10.0, 0.0, None), (2, 0.0, None, 0.0, 99.0)]


def test_our_modules_work_on_a_whole_date(events):
    """Two trades, 10 × 5 and 12 × 3: volume 8, VWAP 86 / 8 = 10.75."""
    bars = basalt.compute("trade", timeline="daily", trades=events("Price Size", *TRADES[:2]))
    assert bars.select("TradeTotalVolume", "TradeTotalVWAP").rows() == [(8.0, 10.75)]


def test_no_row_no_date(daily):
    assert daily([], date=NINE.date()) == []
    assert daily([], [], date=NINE.date()) == []


def test_windows_stay_inside_the_stretch(events, a_module, a_metric):
    """Prices 10, 12 | halt | 20, 21: changes 2 and 1 add up to 3 over the date."""
    change = {"Change": pl.col("Price") - basalt.previous(pl.col("Price"))}
    moved = a_module("moved", a_metric("Moved", pl.col("Change").sum()), derive=change)
    states = events("MarketState", (1, 0, C), (1, 60, "HALTED"), (1, 120, C), (1, 300, "CLOSED"))
    trades = events("Price Size", (1, 10, 10, 1), (1, 20, 12, 1), (1, 130, 20, 1), (1, 140, 21, 1))
    bars = basalt.compute(moved, timeline="daily", trades=trades, marketstate=states)
    assert bars["Moved"].to_list() == [3.0]
