"""Hours: which rows count where no market state is known, and what they close where it is."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

import basalt
from basalt.errors import UserError
from basalt.metrics import Empty
from basalt.tables import NS_UTC

C = "CONTINUOUS_TRADING"
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOURS = {"start": "09:00:30", "end": "09:03:00"}


def after(seconds):
    return NINE + timedelta(seconds=seconds)


def calendar(*rows):
    """Rows of (MIC, date, start, end), the edges in seconds after nine."""
    placed = [(mic, day, after(start), after(end)) for mic, day, start, end in rows]
    columns = {"MIC": pl.String, "Date": pl.Date, "SessionStart": NS_UTC, "SessionEnd": NS_UTC}
    return pl.DataFrame(placed, schema=columns, orient="row")


XLON = calendar(("XLON", NINE.date(), 30, 180), ("XPAR", NINE.date(), 0, 600))


@pytest.fixture
def held(a_module, a_metric, a_volume):
    return a_module("held", a_volume(), a_metric("Held", pl.col("Price").last(), empty=Empty.CARRY))


@pytest.fixture
def bars(events, held, by_bucket):
    def run(*trades, modules=None, every="1m", **options):
        frame = basalt.compute(modules or held, every=every, trades=events("Price Size", *trades), **options)
        return by_bucket(frame, "Volume", "Held")

    return run


TRADES = [(1, 29, 9, 1), (1, 30, 10, 2), (1, 100, 11, 4), (1, 180, 12, 8), (1, 181, 13, 16), (2, 90, 7, 3)]


@pytest.mark.parametrize("hours", [{"session": HOURS}, {"calendar": ("XLON", XLON)}])
def test_dense_rows_are_the_buckets_of_the_session_for_every_listing(bars, hours):
    """Session 09:00:30 to 09:03:00: rows 09:01, 09:02, 09:03; both edges belong to it."""
    assert bars(*TRADES, timeline="dense", **hours) == {
        (1, "09:01"): (2.0, 10.0),
        (1, "09:02"): (4.0, 11.0),
        (1, "09:03"): (8.0, 12.0),
        (2, "09:01"): (0.0, None),
        (2, "09:02"): (3.0, 7.0),
        (2, "09:03"): (0.0, 7.0),
    }


@pytest.mark.parametrize("hours", [{"session": HOURS}, {"calendar": ("XLON", XLON)}])
def test_rows_outside_the_session_count_in_no_timeline(bars, hours):
    assert bars(*TRADES, **hours) == {
        (1, "09:01"): (2.0, 10.0),
        (1, "09:02"): (4.0, 11.0),
        (1, "09:03"): (8.0, 12.0),
        (2, "09:02"): (3.0, 7.0),
    }


def test_a_print_at_the_session_s_end_has_a_bucket_of_its_own_where_the_left_edge_is_closed(bars):
    """[09:03, 09:04) only touches the session, in the instant that holds the print of 8."""
    left = {"closed": "left", "session": HOURS}
    assert bars(*TRADES[:4], **left) == {
        (1, "09:01"): (2.0, 10.0),
        (1, "09:02"): (4.0, 11.0),
        (1, "09:04"): (8.0, 12.0),
    }
    assert bars(*TRADES[:4], timeline="dense", **left) == {
        (1, "09:01"): (2.0, 10.0),
        (1, "09:02"): (4.0, 11.0),
        (1, "09:03"): (0.0, 11.0),
        (1, "09:04"): (8.0, 12.0),
    }


def test_a_listing_that_traded_outside_the_session_alone_has_dense_rows_of_zero(bars):
    found = bars((3, 5, 9, 1), timeline="dense", session=HOURS)
    assert found == {(3, "09:01"): (0.0, None), (3, "09:02"): (0.0, None), (3, "09:03"): (0.0, None)}
    assert bars((3, 5, 9, 1), session=HOURS) == {}


@pytest.mark.parametrize(
    "timeline", [{"timeline": "dense", "every": "1m"}, {"every": "1m"}, {"timeline": "daily", "every": None}]
)
def test_a_date_the_calendar_lacks_is_closed(events, held, timeline):
    """No row of XETR: no row of the pass, whatever was traded."""
    trades = events("Price Size", *TRADES)
    found = basalt.compute(held, trades=trades, calendar=("XETR", XLON), **timeline)
    assert (found.height, found.columns) == (0, ["ListingId", "TimeBucket", "Volume", "Held"])


def test_sessions_on_both_sides_of_a_lunch_are_two_stretches(bars):
    """09:00 to 09:01 and 09:03 to 09:05: no bucket of the break, and nothing is carried over it."""
    table = calendar(("XTKS", NINE.date(), 0, 60), ("XTKS", NINE.date(), 180, 300))
    rows = [(1, 30, 10, 1), (1, 120, 11, 2), (1, 250, 12, 4)]
    assert bars(*rows, timeline="dense", calendar=("XTKS", table)) == {
        (1, "09:01"): (1.0, 10.0),
        (1, "09:04"): (0.0, None),
        (1, "09:05"): (4.0, 12.0),
    }


def test_windows_stop_at_lunch(events, a_module, a_metric, by_bucket):
    """Prices 10, 12 | lunch | 20, 21: changes 2 and 1, and none of 8."""
    change = {"Change": pl.col("Price") - basalt.previous(pl.col("Price"))}
    moved = a_module("moved", a_metric("Moved", pl.col("Change").sum()), derive=change)
    table = calendar(("XTKS", NINE.date(), 0, 60), ("XTKS", NINE.date(), 180, 300))
    trades = events("Price Size", (1, 10, 10, 1), (1, 20, 12, 1), (1, 190, 20, 1), (1, 200, 21, 1))
    bars = basalt.compute(moved, every="1m", calendar=("XTKS", table), trades=trades)
    assert by_bucket(bars, "Moved") == {(1, "09:01"): 2.0, (1, "09:04"): 1.0}


def test_each_date_has_its_own_hours(events, held):
    """London opens at 08:00 UTC in winter and at 07:00 in summer; a bar of an hour each."""
    session = {"start": "08:00", "end": "09:00", "tz": "Europe/London"}
    winter, summer = datetime(2026, 1, 5, 8, 30, tzinfo=UTC), datetime(2026, 7, 6, 7, 30, tzinfo=UTC)
    trades = events("Price Size", (1, winter, 10, 1), (1, summer, 11, 2), (1, summer.replace(hour=8), 12, 4))
    found = basalt.compute(held, every="1h", timeline="dense", session=session, trades=trades)
    assert found.rows() == [
        (1, datetime(2026, 1, 5, 9, tzinfo=UTC), 1.0, 10.0),
        (1, datetime(2026, 7, 6, 8, tzinfo=UTC), 2.0, 11.0),
    ]


def test_a_session_over_midnight_is_of_the_date_it_starts_on(events, held):
    """22:00 to 01:00 in Chicago: 04:00 to 07:00 UTC of the 6th, three bars of the 5th."""
    trades = events("Price Size", (1, datetime(2026, 1, 6, 5, 30, tzinfo=UTC), 10, 5))
    session = {"start": "22:00", "end": "01:00", "tz": "America/Chicago"}
    found = basalt.compute(held, every="1h", timeline="dense", session=session, trades=trades, date=date(2026, 1, 5))
    assert found["TimeBucket"].dt.strftime("%d %H").to_list() == ["06 05", "06 06", "06 07"]
    assert found["Volume"].to_list() == [0.0, 5.0, 0.0]


def test_a_state_that_is_still_on_is_closed_at_the_session_s_end(bars, events):
    """Continuous from 09:00 on, nothing closes: with hours to 09:03 the print behind them is in state CLOSED."""
    states = events("MarketState", (1, 0, C))
    rows = [(1, 100, 11, 4), (1, 181, 13, 16)]
    assert bars(*rows, marketstate=states) == {(1, "09:02"): (4.0, 11.0), (1, "09:04"): (16.0, 13.0)}
    for timeline in ({}, {"timeline": "dense"}):
        found = bars(*rows, marketstate=states, session=HOURS, **timeline)
        assert (found[1, "09:02"], (1, "09:04") in found) == ((4.0, 11.0), False)


def test_a_state_known_before_and_behind_the_hours_is_left_alone(bars, events):
    """Closing auction to 09:05, told by marketstate: the hours to 09:03 cut nothing."""
    states = events("MarketState", (1, 0, C), (1, 180, "CLOSING_AUCTION"), (1, 300, "CLOSED"))
    options = {"marketstate": states, "session": HOURS, "market_states": [C, "CLOSING_AUCTION"]}
    assert bars((1, 10, 9, 1), (1, 250, 12, 8), **options) == {(1, "09:01"): (1.0, 9.0), (1, "09:05"): (8.0, 12.0)}


def test_a_module_that_asks_for_every_row_gets_those_of_the_session(events, a_module, a_part, a_volume, by_bucket):
    """Without a state, the session is all there is to tell what counts."""
    every = a_module("every", a_part(a_volume(), states="any"))
    frame = basalt.compute(every, every="1m", session=HOURS, trades=events("Price Size", *TRADES))
    assert by_bucket(frame, "Volume") == {(1, "09:01"): 2.0, (1, "09:02"): 4.0, (1, "09:03"): 8.0, (2, "09:02"): 3.0}


def test_a_calendar_from_files_is_read_for_each_date(desk):
    """5 January 09:00 to 09:01: of listing 1's trades at :30 and 09:01:30 the first; the 6th is closed."""
    table = calendar(("XLON", NINE.date(), 0, 60))
    for day in ("2026-01-05", "2026-01-06"):
        desk.put("calendar", day, table)
    minutes = {
        "name": "minutes",
        "every": "1m",
        "timeline": "dense",
        "calendar": "XLON",
        "modules": [{"module": "volume"}],
    }
    result = desk.run(minutes)
    assert [p.rows for p in result.published] == [2, 0]
    assert result.scan("minutes").collect().select("ListingId", "Volume").rows() == [(1, 10.0), (2, 5.0)]


def test_a_calendar_without_the_edges_of_sessions_is_refused(held, events):
    table = pl.DataFrame({"MIC": ["XLON"], "Date": [NINE.date()]})
    with pytest.raises(
        UserError, match="needs column SessionStart of table 'calendar', which the source does not have"
    ):
        basalt.compute(held, every="1m", calendar=("XLON", table), trades=events("Price Size", *TRADES))
