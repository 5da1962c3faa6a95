"""What a plan knows of a pass's rows: timeline, rule, keys, what is read for them, and what is refused."""

from datetime import date

import polars as pl
import pytest

from basalt import FrameModule, Unit
from basalt.buckets import WholeDate
from basalt.documents import ResultColumn
from basalt.errors import PluginError, UserError
from basalt.metrics import LAST, SUM, Empty
from basalt.timelines import EVERY_STATE, CalendarHours, LocalHours, Timeline

SIZE = pl.col("Size")
SESSION = {"start": "08:00", "end": "16:30", "tz": "Europe/London"}
C = frozenset({"CONTINUOUS_TRADING"})


@pytest.fixture
def volume(a_module, a_metric):
    return a_module("volume", a_metric("Volume", SIZE.sum(), empty=Empty.ZERO, over_time=SUM))


def refused(kind, call, *args, **more):
    with pytest.raises(kind) as caught:
        call(*args, **more)
    return str(caught.value)


def test_the_default_is_sparse_for_tables_and_the_modules_rows_for_a_pass(planner, volume):
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "bars"}]}
    bars, later = planner.plan(planner.bars(volume), hours).programs
    assert (bars.timeline, later.timeline) == (Timeline("sparse"), Timeline("returned"))


def test_stretches_come_from_marketstate_before_the_tables_own_states(planner, volume, marketstate):
    planner.tables["trades"] = planner.tables["trades"].with_columns(marketstate["MarketState"])
    own = planner.program(volume, timeline="dense")
    assert own.timeline == Timeline("dense", C, ("trades",))
    planner.tables["marketstate"] = marketstate
    told = planner.plan({**planner.bars("volume"), "timeline": "dense"}).programs[0]
    assert told.timeline == Timeline("dense", C, ("marketstate",))
    assert told.reads["marketstate"] == ["ListingId", "EventTimestamp", "MarketState"]
    assert "marketstate" not in own.reads


def test_a_sparse_pass_reads_no_states_it_does_not_need(planner, volume, a_module, a_metric, marketstate):
    """A dense pass that counts every state needs the runs, and still not the state of each row."""
    planner.tables["marketstate"] = marketstate
    every = a_module("every", a_metric("All", SIZE.sum()), states="any")
    assert list(planner.program(every).reads) == ["trades"]
    dense = planner.plan({**planner.bars("every"), "timeline": "dense"}).programs[0]
    assert (list(dense.reads), dense.steps, dense.timeline.states) == (["trades", "marketstate"], [], EVERY_STATE)


def test_a_table_that_tells_of_its_own_state_is_read_with_it_for_dense_rows(planner, a_module, a_metric, marketstate):
    planner.tables["trades"] = planner.tables["trades"].with_columns(marketstate["MarketState"])
    every = a_module("every", a_metric("All", SIZE.sum()), states="any")
    assert "MarketState" not in planner.program(every).reads["trades"]
    dense = planner.plan({**planner.bars("every"), "timeline": "dense"}).programs[0]
    assert dense.reads["trades"][-1] == "MarketState"


def test_rows_count_in_the_states_of_any_module_that_makes_buckets(planner, a_module, a_metric, marketstate):
    planner.tables["marketstate"] = marketstate
    day = a_module("day", a_metric("Day", SIZE.sum()))
    auction = a_module("calls", a_metric("Auction", SIZE.sum()), states=("CLOSING_AUCTION",))
    lost = a_module("lost", a_metric("Lost", SIZE.sum()), states="any", makes_buckets=False)
    assert planner.program(day, auction, lost).timeline.states == {"CONTINUOUS_TRADING", "CLOSING_AUCTION"}
    trade = planner.plan(planner.bars("trade")).programs[0]
    assert trade.timeline.states == C


def test_hours_are_those_of_the_pass(planner, volume):
    local = planner.program(volume, timeline="dense", session=SESSION).timeline
    assert local == Timeline(
        "dense", hours=LocalHours(8 * 3600 * 10**9, 16 * 3600 * 10**9 + 1800 * 10**9, "Europe/London")
    )
    planner.tables["calendar"] = calendar()
    listed = planner.plan({**planner.bars("volume"), "calendar": "XLON"}).programs[0]
    assert listed.timeline == Timeline("sparse", hours=CalendarHours("XLON"))
    assert listed.reads["calendar"] == ["MIC", "Date", "SessionStart", "SessionEnd"]


def calendar():
    stamp = pl.lit(None, pl.Datetime("ns", "UTC"))
    return pl.select(MIC=pl.lit("XLON"), Date=pl.lit(date(2026, 1, 5)), SessionStart=stamp, SessionEnd=stamp)


