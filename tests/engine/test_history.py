"""Passes that look back: which previous dates they read, what is computed again, and who waits for whom."""

import polars as pl
import pytest
from desk_modules import Usual
from small import day

from basalt import FrameModule, Metric, Unit
from basalt.documents import ResultColumn
from basalt.errors import UserError
from basalt.metrics import SUM, Empty
from basalt.modules import BucketModule

BARS = {"name": "bars", "every": "1m", "modules": [{"module": "volume"}]}
USUAL = {"name": "usual", "modules": [{"module": "usual", "source": "bars"}]}
OTHER = {"name": "other", "every": "1h", "modules": [{"module": "volume"}]}


class Volume(BucketModule):
    """Shares traded."""

    name = "volume"
    table = "trades"

    def metrics(self):
        """Under the name that `usual` reads."""
        size = pl.col("Size").sum()
        return [Metric("TradeTotalVolume", size, Unit.SHARES, "Shares.", over_time=SUM, empty=Empty.ZERO)]


class Demanding(Usual):
    """The same, where at least one previous date is there."""

    name = "demanding"
    least_history = 1


@pytest.fixture
def desk(small):
    """Monday to Friday, one trade of listing 1 a day at 09:00:30, of 10, 20, 40, 80, 160."""
    small.modules += [Volume, Usual, Demanding]
    for n in range(5):
        small.trades(day(n), (1, 30, 10.0 * 2**n))
    return small


def usual(desk, name="usual"):
    """By date, the usual volume and how many dates are behind it."""
    rows = desk.published(name)
    return {row["Date"].day: (row["UsualVolume"], row["UsualDates"]) for row in rows.to_dicts()}


WHOLE = {5: (None, 0), 6: (10.0, 1), 7: (15.0, 2), 8: (30.0, 2), 9: (60.0, 2)}


def test_the_first_dates_have_fewer_dates_behind_them(desk):
    """Wednesday (10 + 20) / 2 = 15, Thursday (20 + 40) / 2 = 30, Friday (40 + 80) / 2 = 60."""
    assert desk.run(BARS, USUAL).failed == []
    assert usual(desk) == WHOLE
    assert desk.notes == []


def test_dates_run_one_by_one_have_what_a_whole_run_has(desk):
    for n in range(5):
        assert desk.run(BARS, USUAL, dates=[day(n)]).failed == []
        assert desk.done == [f"bars {day(n)}", f"usual {day(n)}"]
    assert usual(desk) == WHOLE


def test_a_date_run_alone_tells_which_dates_it_left_out(desk):
    """Thursday before Tuesday and Wednesday were run: no date is behind it."""
    assert desk.run(BARS, USUAL, dates=[day(3)]).failed == []
    assert usual(desk) == {8: (None, 0)}
    (note,) = desk.notes
    assert (note.name, note.what) == ("usual", "previous dates were never published and are left out")
    assert (note.count, note.example) == (2, "2026-01-07")


def test_a_date_that_came_later_is_taken_in_by_the_next_run(desk):
    """Friday was run first, of nothing; then all."""
    desk.run(BARS, USUAL, dates=[day(4)])
    desk.run(BARS, USUAL)
    assert desk.done[-1] == "usual 2026-01-09"
    assert "bars 2026-01-09" not in desk.done
    assert usual(desk) == WHOLE


def test_new_data_of_one_date_are_read_by_its_readers_and_nobody_else(desk):
    """Monday becomes 30: Tuesday 30, Wednesday (30 + 20) / 2 = 25; Thursday reads Tuesday and Wednesday."""
    desk.run(BARS, USUAL, OTHER)
    desk.trades(day(0), (1, 30, 30))
    desk.run(BARS, USUAL, OTHER)
    assert desk.done == [
        *(f"{name} 2026-01-05" for name in ("bars", "usual", "other")),
        "usual 2026-01-06",
        "usual 2026-01-07",
    ]
    assert usual(desk) == {**WHOLE, 6: (30.0, 1), 7: (25.0, 2)}


