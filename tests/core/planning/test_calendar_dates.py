"""Which dates a run has: ranges, single dates, weekdays, exchange calendars, lists; nothing is lost without a word.

January 2026: Monday is the 5th, the 12th and the 19th; Saturday the 10th and the 17th.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from basalt.config.model import DatesConfig
from basalt.errors import DataError, UserError
from basalt.planning.dates import Asked, calendar_dates, chosen, previous_dates
from basalt.running.memory import MemorySource
from basalt.tables import BUILT_IN, NS_UTC
from basalt_io.sources.parquet import ParquetSource, ParquetSourceOptions

SCHEMAS = {table.name: table for table in BUILT_IN}
ALL = Asked()


def jan(*days):
    """Dates of January 2026."""
    return [date(2026, 1, day) for day in days]


def trades(*days):
    """One trade at nine on each of these days of January 2026."""
    stamps = [datetime(2026, 1, day, 9, tzinfo=UTC) for day in days]
    return pl.DataFrame(
        {"ListingId": [1] * len(days), "EventTimestamp": stamps, "Price": 1.0, "Size": 1.0},
        schema_overrides={"EventTimestamp": NS_UTC},
    )


def calendar(**days_of):
    """The table `calendar` of these venues."""
    rows = [(mic, date(2026, 1, day)) for mic, days in days_of.items() for day in days]
    return pl.DataFrame(rows, schema={"MIC": pl.String, "Date": pl.Date}, orient="row")


def source(*days, **tables):
    """A source with trades on these days."""
    return MemorySource({"trades": trades(*days), **tables}, None)


def run(config, made, asked=ALL):
    return chosen(config, asked, made, SCHEMAS)


def refusal(config, made, asked=ALL, kind=UserError):
    with pytest.raises(kind) as error:
        run(config, made, asked)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_without_a_calendar_every_date_with_data_is_run():
    found = run(DatesConfig(), source(10, 5, 7))
    assert (found.days, found.calendar, found.notes) == (jan(5, 7, 10), jan(5, 7, 10), [])


def test_dates_of_reference_alone_are_no_dates_with_data(tmp_path: Path):
    """trades on the 5th, reference and calendar on the 5th and 6th: the 6th is a day without trading."""
    for day in (5, 6):
        write(tmp_path, "reference", day, pl.DataFrame({"ListingId": [1]}))
        write(tmp_path, "calendar", day, calendar(XLON=[day]))
    write(tmp_path, "trades", 5, trades(5))
    assert run(DatesConfig(), files(tmp_path)).days == jan(5)


def test_a_source_of_reference_alone_has_the_dates_of_reference(tmp_path: Path):
    write(tmp_path, "reference", 5, pl.DataFrame({"ListingId": [1]}))
    write(tmp_path, "calendar", 6, calendar(XLON=[6]))
    assert run(DatesConfig(), files(tmp_path)).days == jan(5)


def write(folder, table, day, rows):
    file = folder / table / f"date=2026-01-{day:02}" / "part.parquet"
    file.parent.mkdir(parents=True)
    rows.write_parquet(file)


def files(folder):
    return ParquetSource(ParquetSourceOptions(root="."), folder)


@pytest.mark.parametrize(
    ("first", "last", "days"), [(6, 8, [6, 7, 8]), (None, 6, [5, 6]), (8, None, [8, 9]), (7, 7, [7])]
)
def test_ranges_include_both_ends(first, last, days):
    asked = Asked(first=first and date(2026, 1, first), last=last and date(2026, 1, last))
    assert run(DatesConfig(), source(5, 6, 7, 8, 9), asked).days == jan(*days)
    assert run(DatesConfig(from_=asked.first, to=asked.last), source(5, 6, 7, 8, 9)).days == jan(*days)


def test_a_range_may_begin_and_end_where_there_is_no_data():
    asked = Asked(first=date(2025, 12, 1), last=date(2026, 1, 6))
    assert run(DatesConfig(), source(5, 6, 7), asked).days == jan(5, 6)


def test_a_date_asked_for_means_that_date_alone():
    assert run(DatesConfig(from_=date(2026, 1, 5)), source(5, 6, 7), Asked(tuple(jan(6)))).days == jan(6)


def test_dates_asked_for_are_run_once_in_order():
    assert run(DatesConfig(), source(5, 6, 7), Asked(tuple(jan(7, 5, 7)))).days == jan(5, 7)


def test_a_date_without_data_is_refused():
    said = refusal(DatesConfig(), source(5, 7), Asked(tuple(jan(5, 6))))
    assert said == "source 'memory' has no data for 2026-01-06; it has 2 dates from 2026-01-05 to 2026-01-07"


def test_a_range_without_data_is_refused():
    said = refusal(DatesConfig(), source(5), Asked(first=date(2026, 1, 6)))
    assert said == (
        "source 'memory' has no data from 2026-01-06 to the last; it has 1 date from 2026-01-05 to 2026-01-05"
    )


def test_a_range_that_ends_before_it_begins_is_refused():
    said = refusal(DatesConfig(), source(5, 6), Asked(first=date(2026, 1, 6), last=date(2026, 1, 5)))
    assert said == "the dates from 2026-01-06 to 2026-01-05 end before they begin: swap them"


def test_a_source_without_dates_is_refused():
    made = MemorySource({"reference": pl.DataFrame({"ListingId": [1]})}, None)
    assert refusal(DatesConfig(), made) == "source 'memory' has no dates at all: check its root and layout"


# weekdays


def test_weekdays_leave_out_a_weekend_with_data_and_say_so():
    found = run(DatesConfig(calendar="weekdays"), source(8, 9, 10, 11, 12))
    assert found.days == found.calendar == jan(8, 9, 12)
    assert found.notes == ["2 dates with data left out, as calendar 'weekdays' is closed: 2026-01-10, 2026-01-11"]


def test_weekdays_without_data_are_noted_as_no_holiday_is_known():
    found = run(DatesConfig(calendar="weekdays"), source(5, 7, 12))
    assert (found.days, found.calendar) == (jan(5, 7, 12), jan(5, 6, 7, 8, 9, 12))
    assert found.notes == [
        "source 'memory' has no data for 3 weekdays, taken for holidays: 2026-01-06, 2026-01-08, 2026-01-09"
    ]


def test_bounds_that_were_asked_for_count_among_the_weekdays():
    """Friday the 2nd and Tuesday the 6th lie outside the data, and in the range."""
    found = run(DatesConfig(calendar="weekdays"), source(5), Asked(first=jan(2)[0], last=jan(6)[0]))
    assert (found.days, found.calendar) == (jan(5), jan(5))
    assert found.notes == ["source 'memory' has no data for 2 weekdays, taken for holidays: 2026-01-02, 2026-01-06"]


def test_a_range_of_a_weekend_with_data_is_refused():
    said = refusal(DatesConfig(calendar="weekdays"), source(9, 10), Asked(first=jan(10)[0], last=jan(11)[0]))
    assert said == (
        "source 'memory' has no data from 2026-01-10 to 2026-01-11 but for 2026-01-10, on which calendar 'weekdays' is "
        "closed; it has 2 dates from 2026-01-09 to 2026-01-10"
    )


def test_a_saturday_asked_for_by_name_is_run_where_no_exchange_says_it_is_closed():
    assert run(DatesConfig(calendar="weekdays"), source(9, 10), Asked(tuple(jan(10)))).days == jan(10)


# exchange calendars

XLON = DatesConfig(calendar="XLON")


def test_an_exchange_calendar_leaves_out_what_is_closed_and_says_so():
    """The 6th has data of another venue."""
    found = run(XLON, source(5, 6, 7, calendar=calendar(XLON=[7, 5], XPAR=[5, 6, 7])))
    assert (found.days, found.calendar) == (jan(5, 7), jan(5, 7))
    assert found.notes == ["1 date with data left out, as calendar 'XLON' is closed: 2026-01-06"]


def test_a_trading_date_without_data_inside_the_data_is_refused():
    said = refusal(XLON, source(5, 7, calendar=calendar(XLON=[5, 6, 7])))
    assert said == (
        "source 'memory' has no data for 2026-01-06, on which calendar 'XLON' is open; it has 2 dates from 2026-01-05 "
        "to 2026-01-07: add the data, or ask for dates without these"
    )


def test_trading_dates_outside_the_data_are_not_missed_unless_they_are_asked_for():
    made = source(6, 7, calendar=calendar(XLON=[5, 6, 7, 8]))
    found = run(XLON, made)
    assert (found.days, found.calendar, found.notes) == (jan(6, 7), jan(5, 6, 7, 8), [])
    assert "no data for 2026-01-05, on which" in refusal(XLON, made, Asked(first=jan(5)[0]))
    assert "no data for 2026-01-08, on which" in refusal(XLON, made, Asked(last=jan(8)[0]))
    bounded = DatesConfig(calendar="XLON", from_=jan(5)[0], to=jan(8)[0])
    assert "no data for 2026-01-05, 2026-01-08, on which" in refusal(bounded, made)
    assert run(XLON, made, Asked(first=jan(6)[0], last=jan(7)[0])).days == jan(6, 7)


def test_many_missing_dates_are_named_in_part():
    said = refusal(XLON, source(1, 31, calendar=calendar(XLON=range(1, 32))))
    assert "2026-01-02, 2026-01-03, " in said
    assert "2026-01-11 and 19 more, on which" in said


def test_a_closed_date_asked_for_by_name_is_refused_with_its_neighbours():
    made = source(5, 6, 7, calendar=calendar(XLON=[5, 7]))
    said = refusal(XLON, made, Asked(tuple(jan(6))))
    assert said == (
        "calendar 'XLON' has no 2026-01-06: next to it are 2026-01-05 and 2026-01-07; it runs from 2026-01-05 to "
        "2026-01-07"
    )
    assert run(XLON, made, Asked(tuple(jan(7)))).days == jan(7)


def test_a_date_beyond_the_calendar_has_one_neighbour():
    made = source(5, 6, calendar=calendar(XLON=[4, 5]))
    assert "has no 2026-01-06: next to it is 2026-01-05; it runs" in refusal(XLON, made, Asked(tuple(jan(6))))
    assert "2026-01-03, 2026-01-06: next to the first is 2026-01-04;" in refusal(XLON, made, Asked(tuple(jan(3, 6))))


def test_an_open_date_without_data_is_refused():
    made = source(5, calendar=calendar(XLON=[5, 6]))
    assert refusal(XLON, made, Asked(tuple(jan(6)))).startswith("source 'memory' has no data for 2026-01-06; it has 1 ")


def test_a_list_is_held_against_the_exchange_and_keeps_its_calendar():
    made = source(5, 6, 7, calendar=calendar(XLON=[5, 7]))
    found = run(DatesConfig(list_=jan(7), calendar="XLON"), made)
    assert (found.days, found.calendar) == (jan(7), jan(5, 7))
    assert "calendar 'XLON' has no 2026-01-06" in refusal(DatesConfig(list_=jan(6, 7), calendar="XLON"), made)


def test_data_beyond_the_calendar_is_not_taken_for_closed():
    """A calendar that ends on the 5th says nothing of the 6th."""
    made = source(5, 6, calendar=calendar(XLON=[5]))
    assert refusal(XLON, made) == (
        "calendar 'XLON' runs from 2026-01-05 to 2026-01-05, and source 'memory' has data beyond it, for 2026-01-06: "
        "extend table calendar, or ask for dates within it"
    )
    assert run(XLON, made, Asked(last=jan(5)[0])).days == jan(5)


def test_a_misspelt_mic_is_told_what_is_near():
    made = source(5, calendar=calendar(XLON=[5], XPAR=[5]))
    assert refusal(DatesConfig(calendar="xlon"), made) == (
        "dates.calendar = 'xlon' is no MIC of table calendar (did you mean 'XLON'?), which has XLON, XPAR"
    )
    assert "(did you mean 'weekdays'?)" in refusal(DatesConfig(calendar="weekday"), made)


def test_an_empty_calendar_has_no_mic():
    assert refusal(XLON, source(5, calendar=calendar())) == (
        "dates.calendar = 'XLON' is no MIC of table calendar, which has no rows"
    )


def test_an_exchange_needs_the_table():
    assert refusal(DatesConfig(calendar="Weekdays"), source(5)) == (
        "dates.calendar = 'Weekdays' reads table calendar (columns MIC and Date), which source 'memory' does not have "
        "(did you mean 'weekdays'?): add the table, or take 'weekdays'"
    )


def test_repeated_sessions_and_other_venues_nulls_change_nothing():
    extra = pl.DataFrame({"MIC": ["XLON", None, "XPAR"], "Date": [jan(5)[0], jan(6)[0], None]})
    made = source(5, calendar=pl.concat([calendar(XLON=[5, 5]), extra]))
    assert run(XLON, made).calendar == jan(5)


def test_a_session_without_a_date_is_refused():
    extra = pl.DataFrame({"MIC": ["XLON"], "Date": [None]}, schema_overrides={"Date": pl.Date})
    made = source(5, calendar=pl.concat([calendar(XLON=[5]), extra]))
    assert refusal(XLON, made, kind=DataError) == ("table 'calendar' has 1 rows of XLON without Date: mend the data")


def test_a_calendar_of_one_file_a_date_is_read_whole(tmp_path: Path):
    """Each file holds what it holds, its own date or the whole week: the calendar is all of them, each date once."""
    for day in (5, 7):
        write(tmp_path, "trades", day, trades(day))
    write(tmp_path, "calendar", 5, calendar(XLON=[5, 7, 8]))
    write(tmp_path, "calendar", 7, calendar(XLON=[7]))
    found = run(XLON, files(tmp_path))
    assert (found.days, found.calendar) == (jan(5, 7), jan(5, 7, 8))


def test_a_calendar_that_cannot_be_read_is_refused(tmp_path: Path):
    write(tmp_path, "trades", 5, trades(5))
    (tmp_path / "calendar.parquet").write_bytes(b"PAR1 torn")
    assert "calendar.parquet is no readable Parquet file" in refusal(XLON, files(tmp_path), kind=DataError)


# lists, and the calendar apart from what is asked for


def test_a_list_is_the_calendar_whatever_is_asked_for():
    config = DatesConfig(list_=jan(9, 5, 7))
    for asked, days in ((ALL, [5, 7, 9]), (Asked(tuple(jan(6))), [6]), (Asked(first=jan(8)[0]), [8, 9])):
        found = run(config, source(5, 6, 7, 8, 9), asked)
        assert (found.days, found.calendar) == (jan(*days), jan(5, 7, 9))


@pytest.mark.parametrize(("name", "days"), [(None, [5, 7, 10]), ("weekdays", [5, 6, 7, 8, 9]), ("XLON", [2, 5, 7])])
def test_the_calendar_does_not_depend_on_the_dates_asked_for(name, days):
    made, config = source(5, 7, 10, calendar=calendar(XLON=[2, 5, 7])), DatesConfig(calendar=name)
    for asked in (Asked(tuple(jan(7))), Asked(first=jan(7)[0], last=jan(7)[0])):
        assert run(config, made, asked).calendar == jan(*days) == calendar_dates(config, made, SCHEMAS)


def test_previous_dates_are_those_of_the_calendar_oldest_first():
    days = jan(5, 6, 7, 9, 12)
    assert previous_dates(days, date(2026, 1, 12), 2) == jan(7, 9)
    assert previous_dates(days, date(2026, 1, 6), 3) == jan(5)
    assert previous_dates(days, date(2026, 1, 5), 3) == []
    assert previous_dates(days, date(2026, 1, 8), 2) == jan(6, 7)
    assert previous_dates(days, date(2026, 2, 1), 9) == days
    assert previous_dates(days, date(2026, 1, 12), 0) == []
    assert previous_dates([], date(2026, 1, 12), 2) == []