def test_a_daily_pass_has_one_bucket_and_is_described_without_a_rule(planner, volume):
    daily = {**planner.bars(volume), "timeline": "daily"}
    del daily["every"]
    program = planner.plan(daily).programs[0]
    assert (program.rule, program.result.rule) == (WholeDate(), None)
    assert (program.rule.describe(), program.timeline.describe()) == ("one bucket a date", "daily")


def test_a_daily_pass_over_bars_keeps_their_grid(planner, volume):
    """Bars of 7 minutes by their start: a whole date is 206 of them, 24 h 2 min."""
    bars = {**planner.bars(volume), "every": "7m", "label": "start"}
    daily = {"name": "daily", "timeline": "daily", "modules": [{"module": "generic", "source": "bars"}]}
    rule = planner.plan(bars, daily).program("daily").rule
    assert rule == WholeDate(every=206 * 7 * 60 * 10**9, label="start")


def test_a_pass_over_a_daily_pass_is_of_whole_dates_too(planner, volume):
    class Copy(FrameModule):
        """The source as it is."""

        name = "copy"

        def columns(self):
            return [ResultColumn("Copied", Unit.SHARES, "Volume of the source.")]

        def compute(self, inputs, pass_):
            return inputs["source"].select("ListingId", "TimeBucket", Copied="Volume")

    planner.modules.append(Copy)
    daily = {**planner.bars(volume), "timeline": "daily", "every": None}
    copy = {"name": "copies", "modules": [{"module": "copy", "source": "bars"}]}
    program = planner.plan(daily, copy).program("copies")
    assert (program.rule, program.result.rule, program.timeline.kind) == (WholeDate(), None, "returned")


def test_generic_says_that_a_daily_pass_has_no_buckets(planner, volume):
    daily = {**planner.bars(volume), "timeline": "daily", "every": None}
    coarse = {"name": "coarse", "every": "1h", "modules": [{"module": "generic", "source": "bars"}]}
    assert "generic reads an earlier pass that has buckets" in refused(UserError, planner.plan, daily, coarse)


def test_dense_rows_need_to_know_when_the_market_is_open(planner, volume):
    said = refused(UserError, planner.program, volume, timeline="dense")
    assert said == (
        "passes.bars has timeline = 'dense', and nothing tells when the market is open: no table of the pass carries "
        "MarketState, and source 'memory' has no marketstate table that fits; give calendar = a MIC, or session = "
        "{ start = '08:00', end = '16:30', tz = 'Europe/London' }"
    )


def test_states_of_listings_do_not_tell_of_instruments(planner, a_module, a_metric, marketstate):
    planner.tables["marketstate"] = marketstate
    best = a_module("best", a_metric("Ask", pl.col("AskPrice1").last()), table="cbbo")
    assert "nothing tells when the market is open" in refused(UserError, planner.program, best, timeline="dense")
    plan = planner.plan({**planner.bars("best"), "timeline": "dense", "session": SESSION})
    assert plan.programs[0].timeline.state_tables == ()


def test_a_calendar_needs_its_table(planner, volume):
    said = refused(UserError, planner.program, volume, calendar="XLON")
    assert said == (
        "passes.bars (calendar = 'XLON') reads table 'calendar', which source 'memory' does not have on 2026-01-05; it "
        "has: cbbo, l2, trades"
    )


@pytest.mark.parametrize(
    "more", [{"session": SESSION}, {"calendar": "XLON"}, {"session": SESSION, "timeline": "sparse"}]
)
def test_hours_that_would_do_nothing_are_refused(planner, volume, more):
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "bars"}], **more}
    said = refused(UserError, planner.plan, planner.bars(volume), hours)
    name = next(iter(more))
    assert said == (
        f"passes.hours has the rows of the pass it reads or of its modules, so {name} would do nothing: leave it out, "
        "or set timeline = 'dense' or 'daily'"
    )


def test_a_metric_that_reads_the_label_is_refused_in_a_daily_pass(planner, a_module, a_metric):
    late = a_metric("Late", (pl.col("TimeBucket") - pl.col("EventTimestamp")).max(), dtype=pl.Duration("us"))
    said = refused(
        UserError, planner.plan, {**planner.bars(a_module("late", late)), "timeline": "daily", "every": None}
    )
    assert said == (
        "passes.bars.modules[0]: Late reads TimeBucket, which the rows of a daily pass do not have: put module late in "
        "a pass with every"
    )


