"""Hours and timelines as records: sessions in UTC, and the states of a dense row."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from basalt.durations import NANOSECONDS
from basalt.errors import DataError
from basalt.tables import NS_UTC, US_UTC
from basalt.timelines import EVERY_STATE, OPEN_STATES, CalendarHours, LocalHours, Timeline

MONDAY = date(2026, 1, 5)
HOUR, MINUTE = NANOSECONDS["h"], NANOSECONDS["m"]


def read(sessions):
    """Sessions as text, `05 08:00`."""
    return [tuple(datetime.fromtimestamp(t / 1e9, UTC).strftime("%d %H:%M") for t in one) for one in sessions]


def local(start, end, tz, day=MONDAY):
    return read(LocalHours(start, end, tz).sessions(day, {}))


EIGHT, HALF_PAST_FOUR = 8 * HOUR, 16 * HOUR + 30 * MINUTE


def test_local_hours_move_with_the_clock():
    """London is at UTC in winter and an hour ahead of it in summer."""
    assert local(EIGHT, HALF_PAST_FOUR, "Europe/London") == [("05 08:00", "05 16:30")]
    assert local(EIGHT, HALF_PAST_FOUR, "Europe/London", date(2026, 7, 6)) == [("06 07:00", "06 15:30")]


def test_on_the_day_the_clock_changes_hours_are_those_it_shows():
    """New York puts its clock forward at 02:00 on 8 March 2026: 09:30 is 13:30 UTC, and was 14:30 the day before."""
    hours = 9 * HOUR + 30 * MINUTE, 16 * HOUR, "America/New_York"
    assert local(*hours, date(2026, 3, 7)) == [("07 14:30", "07 21:00")]
    assert local(*hours, date(2026, 3, 8)) == [("08 13:30", "08 20:00")]


def test_a_session_over_a_night_the_clock_is_put_forward_is_an_hour_shorter():
    """22:00 to 06:00 in Berlin, begun 28 March 2026: 21:00 UTC (+1) to 04:00 UTC (+2)."""
    assert local(22 * HOUR, 6 * HOUR, "Europe/Berlin", date(2026, 3, 28)) == [("28 21:00", "29 04:00")]


def test_an_hour_the_clock_jumps_over_counts_from_before_the_jump():
    """01:30 of 29 March 2026 is not shown in London: 01:30 by the old offset, UTC."""
    start, _ = local(HOUR + 30 * MINUTE, 16 * HOUR, "Europe/London", date(2026, 3, 29))[0]
    assert start == "29 01:30"


@pytest.mark.parametrize(
    ("start", "end", "session"),
    [(17, 16, ("05 23:00", "06 22:00")), (17, 17, ("05 23:00", "06 23:00")), (16, 17, ("05 22:00", "05 23:00"))],
)
def test_an_end_that_is_not_behind_the_start_is_of_the_next_day(start, end, session):
    """Chicago is six hours behind UTC in January."""
    assert local(start * HOUR, end * HOUR, "America/Chicago") == [session]


def calendar(*rows, dtype=NS_UTC):
    columns = {"MIC": pl.String, "Date": pl.Date, "SessionStart": dtype, "SessionEnd": dtype}
    return {"calendar": pl.LazyFrame(rows, schema=columns, orient="row")}


def at(hour, minute=0):
    return datetime(2026, 1, 5, hour, minute, tzinfo=UTC)


def test_a_calendar_gives_the_sessions_of_its_venue_and_date_in_order():
    """Tokyo trades before and behind its lunch; other venues and dates are not asked for."""
    table = calendar(
        ("XTKS", MONDAY, at(3, 30), at(6)),
        ("XTKS", MONDAY, at(0), at(2, 30)),
        ("XLON", MONDAY, at(8), at(16)),
        ("XTKS", date(2026, 1, 6), at(0), at(1)),
        dtype=US_UTC,
    )
    assert read(CalendarHours("XTKS").sessions(MONDAY, table)) == [("05 00:00", "05 02:30"), ("05 03:30", "05 06:00")]


def test_a_date_without_a_row_is_closed():
    assert CalendarHours("XLON").sessions(MONDAY, calendar(("XPAR", MONDAY, at(8), at(16)))) == []


@pytest.mark.parametrize("edges", [(at(8), None), (None, at(8)), (at(8), at(8)), (at(9), at(8))])
def test_a_session_that_does_not_end_behind_its_start_is_refused(edges):
    with pytest.raises(DataError, match="session of XLON on 2026-01-05 without a start before its end"):
        CalendarHours("XLON").sessions(MONDAY, calendar(("XLON", MONDAY, *edges)))


def test_dense_rows_of_every_state_are_those_of_an_open_market():
    assert Timeline("dense", EVERY_STATE).open_states == OPEN_STATES
    assert "CLOSED" not in OPEN_STATES
    assert Timeline("dense", frozenset({"CLOSED"})).open_states == {"CLOSED"}


def test_halts_that_are_kept_are_open_too():
    assert Timeline("dense", frozenset({"CONTINUOUS_TRADING"}), keep_halts=True).open_states == {
        "CONTINUOUS_TRADING",
        "HALTED",
    }


def test_a_timeline_in_words():
    assert Timeline("sparse").describe() == "sparse"
    assert Timeline("dense", state_tables=("marketstate",)).describe() == "dense (marketstate)"
    hours = LocalHours(0, 1, "Europe/London")
    daily = Timeline("daily", state_tables=("trades",), hours=hours)
    assert daily.describe() == "daily (trades, session of Europe/London)"
    assert Timeline("dense", hours=CalendarHours("XLON")).describe() == "dense (calendar of XLON)"