def test_new_data_of_a_date_that_is_not_run_change_nothing_yet(desk):
    """Tuesday reads what is published of Monday, which is the old 10 until Monday is run again."""
    desk.run(BARS, USUAL)
    desk.trades(day(0), (1, 30, 30))
    desk.run(BARS, USUAL, dates=[day(1)])
    assert desk.done == []
    desk.run(BARS, USUAL, dates=[day(0)])
    assert desk.done == ["bars 2026-01-05", "usual 2026-01-05"]
    desk.run(BARS, USUAL, dates=[day(1), day(2)])
    assert desk.done == ["usual 2026-01-06", "usual 2026-01-07"]
    assert usual(desk) == {**WHOLE, 6: (30.0, 1), 7: (25.0, 2)}


def test_a_module_that_needs_history_fails_on_the_first_date_and_on_no_other(desk):
    """Tuesday has one date behind it, and one is enough."""
    demanding = {"name": "usual", "modules": [{"module": "demanding", "source": "bars"}]}
    result = desk.run(BARS, demanding)
    (failed,) = result.failed
    assert failed.date == day(0)
    assert failed.error == (
        "passes.usual.modules[0] on 2026-01-05: module demanding (small-plugin) needs 1 previous dates of passes.bars, "
        "and 0 are published: run it for earlier dates first"
    )
    assert usual(desk) == {d: found for d, found in WHOLE.items() if d > 5}


def test_a_previous_date_of_another_definition_is_refused(desk):
    """Bars of Monday were made of whole minutes, and Tuesday is asked for in half ones."""
    desk.run(BARS, USUAL, dates=[day(0)])
    finer = {**BARS, "every": "30s"}
    (failed,) = desk.run(finer, USUAL, dates=[day(1)]).failed
    assert failed.error == (
        "passes.usual on 2026-01-06 reads passes.bars of 2026-01-05, which was published by other code or "
        "configuration: run bars for 2026-01-05 first"
    )
    assert desk.run(finer, USUAL).failed == []
    assert usual(desk) == WHOLE


def test_a_previous_date_may_have_passed_other_checks(desk):
    """Its rows are what they would be now, so the next date need not wait for it to be checked again."""
    desk.run(BARS, USUAL, dates=[day(0)])
    checked = {**BARS, "quality": [{"columns": "TradeTotalVolume", "min": 0}]}
    assert desk.run(checked, USUAL, dates=[day(1)]).failed == []
    assert usual(desk) == {d: found for d, found in WHOLE.items() if d < 7}


def test_a_failed_date_takes_its_readers_along_and_they_are_run_again_with_it(desk):
    """Tuesday cannot be read: Wednesday and Thursday read it, Friday reads Wednesday. Monday stays."""
    file = desk.trades(day(1), (1, 30, 20))
    rows = file.read_bytes()
    plan = desk.plan(BARS, USUAL)
    file.write_bytes(b"no parquet")
    result = desk.run(BARS, USUAL)
    assert plan.dates.days == result.plan.dates.days
    assert [each.date for each in result.failed] == [day(n) for n in (1, 2, 3, 4)]
    assert str(file) in result.failed[0].error
    assert [each.error.partition(";")[0] for each in result.failed[1:]] == [
        "2026-01-07 was not started: it reads 2026-01-06, which failed",
        "2026-01-08 was not started: it reads 2026-01-06, which failed",
        "2026-01-09 was not started: it reads 2026-01-07, which was not started either",
    ]
    assert desk.done == ["bars 2026-01-05", "usual 2026-01-05"]
    file.write_bytes(rows)
    assert desk.run(BARS, USUAL).failed == []
    assert desk.done == [f"{name} {day(n)}" for n in (1, 2, 3, 4) for name in ("bars", "usual")]
    assert usual(desk) == WHOLE