def test_rules_of_a_pass_hold_for_pipelines_that_python_built(planner, volume):
    said = refused(UserError, planner.program, volume, halts="keep")
    assert said == "passes.bars.halts = 'keep' is for timeline = 'dense' alone: leave it out, or set the timeline"


def test_every_table_of_the_pass_carries_the_keys(planner, volume):
    program = planner.program(volume, keys=["ListingId", "Venue"])
    assert (program.result.keys, program.result.key_dtypes) == (["ListingId", "Venue"], [pl.Int64, pl.String])
    assert program.reads["trades"][:2] == ["ListingId", "Venue"]
    said = refused(UserError, planner.plan, {**planner.bars("volume", "l2"), "keys": ["ListingId", "Venue"]})
    assert said == (
        "passes.bars: keys names 'Venue', which table 'l2' does not have: leave it out, or read that table in a pass "
        "of its own"
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            ["Venue", "ListingId"],
            "keys begins with 'Venue': put ListingId first, by which the rows of table 'trades' are",
        ),
        (["Venue"], "keys begins with 'Venue': put ListingId first, by which the rows of table 'trades' are"),
        (
            ["ListingId", "Price"],
            "keys names 'Price', which is Float64 in table 'trades': only text, Enum, whole numbers",
        ),
        (["ListingId", "EventTimestamp"], "keys names 'EventTimestamp', which the engine fills: leave it out"),
        (["ListingId", "Universe"], "keys names 'Universe', which the engine fills: leave it out"),
    ],
)
def test_keys_are_the_table_s_own_and_then_labels(planner, volume, keys, said):
    assert said in refused(UserError, planner.program, volume, keys=keys)


def test_no_column_takes_the_name_of_a_key(planner, a_module, a_metric):
    venue = a_module("venue", a_metric("Venue", SIZE.sum()))
    assert planner.program(venue).result.column("Venue") is not None
    said = refused(PluginError, planner.plan, {**planner.bars("venue"), "keys": ["ListingId", "Venue"]})
    assert said.startswith("no column may be named 'Venue': Date, Universe, ListingId, ")


def test_keys_of_a_pass_over_a_pass_are_those_of_its_source(planner, volume):
    bars = {**planner.bars(volume), "keys": ["ListingId", "Venue"]}
    hours = {"name": "hours", "every": "1h", "modules": [{"module": "generic", "source": "bars"}]}
    assert planner.plan(bars, hours).program("hours").result.keys == ["ListingId", "Venue"]
    assert planner.plan(bars, {**hours, "keys": ["ListingId", "Venue"]}).names == ["bars", "hours"]
    said = refused(UserError, planner.plan, bars, {**hours, "keys": ["ListingId"]})
    assert said == (
        "passes.hours has keys = ['ListingId'], and its modules have rows by ListingId, Venue: make keys the same, or "
        "leave it out"
    )


def test_two_passes_of_different_keys_are_not_read_together(planner, volume):
    by_venue = {**planner.bars(volume), "name": "venues", "keys": ["ListingId", "Venue"]}
    both = [{"module": "generic", "source": name, "prefix": name} for name in ("bars", "venues")]
    said = refused(
        UserError, planner.plan, planner.bars("volume"), by_venue, {"name": "hours", "every": "1h", "modules": both}
    )
    assert said == (
        "passes.hours mixes modules of different keys, generic by ListingId and generic by ListingId, Venue: put one "
        "in a pass of its own"
    )


def test_states_are_read_for_carried_series_only_where_rows_are_filled(planner, a_module, a_metric, marketstate):
    """One module over a pass returns every row it has; beside another, or on a dense timeline, it may lack some."""
    planner.tables["marketstate"] = marketstate
    last = a_module("last", a_metric("Last", SIZE.last(), empty=Empty.CARRY, over_time=LAST))

    class Held(FrameModule):
        """The source's last price."""

        name = "held"

        def columns(self):
            return [ResultColumn("Held", Unit.SHARES, "Last size.", empty=Empty.CARRY)]

        def compute(self, inputs, pass_):
            return inputs["source"].select("ListingId", "TimeBucket", Held="Last")

    planner.modules.append(Held)
    entries = [{"module": "held", "source": "bars", "prefix": prefix} for prefix in ("A", "B")]
    bars = planner.bars(last)

    def reads(*modules, **more):
        return list(planner.plan(bars, {"name": "later", "modules": list(modules), **more}).program("later").reads)

    assert reads(entries[0]) == []
    assert reads(*entries) == ["marketstate"]
    assert reads(entries[0], timeline="dense") == ["marketstate"]