def test_a_date_that_fails_behind_what_its_readers_read_takes_nobody_along(desk):
    """Bars are published before `few` is refused on Monday and Friday, whose volumes are not from 15 to 100."""
    few = {**OTHER, "quality": [{"columns": "TradeTotalVolume", "min": 15, "max": 100}]}
    result = desk.run(BARS, few, USUAL)
    assert [(each.date, each.code) for each in result.failed] == [(day(0), 4), (day(4), 4)]
    assert usual(desk) == {d: found for d, found in WHOLE.items() if d not in (5, 9)}


def test_without_history_a_failed_date_takes_nobody_along(desk):
    file = desk.trades(day(1), (1, 30, 20))
    file.write_bytes(b"no parquet")
    result = desk.run(BARS, OTHER)
    assert [each.date for each in result.failed] == [day(1)]
    assert desk.done == [f"{name} {day(n)}" for n in (0, 2, 3, 4) for name in ("bars", "other")]


def test_a_closed_date_is_no_previous_date(desk):
    """The calendar of XLON has no Wednesday, so Thursday reads Monday and Tuesday: (10 + 20) / 2 = 15; Friday Tuesday
    and Thursday: (20 + 80) / 2 = 50."""
    open_ = [day(n) for n in (0, 1, 3, 4)]
    desk.put("calendar", None, pl.DataFrame({"MIC": ["XLON"] * 4, "Date": open_}))
    result = desk.run(BARS, USUAL, config_dates={"calendar": "XLON"})
    assert result.failed == []
    assert usual(desk) == {5: (None, 0), 6: (10.0, 1), 8: (15.0, 2), 9: (50.0, 2)}
    assert desk.notes == []


def test_a_trading_date_without_data_is_a_previous_date_that_is_left_out(desk):
    """Weekdays have a Wednesday, and there are no data of it: Thursday reads Tuesday alone, and says so."""
    (desk.folder / "data" / "trades" / f"date={day(2)}" / "part.parquet").unlink()
    result = desk.run(BARS, USUAL, config_dates={"calendar": "weekdays"})
    assert result.failed == []
    assert usual(desk) == {5: (None, 0), 6: (10.0, 1), 8: (20.0, 1), 9: (80.0, 1)}
    assert [(note.date, note.example) for note in desk.notes] == [(day(3), "2026-01-07"), (day(4), "2026-01-07")]


def test_two_readers_of_different_reach_each_have_their_own_dates(desk):
    """`usual` reads two dates, `last` one; both of the same pass: Wednesday (10 + 20) / 2 = 15 and 20."""

    class Last(Usual):
        """The same of one date."""

        name = "last"
        history = 1

    desk.modules.append(Last)
    last = {"name": "last", "modules": [{"module": "last", "source": "bars"}]}
    assert desk.run(BARS, USUAL, last).failed == []
    assert usual(desk) == WHOLE
    assert usual(desk, "last") == {5: (None, 0), 6: (10.0, 1), 7: (20.0, 1), 8: (40.0, 1), 9: (80.0, 1)}


def test_two_modules_of_different_reach_in_one_pass_each_have_their_own_dates(desk):
    """In one pass, too, a module sees no more dates than it asks for."""

    class Last(Usual):
        """The same of one date."""

        name = "last"
        history = 1

    desk.modules.append(Last)
    both = [{"module": "usual", "source": "bars"}, {"module": "last", "source": "bars", "prefix": "Last"}]
    assert desk.run(BARS, {"name": "usual", "modules": both}).failed == []
    assert usual(desk) == WHOLE
    rows = desk.published("usual").to_dicts()
    assert [row["LastUsualVolume"] for row in rows] == [None, 10.0, 20.0, 40.0, 80.0]


def test_a_module_over_tables_may_look_previous_dates_up(desk):
    """10, 20 … shares a date in one trade at 09:00:30: the bucket of an hour, against the date before."""

    class Grown(FrameModule):
        """Shares against those of the date before."""

        name = "grown"
        inputs = ("trades", "source")
        history = 1

        def columns(self):
            return [ResultColumn("Grown", Unit.RATIO, "Shares against the date before.")]

        def compute(self, inputs, pass_):
            label = self.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            shares = inputs["trades"].group_by("ListingId", TimeBucket=label).agg(pl.col("Size").sum())
            before = inputs["source"].filter(pl.col("Date") < pass_.date).select("ListingId", "TradeTotalVolume")
            found = shares.join(before, on="ListingId", how="left")
            return found.select("ListingId", "TimeBucket", Grown=pl.col("Size") / pl.col("TradeTotalVolume"))

    desk.modules.append(Grown)
    grown = {"name": "grown", "every": "1h", "modules": [{"module": "grown", "source": "bars"}]}
    assert desk.run(BARS, grown).failed == []
    rows = desk.published("grown")
    assert rows["Grown"].to_list() == [None, 2, 2, 2, 2]
    assert {each.hour for each in rows["TimeBucket"]} == {10}


@pytest.mark.parametrize("timeline", ["sparse", "dense", "daily"])
def test_rows_of_previous_dates_make_no_rows_of_a_timeline(desk, timeline):
    """Each date has one bucket, 09:01, and a session of one minute."""
    hours = {} if timeline == "sparse" else {"session": {"start": "09:00", "end": "09:01"}}
    assert desk.run(BARS, {**USUAL, "timeline": timeline, **hours}).failed == []
    assert usual(desk) == WHOLE
    clocks = desk.published("usual")["TimeBucket"].to_list()
    assert [(each.day, each.hour, each.minute) for each in clocks] == [(d, 9, 1) for d in WHOLE]


def test_history_of_a_pass_without_output_is_refused(desk):
    with pytest.raises(UserError, match="which has no output: add"):
        desk.plan({**BARS, "outputs": []}, USUAL)


def test_history_of_a_pass_whose_output_adds_to_what_is_there_is_refused(desk):
    """Rows of earlier runs would stand among those of a date."""
    appending = {**BARS, "outputs": [{"type": "delta", "root": "lake", "mode": "append"}]}
    with pytest.raises(UserError, match="which has no output that replaces partitions, as mode 'replace' does: add"):
        desk.plan(appending, USUAL)


def test_history_of_tables_is_refused(desk):
    class Tables(FrameModule):
        """Would read raw tables of previous dates."""

        name = "tables"
        inputs = ("trades",)
        history = 1

        def columns(self):
            return [ResultColumn("N", Unit.COUNT, "Rows.", pl.Int64)]

        def compute(self, inputs, pass_):
            label = pass_.rule.bucket(pl.col("EventTimestamp"), pass_.date)
            return inputs["trades"].group_by("ListingId", TimeBucket=label).agg(N=pl.len().cast(pl.Int64))

    desk.modules.append(Tables)
    with pytest.raises(Exception, match="only a module with the input 'source' has any, of the pass it reads"):
        desk.plan({"name": "tables", "every": "1m", "modules": [{"module": "tables"}]})


def test_each_universe_has_its_own_history(desk):
    """Listing 2 trades 1, 2, 4 … beside listing 1; each universe reads its own published rows."""
    for n in range(3):
        desk.trades(day(n), (1, 30, 10.0 * 2**n), (2, 30, 2.0**n))
    universes = {"one": {"file": "one.csv"}, "two": {"file": "two.csv"}}
    for i, name in enumerate(universes):
        (desk.folder / f"{name}.csv").write_text(f"ListingId\n{i + 1}\n")
    assert desk.run(BARS, USUAL, universes=universes, dates=[day(n) for n in range(3)]).failed == []
    rows = desk.published("usual").filter(pl.col("Date") == day(2))
    assert {row["Universe"]: row["UsualVolume"] for row in rows.to_dicts()} == {"one": 15.0, "two": 1.5}
    assert rows["ListingId"].to_list() == [1, 2]
